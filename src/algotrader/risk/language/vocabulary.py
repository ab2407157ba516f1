"""What a condition may name: figures of the account, figures of an instrument, and their kinds.

A kind is what a number counts. Only equal kinds are added and compared, so `drawdown > equity`, a
fraction against money, is refused when the file is read. A bare number takes the kind it meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Of(StrEnum):
    """Whose figure it is. A condition that names an instrument's is judged for each of them."""

    ACCOUNT = "account"
    INSTRUMENT = "instrument"


class Argument(StrEnum):
    BARS = "bars"  # a whole number of bars, 2 to 5,000
    LEVEL = "level"  # a probability, above one half and below 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Powers of what a number counts: money 1 and price 0 is money, money 1 over price 1 a size."""

    money: int = 0
    price: int = 0
    count: int = 0
    seconds: int = 0

    def times(self, other: Kind, sign: int = 1) -> Kind:
        return Kind(
            money=self.money + sign * other.money,
            price=self.price + sign * other.price,
            count=self.count + sign * other.count,
            seconds=self.seconds + sign * other.seconds,
        )

    def __str__(self) -> str:
        for name, kind in _NAMES.items():
            if kind == self:
                return name
        return "a product of kinds"


FRACTION: Final = Kind()
MONEY: Final = Kind(money=1)
PRICE: Final = Kind(price=1)
QUANTITY: Final = Kind(money=1, price=-1)
COUNT: Final = Kind(count=1)
SECONDS: Final = Kind(seconds=1)
_NAMES: Final = {
    "a fraction": FRACTION,
    "money": MONEY,
    "a price": PRICE,
    "a quantity": QUANTITY,
    "a count": COUNT,
    "a number of seconds": SECONDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One name of the language."""

    of: Of
    kind: Kind
    meaning: str
    argument: Argument | None = None
    live_only: bool = False  # needs prices between bars


def _account(kind: Kind, meaning: str, argument: Argument | None = None) -> Word:
    return Word(of=Of.ACCOUNT, kind=kind, meaning=meaning, argument=argument)


def _instrument(
    kind: Kind, meaning: str, argument: Argument | None = None, *, live_only: bool = False
) -> Word:
    return Word(
        of=Of.INSTRUMENT, kind=kind, meaning=meaning, argument=argument, live_only=live_only
    )


VOCABULARY: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "equity": _account(MONEY, "equity of the account (R8)"),
        "cash": _account(MONEY, "cash of the account"),
        "gross": _account(MONEY, "sum of |notional|, open orders counted in full"),
        "net": _account(MONEY, "sum of signed notional of the positions"),
        "leverage": _account(FRACTION, "gross / equity"),
        "drawdown": _account(FRACTION, "fall from the peak since the last re-arming (R28)"),
        "run_drawdown": _account(FRACTION, "fall from the peak since the run began (R28)"),
        "daily_loss": _account(FRACTION, "loss of this day / equity at its start; 0 in profit"),
        "daily_pnl": _account(MONEY, "profit of this day, unrealised included, without deposits"),
        "losing_streak": _account(COUNT, "trades in a row that ended with a loss"),
        "positions": _account(COUNT, "instruments held"),
        "open_orders": _account(COUNT, "orders at the venue or on their way"),
        "orders_today": _account(COUNT, "orders sent this day"),
        "turnover": _account(FRACTION, "notional traded this day / equity"),
        "reject_rate": _account(FRACTION, "share of the last 20 orders that the venue refused"),
        "slippage": _account(FRACTION, "mean of the last 20 fills against the price decided on"),
        "margin_ratio": _account(FRACTION, "margin equity / maintenance margin; liquidated at 1"),
        "liquidation_distance": _account(
            FRACTION, "move against all positions at once that would liquidate (R23)"
        ),
        "value_at_risk": _account(
            MONEY,
            "loss of one bar that the positions held now would have passed in 1 - level of the "
            "last 1,000 bars",
            Argument.LEVEL,
        ),
        "expected_shortfall": _account(
            MONEY, "mean of the losses beyond that value at risk", Argument.LEVEL
        ),
        "close": _instrument(PRICE, "last close"),
        "volume": _instrument(QUANTITY, "volume of the last bar"),
        "position": _instrument(QUANTITY, "signed quantity held"),
        "weight": _instrument(FRACTION, "signed notional / equity of the account"),
        "change": _instrument(FRACTION, "close / close that many bars ago - 1", Argument.BARS),
        "volatility": _instrument(
            FRACTION, "standard deviation (ddof 1) of the last log returns, per bar", Argument.BARS
        ),
        "average": _instrument(PRICE, "mean of the last closes", Argument.BARS),
        "highest": _instrument(PRICE, "highest of the last closes", Argument.BARS),
        "lowest": _instrument(PRICE, "lowest of the last closes", Argument.BARS),
        "average_volume": _instrument(QUANTITY, "mean of the last volumes", Argument.BARS),
        "missed_bars": _instrument(COUNT, "bars in a row that did not come"),
        "spread": _instrument(FRACTION, "(ask - bid) / middle of the best quotes", live_only=True),
        "quote_age": _instrument(SECONDS, "age of the best quotes", live_only=True),
    }
)
RETURNS_FOR_TAIL: Final = 1_000  # bars that value at risk looks back at
LEAST_FOR_TAIL: Final = 100  # with fewer it is not known
