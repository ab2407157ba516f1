"""The context of `on_bar` and `on_bars`: higher time frames, state, log, siblings (R2, R6, R35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.builders.markets import START_MS, random_bars, random_panel
from tests.builders.research import a_market

from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError, StrategyRaisedError
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.parameters import param

HOUR = 3_600_000
HOURLY = a_market(random_bars(100))
PANEL = a_market(random_panel(80, 3))


def run(strategy: Strategy, market: Any = HOURLY) -> RunResult:
    return run_backtest(strategy, market, BacktestSettings())


class Asking(Strategy):
    """Calls a function with each context."""

    def __init__(self, ask: Any) -> None:
        super().__init__()
        self._ask = ask

    def on_bar(self, ctx: Any) -> None:
        self._ask(ctx)


class AskingAll(Asking):
    panel = True
    on_bar = Strategy.on_bar

    def on_bars(self, ctx: Any) -> None:
        self._ask(ctx)


def test_higher_bars_are_completed_ones_seen_in_the_step_that_completes_them() -> None:
    seen: dict[int, tuple[int, float]] = {}

    def ask(ctx: Any) -> None:
        four = ctx.bars("4h")
        seen[ctx.index] = (len(four), float(four.close[-1]) if len(four) else np.nan)
        assert (four.known_at <= int(ctx.now.timestamp() * 1000)).all()

    run(Asking(ask))

    assert [seen[row][0] for row in range(9)] == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    close = HOURLY.bars.close
    assert all(seen[row][1] == close[4 * ((row + 1) // 4) - 1] for row in range(3, 100))


def test_a_higher_bar_with_a_hole_is_left_out_unless_the_strategy_allows_it() -> None:
    whole = random_bars(24)
    keep = np.ones(24, dtype=bool)
    keep[7] = False  # the last hour of the second bar
    market = a_market(whole.take(keep))

    def counts(allowed: bool) -> list[int]:
        found: list[int] = []

        class One(Asking):
            allow_incomplete = allowed

        run(One(lambda ctx: found.append(len(ctx.bars("4h")))), market)
        return found

    assert counts(False)[5:8] == [1, 1, 1]
    assert counts(False)[-1] == 5
    assert counts(True)[5:8] == [1, 1, 2]  # at 07:00 nobody knew that 08:00 would not come
    assert counts(True)[-1] == 6


def test_base_bars_end_with_the_bar_that_has_just_closed() -> None:
    def ask(ctx: Any) -> None:
        assert len(ctx.bars()) == len(ctx.bars("1h")) == ctx.index + 1
        assert ctx.bars().close[-1] == ctx.bar.close
        assert ctx.now == datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=ctx.index + 1)
        assert ctx.instrument == HOURLY.instruments[0]

    assert len(run(Asking(ask)).market.bars) == 100


def test_on_bar_of_several_instruments_sees_its_own_bars_and_reaches_no_other() -> None:
    calls: list[tuple[int, str]] = []

    def ask(ctx: Any) -> None:
        calls.append((ctx.index, str(ctx.instrument.symbol)))
        assert ctx.bars().close.shape == (ctx.index + 1,)
        assert ctx.bars().close[-1] == ctx.bar.close
        assert ctx.of(str(ctx.instrument.symbol)) is ctx
        with pytest.raises(KeyError, match="is not traded here; these are: "):
            ctx.of("US:NONE")

    run(Asking(ask), PANEL)

    symbols = [str(symbol) for symbol in PANEL.bars.symbols]
    assert calls == [(row, symbol) for row in range(80) for symbol in symbols]


def test_on_bars_is_called_once_and_reaches_every_instrument() -> None:
    rows: list[int] = []

    def ask(ctx: Any) -> None:
        rows.append(ctx.index)
        for column, symbol in enumerate(ctx.symbols):
            one = ctx.of(symbol)
            assert one.bar.close == PANEL.bars.close[ctx.index, column]
            assert one.of(ctx.symbols[0]) is ctx.of(ctx.symbols[0])
            assert one.now == ctx.now
        assert ctx.bars().close.shape == (ctx.index + 1, 3)
        assert ctx.equity == ctx.cash == 10_000.0
        ctx.log.warning("seen", row=ctx.index)
        ctx.state["rows"] = rows[-1]

    result = run(AskingAll(ask), PANEL)

    assert rows == list(range(80))
    assert result.log[7].event == "seen"
    assert result.log[7].level == "warning"
    assert result.log[7].fields == {"row": 7}


def test_a_line_of_the_log_carries_the_time_of_the_decision() -> None:
    result = run(Asking(lambda ctx: ctx.log.info("bar", close=ctx.bar.close)))

    assert result.log[0].at_ms == START_MS + HOUR
    assert result.log[0].level == "info"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), r"ctx\.state\['a'\] is a object, which is no JSON value"),
        ([1, {"b": np.nan}], r"ctx\.state\['a'\]\[1\]\['b'\] is nan, which is no JSON value"),
        ({1: 2}, r"ctx\.state\['a'\] has the key 1, which is no JSON value"),
        ("x" * 65_536, "takes 65,544 bytes, 64 kB are allowed"),
    ],
)
def test_state_that_cannot_be_kept_is_refused(value: object, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        run(Asking(lambda ctx: ctx.state.update(a=value)))


def test_r35_state_is_filled_and_never_replaced() -> None:
    def replaced(ctx: Any) -> None:
        ctx.state = {"lost": 1}

    for asking, market in ((Asking(replaced), HOURLY), (AskingAll(replaced), PANEL)):
        with pytest.raises(StrategyRaisedError, match="AttributeError"):
            run(asking, market)


def test_state_of_exactly_64_kb_is_kept() -> None:
    run(Asking(lambda ctx: ctx.state.update(a="x" * (65_536 - 8))))


def test_the_hooks_are_called_and_their_errors_are_sentences() -> None:
    class Hooked(Strategy):
        started = False

        def on_start(self) -> None:
            type(self).started = True

        def on_bar(self, ctx: Any) -> None:
            ctx.target(1.0)

        def on_fill(self, ctx: Any, fill: Any) -> None:
            raise LookupError("in the hook")

    with pytest.raises(StrategyRaisedError) as caught:
        run(Hooked())
    assert "on_fill of Hooked raised LookupError: in the hook at bar 2024-01-01" in str(
        caught.value
    )
    assert Hooked.started


def test_r36_on_stop_comes_once_after_the_last_bar() -> None:
    told: list[str] = []

    class Leaving(Strategy):
        def on_start(self) -> None:
            told.append("start")

        def on_bar(self, ctx: Any) -> None:
            told.append(str(ctx.index))

        def on_stop(self) -> None:
            told.append("stop")

    run(Leaving(), HOURLY)

    assert told == ["start", *(str(row) for row in range(len(HOURLY.bars))), "stop"]


def test_an_error_is_named_by_the_hook_that_raised_and_the_line_in_it() -> None:
    class Failing(Strategy):
        def __init__(self, hook: str) -> None:
            super().__init__()
            self.hook = hook

        def fail(self, hook: str) -> None:
            if hook == self.hook:
                raise LookupError(hook)

        def on_start(self) -> None:
            self.fail("on_start")

        def on_bar(self, ctx: Any) -> None:
            self.fail("on_bar")
            ctx.buy(quantity=0.01, tif="ioc", limit=1.0 if ctx.index % 2 else None)

        def on_fill(self, ctx: Any, fill: Any) -> None:
            self.fail("on_fill")

        def on_order(self, ctx: Any, order: Any) -> None:
            self.fail("on_order")

        def on_stop(self) -> None:
            self.fail("on_stop")

    for hook in ("on_start", "on_bar", "on_fill", "on_order", "on_stop"):
        with pytest.raises(StrategyRaisedError, match=f"{hook} of Failing raised LookupError"):
            run(Failing(hook))


class Weighted(Strategy):
    """Holds everything it is given."""

    size: float = param(1.0)

    def features(self, bars: Bars) -> Features:
        assert bars.close.ndim == 1
        return {}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full(len(bars), self.size)


def test_each_of_k_instruments_sizes_with_its_share() -> None:
    result = run(Weighted(), PANEL)

    first = np.abs(result.simulation.position[1] * PANEL.bars.open[1])
    assert first == pytest.approx(np.full(3, 10_000 / 3), rel=0.02)


def test_the_order_in_which_symbols_are_given_decides_nothing() -> None:
    singles = [PANEL.bars.column(place) for place in range(3)]
    forward, backward = (a_market(Bars.stack(order)) for order in (singles, singles[::-1]))

    a, b = run(Weighted(), forward), run(Weighted(), backward)
    assert a.simulation.equity.tobytes() == b.simulation.equity.tobytes()
    assert a.simulation.fills.price.tobytes() == b.simulation.fills.price.tobytes()


def test_nan_targets_and_nan_features_keep_the_position() -> None:
    class Silent(Strategy):
        def features(self, bars: Bars) -> Features:
            known = np.ones(len(bars))
            known[10:20] = np.nan
            return {"known": known}

        def targets(self, bars: Bars, f: Features) -> Targets:
            wanted = np.where(f["known"] > 0, 1.0, 0.0)  # 0 where it knows nothing
            wanted[30:40] = np.nan
            wanted[50:] = 0.0
            return wanted

    fills = run(Silent()).simulation.fills
    assert fills.row[0] == 1
    assert fills.row[fills.quantity < 0].min() == 51


def test_weights_that_are_infinite_or_absurd_are_refused_and_the_last_one_stands() -> None:
    class Absurd(Strategy):
        def targets(self, bars: Bars, f: Features) -> Targets:
            wanted = np.full(len(bars), 0.5)
            wanted[20:30] = np.inf
            wanted[30:40] = -11.0
            return wanted

    result = run(Absurd())
    assert result.simulation.fills.row.tolist() == [1]
    assert result.simulation.counters["refused_targets"] == 20


def test_r29_an_instrument_that_is_never_known_keeps_the_others_from_nothing() -> None:
    class Both(Strategy):
        panel = True

        def features(self, bars: Bars) -> Features:
            return {"close": bars.close}

        def targets(self, bars: Bars, f: Features) -> Targets:
            return np.full(bars.close.shape, 0.3)

    for missing in (slice(None), slice(0, 40)):  # never listed; listed at row 40
        close = PANEL.bars.close.copy()
        close[missing, 1] = np.nan
        whole = {name: np.where(np.isnan(close), np.nan, getattr(PANEL.bars, name))
                 for name in ("open", "high", "low", "close")}  # fmt: skip
        volume = np.where(np.isnan(close), 0.0, PANEL.bars.volume)
        bars = replace(PANEL.bars, **whole, volume=volume)

        fills = run(Both(), a_market(bars)).simulation.fills

        first = {
            int(column): int(row)
            for row, column in zip(fills.row[::-1], fills.instrument[::-1], strict=True)
        }
        assert first == ({0: 1, 2: 1} if missing == slice(None) else {0: 1, 2: 1, 1: 41})
