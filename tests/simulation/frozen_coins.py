"""Histories on a venue whose stops freeze the coins they would sell: brackets, sales, races (R19).

The world is that of `history.py`; its venue keeps stops until they trigger by chance, refuses what
is frozen or not there, and changes the size of what rests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from tests.simulation import history as histories
from tests.simulation.history import MAIN, RANDOM, SYMBOLS, History, HistoryPlan, simulate
from tests.simulation.model_venue import VenueOrder
from tests.simulation.properties import broken_when_settled, broken_while_running
from tests.simulation.resting_stops import RestingStops

from algotrader.core.ids import RunId
from algotrader.core.orders import PROTECTIVE, Order, Protection, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.settings import EngineSettings
from algotrader.portfolio.sizing import whole_lots

GUARDS: Final = Protection(stop_loss=0.05, take_profit=0.1)
WITHIN_MS: Final = 10_000


class FreezingVenue(RestingStops):
    """Spot, where a sale needs coins that nothing else is to sell."""

    def place(self, order: Order, deadline_ms: int) -> VenueOrder | str:
        if order.side is Side.SELL and order.quantity > self.free(order.instrument):
            self.receive(order)
            return "51008"
        return super().place(order, deadline_ms)

    def free(self, symbol: Symbol) -> Decimal:
        """Coins that no open order is to sell."""
        frozen = sum((one.rest for one in self.open_sales(symbol)), Decimal(0))
        return self.positions([symbol])[symbol] - frozen

    def open_sales(self, symbol: Symbol) -> Iterator[VenueOrder]:
        for one in self.alive.values():
            if one.order.side is Side.SELL and one.order.instrument == symbol:
                yield one


def guarded(run_id: RunId, script: Any = None) -> EngineSettings:
    """The settings of all histories, with brackets on spot."""
    plain = _SETTINGS(run_id, script)
    instances = tuple(replace(one, protection=GUARDS) for one in plain.strategies)
    return replace(
        plain, strategies=instances, freezing=frozenset(SYMBOLS), guard_within_ms=WITHIN_MS
    )


_SETTINGS = histories.settings


def broken(plan: HistoryPlan, patch: Any) -> tuple[list[str], History]:
    """What does not hold in a history; `patch` sets an attribute for its length."""
    patch.setattr(histories, "settings", guarded)
    patch.setattr(histories, "ModelVenue", FreezingVenue)
    found: list[str] = []

    def watch(history: History) -> None:
        if not found:
            found.extend(broken_while_running(history))

    history = simulate(plan, watch)
    if not found:
        found.extend(broken_when_settled(history))
        found.extend(unguarded(history))
    return found, history


def unguarded(history: History) -> Iterator[str]:
    """R19: at the end each position has stops of its size, or is being left, or none is held."""
    state, venue = history.folded().state, history.venue
    part = state.books[MAIN].parts[RANDOM]
    for symbol in SYMBOLS:
        instrument = state.settings.instruments[symbol]
        held = whole_lots(part.position(symbol).quantity, instrument.lot) * instrument.lot
        assert isinstance(venue, FreezingVenue)
        stops = [one for one in venue.open_sales(symbol) if one.order.intent.purpose in PROTECTIVE]
        size = sum((one.rest for one in stops), Decimal(0))
        worth = held * venue.prices[symbol]
        is_dust = held < instrument.min_quantity or worth <= instrument.min_notional  # R9
        if not is_dust and size != held:
            yield f"R19: {held} of {symbol} is held, stops of {size}"
