"""A small desk traded in this process by the shipped trader, with what is to go wrong going wrong."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tests.builders.both_drivers import random_market, spot

from algotrader.backtest.market import Market
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import FIELDS
from algotrader.core.events import BarClosed, CashMoved, Event
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.engine.engine import Engine
from algotrader.engine.slices import Slice
from algotrader.execution.paper_broker import PaperBroker, stand_again
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal, last_segment
from algotrader.live.journal.storage import Sync
from algotrader.live.replay import Replay, ReplayTime
from algotrader.live.rows import LiveRows
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.live.worker import Worker
from algotrader.live.workers import WorkerDecider
from algotrader.ops.config import load
from algotrader.ops.desk import Desk, DeskAccount, DeskStrategy
from algotrader.ops.parity import parity_desk
from algotrader.ops.standing import events_of
from algotrader.ops.starting import record_start
from algotrader.ops.trading import Notices, begin_paper_books
from algotrader.parity.comparing import Parity, compare
from algotrader.strategy.loader import load as load_strategy

ACCOUNT, NAME = AccountId("main"), StrategyId("swing")
TARGETS = """
import numpy as np
from algotrader import Features, Strategy, param
from algotrader.features import sma
from algotrader.strategy.rebalance import every_bar


class Swing(Strategy):
    rebalance = every_bar()
    bars: int = param(5, low=2, high=50)
    weight: float = param(0.8, low=0.1, high=1.0)

    def features(self, bars) -> Features:
        return {"mean": sma(bars.close, self.bars)}

    def targets(self, bars, f):
        return np.where(bars.close > f["mean"], self.weight, 0.2)
"""
BY_BAR = """
from algotrader import Context, Strategy


class Steps(Strategy):
    def on_bar(self, ctx: Context) -> None:
        ctx.state["seen"] = ctx.state.get("seen", 0) + 1
        if ctx.state["seen"] % 7 == 0:
            ctx.target(0.5 if ctx.position.quantity == 0 else 0.0)
"""
SETTINGS = """
accounts: {main: {currency: USDT, cash: 10_000, by_hand: %s}}
strategies:
  swing: {use: swing.py, symbols: [OKX:AAA/USDT, OKX:BBB/USDT], timeframe: 1h%s}
"""


def a_market(rows: int = 120, seed: int = 5) -> Market:
    return random_market((spot("AAA"), spot("BBB")), rows, seed, missing=0.0)


def changed(market: Market, row: int, column: int, **values: float) -> Market:
    """The market with one bar that was otherwise."""
    arrays = {name: np.array(getattr(market.bars, name)) for name in FIELDS}
    for name, value in values.items():
        arrays[name][row, column] = value
    return replace(market, bars=replace(market.bars, **arrays))


def a_desk(
    folder: Path,
    market: Market,
    *,
    code: str = TARGETS,
    more: str = "",
    tail: str = "",
    costs: BacktestSettings | None = None,
    by_hand: str = "leave",
) -> Desk:
    """One strategy on both instruments. `more` goes into its settings, `tail` after all."""
    (folder / "swing.py").write_text(code)
    (folder / "algotrader.yaml").write_text(SETTINGS % (by_hand, more) + tail)
    configuration = load(folder / "algotrader.yaml", environment={})
    own = configuration.settings.strategies["swing"]
    loaded = load_strategy(str(folder / "swing.py"))
    strategy = DeskStrategy(
        name=NAME, account=ACCOUNT, settings=own, use=str(folder / "swing.py"),
        strategy=loaded.kind(**own.parameters), source=loaded.source,
        source_hash=loaded.source_hash, bars=market.bars, instruments=market.instruments,
    )  # fmt: skip
    account = DeskAccount(
        name=ACCOUNT, settings=configuration.settings.accounts["main"], market=market,
        costs=costs or BacktestSettings(), first=10, strategies=(strategy,),
    )  # fmt: skip
    return Desk(accounts=(account,), configuration=configuration)


class _Here:
    """A worker without a process."""

    is_gone = False

    def __init__(self) -> None:
        self._worker = Worker()
        self._answers: deque[Any] = deque()

    def send(self, messages: Iterable[Any]) -> None:
        self._answers += [self._worker.hear(message) for message in messages]

    async def receive(self) -> Any:
        return self._answers.popleft()

    async def end(self) -> None:
        """There is nothing to end."""


class HereDecider(WorkerDecider):
    async def load(self) -> None:
        self._worker = here = _Here()  # type: ignore[assignment]  # it has what is asked of a worker
        for one in self._strategies.values():
            await self._load(here, one)  # type: ignore[arg-type]  # the same


class InTime(PaperBroker):
    """A venue is never told what came too late."""

    def advance(self, bars: Iterable[BarClosed], now_ms: int) -> list[Event]:
        return super().advance([bar for bar in bars if not bar.is_late], now_ms)


def traded(
    desk: Desk,
    folder: JournalFolder,
    slices: Iterable[Slice],
    *,
    broker: type[InTime] = InTime,
    requests: Callable[[int], Iterable[Event]] = lambda _: (),
    venue_costs: BacktestSettings | None = None,
) -> None:
    """Trade `slices`, from where the journal ends."""
    if folder.chain.exists():
        with folder.open(sync=Sync.NORMAL) as journal:
            asyncio.run(_traded(desk, journal, folder, slices, broker, requests, venue_costs))
        return
    with folder.create(entropy=bytes(16), now_ms=1, sync=Sync.NORMAL) as journal:
        asyncio.run(_traded(desk, journal, folder, slices, broker, requests, venue_costs))


async def _traded(
    desk: Desk, journal: Journal, folder: JournalFolder, slices: Iterable[Slice],
    broker: type[InTime], requests: Callable[[int], Iterable[Event]],
    venue_costs: BacktestSettings | None,
) -> None:  # fmt: skip
    steps = Steps(Engine(desk.engine_settings(journal.run_id)), journal)
    was_there = steps.replay()
    after = {frame: closed.decision_ts for frame, closed in steps.engine.state.slices.items()}
    time = ReplayTime(max(after.values(), default=desk.begin_ms() - 1))
    now_ms = utc_ms(time.clock.now())
    record_start(desk, journal, steps, now_ms)
    begin_paper_books(desk, steps, now_ms)
    venues = {
        one.name: (one if venue_costs is None else replace(one, costs=venue_costs)).venue()
        for one in desk.accounts
    }
    if was_there:
        stand_again(venues, events_of(folder))
    papers = {name: broker(venue, time.clock) for name, venue in venues.items()}
    strategies = desk.live_strategies(after, steps.engine.state)
    rows = LiveRows(strategies)
    decider = HereDecider(strategies, time.clock)
    trader = Trader(
        steps=steps, brokers=papers, decider=decider,
        notifier=Notices(lambda _: None), clock=time.clock, sleep=time.sleep,
    )  # fmt: skip

    async def go_on() -> None:
        await asyncio.sleep(0)

    def heard(slice_: Slice) -> None:
        for event in slice_.events:
            rows.hear(event)

    async def asked(now_ms: int) -> Iterable[Event]:
        return requests(now_ms)

    run = Replay(
        trader=trader, time=time, papers=papers, requests=asked,
        on_slice=heard, pause=go_on,
    )  # fmt: skip
    await decider.load()
    trading = asyncio.ensure_future(trader.run())
    feeding = asyncio.ensure_future(run.run(slices))
    try:
        await asyncio.wait({trading, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if trading.done():
            trading.result()
        feeding.result()
    finally:
        for task in (trading, feeding):
            task.cancel()
        await asyncio.gather(trading, feeding, return_exceptions=True)


def cash(amount: Decimal, at_ms: int, movement: str, reason: str) -> CashMoved:
    return CashMoved(
        ts_event=at_ms, ts_known=at_ms, account=ACCOUNT, movement_id=movement, reason=reason,
        amount=amount, currency="USDT",
    )  # type: ignore[arg-type]  # fmt: skip


def slices(desk: Desk, first: int = 0, stop: int | None = None) -> list[Slice]:
    """Those of a desk's replay, by their number."""
    return list(desk.slices({}))[first:stop]


def without(slice_: Slice, column: int) -> tuple[Slice, BarClosed]:
    """The slice gone on without one bar, and that bar."""
    lost = slice_.bars[column]
    kept = tuple(bar for bar in slice_.bars if bar is not lost)
    closed = replace_event(
        slice_.closed, instruments=tuple(bar.instrument for bar in kept),
        missing=(lost.instrument,),
    )  # fmt: skip
    return Slice(bars=kept, closed=closed), lost


def replace_event(event: Any, **values: Any) -> Any:
    return msgspec.structs.replace(event, **values)


def compared(desk: Desk, folder: JournalFolder) -> Parity:
    with folder.reading() as rows:
        return compare(parity_desk(desk, RunId(last_segment(rows).run_id)), rows)
