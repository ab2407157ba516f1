"""Round trips and what was earned by whom: the fold of fills that protections look back at (R32).

A trip begins when an instrument of a strategy is no longer flat and ends when it is flat again, or
turns over; less than one lot counts as flat (R9). Profit is net of fees and funding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, Contract, Position, exact, money

_STOPS: Final = frozenset({Purpose.STOP_LOSS, Purpose.TRAILING})
KEPT: Final = 1_000
"""Trips that are remembered per account."""

TripKey = tuple[AccountId, StrategyId | None, Symbol]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrip:
    """One round trip, as protections see it."""

    account: AccountId
    strategy: StrategyId | None
    instrument: Symbol
    closed_ms: int  # UTC ms
    profit: Decimal  # settlement currency, net of fees and funding
    entered: Decimal  # notional of what opened it
    by_stop: bool

    @property
    def fraction(self) -> Decimal:
        """Profit of what was put in; 0 if nothing is known of that."""
        with exact():
            return self.profit / self.entered if self.entered else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrip:
    """What is held, and what it has cost and earned so far."""

    position: Position
    entered: Decimal = ZERO
    profit: Decimal = ZERO  # realised, less fees, plus funding


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """Profit and cost of one strategy, instrument and side of the position. Costs are positive."""

    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO  # positive was paid

    @property
    def net(self) -> Decimal:
        with exact():
            return self.realised - self.fees - self.funding


EarnedKey = tuple[AccountId, StrategyId | None, Symbol, Side]
"""The side is that of the position: what a long earned is told apart from what a short did."""


@dataclass(slots=True)
class RoundTrips:
    """Changed by `traded` and `paid`, as the events tell them."""

    instruments: Mapping[Symbol, Instrument]
    open: dict[TripKey, OpenTrip] = field(default_factory=dict)
    closed: dict[AccountId, deque[ClosedTrip]] = field(default_factory=dict)
    earned: dict[EarnedKey, Earned] = field(default_factory=dict)

    def traded(self, fill: Fill, strategy: StrategyId | None, purpose: Purpose | None) -> None:
        """Book a fill; one of nobody's order belongs to the only strategy that holds it."""
        owner = self._owner(fill) if strategy is None else strategy
        key = (fill.account, owner, fill.instrument)
        contract = Contract.of(self.instruments[fill.instrument])
        trip = self.open.get(key) or OpenTrip(position=Position(contract=contract))
        with exact():
            in_coin = contract.is_spot and fill.fee_currency == contract.base
            signed = fill.signed_quantity - (fill.fee if in_coin else ZERO)
            fee = money(fill.fee * fill.price) if in_coin else fill.fee
            for part in _parts(trip.position.quantity, signed):
                trip = self._booked(key, trip, part, fill, fee * part / signed, purpose)
        self.open[key] = trip

    def paid(self, account: AccountId, symbol: Symbol, amount: Decimal) -> None:
        """Book funding on what is held; positive was received."""
        holders = [
            key for key, trip in sorted(self.open.items(), key=_by_name)
            if (key[0], key[2]) == (account, symbol) and trip.position.quantity
        ]  # fmt: skip
        for key in holders[:1]:
            trip = self.open[key]
            with exact():
                self.open[key] = replace(trip, profit=trip.profit + amount)
                self._earn(key, _side(trip.position.quantity), Earned(funding=-amount))

    def newest(self, account: AccountId) -> Iterator[ClosedTrip]:
        """The closed trips of an account, the newest first."""
        return reversed(self.closed.get(account, deque()))

    def losing_streak(self, account: AccountId) -> int:
        """How many of the newest trips in a row lost."""
        streak = 0
        for trip in self.newest(account):
            if trip.profit >= 0:
                break
            streak += 1
        return streak

    def _booked(
        self, key: TripKey, trip: OpenTrip, part: Decimal, fill: Fill, fee: Decimal,
        purpose: Purpose | None,
    ) -> OpenTrip:  # fmt: skip
        """The trip after a part of a fill that only adds or only takes away."""
        held = trip.position.quantity
        adds = held * part >= 0
        after = trip.position.trade(part, fill.price)
        realised = after.realised - trip.position.realised
        worth = abs(after.contract.worth(part, fill.price))
        grown = OpenTrip(
            position=after,
            entered=trip.entered + (worth if adds else ZERO),
            profit=trip.profit + realised - fee,
        )
        self._earn(key, _side(part if adds else held), Earned(realised=realised, fees=fee))
        if adds or abs(after.quantity) >= self.instruments[key[2]].lot:
            return grown
        self._close(key, grown, fill, purpose)
        return OpenTrip(position=after)  # what is less than a lot begins the next one

    def _close(self, key: TripKey, trip: OpenTrip, fill: Fill, purpose: Purpose | None) -> None:
        closed = ClosedTrip(
            account=key[0], strategy=key[1], instrument=key[2], closed_ms=utc_ms(fill.filled_at),
            profit=trip.profit, entered=trip.entered, by_stop=purpose in _STOPS,
        )  # fmt: skip
        self.closed.setdefault(key[0], deque(maxlen=KEPT)).append(closed)

    def _earn(self, key: TripKey, side: Side, more: Earned) -> None:
        place = (*key, side)
        before = self.earned.get(place, Earned())
        self.earned[place] = Earned(
            realised=before.realised + more.realised,
            fees=before.fees + more.fees,
            funding=before.funding + more.funding,
        )

    def _owner(self, fill: Fill) -> StrategyId | None:
        holders = {
            key[1] for key, trip in self.open.items()
            if (key[0], key[2]) == (fill.account, fill.instrument) and trip.position.quantity
        }  # fmt: skip
        return holders.pop() if len(holders) == 1 else None


def _parts(held: Decimal, signed: Decimal) -> tuple[Decimal, ...]:
    """A fill as what closes and what opens: two parts for one that turns a position over."""
    if held * signed >= 0 or abs(signed) <= abs(held):
        return (signed,) if signed else ()
    return (-held, signed + held)


def _side(quantity: Decimal) -> Side:
    return Side.BUY if quantity > 0 else Side.SELL


def _by_name(item: tuple[TripKey, OpenTrip]) -> tuple[str, str, str]:
    (account, strategy, symbol), _ = item
    return account, strategy or "", str(symbol)
