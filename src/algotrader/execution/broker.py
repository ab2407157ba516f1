"""The Broker port: what the trader asks of a venue. Answers are events, never exceptions.

An adapter says what it knows: accepted, refused by a code of the venue's list of refusals, or
unknown, which is everything else, an answer it does not understand included. It never sends twice
and decides nothing; what to do about an unknown outcome is the engine's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

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
from algotrader.core.ids import OrderId
from algotrader.core.orders import Approved, Order
from algotrader.core.symbols import Symbol


class BrokerUnavailableError(Exception):
    """A question got no answer. Nothing is known; ask again later."""


class Broker(Protocol):
    """One account at one venue."""

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        """Send an order once; the venue must refuse it after `deadline_ms` (UTC ms)."""
        ...

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        """Ask for the end of an order; None if no answer came. What became of it is looked up."""
        ...

    async def amend(
        self,
        order_id: OrderId,
        instrument: Symbol,
        *,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused | None:
        """Change an open order; None if what became of it has to be looked up.

        `quantity` is of the whole order, its filled part included. BrokerUnavailableError without
        an answer.
        """
        ...

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        """The order as the venue knows it: among open ones, in history, in trades.

        `asked_ms` of the answer is when the question left. BrokerUnavailableError without one.
        """
        ...

    async def trades(self, order_id: OrderId, instrument: Symbol) -> Sequence[OrderFilled]:
        """All trades of an order. BrokerUnavailableError without an answer."""
        ...

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        """Signed quantities held, 0 where nothing is; of a spot pair, the coins of its base.

        BrokerUnavailableError without an answer: a missing report is not flat.
        """
        ...

    def news(self) -> AsyncIterator[Event]:
        """What the venue pushes: order states, fills, funding. It may repeat, reorder and lose."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
