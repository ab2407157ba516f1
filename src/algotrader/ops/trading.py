"""Run a desk: journal, engine, worker and brokers together, until the data or a person ends it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from algotrader.core.bars import FIELDS
from algotrader.core.events import CashMoved, Event
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, SystemClock
from algotrader.engine.engine import Engine
from algotrader.engine.slices import Slice
from algotrader.engine.state import EngineState
from algotrader.execution.paper_broker import PaperBroker, stand_again
from algotrader.live.checking import keep_checking
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.storage import Sync
from algotrader.live.operator import Inbox
from algotrader.live.replay import Replay, ReplayTime
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.live.workers import LiveStrategy, WorkerDecider
from algotrader.ops.desk import Desk, deposit_of
from algotrader.ops.obeying import Obedience
from algotrader.ops.observing.observation import Observation, Watched
from algotrader.ops.paper_past import OF_ROWS, PAST, as_it_was, row_cut_short, slice_of
from algotrader.ops.standing import events_of, folder_of, journal_differs
from algotrader.ops.starting import Accept, accept_none, record_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What a replay left behind."""

    state: EngineState
    slices: int  # of this start
    resumed: bool  # it went on with a journal that was there


class Notices:
    """The Notifier port: the terminal is told each cause once, a messenger of every notice."""

    def __init__(self, tell: Callable[[Notice], None], messenger: Notifier | None = None) -> None:
        self._tell = tell
        self._messenger = messenger
        self._told: set[str] = set()

    async def notify(self, notice: Notice) -> None:
        if self._messenger is not None:
            await self._messenger.notify(notice)
        if notice.cause not in self._told:
            self._told.add(notice.cause)
            with suppress(OSError):  # a terminal that is gone, or a full disk behind it
                self._tell(notice)


def journal_folder(desk: Desk) -> JournalFolder:
    return folder_of(desk.configuration)


@contextmanager
def opened(folder: JournalFolder, sync: Sync) -> Iterator[Journal]:
    """The journal, made if there is none. JournalLockedError if another trader holds it."""
    if folder.chain.exists():
        with folder.open(sync=sync) as journal:
            yield journal
        return
    now_ms = utc_ms(SystemClock().now())
    with folder.create(entropy=os.urandom(16), now_ms=now_ms, sync=sync) as journal:
        yield journal


async def replay(
    desk: Desk,
    journal: Journal,
    *,
    pause_s: float = 0.0,
    gather_steps: int = 1,
    on_slice: Callable[[Slice], None] = lambda _: None,
    on_notice: Callable[[Notice], None] = lambda _: None,
    messenger: Notifier | None = None,
    accept: Accept = accept_none,
) -> Traded:
    """Trade the recorded bars from where the journal ends, to their end.

    `gather_steps` are written together (`live.steps`); with 1 each is, before it is acted upon.
    RestartWantedError if it is to be called again at once, in a new process.
    """
    async with Observation(desk.configuration, journal.run_id) as seen:
        return await _replay(
            desk, journal, seen, pause_s=pause_s, gather_steps=gather_steps, on_slice=on_slice,
            notifier=Notices(on_notice, messenger), accept=accept,
        )  # fmt: skip


async def _replay(
    desk: Desk,
    journal: Journal,
    seen: Observation,
    *,
    pause_s: float,
    gather_steps: int,
    on_slice: Callable[[Slice], None],
    notifier: Notifier,
    accept: Accept,
) -> Traded:
    engine = Engine(desk.engine_settings(journal.run_id))
    steps = Steps(engine, journal, seen.bus.publish, gather_steps=gather_steps)
    was_there = resumed(desk, steps)
    after = desk.closed_by(engine.state)
    time = ReplayTime(max(after.values(), default=desk.begin_ms() - 1))
    now_ms = utc_ms(time.clock.now())
    record_start(desk, journal, steps, now_ms, accept)
    begin_paper_books(desk, steps, now_ms)
    papers, unwritten = _papers(desk, time, was_there)
    strategies = desk.live_strategies(after, engine.state)
    decider = WorkerDecider(
        strategies, time.clock, budget_s=desk.configuration.settings.trading.budget_s
    )
    asked = Obedience(desk, Inbox(journal_folder(desk).path), decider, engine.state)
    trader = Trader(
        steps=steps, brokers=papers, decider=decider, notifier=notifier, clock=time.clock,
        sleep=time.sleep, disk_sleep=asyncio.sleep, halts=asked.halts,
    )  # fmt: skip
    decider.tell = trader.tell
    seen.watch(
        Watched(
            trader=trader, state=engine.state, decider=decider, notifier=notifier,
            clock=time.clock,
        )
    )  # fmt: skip
    asked.listen()
    count = 0

    def taken(slice_: Slice) -> None:
        nonlocal count
        count += 1
        _grow(strategies, slice_, desk)
        on_slice(slice_)

    async def pause() -> None:
        await asyncio.sleep(pause_s)

    run = Replay(
        trader=trader, time=time, papers=papers, requests=asked.take, on_slice=taken, pause=pause,
        obeyed=asked.obeyed,
    )  # fmt: skip
    for event in unwritten:
        trader.tell(event)
    await decider.load()
    trading = asyncio.ensure_future(trader.run())
    feeding = asyncio.ensure_future(run.run(desk.slices(after)))
    tasks = [trading, feeding]
    if was_there:
        tasks.append(
            asyncio.ensure_future(journal_check(desk, journal, trader, time.clock, notifier))
        )
    try:
        await asyncio.wait({trading, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if trading.done():
            trading.result()
        feeding.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        steps.rest(1)
        await decider.close()
    return Traded(state=engine.state, slices=count, resumed=was_there)


def _papers(
    desk: Desk, time: ReplayTime, was_there: bool
) -> tuple[dict[AccountId, PaperBroker], list[Event]]:
    """The paper accounts where the journal ends, and what nobody wrote of a bar cut short."""
    brokers: dict[AccountId, PaperBroker] = {}
    unwritten: list[Event] = []
    for account in desk.accounts:
        venue = account.venue()
        broker = brokers[account.name] = PaperBroker(venue, time.clock)
        if not was_there:
            continue
        folder = journal_folder(desk)
        stand_again({account.name: venue}, as_it_was(account, events_of(folder, PAST), venue))
        row = row_cut_short(events_of(folder, OF_ROWS), account)
        if row is not None:
            slice_ = slice_of(account, row)
            unwritten += broker.advance(slice_.bars, slice_.closed.ts_known)
    return brokers, unwritten


async def journal_check(
    desk: Desk, journal: Journal, trader: Trader, clock: Clock, notifier: Notifier
) -> None:
    """Check the whole journal beside the trading, and halt if it is damaged."""
    await trader.ready()
    names = [one.name for one in desk.accounts]
    await keep_checking(
        journal_folder(desk).path, lambda: journal.head, names, trader.tell, notifier, clock
    )


def resumed(desk: Desk, steps: Steps) -> bool:
    """Fold the journal into the engine; whether it held anything."""
    try:
        return steps.replay()
    except KeyError as error:
        raise journal_differs(journal_folder(desk), error) from error


def begin_paper_books(desk: Desk, steps: Steps, now_ms: int) -> None:
    """Every account that never traded begins with the cash of its settings."""
    for account in desk.accounts:
        if steps.engine.state.has_begun(account.name):
            continue
        steps.take(
            CashMoved(
                ts_event=now_ms, ts_known=now_ms, account=account.name, movement_id="start",
                reason="deposit", amount=deposit_of(account), currency=account.currency,
            )
        )  # fmt: skip


def _grow(strategies: list[LiveStrategy], slice_: Slice, desk: Desk) -> None:
    """Each strategy's history gets the row that has just closed."""
    bars = {one.name: one.bars for one in desk.strategies}
    for live in strategies:
        panel = bars[live.strategy]
        if str(panel.timeframe) != slice_.closed.timeframe:
            continue
        row = int(np.searchsorted(panel.known_at, slice_.closed.decision_ts))
        if row == len(panel) or panel.known_at[row] != slice_.closed.decision_ts:
            continue  # none of its instruments has a bar here
        live.history.append(
            int(panel.ts[row]),
            int(panel.known_at[row]),
            None if panel.session is None else int(panel.session[row]),
            {name: getattr(panel, name)[row] for name in FIELDS},
            None if panel.funding is None else panel.funding[row],
        )
