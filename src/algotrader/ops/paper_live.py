"""Paper trading on live bars: the kernel fills orders on bars as the venue closes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from algotrader.backtest.paper_account import live_paper_venue
from algotrader.core.events import (
    BarClosed,
    Event,
    SliceClosed,
)
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import HOUR_MS, length_ms
from algotrader.data.feed import FeedEvent
from algotrader.data.rows import stamp_text
from algotrader.engine.engine import Engine
from algotrader.engine.state import EngineState
from algotrader.execution.paper import PaperVenue
from algotrader.execution.paper_broker import PaperBroker, stand_again
from algotrader.live.joining import Together
from algotrader.live.journal.journal import Journal
from algotrader.live.operator import Inbox
from algotrader.live.rows import LiveRows, told_after
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.live.workers import WorkerDecider
from algotrader.ops.beside import Beside
from algotrader.ops.delisted import listed_anew
from algotrader.ops.desk import Desk, DeskAccount
from algotrader.ops.ending import run_together
from algotrader.ops.obeying import Obedience
from algotrader.ops.observing.observation import Observation, Watched
from algotrader.ops.paper_past import OF_ROWS, PAST, as_it_was, is_own, row_cut_short, slice_of
from algotrader.ops.standing import events_of
from algotrader.ops.starting import Accept, accept_none, is_exposed, record_start
from algotrader.ops.trading import (
    Traded,
    begin_paper_books,
    journal_check,
    journal_folder,
    resumed,
)

log = logging.getLogger(__name__)

_ROWS: Final = 50_000  # bars that a paper account is laid out for at once


class FundingRates(Protocol):
    """Settled funding of a venue."""

    async def settled(self, symbol: Symbol, ts: int) -> float | None:
        """The rate settled at a full hour: 0 if nothing was then; None if that is not known."""
        ...


History = Callable[[Sequence[type[Event]]], Iterable[Event]]
"""The events of the journal that are of some kinds, from its beginning."""

_SLICES: Final = (BarClosed, SliceClosed)


@dataclass(slots=True, kw_only=True)
class LivePaper:
    """One paper account on live bars. Laid out from its first slice on, and anew where it ends."""

    account: DeskAccount
    broker: PaperBroker
    history: History
    has_begun: bool
    unwritten: Sequence[Event] = ()  # of a row that a kill cut short, told again

    def passed_over(self, bars: Sequence[BarClosed]) -> tuple[int, int] | None:
        """Opens of the first and the last bar that closed without this account; None if none did."""
        own = [bar for bar in bars if self.broker.takes(bar)]
        if not own or not self.has_begun or own[0].ts <= self.broker.next_ts:
            return None
        return self.broker.next_ts, own[0].ts - self.account.market.bars.timeframe.ms

    def advance(self, bars: Sequence[BarClosed], now_ms: int) -> list[Event]:
        """What a slice did to its orders; nothing for one that was taken before a restart."""
        own = [bar for bar in bars if self.broker.takes(bar)]
        if not own or (self.has_begun and own[0].ts < self.broker.next_ts):
            return []
        if not self.has_begun or own[0].ts > self.broker.last_ts:
            self.broker.stand_in(venue_of(self.account, self.history, own[0].ts))
            self.has_begun = True
        return self.broker.advance(own, now_ms)


def live_paper(account: DeskAccount, history: History, clock: Clock) -> LivePaper:
    """The account where the journal ends."""
    frame = account.market.bars.timeframe
    after_lake = int(account.market.bars.ts[-1]) + frame.ms
    venue = venue_of(account, history, after_lake)
    broker = PaperBroker(venue, clock)
    begun = _first_slice(history(_SLICES), account) is not None
    cut_short = row_cut_short(history(OF_ROWS), account)
    told: list[Event] = []
    if cut_short is not None:
        told = broker.advance(slice_of(account, cut_short).bars, utc_ms(clock.now()))
    return LivePaper(
        account=account, broker=broker, history=history, has_begun=begun, unwritten=told
    )


def venue_of(account: DeskAccount, history: History, first_ts: int) -> PaperVenue:
    """The venue of an account where the journal ends, laid out well beyond `first_ts`.

    It begins with the first slice that it was told of, so that every restart lays out the same.
    """
    begun = _first_slice(history(_SLICES), account)
    step = account.market.bars.timeframe.ms
    first = first_ts if begun is None else begun
    ts = np.arange(first, max(first_ts, first) + _ROWS * step, step, dtype=np.int64)
    venue = live_paper_venue(account.name, account.market, account.costs, ts)
    past = history(PAST)
    stand_again({account.name: venue}, as_it_was(account, past, venue))
    return venue


def _first_slice(events: Iterable[Event], account: DeskAccount) -> int | None:
    """Open of the bars of the first slice, UTC ms; None before it."""
    seen: dict[int, int] = {}
    for event in events:
        match event:
            case BarClosed() if is_own(event, account):
                seen[event.ts_event] = event.ts
            case SliceClosed() if event.decision_ts in seen:
                return seen[event.decision_ts]
            case _:
                pass
    return None


@dataclass(slots=True, kw_only=True)
class PaperFloor:
    """All accounts of a desk on paper: takes what feeds tell, slice by slice."""

    papers: Sequence[LivePaper]
    rows: LiveRows
    trader: Trader
    funding: FundingRates
    notifier: Notifier
    clock: Clock
    on_slice: Callable[[SliceClosed], None]
    state: Callable[[], EngineState]
    slices: int = 0
    _bars: list[BarClosed] = field(default_factory=list)

    async def hear(self, together: Together) -> None:
        """What bars filled is told before the bars themselves are decided on (R7)."""
        closing: list[tuple[SliceClosed, list[BarClosed]]] = []
        for event in together:
            if isinstance(event, BarClosed) and not event.is_late:
                self._bars.append(event)
            elif isinstance(event, SliceClosed):
                here = [bar for bar in self._bars if bar.timeframe == event.timeframe]
                self._bars = [bar for bar in self._bars if bar.timeframe != event.timeframe]
                if not self._was_decided(event):
                    closing.append((event, here))
            else:
                self._tell(event)
        if closing:
            await self._close(closing)

    async def _close(self, closing: Sequence[tuple[SliceClosed, Sequence[BarClosed]]]) -> None:
        """Slices of one moment: once funding is known all is told without a pause (R1)."""
        closed = [bar for one, here in closing for bar in here if bar.ts_event == one.decision_ts]
        await self._settle(closed)
        for one, _ in closing:
            await self._settle_missing(one)
        for paper in self.papers:
            await self._say_passed(paper, closed)
        now_ms = utc_ms(self.clock.now())
        for paper in self.papers:
            for filled in paper.advance(closed, now_ms):
                self.trader.tell(filled)
        for _, here in closing:
            for bar in here:
                self._tell(bar)
        for one, _ in closing:
            self.slices += 1
            self._tell(one)
            self.on_slice(one)

    def _was_decided(self, event: SliceClosed) -> bool:
        """Before a restart: a bar is decided on once."""
        newest = self.state().slices.get(event.timeframe)
        return newest is not None and event.decision_ts <= newest.decision_ts

    def _tell(self, event: FeedEvent) -> None:
        if self.rows.hear(event):
            self.trader.tell(event)

    async def _settle(self, bars: Sequence[BarClosed]) -> None:
        """Funding that fell due in these bars; what is not known is said, never passed over."""
        for bar in bars:
            filled = [one for one in self.papers if one.broker.takes(bar)]
            if bar.instrument.kind is not InstrumentKind.PERPETUAL or not filled:
                continue
            for ts in range(-(-bar.ts // HOUR_MS) * HOUR_MS, bar.ts_event, HOUR_MS):
                rate = await self.funding.settled(bar.instrument, ts)
                if rate is None:
                    await self._unknown(bar.instrument, ts)
                for paper in filled if rate else ():
                    paper.broker.settle(bar.instrument, ts, rate or 0.0)

    async def _settle_missing(self, closed: SliceClosed) -> None:
        """Funding that fell due in a bar that never came can be charged on no price: it is said."""
        for symbol in closed.missing:
            frames = {
                str(paper.account.market.bars.timeframe)
                for paper in self.papers
                if symbol in paper.account.market.bars.symbols
            }
            if symbol.kind is not InstrumentKind.PERPETUAL or closed.timeframe not in frames:
                continue
            first = closed.decision_ts - length_ms(closed.timeframe)
            for ts in range(-(-first // HOUR_MS) * HOUR_MS, closed.decision_ts, HOUR_MS):
                if await self.funding.settled(symbol, ts) != 0.0:
                    await self._say(
                        f"{symbol}: funding was settled at {stamp_text(ts)}, in a bar that never "
                        "came; paper charges nothing for it",
                        f"funding:{symbol}",
                    )

    async def _say_passed(self, paper: LivePaper, closed: Sequence[BarClosed]) -> None:
        """What a venue would have gone on with while nobody was here, and paper has not."""
        passed = paper.passed_over(closed)
        name = paper.account.name
        if passed is None or not is_exposed(self.state(), name):
            return
        first, last = map(stamp_text, passed)
        await self._say(
            f"account {name}: bars of {first} to {last} UTC passed without it; on paper no order "
            "was filled in them, no stop was triggered, and no funding was charged",
            f"passed:{name}",
        )

    async def _unknown(self, symbol: Symbol, ts: int) -> None:
        await self._say(
            f"{symbol}: the funding rate of {stamp_text(ts)} is not known; paper charges nothing "
            "for it",
            f"funding:{symbol}",
        )

    async def _say(self, text: str, cause: str) -> None:
        log.warning("%s", text)
        await self.notifier.notify(
            Notice(severity=Severity.IMPORTANT, title=text, text=text, cause=cause)
        )


async def trade_paper_live(
    desk: Desk,
    journal: Journal,
    bars: AsyncIterator[Together],
    funding: FundingRates,
    clock: Clock,
    notifier: Notifier,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_slice: Callable[[SliceClosed], None] = lambda _: None,
    companion: Beside,
    accept: Accept = accept_none,
    offsets: Mapping[str, Callable[[], float]] = MappingProxyType({}),
) -> Traded:
    """Until the task is cancelled: what was done by then. `companion` runs as long as that.

    `offsets` are the clocks of venues less ours, in ms, by venue.
    """
    async with Observation(desk.configuration, journal.run_id) as seen:
        return await _trade(
            desk, journal, bars, funding, clock, notifier, seen,
            on_ready=on_ready, on_slice=on_slice, companion=companion, accept=accept,
            offsets=offsets,
        )  # fmt: skip


async def _trade(
    desk: Desk,
    journal: Journal,
    bars: AsyncIterator[Together],
    funding: FundingRates,
    clock: Clock,
    notifier: Notifier,
    seen: Observation,
    *,
    on_ready: Callable[[], None],
    on_slice: Callable[[SliceClosed], None],
    companion: Beside,
    accept: Accept,
    offsets: Mapping[str, Callable[[], float]],
) -> Traded:
    engine = Engine(desk.engine_settings(journal.run_id))
    steps = Steps(engine, journal, seen.bus.publish)
    was_there = resumed(desk, steps)
    now_ms = utc_ms(clock.now())
    record_start(desk, journal, steps, now_ms, accept)
    begin_paper_books(desk, steps, now_ms)
    history = partial(events_of, journal_folder(desk))
    papers = [live_paper(one, history, clock) for one in desk.accounts]
    end_of_lake = desk.ends_of_bars()
    strategies = desk.live_strategies(end_of_lake, engine.state)
    decider = WorkerDecider(
        strategies, clock, budget_s=desk.configuration.settings.trading.budget_s
    )
    asked = Obedience(desk, Inbox(journal_folder(desk).path), decider, engine.state)
    trader = Trader(
        steps=steps, brokers={one.account.name: one.broker for one in papers}, decider=decider,
        notifier=notifier, clock=clock, halts=asked.halts,
    )  # fmt: skip
    decider.tell = trader.tell
    rows = LiveRows(strategies)
    for told in told_after(journal.rows, end_of_lake):
        rows.hear(told)
    seen.watch(
        Watched(
            trader=trader,
            state=engine.state,
            decider=decider,
            notifier=notifier,
            clock=clock,
            offsets=offsets,
        )
    )

    def sliced(closed: SliceClosed) -> None:
        on_slice(closed)
        companion.keep_balances(engine.state)

    floor = PaperFloor(
        papers=papers, rows=rows, trader=trader, funding=funding,
        notifier=notifier, clock=clock, on_slice=sliced, state=lambda: engine.state,
    )  # fmt: skip
    for event in (one for paper in papers for one in paper.unwritten):
        trader.tell(event)
    for changed in listed_anew(engine.state, companion.delisted, now_ms):
        trader.tell(changed)
    await decider.load()
    parts = [asked.obey(trader, clock), companion.run()]
    if was_there:
        parts.append(journal_check(desk, journal, trader, clock, notifier))
    parts.append(_feed(floor, bars, on_ready))
    with suppress(asyncio.CancelledError):  # the way to end it
        await run_together(
            trader, parts, configuration=desk.configuration, steps=steps, decider=decider,
            clock=clock,
        )  # fmt: skip
    return Traded(state=engine.state, slices=floor.slices, resumed=was_there)


async def _feed(
    floor: PaperFloor, bars: AsyncIterator[Together], on_ready: Callable[[], None]
) -> None:
    await floor.trader.ready()
    on_ready()
    async for together in bars:
        await floor.hear(together)
