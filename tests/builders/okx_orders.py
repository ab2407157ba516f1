"""Approved orders for tests of brokers, and a broker of OKX on a simulated exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.builders.okx_venue import simulator

from algotrader.core.events import Event, OrderFilled
from algotrader.core.ids import AccountId, RunId, StrategyId, run_tag
from algotrader.core.instants import utc_ms
from algotrader.core.orders import (
    Approved,
    GateSeal,
    Intent,
    Order,
    OrderTerms,
    Purpose,
    Side,
)
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.streams import StreamSettings
from algotrader.execution.adapters.okx.broker import OkxBroker, OkxBrokerSettings
from algotrader.execution.adapters.okx.client import OkxClient, OkxKeys
from algotrader.execution.adapters.okx.news import NewsSettings
from algotrader.simulator.okx.faults import Fault, FaultKind
from algotrader.simulator.okx.server import Server, serving

MAIN, RUN = AccountId("main"), RunId("run")
BTC = Symbol.parse("OKX:BTC/USDT")
SWAP = Symbol.parse("OKX:BTC/USDT:USDT")
KEYS = OkxKeys(key="sim-key", secret="sim-secret", passphrase="sim-pass")
_NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def a_seal() -> GateSeal:
    """What only the gate's module can make: made under its name."""
    gate: dict[str, Any] = {"__name__": "algotrader.risk.gate", "GateSeal": GateSeal}
    exec("seal = GateSeal()", gate)
    seal = gate["seal"]
    assert isinstance(seal, GateSeal)
    return seal


def an_order(
    quantity: str = "1", *, symbol: Symbol = BTC, side: Side = Side.BUY, number: int = 0,
    purpose: Purpose = Purpose.ORDER, **terms: Any,
) -> Order:  # fmt: skip
    """An order of the run; `number` makes its id another one."""
    intent = Intent(
        account=MAIN, strategy=StrategyId("trend"), decided_at=_NOON + timedelta(minutes=number),
        purpose=purpose,
        terms=OrderTerms(instrument=symbol, side=side, quantity=Decimal(quantity), **terms),
    )  # fmt: skip
    return Order.from_intent(intent, RUN)


def a_bracket(
    quantity: str, *, stop: Decimal, target: Decimal, number: int = 1, symbol: Symbol = BTC
) -> Order:
    """A stop and a target as one order."""
    return an_order(quantity, symbol=symbol, side=Side.SELL, number=number, purpose=Purpose.BRACKET, stop=stop,
                    limit=target, reduce_only=True)  # fmt: skip


def approved(order: Order) -> Approved[Order]:
    return Approved(order=order, gate_sequence=1, state_hash="h", seal=a_seal())


def soon(seconds: float = 5.0) -> int:
    """A deadline."""
    return utc_ms(SystemClock().now()) + int(seconds * 1000)


@dataclass
class Desk:
    """A broker, the exchange behind it, and what the broker told."""

    broker: OkxBroker
    server: Server
    told: list[Event] = field(default_factory=list)

    async def move(self, ms: float) -> None:
        """Let the venue's time pass, and push what happened."""
        self.server.simulator.advance_venue(ms)
        await self.server.push()

    def fault(self, kind: FaultKind, **more: Any) -> None:
        self.server.simulator.faults.add(Fault(kind=kind, **more), self.server.now_ms())

    def heal(self) -> None:
        self.server.simulator.faults.clear()

    async def until(self, is_so: Callable[[], bool], seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():
                await asyncio.sleep(0.01)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def filled(self, order: Order) -> dict[str, Decimal]:
        """Quantities by trade, as they would be booked: once each."""
        fills = (event.fill for event in self.told if isinstance(event, OrderFilled))
        return {f.trade_id: f.quantity for f in fills if f.order_id == order.order_id}

    async def until_open(self, count: int = 3) -> None:
        """Both streams are subscribed."""
        await self.until(
            lambda: sum(len(s.subscriptions) for s in self.server.simulator.sessions) >= count
        )


def settings(**changes: Any) -> OkxBrokerSettings:
    """Quick heartbeats and no checks but those that follow a gap."""
    news = {"check_s": 1_000.0, "blind_s": 0.1} | changes.pop("news", {})
    streams = {"heartbeat_s": 0.3, "wait_s": lambda _attempt, _draw: 0.4}
    return OkxBrokerSettings(**{
        "run_tag": run_tag(RUN), "watched": frozenset({BTC, SWAP}),
        "news": NewsSettings(**news), "streams": StreamSettings(**streams), **changes,
    })  # fmt: skip


@asynccontextmanager
async def a_desk(
    chosen: OkxBrokerSettings | None = None, *, listens: bool = True, **venue: Any
) -> AsyncIterator[Desk]:
    """A broker on an exchange that moves only when it is told to."""
    clock = SystemClock()
    server = Server(simulator(clock, **{"speed": 0.0, **venue}), clock)
    async with serving(server, "127.0.0.1", 0) as port:
        broker = OkxBroker(
            MAIN, OkxClient(KEYS, base_url=f"http://127.0.0.1:{port}"), clock, chosen or settings()
        )
        desk = Desk(broker, server)
        task = asyncio.create_task(_listen(desk)) if listens else None
        try:
            if listens:
                await desk.until_open()
            yield desk
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await broker.close()


async def _listen(desk: Desk) -> None:
    async for event in desk.broker.news():
        desk.told.append(event)
