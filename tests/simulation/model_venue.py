"""A venue and the wire to it, simple enough to be right: orders, trades, answers, pushes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypedDict

from tests.simulation.faults import Faults
from tests.simulation.wire import PATIENCE_S, Wire

from algotrader.core.events import (
    Event,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, TradeId, VenueOrderId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import Approved, Order, OrderStatus, Purpose
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.okx.verdicts import Accepted, Refused, verdict_on
from algotrader.execution.broker import BrokerUnavailableError

ZERO: Final = Decimal(0)
FEE: Final = Decimal("0.001")
EXPIRED: Final = "51149"
DUPLICATE: Final = "51016"
REFUSED: Final = ("51008", "51006", "51020", "51121", "51028")


class Crash(BaseException):
    """The process dies here."""


class _Times(TypedDict):
    ts_event: int
    ts_known: int


@dataclass(slots=True, kw_only=True)
class VenueOrder:
    order: Order
    venue_id: VenueOrderId
    placed_ms: int
    quantity: Decimal  # as amended, like its prices: these are shown, and mean nothing here
    limit: Decimal | None
    stop: Decimal | None
    status: OrderStatus = OrderStatus.ACCEPTED
    fills: list[Fill] = field(default_factory=list)
    filled: Decimal = ZERO  # all of `fills`

    @property
    def rest(self) -> Decimal:
        return self.quantity - self.filled


class ModelVenue:
    """The truth. It outlives crashes of the trader."""

    def __init__(self, account: AccountId, clock: Clock, chance: random.Random, wire: Wire) -> None:
        self.account = account
        self.faults = Faults()
        self.wire = wire
        self.pace_s: float | None = None  # of fills; None: by chance
        self.orders: dict[OrderId, VenueOrder] = {}
        self.placed: list[VenueOrder] = []  # the same, as they came
        self.alive: dict[OrderId, VenueOrder] = {}  # of them those that are not final
        self.fills: list[Fill] = []  # of all orders, as they came
        self.received: Counter[OrderId] = Counter()
        self.cash = ZERO  # against what it began with
        self.prices: dict[Symbol, Decimal] = {}
        self.happened: Callable[[str], None] = lambda _: None  # told what the venue did
        self.received_one: Callable[[Order], None] = lambda _: None
        self.share: Decimal | None = None  # of an order that trades, the rest staying open (F25)
        self.asked = 0  # questions under way now
        self.most_asked = 0
        self.struck: Counter[str] = Counter()  # what went wrong, and how often
        self.listeners: list[asyncio.Queue[Event]] = []
        self._clock = clock
        self._chance = chance
        self._positions: dict[Symbol, Decimal] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def place(self, order: Order, deadline_ms: int) -> VenueOrder | str:
        """The order, or the code of a refusal as OKX has it."""
        self.receive(order)
        if self.now_ms() > deadline_ms:
            return EXPIRED
        if order.order_id in self.orders:
            return DUPLICATE
        if self._chance.random() < self.faults.refuse:
            self.struck["refuse"] += 1
            return self._chance.choice(REFUSED)
        made = VenueOrder(
            order=order, venue_id=VenueOrderId(f"v{len(self.orders)}"), placed_ms=self.now_ms(),
            quantity=order.quantity, limit=order.terms.limit, stop=order.terms.stop,
        )  # fmt: skip
        self.orders[order.order_id] = self.alive[order.order_id] = made
        self.placed.append(made)
        self._push(made)
        self.keep(asyncio.ensure_future(self._work(made)))
        self.happened("placed")
        return made

    def receive(self, order: Order) -> None:
        """A request to place it is here, whatever comes of it."""
        self.received[order.order_id] += 1
        self.received_one(order)

    def cancel(self, order_id: OrderId) -> bool:
        held = self.orders.get(order_id)
        if held is None or held.status.is_final:
            return False
        held.status = OrderStatus.CANCELLED
        del self.alive[order_id]
        self._push(held)
        self.happened("cancelled")
        return True

    def amend(
        self, order_id: OrderId, quantity: Decimal, limit: Decimal | None, stop: Decimal | None
    ) -> VenueOrder | None:
        """The order as changed; None: it is over, or more than that has traded."""
        held = self.alive.get(order_id)
        if held is None or quantity <= held.filled:
            return None
        held.quantity, held.limit, held.stop = quantity, limit, stop
        self._push(held)
        self.happened("amended")
        return held

    def positions(self, symbols: Sequence[Symbol]) -> dict[Symbol, Decimal]:
        return {symbol: self._positions.get(symbol, ZERO) for symbol in symbols}

    def now_ms(self) -> int:
        return utc_ms(self._clock.now())

    async def _work(self, held: VenueOrder) -> None:
        """Trade an order in one to three parts; some rest at a part until they are cancelled."""
        parts = self._chance.choice((1, 1, 2, 3))
        stays = self._chance.random() < self.faults.partial
        pace_s = self._chance.choice((0.5, 0.5, 20.0))  # some rest for a while before they trade
        if held.order.intent.purpose is Purpose.OPERATOR and held.order.terms.limit is not None:
            pace_s = 120.0  # long enough for a person to change it
        for part in range(parts):
            drawn_s = self._chance.random() * pace_s
            await self._wait(drawn_s)
            if held.status.is_final:
                return
            last = part == parts - 1
            if last and stays:
                self.struck["partial"] += 1
                return
            if self.share is not None:
                self._trade(held, held.order.quantity * self.share)
                return
            share = held.rest if last else held.rest / 2
            lot = Decimal("0.00001")
            quantity = share if last else (share // lot) * lot
            if held.order.terms.reduce_only:  # R12: cut at the fill, what is left of it ends
                left = -held.order.side.sign * self._positions.get(held.order.instrument, ZERO)
                quantity = min(quantity, left)
                if quantity <= 0:
                    self.cancel(held.order.order_id)
                    return
            if quantity > 0:
                self._trade(held, quantity)

    async def _wait(self, drawn_s: float) -> None:
        """Until the next part of an order trades."""
        await asyncio.sleep(drawn_s if self.pace_s is None else self.pace_s)

    def _trade(self, held: VenueOrder, quantity: Decimal) -> None:
        symbol, side = held.order.instrument, held.order.side
        price = self.prices[symbol]
        fee = quantity * price * FEE
        self.cash -= quantity * price * side.sign + fee
        fill = Fill(
            trade_id=TradeId(f"t{len(self.fills) + 1}"), order_id=held.order.order_id,
            account=self.account, instrument=symbol, side=side, quantity=quantity,
            price=price, fee=fee, fee_currency=Currency("USDT"), filled_at=utc_at(self.now_ms()),
            liquidity=Liquidity.TAKER,
        )  # fmt: skip
        held.fills.append(fill)
        self.fills.append(fill)
        held.filled += quantity
        self._positions[symbol] = self._positions.get(symbol, ZERO) + quantity * side.sign
        held.status = OrderStatus.PARTIALLY_FILLED
        if held.rest == 0:
            held.status = OrderStatus.FILLED
            del self.alive[held.order.order_id]
        now = self.now_ms()
        self.tell(OrderFilled(ts_event=now, ts_known=now, fill=fill))
        self._push(held)
        self.happened("traded")

    def _push(self, held: VenueOrder) -> None:
        self.tell(self.seen(held, None))

    def seen(self, held: VenueOrder, asked_ms: int | None) -> OrderSeen:
        now = self.now_ms()
        return OrderSeen(
            ts_event=now, ts_known=now, account=self.account, order_id=held.order.order_id,
            instrument=held.order.instrument, venue_order_id=held.venue_id, status=held.status,
            filled_quantity=held.filled, asked_ms=asked_ms, quantity=held.quantity,
            limit=held.limit, stop=held.stop,
        )  # fmt: skip

    def tell(self, event: Event) -> None:
        """Push to whoever listens, as well as the wire lets it."""
        loop = asyncio.get_running_loop()
        for listener in self.listeners:
            for wait_s in self.wire.push():
                loop.call_later(wait_s, self._deliver, listener, event)

    def _deliver(self, listener: asyncio.Queue[Event], event: Event) -> None:
        if listener in self.listeners:
            listener.put_nowait(event)

    def keep(self, task: asyncio.Future[None]) -> None:
        """Hold on to what is under way: the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Asked(StrEnum):
    """What a trader asks of its venue."""

    PLACE = "place"
    CANCEL = "cancel"
    AMEND = "amend"
    LOOK_UP = "look_up"
    TRADES = "trades"
    POSITIONS = "positions"

    @property
    def changes(self) -> bool:
        """Whether it does something there."""
        return self in (Asked.PLACE, Asked.CANCEL, Asked.AMEND)


class ModelBroker:
    """The Broker port over the wire to a model venue: answers come late, or not at all."""

    def __init__(self, venue: ModelVenue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock  # of the trader, not the venue's
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        venue.listeners[:] = [self._queue]  # the connection of a dead process is gone

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        order = approved.order
        names = {"account": order.account, "order_id": order.order_id,
                 "instrument": order.instrument}  # fmt: skip
        self._perhaps_crash()
        asked = asyncio.get_running_loop().time()
        told: list[VenueOrder | str] = []
        answered = await self._exchange(
            lambda: told.append(self._venue.place(order, deadline_ms)), Asked.PLACE
        )
        took = asyncio.get_running_loop().time() - asked
        if not answered or took > PATIENCE_S:
            return OrderUnknown(
                **self._times(), **names, deadline_ms=deadline_ms, reason="no answer"
            )
        match verdict_on(_answer(told[-1]), "ordId"):  # the adapter's own reading of answers
            case Accepted(venue_order_id=venue_order_id):
                return OrderAccepted(**self._times(), **names, venue_order_id=venue_order_id)
            case Refused(code=code, reason=reason):
                return OrderRejected(**self._times(), **names, code=code, reason=reason)
            case verdict:
                return OrderUnknown(
                    **self._times(), **names, deadline_ms=deadline_ms, reason=str(verdict)
                )

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        self._perhaps_crash()
        told: list[bool] = []
        answered = await self._exchange(
            lambda: told.append(self._venue.cancel(order_id)), Asked.CANCEL
        )
        if not answered or told[0]:
            return None
        return OrderCancelRefused(
            **self._times(), account=self._venue.account, order_id=order_id,
            instrument=instrument, code="final", reason="no open order of that id",
        )  # fmt: skip

    async def amend(
        self, order_id: OrderId, instrument: Symbol, *, quantity: Decimal, limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused | None:  # fmt: skip
        self._perhaps_crash()
        told: list[tuple[VenueOrder | None, int]] = []
        answered = await self._exchange(
            lambda: told.append(
                (self._venue.amend(order_id, quantity, limit, stop), self._venue.now_ms())
            ),
            Asked.AMEND,
        )
        if not answered:
            return None
        held, changed_ms = told[-1]
        names = {"account": self._venue.account, "order_id": order_id, "instrument": instrument}
        if held is None:
            return OrderAmendRefused(
                **self._times(), **names, code="final", reason="over, or more of it has traded"
            )
        return OrderAmended(
            ts_event=changed_ms, ts_known=utc_ms(self._clock.now()), **names,
            quantity=quantity, limit=limit, stop=stop,
        )  # fmt: skip

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        asked_ms = utc_ms(self._clock.now())
        told: list[OrderSeen | None] = []

        def ask() -> None:
            held = self._venue.orders.get(order_id)
            told.append(None if held is None else self._venue.seen(held, asked_ms))

        await self._answered(ask, Asked.LOOK_UP)
        if told[-1] is None:
            return OrderNotFound(
                **self._times(), account=self._venue.account, order_id=order_id,
                instrument=instrument, asked_ms=asked_ms,
            )  # fmt: skip
        return told[-1]

    async def trades(self, order_id: OrderId, instrument: Symbol) -> Sequence[OrderFilled]:
        told: list[list[Fill]] = []

        def ask() -> None:
            held = self._venue.orders.get(order_id)
            told.append([] if held is None else list(held.fills))

        await self._answered(ask, Asked.TRADES)
        return [OrderFilled(**self._times(), fill=fill) for fill in told[-1]]

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        told: list[dict[Symbol, Decimal]] = []
        await self._answered(
            lambda: told.append(self._venue.positions(instruments)), Asked.POSITIONS
        )
        return told[-1]

    async def news(self) -> AsyncIterator[Event]:
        while True:
            yield await self._queue.get()

    async def close(self) -> None:
        self._venue.listeners.clear()

    async def _answered(self, question: Callable[[], object], asked: Asked) -> None:
        if not await self._exchange(question, asked):
            raise BrokerUnavailableError("no answer")

    async def _exchange(self, act: Callable[[], object], asked: Asked) -> bool:
        """There and back. False if no answer came in time; the act may be done all the same.

        What is on its way when the process dies arrives all the same. A question that changes
        nothing is left out where nobody will hear its answer.
        """
        venue = self._venue
        venue.asked += 1
        venue.most_asked = max(venue.most_asked, venue.asked)
        try:
            is_heard = await self._there_and_back(act, asked)
        finally:
            venue.asked -= 1
        if is_heard:
            self._perhaps_crash()
        return is_heard

    async def _there_and_back(self, act: Callable[[], object], asked: Asked) -> bool:
        trip = self._venue.wire.trip()
        is_heard = trip.took_s is not None and trip.took_s <= PATIENCE_S
        if trip.there_s is not None and (asked.changes or is_heard):
            loop = asyncio.get_running_loop()
            for _ in range(1 + trip.twice):
                loop.call_later(trip.there_s, act)
        await asyncio.sleep(trip.took_s if is_heard and trip.took_s else PATIENCE_S)
        return is_heard

    def _perhaps_crash(self) -> None:
        if self._venue.wire.crashes():
            raise Crash

    def _times(self) -> _Times:
        now = utc_ms(self._clock.now())
        return {"ts_event": now, "ts_known": now}


def _answer(told: VenueOrder | str) -> Answer:
    """What OKX would answer."""
    if isinstance(told, str):
        return Answer(code="1", message="", rows=({"sCode": told, "sMsg": "", "ordId": ""},))
    return Answer(code="0", message="", rows=({"sCode": "0", "sMsg": "", "ordId": told.venue_id},))
