"""What a comparison of decisions says: equal, equal in weight, or different and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from algotrader.core.events import Decided
    from algotrader.parity.record import Key
    from algotrader.parity.standing import EquityGap


class Cause(StrEnum):
    """Why a decision differs. Each different one has exactly one; `unknown` is a finding."""

    BAR_LATE = "bar late"
    BAR_REVISED = "bar revised"
    BAR_MISSED = "bar missed"
    PATH = "cash or equity path"
    DENIED = "denied"
    REJECTED = "rejected"
    PARTIAL_FILL = "partial fill"
    RESTART = "restart"
    OPERATOR = "operator"
    CONFIGURATION = "configuration change"
    UNKNOWN = "unknown"


class Sameness(StrEnum):
    EQUAL = "equal"
    WEIGHT = "equal in weight"  # the same wish; another size, for the account is worth otherwise
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a decision on one side. Quantities are signed."""

    ordered: Decimal
    filled: Decimal
    price: Decimal | None  # average of the fills
    is_open: bool = False  # something of it could still trade where this side ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One decision on both sides."""

    key: Key
    journal: Decided | None  # None: it was not made
    backtest: Decided | None
    came: tuple[Result, Result]  # of the journal, of the backtest
    sameness: Sameness
    cause: Cause | None = None  # None for equal ones alone
    text: str = ""  # the reason with its numbers
    gap: EquityGap | None = None  # where equities differ
