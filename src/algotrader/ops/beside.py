"""What runs beside a trader in its process: a collector of the bars it hears, and the jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from algotrader.core.errors import DataError, UsageError
from algotrader.core.ids import AccountId
from algotrader.core.ports import Clock, Notice, Notifier, Severity, SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.collecting import Collector
from algotrader.data.feed import FeedEvent
from algotrader.data.forming import FormingBars
from algotrader.data.layout import SeriesKey
from algotrader.data.supervision import keep_running
from algotrader.engine.state import EngineState
from algotrader.ops.collecting import NOT_LISTED, CollectRole, Wanted, traded, wanted
from algotrader.ops.config import Configuration
from algotrader.ops.scheduling.wiring import SchedulerRole

log = logging.getLogger(__name__)

_SCHEDULER_AGAIN_S: Final = 30.0


class Beside:
    """Made for the time frames that a desk trades; nothing in here can end the trader."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        notifier: Notifier,
        *,
        says: Callable[[str], None] = lambda _: None,
        collects: bool = True,
    ) -> None:
        """`collects`: false where the bars are no market's, and the lake is to be left alone.

        ConfigurationError where what is traded cannot be collected live.
        """
        self._clock = clock
        self._notifier = notifier
        self._says = says
        collects = collects and configuration.settings.collect.embedded
        own = traded(configuration) if collects else ()
        self._role = (
            CollectRole(configuration, clock, notifier, says=says, series=own) if own else None
        )
        has_series = collects and bool(configuration.settings.collect.series)
        rest = _beyond(wanted(configuration), own) if has_series else ()
        self._others = (
            CollectRole(configuration, clock, notifier, says=says, series=rest) if rest else None
        )
        self._collectors: dict[Timeframe, Collector] = {}
        if self._role is not None:
            self._collectors = {one.timeframe: self._role.collector(one.timeframe) for one in own}
        self._heard: Mapping[str, asyncio.Queue[FeedEvent]] = {
            str(frame): asyncio.Queue() for frame in self._collectors
        }
        self.forming = FormingBars(configuration.path(configuration.settings.workspace.live))
        self._held: dict[str, dict[str, Decimal]] = {}
        self._has_held = asyncio.Event()
        self._strategies = configuration.settings.strategies
        self.delisted: frozenset[Symbol] | None = None  # of what is traded; None: nobody asked yet
        has_jobs = bool(configuration.settings.jobs)
        self._scheduler = (
            # Jobs are due by the clock on the wall, which a person may set.
            SchedulerRole(configuration, SystemClock(), notifier, says=says) if has_jobs else None
        )

    async def catch_up(self) -> None:
        """Fetch what the lake lacks of what is traded.

        What the venue no longer lists is known then by `delisted`: it is in the lake up to its end.
        DataError for what is traded and was never had, or cannot be read.
        """
        if self._role is None:
            return
        await self._role.catch_up()
        for key, error in self._role.left_out.items():
            if error.code != NOT_LISTED:
                raise error
            if not self._role.has_bars(key):
                raise self._never_had(key, error)
        self.delisted = frozenset(key.symbol for key in self._role.left_out)

    def _never_had(self, key: SeriesKey, error: DataError) -> DataError:
        symbol = str(key.symbol)
        users = sorted(name for name, one in self._strategies.items() if symbol in one.symbols)
        places = ", ".join(f"strategies.{name}.symbols" for name in users)
        return DataError(
            "trading.instrument_gone",
            f"{symbol} is traded by strategy {' and '.join(users)}, and there is not one bar of it: "
            f"{error.message}; nothing is traded",
            hint=f"mend its name, or take it out of {places}",
        )

    def watcher(self, timeframe: Timeframe) -> Collector | None:
        """Who hears of the bars that a feed does not tell."""
        return self._collectors.get(timeframe)

    def hear(self, timeframe: Timeframe, event: FeedEvent) -> None:
        """Keep what a feed tells, at the collector's own pace."""
        if (queue := self._heard.get(str(timeframe))) is not None:
            queue.put_nowait(event)

    def keep_balances(self, state: EngineState) -> None:
        """What each account holds goes to the live store, for who looks (not for who decides)."""
        if self._role is not None:
            self._held = {str(name): balances_of(state, name) for name in state.books}
            self._has_held.set()

    async def run(self) -> None:
        """For ever. Each part that fails is started again; the person is told."""
        parts: dict[str, Callable[[], Any]] = {
            f"collector of {frame}": partial(collector.run, self._told(str(frame)))
            for frame, collector in self._collectors.items()
        }
        parts["open bars"] = self.forming.run
        if self._role is not None:
            parts["funding"] = self._role.keep_funding
            others = () if self._others is None else self._others.symbols
            parts["recorder of streams"] = partial(self._role.keep_streams, others)
            parts["balances"] = partial(self._write_balances, self._role)
        if self._others is not None:
            parts["collector of what is not traded"] = self._others.run
        if self._scheduler is not None:
            parts["scheduler"] = self._schedule
        work = [asyncio.ensure_future(self._kept(name, part)) for name, part in parts.items()]
        try:
            await asyncio.gather(*work)
            await asyncio.Event().wait()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            if self._role is not None:
                self._role.close()

    async def _told(self, frame: str) -> AsyncIterator[FeedEvent]:
        while True:
            yield await self._heard[frame].get()

    async def _write_balances(self, role: CollectRole) -> None:
        """The newest ones; those that were overtaken nobody misses."""
        while True:
            await self._has_held.wait()
            self._has_held.clear()
            await asyncio.to_thread(role.write_balances, self._held)

    async def _schedule(self) -> None:
        assert self._scheduler is not None
        is_said = False
        while True:
            try:
                await self._scheduler.run()
            except UsageError as error:  # another process schedules: its jobs are ours
                if not is_said:
                    self._says(error.message)
                is_said = True
            await asyncio.sleep(_SCHEDULER_AGAIN_S)  # and when it has ended, nobody else would

    async def _kept(self, name: str, part: Callable[[], Any]) -> None:
        def failed(error: Exception, _count: int) -> None:
            text = f"{name} failed and is started again: {error}"
            notice = Notice(
                severity=Severity.IMPORTANT, title=f"{name} failed", text=text,
                cause=f"beside:{name}",
            )  # fmt: skip
            told.add(asyncio.ensure_future(self._notifier.notify(notice)))

        told: set[asyncio.Future[None]] = set()
        await keep_running(name, part, failed=failed, monotonic_s=self._clock.monotonic_s)


def balances_of(state: EngineState, account: AccountId) -> dict[str, Decimal]:
    """Cash, and the coins of spot positions, by currency."""
    book = state.books[account].whole
    (owner,) = [one for one in state.settings.accounts if one.account_id == account]
    held = {str(owner.currency): book.cash()}
    for symbol in book.contracts:
        quantity = book.position(symbol).quantity
        if symbol.kind is InstrumentKind.SPOT and symbol.base is not None and quantity:
            held[symbol.base] = held.get(symbol.base, Decimal(0)) + quantity
    return held


def _beyond(series: tuple[Wanted, ...], own: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
    """What is to be collected and is not traded."""
    traded_here = {(one.timeframe, symbol) for one in own for symbol in one.since_ms}
    left = []
    for one in series:
        since = {s: ms for s, ms in one.since_ms.items() if (one.timeframe, s) not in traded_here}
        if since:
            left.append(Wanted(timeframe=one.timeframe, since_ms=since))
    return tuple(left)
