"""What the engine lets go of: orders that ended long ago, and names of what was booked long ago.

A trader runs for months, and its memory may not grow with what is over. The journal keeps all of
it. What is forgotten depends on the events alone, so a replay forgets the same (P9). Where a name
is kept against booking twice, ten times as many are kept as of orders: no venue tells so old a
trade again, and if one did, the books would differ from its positions, which halts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from algotrader.core.ids import OrderId
from algotrader.core.orders import PROTECTIVE
from algotrader.engine.protected import Place
from algotrader.execution.order_life import LiveOrder

if TYPE_CHECKING:
    from algotrader.engine.state import EngineState

KEPT_ORDERS: Final = 5_000
"""Orders that have ended; twice as many before the older half is let go of, all at once."""
KEPT_BOOKINGS: Final = 50_000
"""Names of trades and of movements of cash, likewise."""
Key = TypeVar("Key")
Value = TypeVar("Value")


def newest(known: dict[Key, Value], most: int) -> dict[Key, Value]:
    """The last `most` that came, once there are twice as many; else all of them."""
    if len(known) <= 2 * most:
        return known
    return dict(islice(known.items(), len(known) - most, None))


def forget_what_is_over(state: EngineState) -> None:
    """Let go of the older ended orders once there are too many. Called when one has ended."""
    state.attempts = newest(state.attempts, KEPT_ORDERS)
    state.legs = newest(state.legs, KEPT_ORDERS)
    if len(state.orders.ended()) <= 2 * KEPT_ORDERS:
        return
    needed = set(_needed(state))
    for order_id in list(state.orders.ended())[:-KEPT_ORDERS]:
        if order_id not in needed:
            _forget(state, state.orders[order_id])


def _needed(state: EngineState) -> Iterator[OrderId]:
    """What is still spoken of, though it ended."""
    yield from state.protected.parents.values()
    yield from state.protected.openers
    yield from (one.parent for one in state.protected.unmade)
    yield from state.waiting.values()
    for legs in state.groups.legs.values():
        yield from (leg.order_id for leg in legs if leg.order_id is not None)
    for live in state.orders.open():
        if live.order.intent.parent is not None:
            yield live.order.intent.parent
    opened: dict[Place, OrderId] = {}  # where guards are missing, they are made of the newest
    for live in state.orders.all():
        if live.filled and live.order.intent.purpose not in PROTECTIVE:
            opened[live.order.strategy, live.order.instrument] = live.order.order_id
    yield from opened.values()


def _forget(state: EngineState, live: LiveOrder) -> None:
    order_id, number = live.order.order_id, live.order.intent.number
    state.orders.forget(order_id)
    state.protected.exits.pop(order_id, None)
    state.protected.sets.pop(order_id, None)
    state.groups.attempts.pop(order_id, None)
    if number is not None:
        state.talks.orders.get(live.order.strategy, {}).pop(number, None)
