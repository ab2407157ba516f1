"""Trade a desk's accounts on OKX: in earnest, in its demo trading, or on a look-alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from algotrader.core.events import SliceClosed
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, SteadyClock
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.rest import OkxKeys, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.engine.engine import Engine
from algotrader.live.joining import Together
from algotrader.live.journal.journal import Journal
from algotrader.live.operator import Inbox
from algotrader.live.quoting import (
    QuoteBook,
    QuoteSource,
    first_quotes,
    follow_quotes,
)
from algotrader.live.rows import LiveRows, told_after
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.live.workers import WorkerDecider
from algotrader.ops.beside import Beside
from algotrader.ops.desk import Desk
from algotrader.ops.ending import run_together
from algotrader.ops.obeying import Obedience
from algotrader.ops.observing.observation import Observation, Watched
from algotrader.ops.okx_access import okx_address
from algotrader.ops.okx_accounts import AccountOnOkx, begin_books, opened_accounts, require_okx
from algotrader.ops.okx_admission import has_own_clock
from algotrader.ops.okx_bars import OkxDeskBars
from algotrader.ops.okx_watching import watch_okx
from algotrader.ops.starting import Accept, accept_none, record_start
from algotrader.ops.trading import Notices, Traded, journal_check, journal_folder, resumed

_COMPARE_S: Final = 60.0  # between comparisons of the books with the venue


async def trade_on_okx(
    desk: Desk,
    journal: Journal,
    keys: Mapping[AccountId, OkxKeys],
    *,
    for_s: float | None = None,
    on_ready: Callable[[], None] = lambda: None,
    on_slice: Callable[[SliceClosed], None] = lambda _: None,
    on_notice: Callable[[Notice], None] = lambda _: None,
    messenger: Notifier | None = None,
    state: Path,
    accept: Accept = accept_none,
    companion: Beside | None = None,
) -> Traded:
    """Until `for_s` seconds are over or the task is cancelled.

    ConfigurationError for keys that may withdraw or cannot trade, and for an account that is not as
    it must be; RunError if another trader has it; UsageError without the extra. If one account
    cannot be traded none is. `state` is a folder that this machine's traders share; `accept` is
    asked about changes while positions are open; `companion` runs as long as the trader, and hears
    its bars.
    """
    require_okx(desk)
    clock = SteadyClock()
    trading = desk.configuration.settings.trading
    address = okx_address(trading)
    seen = Observation(desk.configuration, journal.run_id)
    streams = StreamSettings(
        opened_again=lambda which: seen.metrics.count("reconnects", stream=which)
    )
    engine = Engine(desk.engine_settings(journal.run_id))
    quotes = QuoteBook(engine.state.settings.instruments, seen.bus.quote)
    steps = Steps(engine, journal, seen.bus.publish, quotes.before)
    was_there = resumed(desk, steps)
    # Market data is everybody's: it is asked for without a key.
    rest = OkxRest(None, address)
    bars = OkxDeskBars(desk, rest, address, streams, clock, engine.state, companion)
    try:
        async with opened_accounts(
            desk, keys, engine.state, journal.run_id, clock, streams,
            state=state, journal=journal_folder(desk).path,
        ) as accounts:  # fmt: skip
            now_ms = utc_ms(clock.now())
            record_start(desk, journal, steps, now_ms, accept)
            await begin_books(accounts, steps, now_ms)
            live = _Live(
                desk=desk, accounts=accounts, journal=journal, steps=steps, quotes=quotes,
                market=OkxMarketFeed(rest, OkxStreams(None, address), clock), bars=bars,
                clock=clock, seen=seen, notifier=Notices(on_notice, messenger),
                companion=companion, on_ready=on_ready, on_slice=on_slice,
            )  # fmt: skip
            count = await live.run(for_s)
            return Traded(state=engine.state, slices=count, resumed=was_there)
    finally:
        await bars.close()
        await seen.close()


@dataclass(slots=True, kw_only=True)
class _Live:
    """One trader over all accounts, with what feeds and watches it."""

    desk: Desk
    accounts: Sequence[AccountOnOkx]
    journal: Journal
    steps: Steps
    quotes: QuoteBook
    market: QuoteSource
    bars: OkxDeskBars
    clock: Clock
    seen: Observation
    notifier: Notifier
    companion: Beside | None
    on_ready: Callable[[], None]
    on_slice: Callable[[SliceClosed], None]
    slices: int = 0

    async def run(self, for_s: float | None) -> int:
        """How many slices were traded."""
        desk, state = self.desk, self.steps.engine.state
        trading = desk.configuration.settings.trading
        ends = desk.ends_of_bars()
        strategies = desk.live_strategies(ends, state)
        rows = LiveRows(strategies)
        for told in told_after(self.journal.rows, ends):
            rows.hear(told)
        decider = WorkerDecider(strategies, self.clock, budget_s=trading.budget_s)
        asked = Obedience(desk, Inbox(journal_folder(desk).path), decider, state)
        trader = Trader(
            steps=self.steps, brokers={one.name: one.broker for one in self.accounts},
            decider=decider, notifier=self.notifier, clock=self.clock, compare_every_s=_COMPARE_S,
            halts=asked.halts,
        )  # fmt: skip
        decider.tell = trader.tell
        self.seen.watch(
            Watched(
                trader=trader, state=state, decider=decider, notifier=self.notifier,
                clock=self.clock, offsets={"OKX": lambda: self.bars.offset_ms},
            )
        )  # fmt: skip
        await decider.load()
        parts: list[Awaitable[None]] = [
            self._feed(trader, rows), asked.obey(trader, self.clock),
            follow_quotes(self.quotes, self.market, self.clock, trader.tell),
            journal_check(desk, self.journal, trader, self.clock, self.notifier),
            watch_okx(
                self.accounts, trader=trader, engine=self.steps.engine, bus=self.seen.bus,
                clock=self.clock, notifier=self.notifier, is_look_alike=has_own_clock(trading),
            ),
        ]  # fmt: skip
        if self.companion is not None:
            parts.append(self.companion.run())
        await run_together(
            trader, parts, configuration=desk.configuration, steps=self.steps, decider=decider,
            clock=self.clock, for_s=for_s,
        )  # fmt: skip
        return self.slices

    async def _feed(self, trader: Trader, rows: LiveRows) -> None:
        await trader.ready()
        await first_quotes(self.quotes)
        self.on_ready()
        async for together in self.bars.steps():
            self._take(together, trader, rows)

    def _take(self, together: Together, trader: Trader, rows: LiveRows) -> None:
        """Without a pause: strategies of several lengths of bars are asked before one answers."""
        for event in together:
            if rows.hear(event):
                trader.tell(event)
        for closed in together:
            if isinstance(closed, SliceClosed):
                self.slices += 1
                self.on_slice(closed)
                if self.companion is not None:
                    self.companion.keep_balances(self.steps.engine.state)
