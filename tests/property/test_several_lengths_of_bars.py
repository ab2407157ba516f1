"""P16 for several lengths of bars: what closes at one moment is decided on alike, live and tested."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.both_drivers import random_market, spot
from tests.builders.traded_desk import compared, slices, traded

from algotrader.backtest.market import Market
from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import Decided, OrderFilled, SliceClosed
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.timeframes import Timeframe
from algotrader.live.journal.folder import JournalFolder
from algotrader.ops.config import load
from algotrader.ops.desk import Desk, DeskAccount, DeskStrategy
from algotrader.ops.standing import events_of
from algotrader.strategy.loader import load as load_strategy

JUMPS = """
import numpy as np
from algotrader import Strategy, param


class Jumps(Strategy):
    seed: int = param(1)

    def targets(self, bars, f):
        draw = np.random.default_rng(self.seed)
        return draw.choice([np.nan, 0.0, 0.3, 0.6], size=len(bars), p=[0.4, 0.2, 0.2, 0.2])
"""
STEPS = """
from algotrader import Context, Strategy, param


class Steps(Strategy):
    seed: int = param(1)

    def on_bar(self, ctx: Context) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if ctx.state["seen"] % (2 + self.seed % 2) == 0:
            if ctx.position.quantity == 0:
                ctx.buy(weight=0.2)
            else:
                ctx.close()
"""
FRAMES = ("1h", "4h", "1d")
SETTINGS = """
accounts: {main: {currency: USDT, cash: 10_000}, other: {currency: USDT, cash: 5_000}}
strategies:
  hourly: {use: %(code)s, symbols: [OKX:AAA/USDT], timeframe: 1h, share: 0.3}
  fours: {use: %(code)s, symbols: [OKX:BBB/USDT], timeframe: 4h, parameters: {seed: 2}, share: 0.3}
  daily: {use: %(code)s, symbols: [OKX:CCC/USDT], timeframe: 1d, parameters: {seed: 3}, share: 0.3}
  alone: {use: %(code)s, account: other, symbols: [OKX:BBB/USDT], timeframe: 4h,
          parameters: {seed: 4}}
"""
ROWS = 24 * 6


def of(market: Market, columns: list[int], frame: str) -> Market:
    """Some instruments of an hourly market, in longer bars."""
    panel = market.bars.as_panel()
    step = Timeframe.parse(frame).ms // panel.timeframe.ms
    rows = len(panel) // step
    cut = {
        name: getattr(panel, name)[: rows * step, columns].reshape(rows, step, len(columns))
        for name in ("open", "high", "low", "close", "volume")
    }
    bars = Bars(
        ts=panel.ts[: rows * step : step],
        known_at=panel.known_at[: rows * step][step - 1 :: step],
        session=None, timeframe=Timeframe.parse(frame), panel=True,
        symbols=tuple(panel.symbols[column] for column in columns),
        open=cut["open"][:, 0], high=cut["high"].max(axis=1), low=cut["low"].min(axis=1),
        close=cut["close"][:, -1], volume=cut["volume"].sum(axis=1),
    )  # fmt: skip
    return replace(
        market, bars=bars, instruments=tuple(market.instruments[column] for column in columns)
    )


def a_desk(folder: Path, seed: int, code: str, costs: BacktestSettings) -> Desk:
    """Three lengths of bars on one account, and the middle one on another."""
    hourly = random_market((spot("AAA"), spot("BBB"), spot("CCC")), ROWS, seed)
    (folder / "code.py").write_text(code)
    (folder / "algotrader.yaml").write_text(SETTINGS % {"code": "code.py"})
    configuration = load(folder / "algotrader.yaml", environment={})

    def strategy(name: str, market: Market) -> DeskStrategy:
        own = configuration.settings.strategies[name]
        loaded = load_strategy(str(folder / "code.py"))
        bars = market.bars.as_panel()
        (column,) = [i for i, one in enumerate(bars.symbols) if str(one) in own.symbols]
        single = bars.column(column)
        return DeskStrategy(
            name=StrategyId(name), account=AccountId(own.account), settings=own,
            use=str(folder / "code.py"), strategy=loaded.kind(**own.parameters),
            source=loaded.source, source_hash=loaded.source_hash, bars=Bars.stack([single]),
            instruments=(market.instruments[column],),
        )  # fmt: skip

    fours, daily, alone = of(hourly, [1], "4h"), of(hourly, [2], "1d"), of(hourly, [1], "4h")
    main = DeskAccount(
        name=AccountId("main"), settings=configuration.settings.accounts["main"], market=hourly,
        costs=costs, first=0, longer=(fours, daily),
        strategies=(
            strategy("daily", daily), strategy("fours", fours), strategy("hourly", hourly),
        ),
    )  # fmt: skip
    other = DeskAccount(
        name=AccountId("other"), settings=configuration.settings.accounts["other"], market=alone,
        costs=replace(costs, cash=5_000.0), first=0, strategies=(strategy("alone", alone),),
    )  # fmt: skip
    return Desk(accounts=(main, other), configuration=configuration)


def run(place: Path, seed: int, code: str = JUMPS, parts: int = 1) -> tuple[Desk, JournalFolder]:
    folder = JournalFolder(place / "journal")
    desk = a_desk(place, seed, code, BacktestSettings())
    told = slices(desk)
    for part in np.array_split(np.arange(len(told)), parts):
        traded(desk, folder, [told[number] for number in part])
    return desk, folder


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**4), code=st.sampled_from((JUMPS, STEPS)))
def test_the_full_driver_decides_and_fills_as_the_trader_did(seed: int, code: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        desk, folder = run(Path(place), seed, code)
        found = compared(desk, folder)

    assert found.replay.is_equal
    assert set(found.counts) == {"equal"}
    assert len(found.decisions) == ROWS + 2 * (ROWS // 4) + ROWS // 24


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**4))
def test_an_account_beside_others_trades_as_the_kernel_does_alone(seed: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        desk, folder = run(Path(place), seed)
        fills = [one.fill for one in events_of(folder, [OrderFilled])]
        other = desk.accounts[1]
        alone = run_backtest(other.strategies[0].strategy, other.market, other.costs)

    ours = [
        (utc_ms(one.filled_at), float(one.signed_quantity), float(one.price))
        for one in fills
        if one.account == other.name
    ]
    table, bars = alone.simulation.fills, other.market.bars
    theirs = [
        (int(bars.ts[row]), quantity, price)
        for row, quantity, price in zip(table.row, table.quantity, table.price, strict=True)
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert ours


@pytest.mark.parametrize("code", [JUMPS, STEPS])
def test_each_strategy_decides_once_on_what_closes_at_one_moment(tmp_path: Path, code: str) -> None:
    _, folder = run(tmp_path, 3, code)
    decided: dict[tuple[str, int], int] = {}
    order: list[tuple[int, int]] = []  # of slices: moment and length
    for event in events_of(folder, [Decided, SliceClosed]):
        if isinstance(event, Decided):
            key = (event.strategy, event.decision_ts)
            decided[key] = decided.get(key, 0) + 1
        else:
            order.append((event.decision_ts, Timeframe.parse(event.timeframe).ms))

    assert set(decided.values()) == {1}
    assert order == sorted(order)


def test_a_restart_changes_nothing_of_what_several_lengths_of_bars_lead_to(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    books = []
    for place, count in ((whole, 1), (parts, 5)):
        place.mkdir()
        _, folder = run(place, 11, STEPS, count)
        books.append(
            [
                (one.fill.account, one.fill.instrument, one.fill.signed_quantity, one.fill.price)
                for one in events_of(folder, [OrderFilled])
            ]
        )

    assert books[0] == books[1]
    assert sum((quantity for *_, quantity, _ in books[0]), Decimal(0)) != 0
