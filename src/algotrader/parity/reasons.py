"""Reasons for a difference, and how their numbers are written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.events import Decided
from algotrader.core.instants import utc_at
from algotrader.parity.causes import Cause
from algotrader.parity.standing import EquityGap


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause and the sentence with its numbers; `brief` is how later ones refer to it."""

    cause: Cause
    text: str
    brief: str = ""

    def named(self) -> str:
        return self.brief or f"{self.cause.value}, {self.text.partition(';')[0]}"


@dataclass(frozen=True, slots=True)
class Since:
    """A reason that later decisions still feel."""

    decision_ts: int
    reason: Reason

    def __str__(self) -> str:
        return f"since {moment(self.decision_ts)}: {self.reason.named()}"


def size_text(live: Decided, today: Decided) -> str:
    ours, theirs = signed(live.latched_quantity), signed(today.latched_quantity)
    if live.latched_quantity != today.latched_quantity:
        return f"towards {ours}, {theirs} in the backtest"
    return f"{live.lots} lots ordered towards {ours}, {today.lots} in the backtest"


def equity_text(live: Decided, today: Decided, gap: EquityGap) -> str:
    return f"equity {live.equity:,.8g} against {today.equity:,.8g}: {terms_of(gap)}"


def terms_of(gap: EquityGap) -> str:
    terms = {
        "fills": gap.fills, "fees": gap.fees, "prices": gap.prices, "funding": gap.funding,
        "cash": gap.cash,
    }  # fmt: skip
    parts = [f"{name} {amount:+,.8g}" for name, amount in terms.items() if amount]
    return ", ".join(parts) or "rounding"


def number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def signed(value: Decimal | None) -> str:
    return "nothing" if value is None else f"{value.normalize():+f}"


def moment(ms: int) -> str:
    return f"{utc_at(ms):%Y-%m-%d %H:%M}"
