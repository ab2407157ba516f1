"""One symbol falls silent on a connection that lives: its prices are told stale, nothing is bought."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders.okx_orders import KEYS
from tests.builders.okx_venue import simulator
from tests.integration.okx_trader import BOTH, ETH, FLIP, MAIN, USDT, settings

from algotrader.core.events import (
    CashMoved,
    DecisionOutcome,
    Event,
    HeartbeatMissed,
    OrderSubmitted,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.ids import run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Side
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.names import inst_id
from algotrader.data.adapters.okx.rest import Answer, OkxRest
from algotrader.data.adapters.okx.streams import Arg, Heard, OkxStreams, Pushed, StreamSettings
from algotrader.engine.commands import AskStrategy
from algotrader.engine.engine import Engine
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.news import NewsSettings
from algotrader.live.feeding import feed_bars
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.simulator.okx.server import Server, serving
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
STREAMS = StreamSettings(heartbeat_s=1.0)


class Alternating:
    """A third of each at even minutes, nothing at odd ones."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        self.asked.append(question.decision_ts)
        now_ms = utc_ms(SystemClock().now())
        target = 0.3 if question.decision_ts // MINUTE_MS % 2 == 0 else 0.0
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=FLIP,
            decision_ts=question.decision_ts, outcome=DecisionOutcome.DECIDED,
            wanted=tuple(TargetWanted(instrument=one, target=target, features={}) for one in BOTH),
        )  # fmt: skip


class Deaf(OkxStreams):
    """The streams as they are; of one instrument nothing comes any more."""

    deaf_to = ""

    async def follow(self, access: str, args: Sequence[Arg]) -> AsyncGenerator[Heard, None]:
        async for heard in super().follow(access, args):
            if not (isinstance(heard, Pushed) and heard.inst_id == self.deaf_to):
                yield heard


class Blind(OkxRest):
    """And what is asked of it has no rows."""

    blind_to = ""

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        answer = await super().get(path, params)
        return replace(answer, rows=()) if params.get("instId") == self.blind_to else answer


class Kept:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)


def a_venue(clock: SystemClock) -> Simulator:
    """A minute a second."""
    return simulator(
        clock, names=("BTC-USDT", "ETH-USDT"), balances={"USDT": Decimal(10_000)}, speed=60.0,
        bars=4_000, limits=False,
    )  # fmt: skip


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not is_so():
            await asyncio.sleep(0.05)


def test_f20_a_symbol_silent_on_a_living_connection_is_frozen_and_not_bought_until_it_is_heard(
    tmp_path: Path,
) -> None:
    told: list[Event] = []
    kept = Kept()
    heard_again: list[int] = []

    async def trade(journal: Journal) -> None:
        clock = SystemClock()
        venue = a_venue(clock)
        async with serving(Server(venue, clock), "127.0.0.1", 0) as port:
            steps = Steps(Engine(settings(journal.run_id)), journal, committed=told.extend)
            at = {"ts_event": utc_ms(clock.now()), "ts_known": utc_ms(clock.now())}
            steps.take(
                CashMoved(**at, account=MAIN, movement_id="start", reason="deposit",
                          amount=Decimal(10_000), currency=USDT)
            )  # fmt: skip
            client = OkxClient(KEYS, base_url=f"http://127.0.0.1:{port}")
            broker = OkxBroker(MAIN, client, clock, OkxBrokerSettings(
                run_tag=run_tag(journal.run_id), watched=frozenset(BOTH), streams=STREAMS,
                news=NewsSettings(check_s=0.5, blind_s=0.2),
            ))  # fmt: skip
            rest, streams = Blind(None, client.address), Deaf(None, client.address, STREAMS)
            feed = OkxBarFeed(rest, streams, clock, list(BOTH), Timeframe(MINUTE_MS))
            decider = Alternating()
            trader = Trader(
                steps=steps, brokers={MAIN: broker}, decider=decider, notifier=kept, clock=clock
            )
            running = asyncio.create_task(trader.run())
            feeding = asyncio.create_task(feed_bars(trader, feed))
            try:
                await until(lambda: bought(told, ETH) >= 2)
                streams.deaf_to = rest.blind_to = inst_id(ETH)
                await until(lambda: any(is_silence_of_eth(event) for event in told))
                await asyncio.sleep(2.0)  # two bars of the other one
                heard_again.append(len(told))
                streams.deaf_to = rest.blind_to = ""
                await until(lambda: bought(told[heard_again[0] :], ETH) > 0)
            finally:
                running.cancel()
                feeding.cancel()
                await asyncio.gather(running, feeding, return_exceptions=True)
                await broker.close()
                await feed.close()

    now_ms = utc_ms(SystemClock().now())
    with JournalFolder(tmp_path / "j").create(entropy=bytes(range(16)), now_ms=now_ms) as journal:
        asyncio.run(trade(journal))

    since = next(n for n, event in enumerate(told) if is_silence_of_eth(event))
    assert bought(told[since : heard_again[0]], ETH) == 0
    frozen = [one for one in kept.notices if str(ETH) in one.text and "frozen" in one.text]
    assert len(frozen) == 1


def is_silence_of_eth(event: Event) -> bool:
    return isinstance(event, HeartbeatMissed) and str(ETH) in event.component


def bought(events: list[Event], symbol: object) -> int:
    return sum(
        isinstance(event, OrderSubmitted)
        and event.order.side is Side.BUY
        and event.order.instrument == symbol
        for event in events
    )
