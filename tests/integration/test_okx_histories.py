"""Histories over real sockets: the real clients, a look-alike exchange, random faults by seed.

Bars of the exchange become decisions, decisions orders, fills books. A history waits for its bars
most of the time, so many are lived at once, each with an exchange, a journal and clients of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders.okx_orders import BTC, KEYS, MAIN
from tests.builders.okx_venue import simulator
from tests.integration.okx_trader import FLIP, USDT, Silent, settings

from algotrader.core.events import (
    CashMoved,
    DecisionOutcome,
    StrategyAnswered,
    TargetWanted,
    TradingMode,
)
from algotrader.core.ids import run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.rest import OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
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
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server, serving
from algotrader.simulator.okx.simulator import Simulator

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
STREAMS = StreamSettings(heartbeat_s=1.0, wait_s=lambda _attempt, _draw: 0.4)
FILLS = 6
PATIENCE_S = 240.0  # of the test; a history takes ten seconds
REQUESTS = (
    FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE, FaultKind.DELAY_AFTER, FaultKind.DELAY_BEFORE,
    FaultKind.HTML, FaultKind.RATE_LIMIT, FaultKind.EMPTY_LIST,
)  # fmt: skip
PUSHES = (FaultKind.LOSE_PUSH, FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH)
ODD = (FaultKind.NULL_DATA, FaultKind.EMPTY_BODY, FaultKind.ORDER_RATE_LIMIT)
CALM, EVERYDAY, HISTORIES, TOGETHER = 0, 5, 60, 5  # seed without faults; numbers of seeds


def spoilt(seed: int) -> list[Fault]:
    """A swarm: each kind is there in half of the histories, at a rate of its own."""
    if seed == CALM:
        return []
    chance = random.Random(seed)
    kinds = [("POST trade/*", kind) for kind in REQUESTS if chance.random() < 0.5]
    kinds += [("GET *", kind) for kind in REQUESTS[:5] if chance.random() < 0.5]
    kinds += [("push *", kind) for kind in PUSHES if chance.random() < 0.5]
    if chance.random() < 0.3:
        kinds.append(("connect private", FaultKind.HALF_OPEN))
    kinds += [("POST trade/*", kind) for kind in ODD if chance.random() < 0.3]
    kinds += [("GET *", kind) for kind in ODD[:2] if chance.random() < 0.3]
    most = {"GET *": 0.06}  # a look-up asks nine questions, and each has to be answered
    rules = [
        Fault(
            kind=kind, where=where, chance=chance.random() * most.get(where, 0.15),
            delay_s=(0.0, 1.5),
        )
        for where, kind in kinds
    ]  # fmt: skip
    cuts = (FaultKind.CLOSE_SOCKET, FaultKind.REFUSE_CONNECT)
    return rules + [
        Fault(kind=kind, where="connect *", times=chance.randrange(1, 4), after_s=chance.uniform(2, 6))
        for kind in cuts if chance.random() < 0.5
    ]  # fmt: skip


class ByTheMinute:
    """Half of the equity at even minutes, nothing at odd ones."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        self.asked.append(question.decision_ts)
        now_ms = utc_ms(SystemClock().now())
        target = 0.5 if question.decision_ts // MINUTE_MS % 2 == 0 else 0.0
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=FLIP,
            decision_ts=question.decision_ts, outcome=DecisionOutcome.DECIDED,
            wanted=(TargetWanted(instrument=BTC, target=target, features={}),),
        )  # fmt: skip


def a_venue(clock: SystemClock, seed: int) -> Simulator:
    """A minute a second."""
    venue = simulator(
        clock, names=("BTC-USDT",), balances={"USDT": Decimal(10_000)}, speed=60.0, bars=4_000,
        limits=False,
    )  # fmt: skip
    for rule in spoilt(seed):
        venue.faults.add(rule, utc_ms(clock.now()))
    return venue


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.05)


async def lived(seed: int, path: Path) -> None:
    """Six fills under the faults of a seed, then calm: books agree, nothing came twice."""
    now_ms = utc_ms(SystemClock().now())
    with JournalFolder(path).create(entropy=bytes(range(16)), now_ms=now_ms) as journal:
        clock = SystemClock()
        venue = a_venue(clock, seed)
        async with serving(Server(venue, clock), "127.0.0.1", 0) as port:
            decider = ByTheMinute()
            steps = await traded(journal, venue, f"http://127.0.0.1:{port}", decider)
        state = venue.api.desk.exchange.venue
        assert decider.asked == sorted(set(decider.asked)), "a bar was decided twice"
        assert steps.engine.state.modes[MAIN] is TradingMode.TRADING
        sent = [order.asked.client_id for order in state.records.orders.values()]
        assert len(sent) == len(set(sent)) >= FILLS, "an order was doubled"
        book = steps.engine.state.books[MAIN].whole
        assert book.cash() == pytest.approx(state.wallet.cash["USDT"], abs=Decimal("1e-9"))


async def traded(journal: Journal, venue: Simulator, url: str, decider: ByTheMinute) -> Steps:
    """The trader on real clients, until it has its fills and, without faults, all is settled."""
    clock, state = SystemClock(), venue.api.desk.exchange.venue
    steps = Steps(Engine(settings(journal.run_id)), journal)
    now_ms = utc_ms(clock.now())
    steps.take(
        CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                  reason="deposit", amount=Decimal(10_000), currency=USDT)
    )  # fmt: skip
    client = OkxClient(KEYS, base_url=url)
    broker = OkxBroker(MAIN, client, clock, OkxBrokerSettings(
        run_tag=run_tag(journal.run_id), watched=frozenset({BTC}), streams=STREAMS,
        news=NewsSettings(check_s=0.5, blind_s=0.2),
    ))  # fmt: skip
    feed = OkxBarFeed(
        OkxRest(None, client.address), OkxStreams(None, client.address, STREAMS), clock, [BTC],
        Timeframe(MINUTE_MS),
    )  # fmt: skip
    trader = Trader(
        steps=steps, brokers={MAIN: broker}, decider=decider, notifier=Silent(), clock=clock
    )
    running = asyncio.create_task(trader.run())
    feeding = asyncio.create_task(feed_bars(trader, feed))
    try:
        await until(lambda: len(state.records.fills) >= FILLS or running.done() or feeding.done())
        feeding.cancel()
        venue.faults.clear()
        orders, books = steps.engine.state.orders, steps.engine.state.books
        await until(
            lambda: running.done() or (
                not any(orders.open())
                and books[MAIN].whole.position(BTC).quantity
                == state.wallet.cash.get("BTC", Decimal(0))
            )
        )  # fmt: skip
    finally:
        running.cancel()
        feeding.cancel()
        ended = await asyncio.gather(running, feeding, return_exceptions=True)
        await broker.close()
        await feed.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    return steps


async def all_of(seeds: Sequence[int], folder: Path) -> dict[int, BaseException]:
    """What went wrong, by seed."""
    ended = await asyncio.gather(
        *(lived(seed, folder / f"{seed}") for seed in seeds), return_exceptions=True
    )
    return {seed: end for seed, end in zip(seeds, ended, strict=True) if end is not None}


@pytest.mark.parametrize(
    "seeds",
    [
        range(EVERYDAY),
        *(
            pytest.param(range(first, first + TOGETHER), marks=pytest.mark.slow)
            for first in range(EVERYDAY, HISTORIES, TOGETHER)
        ),
    ],
    ids=lambda seeds: f"{seeds[0]} to {seeds[-1]}",
)
def test_f12_f13_f14_f16_f18_f24_f37_books_agree_whatever_the_wire_does(
    tmp_path: Path, seeds: Sequence[int]
) -> None:
    assert asyncio.run(all_of(seeds, tmp_path)) == {}
