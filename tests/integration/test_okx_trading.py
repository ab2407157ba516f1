"""The whole way of a protected position: bars of a simulated exchange, orders, stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders.okx_orders import BTC, KEYS, MAIN, SWAP
from tests.builders.okx_venue import simulator
from tests.integration.okx_trader import FLIP, USDT, Silent

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    CashMoved,
    DecisionOutcome,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.ids import RunId, run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.orders import OrderStatus, Protection
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data.adapters.okx.bars import OkxBarFeed
from algotrader.data.adapters.okx.rest import OkxRest
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.engine.commands import AskStrategy
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.news import NewsSettings
from algotrader.live.feeding import feed_bars
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.simulator.okx.listings import usual_instrument
from algotrader.simulator.okx.server import Server, serving

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
STREAMS = StreamSettings(heartbeat_s=0.5, wait_s=lambda _attempt, _draw: 0.4)


async def until(is_so: Callable[[], bool], seconds: float = 40.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.02)


class Stepwise:
    """One target after the other, a minute each, then the last."""

    def __init__(self, symbol: Symbol, *targets: float) -> None:
        self._symbol = symbol
        self._targets = list(targets)
        self.given = 0

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        now_ms = utc_ms(SystemClock().now())
        target = self._targets[min(self.given, len(self._targets) - 1)]
        self.given += 1
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=FLIP,
            decision_ts=question.decision_ts, outcome=DecisionOutcome.DECIDED,
            wanted=(TargetWanted(instrument=self._symbol, target=target, features={}),),
        )  # fmt: skip


def protected(run_id: RunId, symbol: Symbol) -> EngineSettings:
    is_spot = symbol.kind is InstrumentKind.SPOT
    account = Account(
        account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH if is_spot else MarginMode.CROSS,
        instruments=(symbol,), strategies=(FLIP,),
    )  # fmt: skip
    flip = StrategyInstance(
        strategy=FLIP, account=MAIN, instruments=(symbol,), timeframe="1m",
        protection=Protection(stop_loss=0.05, take_profit=0.05 if is_spot else None),
    )  # fmt: skip
    return EngineSettings(
        run_id=run_id, configuration_hash="test", accounts=(account,),
        instruments={symbol: usual_instrument(symbol)}, strategies=(flip,),
        freezing=frozenset({symbol} if is_spot else ()), guard_within_ms=10_000,
    )  # fmt: skip


@pytest.mark.parametrize("symbol", [SWAP, BTC], ids=["swap", "spot"])
def test_promise_13_r19_a_protected_position_has_one_stop_of_its_size_at_the_venue(
    tmp_path: Path, symbol: Symbol
) -> None:
    """On spot the stop and its target are one order, which makes way for each sale (F85)."""

    async def trade(journal: Journal) -> None:
        clock = SystemClock()
        venue = simulator(
            clock, names=("BTC-USDT-SWAP" if symbol is SWAP else "BTC-USDT",), balances={"USDT": Decimal(10_000)}, speed=60.0,
            bars=4_000, limits=False,
        )  # fmt: skip
        state = venue.api.desk.exchange.venue
        async with serving(Server(venue, clock), "127.0.0.1", 0) as port:
            decider = Stepwise(symbol, 0.3, 0.3, 0.6, 0.6, 0.6, 0.2, 0.2, 0.2, 0.0)
            steps = Steps(Engine(protected(journal.run_id, symbol)), journal)
            now_ms = utc_ms(clock.now())
            steps.take(
                CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                          reason="deposit", amount=Decimal(10_000), currency=USDT)
            )  # fmt: skip
            client = OkxClient(KEYS, base_url=f"http://127.0.0.1:{port}")
            broker = OkxBroker(MAIN, client, clock, OkxBrokerSettings(
                run_tag=run_tag(journal.run_id), watched=frozenset({symbol}), streams=STREAMS,
                news=NewsSettings(check_s=0.5, blind_s=0.2),
            ))  # fmt: skip
            feed = OkxBarFeed(
                OkxRest(None, client.address), OkxStreams(None, client.address, STREAMS), clock,
                [symbol], Timeframe(MINUTE_MS),
            )  # fmt: skip
            trader = Trader(
                steps=steps, brokers={MAIN: broker}, decider=decider, notifier=Silent(), clock=clock
            )
            running = asyncio.create_task(trader.run())
            feeding = asyncio.create_task(feed_bars(trader, feed))

            def stops() -> list[Decimal | None]:
                return [algo.size for algo in state.records.live_algos()]

            def held() -> Decimal:
                if symbol is BTC:
                    lot = usual_instrument(BTC).lot
                    return state.wallet.cash.get("BTC", Decimal(0)) // lot * lot
                return sum((one.quantity for one in state.wallet.open_positions()), Decimal(0))

            seen: list[Decimal] = []
            try:
                for step in (2, 5, 8):
                    await until(lambda step=step: decider.given >= step and held() > 0)
                    await until(lambda: stops() == [held()])
                    seen.append(held())
                await until(lambda: decider.given >= 9 and held() == 0 and stops() == [])
            finally:
                feeding.cancel()
                running.cancel()
                ended = await asyncio.gather(running, feeding, return_exceptions=True)
                await broker.close()
                await feed.close()
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
        assert seen[1] > seen[0] > seen[2] > 0
        rejected = [o for o in steps.engine.state.orders.all() if o.status is OrderStatus.REJECTED]
        assert rejected == []

    folder = JournalFolder(tmp_path / "journal")
    made = folder.create(entropy=bytes(range(16)), now_ms=utc_ms(SystemClock().now()))
    with made as journal:
        asyncio.run(trade(journal))
