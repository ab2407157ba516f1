"""What is known of protection: exits that began, entries they block, guards that were made (R19).

A fold of events, a part of the engine's state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from algotrader.core.ids import OrderId, StrategyId
from algotrader.core.orders import PROTECTIVE, Intent, Order, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import whole_lots

ZERO = Decimal(0)
Place = tuple[StrategyId, Symbol]
"""One instrument of one strategy."""


@dataclass(frozen=True, slots=True)
class Unmade:
    """A guard that no venue has got."""

    place: Place
    parent: OrderId
    purpose: Purpose
    of_position: bool

    @classmethod
    def of(cls, intent: Intent, parent: OrderId) -> Unmade:
        place = (intent.strategy, intent.terms.instrument)
        return cls(place, parent, intent.purpose, intent.towards is not None)


@dataclass(frozen=True, slots=True)
class Block:
    """A position was left by its protection: that sign is not entered again for now."""

    sign: int  # of the position that was left
    bars: int = -1  # bars of the instrument since; the one of the exit is still to close


@dataclass(frozen=True, slots=True)
class Opened:
    """What an order opened, and for how much: its protection is measured from that."""

    quantity: Decimal = ZERO  # less what fees took in the coin, and what its guards sold
    value: Decimal = ZERO  # quantity x price

    @property
    def entry(self) -> Decimal:
        with exact():
            return self.value / self.quantity


class Protected:
    """Changed by the methods below alone, as events tell."""

    def __init__(self) -> None:
        self.blocks: dict[Place, Block] = {}
        self.exits: dict[OrderId, None] = {}  # protective orders that began to leave
        self.sets: dict[OrderId, int] = {}  # how often guards of an order's fills were made
        self.parents: dict[Place, OrderId] = {}  # whose fill the position's guards are of
        self.opened: dict[OrderId, Opened] = {}  # by orders with a protection of their own
        self.openers: dict[OrderId, Place] = {}  # where those orders opened something
        self.unmade: dict[Unmade, None] = {}  # guards that were denied or never arrived
        self.bare: dict[Place, int] = {}  # without a live stop since then, UTC ms

    def submitted(self, order: Order) -> None:
        intent = order.intent
        if intent.parent is None or intent.purpose not in PROTECTIVE:
            return
        self.unmade.pop(Unmade.of(intent, intent.parent), None)
        self.sets[intent.parent] = max(self.sets.get(intent.parent, 0), intent.attempt + 1)
        if intent.towards is not None:
            self.parents[order.strategy, order.instrument] = intent.parent

    def lost(self, intent: Intent) -> None:
        """A guard was denied, or never arrived: it is to be made when that can be."""
        if intent.purpose in PROTECTIVE and intent.parent is not None:
            self.unmade[Unmade.of(intent, intent.parent)] = None

    def triggered(self, order: Order) -> None:
        """The exit has begun, whether or not anything of it has traded."""
        if order.order_id in self.exits and order.intent.purpose is not Purpose.TAKE_PROFIT:
            return
        self.exits[order.order_id] = None
        self._block(order)

    def traded(self, order: Order, opened: Decimal, price: Decimal, coin_fee: Decimal) -> None:
        """An order of ours traded; `opened` is the part of it that increased the position."""
        if order.intent.purpose in PROTECTIVE:
            if order.order_id not in self.exits or order.intent.purpose is Purpose.TAKE_PROFIT:
                self.triggered(order)
        elif opened and order.intent.protection and order.intent.purpose is Purpose.ORDER:
            before = self.opened.get(order.order_id, Opened())
            with exact():
                kept = opened - coin_fee
                self.opened[order.order_id] = Opened(
                    before.quantity + kept, before.value + kept * price
                )
            self.openers[order.order_id] = (order.strategy, order.instrument)

    def sold(self, guard: Order, quantity: Decimal, lot: Decimal) -> None:
        """A guard of an order traded: what it left of what was opened is still to be guarded."""
        parent = guard.intent.parent
        if parent is None or guard.intent.towards is not None or parent not in self.openers:
            return
        before = self.opened[parent]
        with exact():
            left = before.quantity - quantity
            if whole_lots(left, lot) <= 0:
                self.gone(parent)
            else:
                self.opened[parent] = Opened(left, before.entry * left)

    def openers_of(self, place: Place) -> list[OrderId]:
        """Orders with a protection of their own that opened something there."""
        return [order_id for order_id, where in self.openers.items() if where == place]

    def gone(self, order_id: OrderId) -> None:
        """Nothing is held any more of what an order opened."""
        del self.openers[order_id]
        for one in [one for one in self.unmade if one.parent == order_id and not one.of_position]:
            del self.unmade[one]
        self.opened.pop(order_id, None)

    def liquidated(self, strategy: StrategyId, symbol: Symbol, quantity: Decimal) -> None:
        """The venue's exit is one too; `quantity` is the closing execution's, signed."""
        self.blocks[strategy, symbol] = Block(-1 if quantity > 0 else 1)

    def bar_closed(self, place: Place) -> None:
        if (block := self.blocks.get(place)) is not None:
            self.blocks[place] = replace(block, bars=block.bars + 1)

    def lift(self, place: Place) -> None:
        self.blocks.pop(place, None)

    def flat(self, place: Place) -> None:
        """Nothing is held there: nothing is to be guarded."""
        for one in [one for one in self.unmade if one.place == place]:
            del self.unmade[one]

    def _block(self, order: Order) -> None:
        sign = 1 if order.side is Side.SELL else -1
        self.blocks[order.strategy, order.instrument] = Block(sign)
