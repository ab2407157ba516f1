"""A trader in a process of its own, to be killed: flips a position on a look-alike of OKX.

usage: okx_trader.py JOURNAL_FOLDER PORT [SETTLE]; with SETTLE it only settles, and prints what it holds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    BarClosed,
    CashMoved,
    DecisionOutcome,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.ids import AccountId, RunId, StrategyId, run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.money import Currency
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
BTC = Symbol.parse("OKX:BTC/USDT")
STEP_MS = 400
PRICE = 30_000.0


def settings(run_id: RunId) -> EngineSettings:
    account = Account(
        account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
        instruments=(BTC,), strategies=(FLIP,),
    )  # fmt: skip
    flip = StrategyInstance(strategy=FLIP, account=MAIN, instruments=(BTC,), timeframe="1m")
    return EngineSettings(
        run_id=run_id,
        configuration_hash="test",
        accounts=(account,),
        instruments={BTC: usual_instrument(BTC)},
        strategies=(flip,),
        order_deadline_ms=1_000,
        skew_ms=200,
        look_up_every_ms=200,
    )


class Flip:
    """Half of the equity at even decisions, nothing at odd ones."""

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        now = {"ts_event": question.decision_ts, "ts_known": utc_ms(SystemClock().now())}
        target = 0.5 if question.decision_ts // STEP_MS % 2 == 0 else 0.0
        return StrategyAnswered(
            **now, account=MAIN, strategy=FLIP, decision_ts=question.decision_ts,
            outcome=DecisionOutcome.DECIDED,
            wanted=(TargetWanted(instrument=BTC, target=target, features={}),),
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
        trader.tell(
            BarClosed(**at, instrument=BTC, timeframe="1m", ts=now, open=PRICE, high=PRICE,
                      low=PRICE, close=PRICE, volume=1e6, source="test")
        )  # fmt: skip
        trader.tell(SliceClosed(**at, timeframe="1m", decision_ts=now, instruments=(BTC,)))


async def trade(journal: Journal, port: int, settle: bool) -> None:
    now_ms = utc_ms(SystemClock().now())
    steps = Steps(Engine(settings(journal.run_id)), journal)
    if steps.replay() == 0:
        steps.take(
            CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                      reason="deposit", amount=Decimal(10_000), currency=USDT)
        )  # fmt: skip
    keys = OkxKeys(key="sim-key", secret="sim-secret", passphrase="sim-pass")
    client = OkxClient(keys, base_url=f"http://127.0.0.1:{port}")
    chosen = OkxBrokerSettings(run_tag=run_tag(journal.run_id))
    broker = OkxBroker(MAIN, client, SystemClock(), chosen)
    trader = Trader(
        steps=steps, brokers={MAIN: broker}, decider=Flip(), notifier=Silent(), clock=SystemClock()
    )
    running = asyncio.create_task(trader.run())
    try:
        if settle:
            await trader.ready()
            sys.stdout.write(json.dumps(told(steps)))
        else:
            await bars(trader)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await broker.close()


def told(steps: Steps) -> dict[str, object]:
    state = steps.engine.state
    book = state.books[MAIN].whole
    return {
        "position": str(book.position(BTC).quantity),
        "cash": str(book.cash()),
        "mode": state.modes[MAIN],
        "open": len(list(state.orders.open())),
    }


def main(path: Path, port: int, settle: bool) -> None:
    folder = JournalFolder(path)
    exists = (path / "chain").exists()
    now_ms = utc_ms(SystemClock().now())
    opened = folder.open() if exists else folder.create(entropy=os.urandom(16), now_ms=now_ms)
    with opened as journal:
        asyncio.run(trade(journal, port, settle))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3)
