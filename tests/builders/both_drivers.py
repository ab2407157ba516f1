"""Random markets for both drivers of one rule book, and their fills side by side (P16)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.full import FullRun, run_full
from algotrader.backtest.market import Coverage, Market, Provenance
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import OrderFilled, StrategyAnswered
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument, SlippageModel
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.strategy.base import Strategy

START = 1_700_006_400_000
HOUR = 3_600_000

FillRow = tuple[int, int, float, float, float]
"""Open of its bar, column, signed quantity, price, fee in quote currency."""


def spot(name: str, *, in_coin: bool = False, slippage_bps: int = 2) -> Instrument:
    return Instrument(
        symbol=Symbol.parse(f"OKX:{name}/USDT"),
        kind=InstrumentKind.SPOT, base=name, quote="USDT", settle="USDT",
        tick=Decimal("0.01"), lot=Decimal("0.001"), min_notional=Decimal(5),
        fees=FeeSchedule(
            maker=Decimal("0.0008"), taker=Decimal("0.001"),
            fee_in=FeeCurrency.RECEIVED if in_coin else FeeCurrency.QUOTE,
        ),
        slippage=SlippageModel(bps=Decimal(slippage_bps)),
    )  # fmt: skip


def swap(name: str, *, slippage_bps: int = 2) -> Instrument:
    return Instrument(
        symbol=Symbol.parse(f"OKX:{name}/USDT:USDT"),
        kind=InstrumentKind.PERPETUAL, base=name, quote="USDT", settle="USDT",
        tick=Decimal("0.01"), lot=Decimal(1), multiplier=Decimal("0.01"),
        fees=FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.0005")),
        slippage=SlippageModel(bps=Decimal(slippage_bps)),
    )  # fmt: skip


def random_market(
    instruments: tuple[Instrument, ...],
    rows: int,
    seed: int,
    *,
    step: float = 0.01,
    gap: float = 0.003,
    thin: bool = False,
    missing: float = 0.0,
) -> Market:
    """Walks that gap between bars. `thin` volume fills orders in part; `missing` of bars are not."""
    rng = np.random.default_rng(seed)
    shape = (rows, len(instruments))
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, step, shape), axis=0))
    before = np.vstack([np.full((1, shape[1]), 100.0), close[:-1]])
    opening = before * np.exp(rng.normal(0.0, gap, shape))
    high = np.maximum(opening, close) * (1.0 + np.abs(rng.normal(0.0, step / 2, shape)))
    low = np.minimum(opening, close) * (1.0 - np.abs(rng.normal(0.0, step / 2, shape)))
    values = {"open": opening, "high": high, "low": low, "close": close}
    values = {name: np.round(array, 2) for name, array in values.items()}
    values["volume"] = np.round(rng.uniform(0.0, 300.0 if thin else 1e7, shape), 3)
    gone = rng.random(shape) < missing
    gone[:, 0] = False  # a row has a bar of something
    for name, array in values.items():
        array[gone] = 0.0 if name == "volume" else np.nan
    ts = START + HOUR * np.arange(rows, dtype=np.int64)
    bars = Bars(
        ts=ts, known_at=ts + HOUR, session=None, timeframe=Timeframe.parse("1h"),
        symbols=tuple(one.symbol for one in instruments), panel=True, **values,
    )  # fmt: skip
    if len(instruments) == 1:
        bars = bars.column(0)
    return Market(
        bars=bars, instruments=instruments, currency="USDT", periods_per_year=365.0,
        never_closes=True, provenance=Provenance(source="random", data_hash=str(seed)),
        coverage=Coverage(expected=rows, present=rows),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """One run by each driver."""

    fast: RunResult
    full: FullRun

    @property
    def fast_fills(self) -> list[FillRow]:
        fills = self.fast.simulation.fills
        ts = self.fast.market.bars.ts
        return [
            (int(ts[fills.row[k]]), int(fills.instrument[k]), float(fills.quantity[k]),
             float(fills.price[k]), float(fills.fee[k]))
            for k in range(len(fills.row))
        ]  # fmt: skip

    @property
    def fast_lines(self) -> list[tuple[int, str, dict[str, Any]]]:
        """What the strategy wrote: when, what, and its fields."""
        return [(line.at_ms, line.event, dict(line.fields)) for line in self.fast.log]

    @property
    def full_lines(self) -> list[tuple[int, str, dict[str, Any]]]:
        return [
            (event.decision_ts, line.event, dict(line.fields))
            for event in self.full.events
            if isinstance(event, StrategyAnswered)
            for line in event.lines
        ]

    @property
    def full_fills(self) -> list[FillRow]:
        columns = {one.symbol: k for k, one in enumerate(self.fast.market.instruments)}
        rows = []
        for event in self.full.events:
            if isinstance(event, OrderFilled):
                fill = event.fill
                in_coin = fill.fee_currency != "USDT"
                fee = fill.fee * fill.price if in_coin else fill.fee
                rows.append(
                    (utc_ms(fill.filled_at), columns[fill.instrument],
                     float(fill.signed_quantity), float(fill.price), float(fee))
                )  # fmt: skip
        return rows


def run_both(strategy: Strategy, market: Market, settings: BacktestSettings | None = None) -> Both:
    chosen = settings or BacktestSettings()
    return Both(
        fast=run_backtest(strategy, market, chosen), full=run_full(strategy, market, chosen)
    )


def merged(rows: list[FillRow]) -> NDArray[np.float64]:
    """Fills of one instrument, bar and price taken together: a flip is one order or two (R13)."""
    sums: dict[tuple[int, int, float, int], list[float]] = {}
    for ts, column, quantity, price, fee in rows:
        at = sums.setdefault((ts, column, round(price, 9), 1 if quantity > 0 else -1), [0.0, 0.0])
        at[0] += quantity
        at[1] += fee
    return np.array([(*key[:3], *sums[key]) for key in sorted(sums)]).reshape(-1, 5)


def assert_same_fills(both: Both) -> None:
    fast, full = merged(both.fast_fills), merged(both.full_fills)
    assert len(fast) == len(full)
    np.testing.assert_allclose(full, fast, rtol=1e-9, atol=1e-9)


class RandomWords(Strategy):
    """Says each word of the context at random, the same ones at the same bars for both drivers."""

    short = True
    seed: int = 0
    words: tuple[str, ...] = ()
    protects: bool = True

    def on_fill(self, ctx: Any, fill: Any) -> None:
        ctx.state["fills"] = ctx.state.get("fills", 0) + 1
        ctx.log.info(
            "filled", instrument=fill.instrument, order=fill.order, reason=fill.reason,
            quantity=round(fill.quantity, 6), maker=fill.maker, opening=fill.opening,
            fills=ctx.state["fills"],
        )  # fmt: skip

    def on_order(self, ctx: Any, order: Any) -> None:
        ctx.log.info("ended", number=order.number, state=order.state)

    def on_bar(self, ctx: Any) -> None:
        column = list(ctx.symbols).index(str(ctx.instrument.symbol))
        rng = np.random.default_rng((self.seed, ctx.index, column))
        if rng.random() > 0.5:
            return
        word = self.words[int(rng.integers(len(self.words)))]
        side = ctx.buy if rng.random() < 0.55 else ctx.sell
        getattr(self, f"_{word}")(ctx, side, self._size(rng), ctx.bar.close, rng)

    def _size(self, rng: np.random.Generator) -> dict[str, float]:
        sizes = ({"weight": 0.1}, {"weight": 0.3}, {"value": 500.0}, {"value": 2_000.0},
                 {"quantity": 3.0}, {"quantity": 12.0})  # fmt: skip
        wanted = dict(sizes[int(rng.integers(len(sizes)))])
        guards = {"stop_loss": 0.02, "take_profit": 0.03, "trailing": 0.02}
        return wanted | {
            name: fraction
            for name, fraction in guards.items()
            if self.protects and rng.random() < 0.3
        }

    def _market(self, _ctx: Any, side: Any, size: Any, _close: float, _rng: Any) -> None:
        side(**size)

    def _limit(self, _ctx: Any, side: Any, size: Any, close: float, rng: Any) -> None:
        tif = ("gtc", "ioc", "fok", "day")[int(rng.integers(4))]
        post_only = tif in ("gtc", "day") and rng.random() < 0.3
        away = (0.99, 0.995, 1.01)[int(rng.integers(3))]
        side(limit=close * away, tif=tif, post_only=post_only, **size)

    def _dated(self, ctx: Any, side: Any, size: Any, close: float, _rng: Any) -> None:
        side(limit=close, tif="gtd", expires_at=ctx.bar.ts + 4 * HOUR, **size)

    def _stop(self, _ctx: Any, side: Any, size: Any, close: float, rng: Any) -> None:
        side(stop=close * (0.99, 1.01)[int(rng.integers(2))], **size)

    def _stop_limit(self, _ctx: Any, side: Any, size: Any, close: float, _rng: Any) -> None:
        side(stop=close * 1.005, limit=close * 1.01, **size)

    def _trail(self, _ctx: Any, side: Any, size: Any, _close: float, _rng: Any) -> None:
        side(trail=0.02, **size)

    def _weight(self, ctx: Any, _side: Any, _size: Any, _close: float, rng: Any) -> None:
        ctx.target((0.0, 0.2, 0.5, -0.2)[int(rng.integers(4))] / len(ctx.symbols))

    def _quantity(self, ctx: Any, _side: Any, _size: Any, _close: float, rng: Any) -> None:
        ctx.target(quantity=(0.0, 5.0, 20.0, -7.0)[int(rng.integers(4))])

    def _close(self, ctx: Any, _side: Any, _size: Any, _close: float, _rng: Any) -> None:
        ctx.close()

    def _cancel(self, ctx: Any, _side: Any, _size: Any, _close: float, _rng: Any) -> None:
        if ctx.orders:
            ctx.cancel(ctx.orders[0])

    def _amend(self, ctx: Any, _side: Any, _size: Any, close: float, rng: Any) -> None:
        if ctx.orders:
            quantity = (4.0, 9.0)[int(rng.integers(2))]
            ctx.amend(ctx.orders[-1], limit=close * 0.99, quantity=quantity)


class RandomPairs(Strategy):
    """Two legs of one group now and then; thin volume or the gate of the venue leaves one short."""

    short = True
    seed: int = 0

    def on_bar(self, ctx: Any) -> None:
        rng = np.random.default_rng((self.seed, ctx.index))
        if rng.random() < 0.25:
            is_first = ctx.symbols[0] == str(ctx.instrument.symbol)
            at_close: dict[str, Any] = {"limit": ctx.bar.close, "tif": "ioc"}
            priced = at_close if rng.random() < 0.5 else {}
            side = ctx.buy if is_first else ctx.sell
            side(quantity=12.0 if is_first else 8.0, group="pair", **priced)
