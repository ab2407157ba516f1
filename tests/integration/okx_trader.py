"""A trader in a process of its own, to be killed: flips two positions on a look-alike of OKX.

usage: okx_trader.py JOURNAL_FOLDER PORT [settle | POINT]; `settle` only settles, and prints what it
holds; at a POINT (of `POINTS`) it kills itself, the second time it gets there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    BarClosed,
    CashMoved,
    DecisionOutcome,
    Event,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.ids import AccountId, RunId, StrategyId, run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import Approved, Order
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import AskStrategy
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient, OkxKeys
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.simulator.okx.listings import usual_instrument

MAIN, FLIP, USDT = AccountId("main"), StrategyId("flip"), Currency("USDT")
BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
BOTH = (BTC, ETH)
POINTS = ("before_journal", "after_journal", "after_send", "before_fill_row", "between_orders")
STEP_MS = 400
PRICES = {BTC: 30_000.0, ETH: 1_900.0}


def settings(run_id: RunId) -> EngineSettings:
    account = Account(
        account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
        instruments=BOTH, strategies=(FLIP,),
    )  # fmt: skip
    flip = StrategyInstance(
        strategy=FLIP, account=MAIN, instruments=BOTH, timeframe="1m", panel=True
    )
    return EngineSettings(
        run_id=run_id,
        configuration_hash="test",
        accounts=(account,),
        instruments={symbol: usual_instrument(symbol) for symbol in BOTH},
        strategies=(flip,),
        order_deadline_ms=1_000,
        skew_ms=200,
        look_up_every_ms=200,
    )


class Death:
    """Kills this process the second time it is at its point."""

    def __init__(self, point: str | None) -> None:
        self._point = point
        self._times = 0

    def at(self, point: str) -> None:
        if point != self._point:
            return
        self._times += 1
        if self._times == 2:
            os.kill(os.getpid(), signal.SIGKILL)


class Dying(OkxBroker):
    """The broker as it is, with points at which the process may die."""

    death = Death(None)

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        self.death.at("after_journal")
        answer = await super().submit(approved, deadline_ms)
        self.death.at("after_send")
        if approved.order.instrument == ETH:
            self.death.at("between_orders")
        return answer

    async def news(self) -> AsyncIterator[Event]:
        async for event in super().news():
            if isinstance(event, OrderFilled):
                self.death.at("before_fill_row")
            yield event


class Flip:
    """A third of the equity in each at even decisions, nothing at odd ones."""

    def __init__(self, death: Death) -> None:
        self._death = death

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        now = {"ts_event": question.decision_ts, "ts_known": utc_ms(SystemClock().now())}
        target = 0.3 if question.decision_ts // STEP_MS % 2 == 0 else 0.0
        self._death.at("before_journal")
        return StrategyAnswered(
            **now, account=MAIN, strategy=FLIP, decision_ts=question.decision_ts,
            outcome=DecisionOutcome.DECIDED,
            wanted=tuple(
                TargetWanted(instrument=symbol, target=target, features={}) for symbol in BOTH
            ),
        )  # fmt: skip


class Silent:
    async def notify(self, notice: Notice) -> None:
        sys.stderr.write(f"NOTICE {notice.text}\n")


async def bars(trader: Trader) -> None:
    await trader.ready()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        await asyncio.sleep(STEP_MS / 1000)
        now = utc_ms(SystemClock().now())
        at = {"ts_event": now, "ts_known": now}
        for symbol, price in PRICES.items():
            trader.tell(
                BarClosed(**at, instrument=symbol, timeframe="1m", ts=now, open=price, high=price,
                          low=price, close=price, volume=1e6, source="test")
            )  # fmt: skip
        trader.tell(SliceClosed(**at, timeframe="1m", decision_ts=now, instruments=BOTH))


async def trade(journal: Journal, port: int, settle: bool, death: Death) -> None:
    now_ms = utc_ms(SystemClock().now())
    steps = Steps(Engine(settings(journal.run_id)), journal)
    if not steps.replay():
        steps.take(
            CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                      reason="deposit", amount=Decimal(10_000), currency=USDT)
        )  # fmt: skip
    keys = OkxKeys(key="sim-key", secret="sim-secret", passphrase="sim-pass")
    client = OkxClient(keys, base_url=f"http://127.0.0.1:{port}")
    chosen = OkxBrokerSettings(run_tag=run_tag(journal.run_id))
    broker = Dying(MAIN, client, SystemClock(), chosen)
    broker.death = death
    trader = Trader(
        steps=steps,
        brokers={MAIN: broker},
        decider=Flip(death),
        notifier=Silent(),
        clock=SystemClock(),
    )
    running = asyncio.create_task(trader.run())
    try:
        if settle:
            await trader.ready()
            await ended(trader, steps)
            sys.stdout.write(json.dumps(told(steps)))
        else:
            await bars(trader)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await broker.close()


async def ended(trader: Trader, steps: Steps) -> None:
    """What a start still had to decide is decided, and nothing of it is open."""
    async with asyncio.timeout(60):
        await trader.idle()
        while any(steps.engine.state.orders.open()):
            await asyncio.sleep(0.05)


def told(steps: Steps) -> dict[str, object]:
    state = steps.engine.state
    book = state.books[MAIN].whole
    return {
        "positions": {str(symbol): str(book.position(symbol).quantity) for symbol in BOTH},
        "cash": str(book.cash()),
        "mode": state.modes[MAIN],
        "open": len(list(state.orders.open())),
    }


def main(path: Path, port: int, point: str | None) -> None:
    folder = JournalFolder(path)
    exists = (path / "chain").exists()
    now_ms = utc_ms(SystemClock().now())
    opened = folder.open() if exists else folder.create(entropy=os.urandom(16), now_ms=now_ms)
    with opened as journal:
        asyncio.run(trade(journal, port, point == "settle", Death(point)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
