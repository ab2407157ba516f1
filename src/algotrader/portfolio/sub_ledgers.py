"""Several strategies on one account: each with its position, cash share and profit (R27).

The account's own ledger is what the venue shows. Every event is booked there once and split among
the strategies it belongs to, to the last unit, so the parts always sum to the whole: quantities,
deposits, fees, funding and equity line by line; cash as well for spot. With derivatives netted
against each other the account has realised what two strategies still hold, so there cash and
unrealised profit agree only together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from algotrader.core.events import FundingPaid, Liquidated
from algotrader.core.fills import Fill
from algotrader.core.ids import StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol
from algotrader.portfolio.ledger import Ledger
from algotrader.portfolio.positions import MONEY_UNIT, ZERO, exact
from algotrader.portfolio.postings import CashKind, CashMovement

Weights = Mapping[StrategyId, Decimal]


def split(amount: Decimal, weights: Weights, unit: Decimal) -> dict[StrategyId, Decimal]:
    """`amount` pro rata to signed `weights`, in whole units, summing to it exactly.

    Shares are rounded down to `unit`; the units left go to the largest remainders, then in the
    order of the names, and what is less than a unit to the first of them. Weights may differ in
    sign: a purchase of 2 wanted as 3 and -1 gives 3 and -1. ValueError if they sum to zero.
    """
    with exact():
        total = sum(weights.values(), ZERO)
        if total == 0:
            raise ValueError("weights that sum to zero cannot share anything")
        if len(weights) == 1:  # as with most fills: they are of one strategy's order
            return dict.fromkeys(weights, amount)
        due = {name: amount * weight / total for name, weight in weights.items()}
        shares = {
            name: (share / unit).to_integral_value(ROUND_FLOOR) * unit
            for name, share in due.items()
        }
        rest = amount - sum(shares.values(), ZERO)
        for name in sorted(weights, key=lambda name: (shares[name] - due[name], name)):
            given = min(unit, rest)
            shares[name] += given
            rest -= given
        return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLedger:
    """An account's ledger and the sub-ledger of each strategy. Made by `AccountLedger.open`."""

    whole: Ledger
    parts: Mapping[StrategyId, Ledger]

    @classmethod
    def open(
        cls,
        currency: Currency,
        instruments: Iterable[Instrument],
        strategies: Iterable[StrategyId],
    ) -> AccountLedger:
        """Empty books for an account and each of its strategies."""
        whole = Ledger.open(currency, instruments)
        return cls(whole=whole, parts=dict.fromkeys(strategies, whole))

    def apply_fill(self, fill: Fill, wanted: Weights) -> AccountLedger:
        """The books after a fill of an order that did what `wanted` sums to (signed quantities).

        Quantities are shared pro rata in whole lots. A strategy that wanted the other side traded
        with its fellows at the fill's price. The fee follows the quantities; taken in the coin, it
        follows those on the fill's side alone, who received it.
        """
        contract = self.whole.contracts[fill.instrument]
        in_coin = contract.is_spot and fill.fee_currency == contract.base
        with exact():
            quantities = split(fill.signed_quantity, wanted, contract.lot)
            bearers = {
                name: abs(quantity)
                for name, quantity in quantities.items()
                if quantity * fill.side.sign > 0 or (quantity and not in_coin)
            }
        fees = split(fill.fee, bearers, MONEY_UNIT)
        parts = dict(self.parts)
        for name, quantity in quantities.items():
            parts[name] = self._part(name).trade(
                fill.instrument, quantity, fill.price, fees.get(name, ZERO), fill.fee_currency
            )
        return replace(self, whole=self.whole.apply(fill), parts=parts)

    def apply_liquidation(
        self, event: Liquidated, owner: StrategyId | None = None
    ) -> AccountLedger:
        """The books after the venue closed a position, shared by what each strategy held of it.

        Where the books know of no position it is the `owner`'s; ValueError without one.
        """
        lot = self.whole.contracts[event.instrument].lot
        held = self._held_or_owned(event.instrument, owner)
        quantities = split(event.quantity, held, lot)
        fees = split(event.fee, {name: abs(part) for name, part in held.items()}, MONEY_UNIT)
        parts = {
            name: part.trade(
                event.instrument, quantities[name], event.price, fees[name], event.fee_currency
            )
            for name, part in self.parts.items()
        }
        return replace(self, whole=self.whole.apply(event), parts=parts)

    def cross(self, symbol: Symbol, price: Decimal, quantities: Weights) -> AccountLedger:
        """The books after strategies traded with each other alone: the venue saw nothing.

        What they wanted netted to nothing, so no order went out (R27). No fee. ValueError if the
        quantities do not sum to zero.
        """
        with exact():
            if sum(quantities.values(), ZERO) != 0:
                raise ValueError("what strategies trade with each other must sum to zero")
        settle = self.whole.contracts[symbol].settle
        crossed = {
            name: self._part(name).trade(symbol, quantity, price, ZERO, settle)
            for name, quantity in quantities.items()
        }
        return replace(self, parts={**self.parts, **crossed})

    def apply_funding(self, event: FundingPaid, owner: StrategyId | None = None) -> AccountLedger:
        """The books after funding, shared by the positions it was settled on.

        Strategies of opposite sides pay and receive as they would alone: the venue settled their
        difference. A bill may come when the position it is of is gone: then it is the `owner`'s;
        ValueError without one.
        """
        held = self._held_or_owned(event.instrument, owner)
        shares = split(event.amount, held, MONEY_UNIT)
        parts = {
            name: part.apply(_part_of_funding(event, shares[name]))
            for name, part in self.parts.items()
        }
        return replace(self, whole=self.whole.apply(event), parts=parts)

    def _held_or_owned(self, symbol: Symbol, owner: StrategyId | None) -> dict[StrategyId, Decimal]:
        held = {name: part.position(symbol).quantity for name, part in self.parts.items()}
        with exact():
            if owner is None or sum(held.values(), ZERO) != 0:
                return held
        return {name: Decimal(name == owner) for name in self.parts}

    def apply_cash(self, event: CashMovement, shares: Weights) -> AccountLedger:
        """The books after cash moved, pro rata to `shares`."""
        parts = dict(self.parts)
        for name, amount in split(event.amount, shares, MONEY_UNIT).items():
            parts[name] = self._part(name).apply(replace(event, amount=amount))
        return replace(self, whole=self.whole.apply(event), parts=parts)

    def _part(self, name: StrategyId) -> Ledger:
        if name not in self.parts:
            raise ValueError(f"strategy {name} does not trade on this account")
        return self.parts[name]


def _part_of_funding(event: FundingPaid, amount: Decimal) -> CashMovement:
    return CashMovement(
        kind=CashKind.FUNDING,
        currency=event.currency,
        amount=amount,
        moved_at=utc_at(event.ts_event),
        instrument=event.instrument,
    )
