"""What the account owns and owes: coins, positions of derivatives, margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from algotrader._kernel import sizing as kernel
from algotrader.portfolio.positions import Contract, Position, exact, money
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO

DEFAULT_LEVERAGE = Decimal(3)
Marks = Callable[[Market], float]


class HeldKey(NamedTuple):
    inst_id: str
    mode: str  # cross or isolated
    pos_side: str  # net, long or short


@dataclass(slots=True, kw_only=True)
class Held:
    """A position of a derivative; `margin` is its own under isolated margin."""

    key: HeldKey
    position: Position
    pos_id: str
    created_ms: int
    updated_ms: int
    margin: Decimal = ZERO
    fee: Decimal = ZERO  # negative was paid
    funding: Decimal = ZERO  # positive was received
    penalty: Decimal = ZERO
    trade_id: str = ""
    most: Decimal = ZERO  # largest size it had
    closed: Decimal = ZERO  # size closed so far, and what it was closed for
    closed_value: Decimal = ZERO
    opened_at: Decimal | None = None  # average entry when something was last closed
    was_long: bool = True
    ended_by: str = ""  # how the venue numbers its end, once it is flat

    @property
    def quantity(self) -> Decimal:
        return self.position.quantity

    @property
    def entry(self) -> float:
        """Average entry price; NaN when flat."""
        entry = self.position.entry
        return float(entry) if entry is not None else float("nan")


@dataclass(slots=True)
class Wallet:
    """Cash per currency and positions. Amounts are exact decimals."""

    cash: dict[str, Decimal]
    held: dict[HeldKey, Held] = field(default_factory=dict)
    leverage: dict[HeldKey, Decimal] = field(default_factory=dict)
    updated_ms: dict[str, int] = field(default_factory=dict)
    is_hedged: bool = False  # long and short side by side

    def move(self, currency: str, change: Decimal, at_ms: int) -> None:
        with exact():
            self.cash[currency] = self.cash.get(currency, ZERO) + change
        self.updated_ms[currency] = at_ms

    def lever(self, key: HeldKey) -> Decimal:
        return self.leverage.get(key, DEFAULT_LEVERAGE)

    def open_positions(self) -> Iterator[Held]:
        """Positions that are not flat, in the order of their names."""
        for key in sorted(self.held):
            if self.held[key].quantity:
                yield self.held[key]

    def trade(
        self, held: Held, contract: Contract, quantity: Decimal, price: Decimal, at_ms: int
    ) -> Decimal:
        """Trade a signed quantity of a derivative; gives the profit realised, before fees."""
        before, after = held.position, held.position.trade(quantity, price)
        with exact():
            pnl = after.realised - before.realised
            released = added = ZERO
            closed = _closing(before.quantity, quantity)
            if closed:
                held.was_long = before.quantity > 0
                held.opened_at = before.entry
                held.closed += closed
                held.closed_value += closed * price
            held.most = max(held.most, abs(after.quantity))
            if held.key.mode == "isolated":
                if closed:
                    released = money(held.margin * closed / abs(before.quantity))
                opened = abs(quantity) - closed
                added = money(abs(contract.worth(opened, price)) / self.lever(held.key))
            held.margin += added - released
            held.position, held.updated_ms = after, at_ms
            self.move(str(contract.settle), pnl + released - added, at_ms)
        return pnl

    def unrealised(self, currency: str, markets: Mapping[str, Market], mode: str) -> Decimal:
        """Profit at the marks of positions that settle in a currency."""
        with exact():
            return sum(
                (h.position.unrealised(_mark(markets[h.key.inst_id]))
                 for h in self.settling(currency) if h.key.mode == mode), ZERO,
            )  # fmt: skip

    def isolated_margin(self, currency: str) -> Decimal:
        return sum((h.margin for h in self.settling(currency)), ZERO)

    def initial_margin(self, currency: str, markets: Mapping[str, Market]) -> Decimal:
        """Of cross positions, at their marks."""
        with exact():
            return sum(
                (abs(h.position.contract.worth(h.quantity, _mark(markets[h.key.inst_id])))
                 / self.lever(h.key)
                 for h in self.settling(currency) if h.key.mode == "cross"), ZERO,
            )  # fmt: skip

    def settling(self, currency: str) -> Iterator[Held]:
        return (h for h in self.open_positions() if h.position.contract.settle == currency)

    def equity(self, currency: str, markets: Mapping[str, Market]) -> Decimal:
        """Cash, isolated margin and the profit of all positions, in one currency."""
        with exact():
            return (
                self.cash.get(currency, ZERO)
                + self.isolated_margin(currency)
                + self.unrealised(currency, markets, "cross")
                + self.unrealised(currency, markets, "isolated")
            )


def _closing(held: Decimal, quantity: Decimal) -> Decimal:
    """How much of a trade reduces what is held."""
    return min(abs(held), abs(quantity)) if held * quantity < 0 else ZERO


def _mark(market: Market) -> Decimal:
    return market.mark_price


@dataclass(frozen=True, slots=True)
class MarginGroup:
    """Positions that stand or fall together: one isolated, or all cross ones of a currency."""

    held: tuple[Held, ...]
    backing: Decimal  # cash or own margin

    def equity(self, markets: Mapping[str, Market], mark: Marks) -> float:
        return float(self.backing) + sum(
            kernel.profit(m.terms, float(h.quantity), h.entry, mark(m))
            for h, m in self._at(markets)
        )

    def required(self, markets: Mapping[str, Market], mark: Marks) -> float:
        """Σ notional × (maintenance rate + liquidation fee rate) (R23)."""
        total = 0.0
        for h, m in self._at(markets):
            notional = kernel.notional(m.terms, float(h.quantity), mark(m))
            total += notional * (
                kernel.maintenance_rate(m.terms, notional) + m.terms.liquidation_fee
            )
        return total

    def maintenance(self, markets: Mapping[str, Market], mark: Marks) -> float:
        """Σ notional × maintenance rate."""
        total = 0.0
        for h, m in self._at(markets):
            notional = kernel.notional(m.terms, float(h.quantity), mark(m))
            total += notional * kernel.maintenance_rate(m.terms, notional)
        return total

    def has_tiers(self, markets: Mapping[str, Market]) -> bool:
        return any(m.terms.tiers for _, m in self._at(markets))

    def closing_prices(self, markets: Mapping[str, Market]) -> dict[HeldKey, float]:
        """Where nothing is left after the liquidation fee (R23)."""
        notionals = {
            h.key: kernel.notional(m.terms, float(h.quantity), m.mark) for h, m in self._at(markets)
        }
        fee = sum(notionals[h.key] * m.terms.liquidation_fee for h, m in self._at(markets))
        share = (self.equity(markets, lambda m: m.mark) - fee) / sum(notionals.values())
        return {
            h.key: kernel.bankruptcy_price(m.terms, float(h.quantity), m.mark, share)
            for h, m in self._at(markets)
        }

    def _at(self, markets: Mapping[str, Market]) -> list[tuple[Held, Market]]:
        return [(h, markets[h.key.inst_id]) for h in self.held]


def margin_groups(wallet: Wallet) -> list[MarginGroup]:
    """All groups that hold something, isolated ones first."""
    positions = list(wallet.open_positions())
    groups = [MarginGroup((h,), h.margin) for h in positions if h.key.mode == "isolated"]
    for currency in sorted({str(h.position.contract.settle) for h in positions}):
        cross = tuple(h for h in wallet.settling(currency) if h.key.mode == "cross")
        if cross:
            groups.append(MarginGroup(cross, wallet.cash.get(currency, ZERO)))
    return groups
