"""Positions by average cost, in `Decimal`: what is held, what it cost, what was earned (R8).

Everything is said in one function, `Contract.worth`: the settlement currency that a quantity
stands for at a price. Spot and linear contracts are worth quantity x multiplier x price; inverse
contracts are worth less of their coin the higher the price, minus quantity x multiplier / price.
The profit of a quantity is then its worth less its cost, whatever the kind.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum
from typing import Final

from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency

ZERO: Final = Decimal(0)
MONEY_UNIT: Final = Decimal("1e-18")
"""Amounts that we compute are whole multiples of this, so that sums of them are exact."""

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def exact() -> AbstractContextManager[Context]:
    """Decimal arithmetic wide enough that the books lose nothing, whatever the caller's own is."""
    return localcontext(_EXACT)


def money(amount: Decimal) -> Decimal:
    """`amount` to the unit of the books; decimal.InvalidOperation above 10^42."""
    return amount.quantize(MONEY_UNIT, context=_EXACT)


class Booking(StrEnum):
    """What a trade does to cash."""

    SPOT = "spot"  # moves it by the full value
    LINEAR = "linear"  # by realised profit
    INVERSE = "inverse"  # by realised profit, in the base coin


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the books must know of an instrument."""

    booking: Booking
    base: Currency
    settle: Currency
    multiplier: Decimal = Decimal(1)
    lot: Decimal = Decimal("1e-8")

    @classmethod
    def of(cls, instrument: Instrument) -> Contract:
        booking = Booking.LINEAR
        if instrument.is_spot_like:
            booking = Booking.SPOT
        elif instrument.is_inverse:
            booking = Booking.INVERSE
        return cls(
            booking=booking,
            base=Currency(instrument.base),
            settle=Currency(instrument.settle),
            multiplier=instrument.multiplier,
            lot=instrument.lot,
        )

    @property
    def is_spot(self) -> bool:
        return self.booking is Booking.SPOT

    def worth(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Settlement currency that a signed quantity stands for at a price."""
        # Asked for every position at every bar: the context's methods cost a third of `exact()`.
        units = _EXACT.multiply(quantity, self.multiplier)
        if self.booking is Booking.INVERSE:
            return money(_EXACT.divide(units.copy_negate(), price))
        return money(_EXACT.multiply(units, price))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A signed quantity, its cost, and the profit realised on it so far, before fees.

    Quantity is in base units, contracts for derivatives; cost and profit in the settlement
    currency. An inverse contract's average entry is the harmonic one, which alone leaves the
    profit unchanged when adding.
    """

    contract: Contract
    quantity: Decimal = ZERO
    cost: Decimal = ZERO  # worth at the average entry
    realised: Decimal = ZERO

    def trade(self, quantity: Decimal, price: Decimal) -> Position:
        """The position after a signed quantity traded at a price; a flip closes, then opens."""
        held = self.quantity
        if quantity == 0:
            return self
        with exact():
            if held == 0 or (held > 0) == (quantity > 0):
                return self._grown(quantity, price)
            if abs(quantity) <= abs(held):
                return self._reduced(quantity, price)
            return self._reduced(-held, price)._grown(held + quantity, price)

    def _grown(self, quantity: Decimal, price: Decimal) -> Position:
        return Position(
            contract=self.contract,
            quantity=self.quantity + quantity,
            cost=self.cost + self.contract.worth(quantity, price),
            realised=self.realised,
        )

    def _reduced(self, quantity: Decimal, price: Decimal) -> Position:
        """`quantity` is of the other sign and at most what is held."""
        closes = quantity == -self.quantity  # leave no remainder of a division behind
        released = self.cost if closes else money(self.cost * quantity / -self.quantity)
        return Position(
            contract=self.contract,
            quantity=self.quantity + quantity,
            cost=self.cost - released,
            realised=self.realised + self.contract.worth(-quantity, price) - released,
        )

    @property
    def entry(self) -> Decimal | None:
        """Average entry price, None when flat."""
        if self.quantity == 0:
            return None
        with exact():
            units = self.quantity * self.contract.multiplier
            inverse = self.contract.booking is Booking.INVERSE
            return -units / self.cost if inverse else self.cost / units

    def value(self, mark: Decimal) -> Decimal:
        """What it adds to equity at a mark: its worth for spot, its profit for derivatives (R8)."""
        spot = self.contract.is_spot
        return self.contract.worth(self.quantity, mark) if spot else self.unrealised(mark)

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit not realised yet at a mark, before fees."""
        return _EXACT.subtract(self.contract.worth(self.quantity, mark), self.cost)
