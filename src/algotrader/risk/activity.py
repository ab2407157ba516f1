"""What was sent and what came of it: order rates, turnover, refusals, slippage, usual sizes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from algotrader.core.events import OrderSubmitted
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Order, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, Booking, Contract, exact, money
from algotrader.risk.days import day_of

SAMPLE: Final = 20
"""Orders and fills that rates of refusal and slippage are taken over."""
LEAST: Final = 10
"""With fewer they are not known."""
SIZES: Final = 100
LEAST_SIZES: Final = 5
_MINUTE_MS: Final = 60_000
_REMEMBERED: Final = 500  # orders that ended: their fills may still come late


class SentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of an order when its news comes."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    side: Side
    order: Order
    price: Decimal | None  # last one when it was sent
    answered: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """A count or a sum that begins again each day."""

    day: int
    amount: Decimal = ZERO

    def plus(self, day: int, more: Decimal) -> DayCount:
        with exact():
            return DayCount(day=day, amount=more + (self.amount if day == self.day else ZERO))

    def on(self, day: int) -> Decimal:
        return self.amount if day == self.day else ZERO


_NONE: Final = DayCount(day=-1)


@dataclass(slots=True)
class Activity:
    """Changed by its verbs alone, as the events tell them."""

    instruments: Mapping[Symbol, Instrument]
    orders: dict[OrderId, SentOrder] = field(default_factory=dict)
    sent_ms: dict[AccountId, deque[int]] = field(default_factory=dict)
    sent_today: dict[tuple[AccountId, Symbol | None], DayCount] = field(default_factory=dict)
    traded_today: dict[AccountId, DayCount] = field(default_factory=dict)
    refusals: dict[AccountId, deque[bool]] = field(default_factory=dict)
    slippages: dict[AccountId, deque[Decimal]] = field(default_factory=dict)
    sizes: dict[Symbol, deque[Decimal]] = field(default_factory=dict)
    flattened_ms: dict[tuple[AccountId, Symbol], int] = field(default_factory=dict)

    def submitted(self, event: OrderSubmitted, price: Decimal | None, zone: str) -> None:
        order = event.order
        account, symbol = order.account, order.instrument
        self.orders[order.order_id] = SentOrder(
            account=account, strategy=order.strategy, instrument=symbol, side=order.side,
            order=order, price=price,
        )  # fmt: skip
        self._forget()
        sent = self.sent_ms.setdefault(account, deque())
        sent.append(event.ts_known)
        while sent[0] <= event.ts_known - _MINUTE_MS:
            sent.popleft()
        day = day_of(event.ts_known, zone)
        for place in ((account, None), (account, symbol)):
            self.sent_today[place] = self.sent_today.get(place, _NONE).plus(day, Decimal(1))
        if order.intent.purpose is Purpose.RISK:
            self.flattened_ms[account, symbol] = event.ts_known
        else:
            self.sizes.setdefault(symbol, deque(maxlen=SIZES)).append(order.quantity)

    def answered(self, order_id: OrderId, *, refused: bool) -> None:
        """The first answer to an order: taken or refused."""
        sent = self.orders.get(order_id)
        if sent is None or sent.answered:
            return
        self.orders[order_id] = replace(sent, answered=True)
        self.refusals.setdefault(sent.account, deque(maxlen=SAMPLE)).append(refused)

    def ended(self, order_id: OrderId) -> None:
        """Nothing of it can trade any more, but what did may still be told."""
        sent = self.orders.get(order_id)
        if sent is not None:
            self.orders[order_id] = replace(sent, is_over=True)

    def filled(self, fill: Fill, at_ms: int, zone: str) -> None:
        with exact():
            contract = Contract.of(self.instruments[fill.instrument])
            traded = worth_of(contract, fill.quantity, fill.price)
            day = day_of(at_ms, zone)
            before = self.traded_today.get(fill.account, _NONE)
            self.traded_today[fill.account] = before.plus(day, traded)
            sent = self.orders.get(fill.order_id) if fill.order_id else None
            if sent is not None and sent.price:
                cost = fill.side.sign * (fill.price - sent.price) / sent.price
                self.slippages.setdefault(fill.account, deque(maxlen=SAMPLE)).append(cost)

    def forget_sample(self, account: AccountId, rule: str) -> None:
        """Begin a sample anew after its rule has acted: what it saw has been answered."""
        samples = self.refusals if rule == "execution.max_reject_rate" else self.slippages
        samples.pop(account, None)

    def sent_within(self, account: AccountId, now_ms: int, window_ms: int) -> int:
        sent = self.sent_ms.get(account, deque())
        return sum(1 for at in sent if at > now_ms - window_ms)

    def reject_rate(self, account: AccountId) -> Decimal | None:
        """Share of the last orders that were refused; None while too few are known."""
        sample = self.refusals.get(account, deque())
        return None if len(sample) < LEAST else Decimal(sum(sample)) / len(sample)

    def slippage(self, account: AccountId) -> Decimal | None:
        """Mean cost of the last fills against the price decided on, a fraction."""
        sample = self.slippages.get(account, deque())
        with exact():
            return None if len(sample) < LEAST else sum(sample, ZERO) / len(sample)

    def largest(self, symbol: Symbol) -> Decimal | None:
        """The largest of an instrument's last orders; None while too few are known."""
        sizes = self.sizes.get(symbol, deque())
        return None if len(sizes) < LEAST_SIZES else max(sizes)

    def _forget(self) -> None:
        """Keep what is open, and some of what may be told late."""
        if len(self.orders) > 2 * _REMEMBERED:
            over = [order_id for order_id, sent in self.orders.items() if sent.is_over]
            for order_id in over[:-_REMEMBERED]:
                del self.orders[order_id]


def notional_of(contract: Contract, quantity: Decimal, price: Decimal) -> Decimal:
    """Quote currency that a quantity stands for; the face value of inverse contracts."""
    units = abs(quantity) * contract.multiplier
    return units if contract.booking is Booking.INVERSE else units * price


def worth_of(contract: Contract, quantity: Decimal, price: Decimal) -> Decimal:
    """Settlement currency that a quantity stands for, which equity and margin are in."""
    face = notional_of(contract, quantity, price)
    return money(face / price) if contract.booking is Booking.INVERSE else face
