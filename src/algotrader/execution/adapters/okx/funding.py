"""Funding as OKX booked it. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from algotrader.core.events import FundingPaid
from algotrader.core.ids import AccountId
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.numbers import Row, decimal, needed, text

SAME_SETTLEMENT_MS: Final = 600_000
"""A bill is written within minutes of its settlement."""


def funding_paid(
    bill: Row, rates: Sequence[Row], symbol: Symbol, account: AccountId, now_ms: int
) -> FundingPaid:
    """One settlement, the amount as charged (F39).

    Rate 0 where none of its time is known, and then quantity 0: the bill has no side of its own.
    """
    at_ms = int(needed(bill, "ts"))
    rate = _rate_of(rates, at_ms)
    amount = decimal(bill, "pnl") or needed(bill, "balChg")
    # Longs pay a positive rate: who pays tells the sign of the position, which the bill does not.
    sign = 0 if not rate or not amount else 1 if (amount < 0) == (rate > 0) else -1
    return FundingPaid(
        ts_event=at_ms,
        ts_known=now_ms,
        account=account,
        instrument=symbol,
        settlement_id=text(bill, "billId"),
        amount=amount,
        currency=Currency(text(bill, "ccy")),
        rate=rate,
        quantity=sign * abs(decimal(bill, "sz")),
        mark=decimal(bill, "px") or None,
    )


def _rate_of(rates: Sequence[Row], at_ms: int) -> Decimal:
    settled = [(int(needed(row, "fundingTime")), row) for row in rates]
    near = [(ts, row) for ts, row in settled if 0 <= at_ms - ts < SAME_SETTLEMENT_MS]
    if not near:
        return Decimal(0)  # the amount is what counts; the rate is told for people
    _, row = max(near, key=lambda one: one[0])
    return decimal(row, "realizedRate") or decimal(row, "fundingRate")
