"""A trader with stops in a process of its own: buys under a stop, then sells a part of it.

usage: python -m tests.integration.okx_guarded_trader JOURNAL_FOLDER PORT [after_stop_cancel]

Coins under a stop are frozen on spot, so the stop is cancelled before each sale. At
`after_stop_cancel` the process kills itself when the venue has ended the stop, before the sale.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

from tests.integration.okx_trader import BTC, FLIP, MAIN, USDT, Silent, bars

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    CashMoved,
    DecisionOutcome,
    OrderAccepted,
    OrderRejected,
    OrderUnknown,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.ids import RunId, run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Approved, Order, Protection, Purpose, Side
from algotrader.core.ports import SystemClock
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

WITHIN_MS: Final = 10_000  # a stop is back after so long, or the position is reduced
MUCH, LITTLE = 0.6, 0.2  # weights: the second is decided from the fourth bar on


def guarded(run_id: RunId) -> EngineSettings:
    account = Account(
        account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
        instruments=(BTC,), strategies=(FLIP,),
    )  # fmt: skip
    strategy = StrategyInstance(
        strategy=FLIP, account=MAIN, instruments=(BTC,), timeframe="1m",
        protection=Protection(stop_loss=0.05, take_profit=0.05),
    )  # fmt: skip
    return EngineSettings(
        run_id=run_id, configuration_hash="test", accounts=(account,),
        instruments={BTC: usual_instrument(BTC)}, strategies=(strategy,),
        freezing=frozenset({BTC}), guard_within_ms=WITHIN_MS, order_deadline_ms=1_000,
        skew_ms=200, look_up_every_ms=200,
    )  # fmt: skip


class Dying(OkxBroker):
    """The broker as it is; the process may die when a stop made way, before the sale is sent."""

    dies = False

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        order = approved.order
        if self.dies and order.side is Side.SELL and order.intent.purpose is Purpose.TARGET:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().submit(approved, deadline_ms)


class MuchThenLittle:
    def __init__(self, decisions: int) -> None:
        self._left = decisions  # with much

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        self._left -= 1
        now_ms = utc_ms(SystemClock().now())
        target = MUCH if self._left >= 0 else LITTLE
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=FLIP,
            decision_ts=question.decision_ts, outcome=DecisionOutcome.DECIDED,
            wanted=(TargetWanted(instrument=BTC, target=target, features={}),),
        )  # fmt: skip


async def trade(journal: Journal, port: int, dies: bool) -> None:
    now_ms = utc_ms(SystemClock().now())
    steps = Steps(Engine(guarded(journal.run_id)), journal)
    is_new = not steps.replay()
    if is_new:
        steps.take(
            CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                      reason="deposit", amount=Decimal(10_000), currency=USDT)
        )  # fmt: skip
    keys = OkxKeys(key="sim-key", secret="sim-secret", passphrase="sim-pass")
    client = OkxClient(keys, base_url=f"http://127.0.0.1:{port}")
    chosen = OkxBrokerSettings(run_tag=run_tag(journal.run_id), watched=frozenset({BTC}))
    broker = Dying(MAIN, client, SystemClock(), chosen)
    broker.dies = dies
    trader = Trader(
        steps=steps, brokers={MAIN: broker}, decider=MuchThenLittle(6 if is_new else 0),
        notifier=Silent(), clock=SystemClock(),
    )  # fmt: skip
    running = asyncio.create_task(trader.run())
    feeding = asyncio.create_task(bars(trader))
    await asyncio.wait((running, feeding), return_when=asyncio.FIRST_COMPLETED)
    running.result()


def main(path: Path, port: int, point: str | None) -> None:
    folder = JournalFolder(path)
    now_ms = utc_ms(SystemClock().now())
    exists = (path / "chain").exists()
    opened = folder.open() if exists else folder.create(entropy=os.urandom(16), now_ms=now_ms)
    with opened as journal:
        asyncio.run(trade(journal, port, point == "after_stop_cancel"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
