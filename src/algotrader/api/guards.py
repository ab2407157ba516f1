"""What guards a position: the protective orders that rest, and how much of it they cover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import PROTECTIVE, OrderStatus, Purpose, Side
from algotrader.engine.protected import Place
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import LiveOrder
from algotrader.portfolio.positions import ZERO, exact
from algotrader.portfolio.sizing import whole_lots

_RESTS: Final = frozenset(
    {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_AMEND}
)
"""What is to be changed rests meanwhile, as it was."""
_WITH_TARGET: Final = (Purpose.TAKE_PROFIT, Purpose.BRACKET)


@dataclass(frozen=True, slots=True)
class Cover:
    """How much of what is held a stop belongs to, and how much of that has one. Positive."""

    wanted: Decimal
    covered: Decimal

    @property
    def bare(self) -> Decimal:
        with exact():
            return max(self.wanted - self.covered, ZERO)


def guards_of(state: EngineState, account: AccountId, place: Place) -> list[LiveOrder]:
    """Protective orders that rest against what a strategy holds of an instrument."""
    held = state.books[account].parts[place[0]].position(place[1]).quantity
    return [
        live
        for live in state.orders.open(account, place[1])
        if live.order.strategy == place[0]
        and live.order.intent.purpose in PROTECTIVE
        and live.status in _RESTS
        and live.order.side.sign * held < 0
    ]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The levels that the market meets first. A trail's own level is the venue's alone."""

    stop: Decimal | None
    trail: Decimal | None  # fraction of the best price since the entry
    target: Decimal | None


def nearest_of(state: EngineState, account: AccountId, place: Place) -> Nearest:
    """Of the orders that rest."""
    guards = guards_of(state, account, place)
    is_long = any(one.order.side is Side.SELL for one in guards)
    first, last = (max, min) if is_long else (min, max)
    stops = [one.stop for one in guards if one.stop is not None]
    trails = [one.order.terms.trail for one in guards if one.order.terms.trail is not None]
    targets = [
        one.limit
        for one in guards
        if one.limit is not None and one.order.intent.purpose in _WITH_TARGET
    ]
    return Nearest(
        stop=first(stops, default=None),
        trail=min(trails, default=None),
        target=last(targets, default=None),
    )


def cover_of(state: EngineState, account: AccountId, place: Place) -> Cover:
    """Of a position whose strategy wants a stop; nothing is wanted for dust (R9)."""
    wanted = _wanted(state, account, place)
    stops = (
        one
        for one in guards_of(state, account, place)
        if one.order.intent.purpose is not Purpose.TAKE_PROFIT
    )
    return Cover(wanted, min(_covered(stops), wanted))


def _covered(stops: Iterable[LiveOrder]) -> Decimal:
    """One order of a set cancels the others of it: its largest alone counts."""
    largest: dict[OrderId | None, Decimal] = {}
    for one in stops:
        intent = one.order.intent
        of = intent.parent if intent.towards is None else None
        largest[of] = max(largest.get(of, ZERO), one.open_quantity)
    with exact():
        return sum(largest.values(), ZERO)


def _wanted(state: EngineState, account: AccountId, place: Place) -> Decimal:
    """The whole position where it has a protection of its own, else what such orders opened."""
    strategy, symbol = place
    lot = state.settings.instruments[symbol].lot
    held = abs(whole_lots(state.books[account].parts[strategy].position(symbol).quantity, lot))
    price = state.price(symbol)
    with exact():
        whole = held * lot
    if not held or kernel.below_minimum(state.terms[symbol], float(whole), price):
        return ZERO
    guards = state.settings.instance(strategy).protection
    if guards is not None and guards.has_stop:
        return whole
    with exact():
        opened = sum(
            (state.protected.opened[one].quantity for one in _with_stops(state, place)), ZERO
        )
        return min(whole, whole_lots(opened, lot) * lot)


def _with_stops(state: EngineState, place: Place) -> Iterable[OrderId]:
    """Orders with a stop of their own that opened something there."""
    for one in state.protected.openers_of(place):
        guards = state.orders[one].order.intent.protection
        if guards is not None and guards.has_stop and one in state.protected.opened:
            yield one
