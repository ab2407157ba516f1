"""A library may change how the thread rounds; what the engine comes to stays the same."""

from __future__ import annotations

from decimal import ROUND_UP, Context, localcontext

from tests.builders.engines import HOUR, T0, Desk

from algotrader.core.events import Event
from algotrader.core.orders import Protection


def traded() -> list[Event]:
    """Bought in odd parts, guarded, sold again: sums, averages and costs of many digits."""
    desk = Desk(protection=Protection(stop_loss=0.02))
    desk.bar(1, 99.37)
    (order,) = desk.answer(1, 0.333)
    desk.fill(order, 7, T0 + HOUR + 10, price=101)
    desk.fill(order, 4, T0 + HOUR + 20, price=97)
    desk.bar(2, 103.71)
    for sale in desk.answer(2, 0.0):
        desk.fill(sale, 3, T0 + 2 * HOUR + 10, price=104)
    return desk.events


def test_the_engine_rounds_by_itself() -> None:
    plain = traded()
    with localcontext(Context(prec=1, rounding=ROUND_UP)):
        odd = traded()

    assert odd == plain
