"""Why two runs of one strategy are worth different money: fills, prices, funding, cash.

A strategy's part is worth what was paid in, what its trades, fees and funding moved, and what it
holds at the mark. Each term of two runs is subtracted from the other's, so the difference of the equities
is the sum of the differences of the terms, to the last digit (R8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from algotrader.core.events import CashMoved, FundingPaid, Liquidated
from algotrader.core.fills import Fill
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import Contract, exact

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One strategy's part of the books, as the fold of what was booked. Settlement currency."""

    deposits: Decimal = ZERO
    funding: Decimal = ZERO
    traded: Decimal = ZERO  # worth given for what is held; negative when long
    fees: Decimal = ZERO  # paid; in the coin: at the price of the fill
    held: Mapping[Symbol, Decimal] = field(default_factory=dict)  # signed

    def filled(self, fill: Fill, contract: Contract) -> Standing:
        return self._traded(
            fill.instrument, fill.signed_quantity, fill.price, fill.fee, fill.fee_currency, contract
        )

    def liquidated(self, event: Liquidated, contract: Contract) -> Standing:
        return self._traded(
            event.instrument, event.quantity, event.price, event.fee, event.fee_currency, contract
        )

    def _traded(
        self, symbol: Symbol, quantity: Decimal, price: Decimal, fee: Decimal,
        fee_currency: Currency, contract: Contract,
    ) -> Standing:  # fmt: skip
        with exact():
            in_coin = contract.is_spot and fee_currency == contract.base
            moved = quantity - fee if in_coin else quantity
            paid = contract.worth(fee, price) if in_coin else fee
            held = {**self.held, symbol: self.held.get(symbol, ZERO) + moved}
            # A fee in the coin leaves less of it: what is held was paid for, and the fee beside it.
            cost = contract.worth(moved, price)
            return replace(self, traded=self.traded - cost, fees=self.fees + paid, held=held)

    def funded(self, event: FundingPaid) -> Standing:
        return replace(self, funding=self.funding + event.amount)

    def paid_in(self, event: CashMoved, share: Decimal) -> Standing:
        with exact():
            return replace(self, deposits=self.deposits + event.amount * share)


NOTHING: Final = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityGap:
    """Equity of the journal less that of the backtest, and the terms that make it up."""

    whole: Decimal
    fills: Decimal  # traded otherwise: quantities and prices
    fees: Decimal
    prices: Decimal  # the same position at another mark
    funding: Decimal
    cash: Decimal

    @property
    def rest(self) -> Decimal:
        """What no term explains: zero, but for the rounding of shares."""
        with exact():
            return self.whole - self.fills - self.fees - self.prices - self.funding - self.cash


def gap_of(
    live: Standing,
    today: Standing,
    *,
    equities: tuple[Decimal, Decimal],
    marks: Mapping[Symbol, tuple[Decimal, Decimal]],
    contracts: Mapping[Symbol, Contract],
) -> EquityGap:
    """The terms of a difference; each pair is of the journal, then of the backtest."""
    with exact():
        fills = live.traded - today.traded
        prices = ZERO
        for symbol in {*live.held, *today.held}:
            contract, (ours, theirs) = contracts[symbol], marks[symbol]
            held, would = live.held.get(symbol, ZERO), today.held.get(symbol, ZERO)
            if held != would:
                fills += contract.worth(held, ours) - contract.worth(would, ours)
            if ours != theirs and would:
                prices += contract.worth(would, ours) - contract.worth(would, theirs)
        return EquityGap(
            whole=equities[0] - equities[1],
            fills=fills,
            fees=today.fees - live.fees,
            prices=prices,
            funding=live.funding - today.funding,
            cash=live.deposits - today.deposits,
        )
