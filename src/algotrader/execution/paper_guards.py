"""Protective orders that a paper venue keeps: by whose fill they were made, and how they ended.

The simulator makes the stops, targets and trails of a position in the very bar of the fill that
opens it (R19). The engine sends the same orders when it hears of that fill. Both name them by the
order whose fill they guard, so what the simulator did inside the bar is told under the engine's
own orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.core.ids import OrderId, guard_order_id
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Order, Purpose
from algotrader.execution.simulation import FillReason

REASONS: Final = {
    FillReason.STOP_LOSS: Purpose.STOP_LOSS,
    FillReason.TAKE_PROFIT: Purpose.TAKE_PROFIT,
    FillReason.TRAILING: Purpose.TRAILING,
}
GuardKey = tuple[int, int, int]
"""Opener, generation, reason, as the simulator tells a guard."""
GuardRow = tuple[int, int, int, int, bool]
"""The same with the column of the instrument, and whether its level was reached."""


@dataclass(slots=True)
class KeptGuard:
    """One protective order at the venue."""

    order_id: OrderId
    key: GuardKey
    column: int
    instrument: Instrument
    filled: Decimal = Decimal(0)
    is_over: bool = False


class GuardBook:
    """All protective orders of a paper venue."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self._instruments = instruments
        self._by_id: dict[OrderId, KeptGuard] = {}
        self._by_key: dict[GuardKey, KeptGuard] = {}
        self._alive: dict[GuardKey, KeptGuard] = {}
        self._triggered: dict[GuardKey, KeptGuard] = {}
        self._anew: dict[int, tuple[OrderId, int]] = {}  # opener of ours: parent and attempt

    def find(self, order_id: OrderId) -> KeptGuard | None:
        return self._by_id.get(order_id)

    def of_fill(self, opener: int, generation: int, reason: int) -> KeptGuard:
        return self._by_key[opener, generation, reason]

    @property
    def has_any(self) -> bool:
        return bool(self._alive)

    def opener_anew(self, order: Order) -> int:
        """A number for guards that no fill makes: what is held is protected once more."""
        number = -2 - len(self._anew)
        parent = order.intent.parent
        if parent is None:
            raise ValueError(f"order {order.order_id} guards no order's fill")
        self._anew[number] = (parent, order.intent.attempt)
        return number

    def hear(self, rows: Iterable[GuardRow], orders: Mapping[int, Order]) -> None:
        """Take in the guards that the simulator made or triggered."""
        for opener, generation, reason, column, is_triggered in rows:
            key = (opener, generation, reason)
            if is_triggered:
                self._triggered[key] = self._by_key[key]
                continue
            parent, attempt = (
                (orders[opener].order_id, generation) if opener >= 0 else self._anew[opener]
            )
            guard = KeptGuard(
                order_id=guard_order_id(parent, REASONS[FillReason(reason)], attempt),
                key=key,
                column=column,
                instrument=self._instruments[column],
            )
            self._by_id[guard.order_id] = self._by_key[key] = self._alive[key] = guard

    def is_newly_triggered(self, guard: KeptGuard) -> bool:
        """Whether its trigger is still to be told; it counts as told from now on."""
        return self._triggered.pop(guard.key, None) is not None

    def take_triggered(self) -> list[KeptGuard]:
        """Those whose level was reached and of which nothing has traded."""
        found = list(self._triggered.values())
        self._triggered.clear()
        return found

    def ended(self, rows: Iterable[GuardRow]) -> Iterator[KeptGuard]:
        """Those that are on the book no longer."""
        left = {(opener, generation, reason) for opener, generation, reason, _, _ in rows}
        for key in [key for key in self._alive if key not in left]:
            guard = self._alive.pop(key)
            guard.is_over = True
            yield guard
