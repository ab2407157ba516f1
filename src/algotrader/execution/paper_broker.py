"""The Broker port over a paper venue, and its account after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from algotrader.core.events import (
    BarClosed,
    Event,
    FundingPaid,
    Liquidated,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    SliceClosed,
    StopTriggered,
)
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Approved, Order
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.execution.paper import PaperVenue


class PaperBroker:
    """One paper account. It answers at once; what a bar did to it is told by `advance`."""

    def __init__(self, venue: PaperVenue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock

    @property
    def next_ts(self) -> int:
        """Open of the next bar that it can take, UTC ms."""
        return self._venue.next_ts

    @property
    def last_ts(self) -> int:
        """Open of the last bar that it can take, UTC ms."""
        return self._venue.last_ts

    def takes(self, bar: BarClosed) -> bool:
        """Whether the bar is one of those that fill orders here."""
        return self._venue.takes(bar)

    def stand_in(self, venue: PaperVenue) -> None:
        """Go on with a venue that stands where this one stands."""
        self._venue = venue

    def settle(self, instrument: Symbol, ts: int, rate: float) -> None:
        """Tell a funding rate before the bar that it is settled in."""
        if self._venue.lists(instrument):
            self._venue.settle(instrument, ts, rate)

    def advance(self, bars: Iterable[BarClosed], now_ms: int) -> list[Event]:
        """What a closed slice led to: funding, fills, liquidations, ends of orders.

        Nothing for a bar that was taken before, as one that a kill cut short is at the next start.
        """
        own = [bar for bar in bars if self._venue.takes(bar) and bar.ts >= self._venue.next_ts]
        return self._venue.advance(own, now_ms) if own else []

    async def submit(
        self,
        approved: Approved[Order],
        deadline_ms: int,  # noqa: ARG002  nothing is ever late here
    ) -> OrderAccepted | OrderRejected:
        return self._venue.submit(approved.order, self._now_ms())

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        found = self._venue.cancel(order_id, instrument, self._now_ms())
        return found if isinstance(found, OrderSeen) else None

    async def amend(
        self,
        order_id: OrderId,
        instrument: Symbol,
        *,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused:
        return self._venue.amend(
            order_id, instrument, self._now_ms(), quantity=quantity, limit=limit, stop=stop
        )

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        return self._venue.find(order_id, instrument, self._now_ms())

    async def trades(
        self,
        order_id: OrderId,
        instrument: Symbol,  # noqa: ARG002  the id names it
    ) -> Sequence[OrderFilled]:
        now_ms = self._now_ms()
        return [
            OrderFilled(ts_event=utc_ms(fill.filled_at), ts_known=now_ms, fill=fill)
            for fill in self._venue.trades(order_id)
        ]

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        held = self._venue.positions()
        return {symbol: held[symbol] for symbol in instruments}

    async def news(self) -> AsyncIterator[Event]:
        """Nothing by itself: a paper venue moves only with its bars."""
        await asyncio.Event().wait()
        nothing: tuple[Event, ...] = ()
        for event in nothing:
            yield event

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())


_TOLD: Final = (OrderFilled, StopTriggered, FundingPaid, Liquidated)
"""What a paper venue tells of a bar, before the bar itself stands in the journal."""
HISTORY: Final = (
    BarClosed, SliceClosed, OrderSubmitted, OrderAmended, OrderCancelRequested, *_TOLD,
)  # fmt: skip
"""The events that move a paper venue."""


def stand_again(venues: Mapping[AccountId, PaperVenue], history: Iterable[Event]) -> None:
    """Bring fresh paper venues to where a journal ends: the same bars and orders, once more.

    What they tell on the way was told before. Fills that were told and that nobody wrote down come
    again when the bar that led to them is handed in again. What was asked for once a bar had told
    something came after all that the bar did, though its slice is written later.
    """
    bars: list[BarClosed] = []
    has_told = False
    after: list[Event] = []
    for event in history:
        match event:
            case BarClosed() if not event.is_late:
                bars.append(event)
            case SliceClosed():
                # What came before a kill, and was not in a slice, came late to the next start.
                closed = [bar for bar in bars if bar.ts_event == event.decision_ts]
                for venue in venues.values():
                    if own := [bar for bar in closed if venue.takes(bar)]:
                        venue.advance(own, event.ts_known)
                for asked in after:
                    _ask_again(venues, asked)
                bars, has_told, after = [], False, []
            case OrderFilled() | StopTriggered() | FundingPaid() | Liquidated():
                has_told = True
            case _ if has_told:
                after.append(event)
            case _:
                _ask_again(venues, event)
    for asked in after:
        _ask_again(venues, asked)


def _ask_again(venues: Mapping[AccountId, PaperVenue], event: Event) -> None:
    match event:
        case OrderSubmitted() if event.order.account in venues:
            venues[event.order.account].submit(event.order, event.ts_known)
        case OrderAmended() if event.account in venues:
            venues[event.account].amend(
                event.order_id, event.instrument, event.ts_known,
                quantity=event.quantity, limit=event.limit, stop=event.stop,
            )  # fmt: skip
        case OrderCancelRequested() if event.account in venues:
            venues[event.account].cancel(event.order_id, event.instrument, event.ts_known)
        case _:
            pass
