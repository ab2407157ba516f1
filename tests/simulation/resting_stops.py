"""A venue whose stops rest until their level is reached, which happens by chance.

A stop that is reached is told before it trades, sells what is held at most (R12), and is ended
short now and then (F25).
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Final

from tests.simulation.model_venue import ModelVenue, VenueOrder

from algotrader.core.events import StopTriggered

TRIGGERS: Final = 0.3  # of stops, within a minute
ENDS_SHORT: Final = 0.2  # of those that trigger, while anything goes wrong
LOT: Final = Decimal("0.00001")


class RestingStops(ModelVenue):
    """Orders without a stop trade as anywhere else."""

    async def _work(self, held: VenueOrder) -> None:
        if held.order.terms.stop is None:
            await super()._work(held)
            return
        if self._chance.random() > TRIGGERS:
            return  # it rests until it is cancelled
        await asyncio.sleep(5.0 + self._chance.random() * 55.0)
        if held.status.is_final:
            return
        self._tell_triggered(held)
        await asyncio.sleep(self._chance.random())
        if held.status.is_final:
            return
        ends_short = self.faults.partial > 0 and self._chance.random() < ENDS_SHORT
        most = min(held.rest, self.positions([held.order.instrument])[held.order.instrument])
        sold = (most / 2 // LOT) * LOT if ends_short else most
        if sold > 0:
            self._trade(held, sold)
        if not held.status.is_final:
            self.cancel(held.order.order_id)

    def _tell_triggered(self, held: VenueOrder) -> None:
        now = self.now_ms()
        self.tell(
            StopTriggered(
                ts_event=now, ts_known=now, account=self.account, order_id=held.order.order_id,
                instrument=held.order.instrument, child_order_id=None,
                trigger_price=self.prices[held.order.instrument],
            )
        )  # fmt: skip
