"""Trade a desk's one account on OKX: in earnest, in its demo trading, or on a look-alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import CashMoved, SliceClosed
from algotrader.core.ids import run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, SteadyClock
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.rest import OkxKeys, OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.data.live_bars import last_closes
from algotrader.engine.engine import Engine
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.news import NewsSettings
from algotrader.execution.broker import Broker
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
from algotrader.ops.desk import Desk, DeskAccount
from algotrader.ops.ending import run_together
from algotrader.ops.holdings import begin_holdings
from algotrader.ops.obeying import Obedience
from algotrader.ops.observing.observation import Observation, Watched
from algotrader.ops.okx_access import okx_client
from algotrader.ops.okx_admission import admitted
from algotrader.ops.okx_watching import watch_okx
from algotrader.ops.other_runs import refuse_other_runs
from algotrader.ops.starting import Accept, accept_none, record_start
from algotrader.ops.trading import Notices, Traded, journal_check, journal_folder, resumed

_COMPARE_S: Final = 60.0  # between comparisons of the books with the venue


async def trade_on_okx(
    desk: Desk,
    journal: Journal,
    keys: OkxKeys,
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
    it must be; RunError if another trader has it; UsageError without the extra. `state` is a folder
    that this machine's traders share; `accept` is asked about changes while positions are open;
    `companion` runs as long as the trader, and hears its bars.
    """
    account = the_account(desk)
    clock = SteadyClock()
    trading = desk.configuration.settings.trading
    seen = Observation(desk.configuration, journal.run_id)
    streams = StreamSettings(
        opened_again=lambda which: seen.metrics.count("reconnects", stream=which)
    )
    client = okx_client(keys, trading)
    symbols = tuple(account.market.bars.symbols)
    timeframe = account.market.bars.timeframe
    engine = Engine(desk.engine_settings(journal.run_id))
    quotes = QuoteBook(symbols, seen.bus.quote)
    steps = Steps(engine, journal, seen.bus.publish, quotes.before)
    was_there = resumed(desk, steps)
    newest = engine.state.slices.get(str(timeframe))
    broker = OkxBroker(
        account.name, client, clock,
        OkxBrokerSettings(
            run_tag=run_tag(journal.run_id), watched=frozenset(symbols),
            # Funding and trades of others while we were down are booked as well.
            trades_since_ms=None if newest is None else newest.decision_ts,
            news=NewsSettings(check_s=trading.check_s), streams=streams,
        ),
    )  # fmt: skip
    rest = OkxRest(None, client.address)
    lake_ms = int(account.market.bars.ts[-1]) + timeframe.ms
    feed = OkxBarFeed(
        rest, OkxStreams(None, client.address, streams), clock, symbols, timeframe,
        since_ms=lake_ms if newest is None else max(lake_ms, newest.decision_ts),
        watcher=None if companion is None else companion.watcher(timeframe),
        closes=last_closes(account.market.bars),
    )  # fmt: skip
    try:
        async with admitted(
            client, clock, symbols, trading, state=state, journal=journal_folder(desk).path
        ):
            await refuse_other_runs(broker, run_tag(journal.run_id))
            market = OkxMarketFeed(rest, OkxStreams(None, client.address, streams), clock)
            now_ms = utc_ms(clock.now())
            record_start(desk, journal, steps, now_ms, accept)
            if not was_there:
                await _begin_books(steps, account, client, now_ms)
                begin_holdings(steps, account, await broker.positions(symbols), now_ms)
            count = await _trade(
                desk, account, journal, steps, broker, feed, quotes, market, clock, timeframe, seen,
                for_s=for_s, on_ready=on_ready, on_slice=on_slice,
                notifier=Notices(on_notice, messenger), companion=companion,
                beside=lambda trader, notifier: watch_okx(
                    account.name, trader=trader, engine=engine, client=client, broker=broker,
                    bus=seen.bus, clock=clock, notifier=notifier,
                    is_look_alike=trading.url is not None,
                ),
            )  # fmt: skip
            return Traded(state=engine.state, slices=count, resumed=was_there)
    finally:
        await broker.close()
        await feed.close()
        await seen.close()


async def _trade(
    desk: Desk,
    account: DeskAccount,
    journal: Journal,
    steps: Steps,
    broker: Broker,
    feed: OkxBarFeed,
    quotes: QuoteBook,
    market: QuoteSource,
    clock: Clock,
    timeframe: Timeframe,
    seen: Observation,
    *,
    for_s: float | None,
    on_ready: Callable[[], None],
    on_slice: Callable[[SliceClosed], None],
    notifier: Notifier,
    beside: Callable[[Trader, Notifier], Awaitable[None]],
    companion: Beside | None,
) -> int:
    end_of_lake = {str(timeframe): int(account.market.bars.known_at[-1])}
    strategies = desk.live_strategies(end_of_lake, steps.engine.state)
    rows = LiveRows(strategies)
    for told in told_after(journal.rows, end_of_lake):
        rows.hear(told)
    decider = WorkerDecider(
        strategies, clock, budget_s=desk.configuration.settings.trading.budget_s
    )
    trader = Trader(
        steps=steps, brokers={account.name: broker}, decider=decider,
        notifier=notifier, clock=clock, compare_every_s=_COMPARE_S,
    )  # fmt: skip
    decider.tell = trader.tell
    seen.watch(
        Watched(
            trader=trader, state=steps.engine.state, decider=decider, notifier=notifier,
            clock=clock, offsets={"OKX": lambda: feed.offset_ms},
        )
    )  # fmt: skip
    count = 0

    async def feed_bars() -> None:
        nonlocal count
        await trader.ready()
        await first_quotes(quotes)
        on_ready()
        async for event in feed.bars():
            rows.hear(event)
            trader.tell(event)
            if companion is not None:
                companion.hear(timeframe, event)
            if isinstance(event, SliceClosed):
                count += 1
                on_slice(event)
                if companion is not None:
                    companion.keep_balances(steps.engine.state)

    inbox = Inbox(journal_folder(desk).path)
    asked = Obedience(desk, inbox, decider, steps.engine.state)
    await decider.load()
    parts = [
        feed_bars(), asked.obey(trader, clock), follow_quotes(quotes, market, clock, trader.tell),
        journal_check(desk, journal, trader, clock, notifier), beside(trader, notifier),
    ]  # fmt: skip
    if companion is not None:
        parts.append(companion.run())
    await run_together(
        trader, parts, configuration=desk.configuration, steps=steps, decider=decider,
        clock=clock, for_s=for_s,
    )  # fmt: skip
    return count


def the_account(desk: Desk) -> DeskAccount:
    """The one account that trades. ConfigurationError for none or several, or another venue."""
    if len(desk.accounts) != 1:
        raise ConfigurationError(
            "trading.one_account",
            f"{len(desk.accounts)} accounts are configured; on an exchange one is traded at a time",
            hint="keep one under strategies, and give the others a workspace of their own",
        )
    account = desk.accounts[0]
    if (venue := account.market.bars.symbols[0].venue) != "OKX":
        raise ConfigurationError(
            "trading.venue",
            f"account {account.name} trades on {venue}; OKX alone is traded so far",
            hint="use symbols such as OKX:BTC/USDT, or trading: {mode: paper}",
        )
    return account


async def _begin_books(steps: Steps, account: DeskAccount, client: OkxClient, now_ms: int) -> None:
    """The books begin with the money that the venue has."""
    balances = await OkxAccount(client).balances()
    held = balances.get(account.currency)
    if held is None or held.cash <= 0:
        raise ConfigurationError(
            "trading.no_money", f"the account holds no {account.currency}",
            hint=f"deposit {account.currency}, or give the look-alike --balance {account.currency}=10000",
        )  # fmt: skip
    steps.take(
        CashMoved(
            ts_event=now_ms, ts_known=now_ms, account=account.name, movement_id="start",
            reason="deposit", amount=held.cash, currency=account.currency,
        )
    )  # fmt: skip
