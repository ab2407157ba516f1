"""Keeps what is held protected: stops, targets and trails as reduce-only orders (R18, R19).

The size of a position's guards follows the position, an order's own guards follow what it opened,
one cancels the other, and none outlives what it guards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.fills import Fill
from algotrader.core.ids import OrderId
from algotrader.core.orders import (
    OF_TARGETS,
    PROTECTIVE,
    Intent,
    Order,
    OrderKind,
    OrderStatus,
    OrderTerms,
    Protection,
    Purpose,
    Side,
)
from algotrader.core.symbols import Symbol
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.step import Step
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import limit_price, stop_price, whole_lots

_WITH_STOP: Final = (Purpose.STOP_LOSS, Purpose.BRACKET)
_WITH_TARGET: Final = (Purpose.TAKE_PROFIT, Purpose.BRACKET)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What guards something: where it was entered, how much of it there is."""

    symbol: Symbol
    side: Side  # of the exit
    quantity: Decimal
    entry: Decimal
    protection: Protection

    def stop(self, step: Step) -> Decimal:
        away = self.entry * _fraction(1.0, self.side.sign, self.protection.stop_loss)
        return stop_price(float(away), step.settings.instruments[self.symbol], self.side)

    def target(self, step: Step) -> Decimal:
        away = self.entry * _fraction(1.0, -self.side.sign, self.protection.take_profit)
        return limit_price(float(away), step.settings.instruments[self.symbol], self.side)


class Guardian:
    """Makes, moves and ends guards."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def traded(self, fill: Fill, order: Order, before: Decimal, now_ms: int) -> None:
        """An order of ours traded; `before` is what its strategy held until then."""
        place = (order.strategy, order.instrument)
        lots = self._lots(place)
        if order.intent.purpose in PROTECTIVE:
            self._exit_traded(order, now_ms)
        turned = lots * before < 0
        if lots == 0 or turned:
            self._end(self._guards(place), now_ms, "nothing is left to guard")
        opens = fill.side.sign * lots > 0 and order.intent.purpose not in PROTECTIVE
        self.follow_position(place, now_ms, opener=order if opens else None)
        if opens and order.intent.purpose is Purpose.ORDER and order.intent.protection:
            self._follow_order(order.order_id, now_ms, is_opener=True)

    def moved(self, place: Place, now_ms: int) -> None:
        """What is held changed by no order of ours."""
        lots = self._lots(place)
        over = [live for live in self._guards(place) if live.order.side.sign * lots >= 0]
        self._end(over, now_ms, "nothing is left to guard")
        self.follow(place, now_ms)

    def exit_began(self, order: Order, now_ms: int) -> None:
        """A stop was reached: its siblings end, and so does what is left of the entry (R19)."""
        place = (order.strategy, order.instrument)
        siblings = [
            live
            for live in self._guards(place)
            if _same_set(live.order, order) and live.order.order_id != order.order_id
        ]
        self._end(siblings, now_ms, "one cancels the other")
        self._end_entries(order, now_ms)

    def protect_anew(self, place: Place, now_ms: int) -> None:
        """A block was lifted: the rest of the exit ends, what is then held is guarded anew."""
        instance = self._step.settings.instance(place[0])
        parent = self._step.state.protected.parents.get(place)
        alive = self._of_position(place)
        self._end(alive, now_ms, "entries are free again")
        if alive and place[1] in self._step.settings.freezing:
            return  # its coins are frozen until that is over: `Keeper` sees to it
        if parent is not None and instance.protection and self._lots(place):
            self._make(self._position(place, instance.protection), parent, instance, now_ms, True)

    def follow(self, place: Place, now_ms: int) -> None:
        """Bring all guards of a place to what they guard: a change may not have been possible."""
        self.follow_position(place, now_ms)
        for parent in self._step.state.protected.openers_of(place):
            self._follow_order(parent, now_ms)

    def follow_position(self, place: Place, now_ms: int, opener: Order | None = None) -> None:
        """Bring the size and levels of a position's guards to what is held."""
        instance = self._step.settings.instance(place[0])
        if not instance.protection or not self._lots(place):
            return
        wanted = self._position(place, instance.protection)
        alive = [live for live in self._of_position(place) if not live.is_ending]
        if alive:
            self._move(alive, wanted, now_ms)
        elif opener is not None:
            self._make(wanted, opener.order_id, instance, now_ms, True)

    def make_again(self, place: Place, parent: OrderId, now_ms: int, *, of_position: bool) -> None:
        """Guards in the place of those that are gone, for what is held now."""
        instance = self._step.settings.instance(place[0])
        wanted = self._wanted(place, parent, of_position=of_position)
        if wanted is not None:
            alive = self._of_set(place, parent, of_position=of_position)
            there = {live.order.intent.purpose for live in alive}
            self._make(wanted, parent, instance, now_ms, of_position, but=there)

    def wants_stop(self, place: Place, parent: OrderId) -> bool:
        """Whether a stop belongs to what an order opened: dust has none (R9)."""
        wanted = self._wanted(place, parent, of_position=False)
        return wanted is not None and wanted.protection.has_stop and not self._is_dust(wanted)

    def complete(self, place: Place, now_ms: int) -> None:
        """Make the guards that the venue never got, beside those that live there."""
        protected = self._step.state.protected
        unmade = [one for one in protected.unmade if one.place == place]
        for parent, of_position in dict.fromkeys((one.parent, one.of_position) for one in unmade):
            alive = self._of_set(place, parent, of_position=of_position)
            there = {live.order.intent.purpose for live in alive}
            wanted = self._wanted(place, parent, of_position=of_position)
            if wanted is None or any(live.order.order_id in protected.exits for live in alive):
                continue  # nothing is to be guarded any more
            if wanted.protection.has_stop and there <= {Purpose.TAKE_PROFIT}:
                continue  # `Keeper` has them made again with their stop
            lost = {one.purpose for one in unmade
                    if (one.parent, one.of_position) == (parent, of_position)}  # fmt: skip
            instance = self._step.settings.instance(place[0])
            others = PROTECTIVE - lost | there
            self._make(wanted, parent, instance, now_ms, of_position, but=others)

    def is_of_wrong_size(self, guard: LiveOrder) -> bool:
        """Whether a guard is not of its position's size, or smaller than what its order opened."""
        intent = guard.order.intent
        if intent.towards is not None:
            place = (intent.strategy, intent.terms.instrument)
            lot = self._step.settings.instruments[place[1]].lot
            with exact():
                return guard.open_quantity != abs(self._lots(place)) * lot
        if intent.parent not in self._step.state.protected.openers:
            return False
        opener = self._step.state.orders[intent.parent].order
        opened = self._opened_by(opener, at_most_held=True)
        return opened is not None and guard.open_quantity < opened.quantity

    def leave(self, place: Place, missing: tuple[tuple[OrderId, bool], ...], now_ms: int) -> None:
        """Sell what has no stop, as if the stop had been reached."""
        state = self._step.state
        for parent, of_position in missing:
            wanted = self._wanted(place, parent, of_position=of_position)
            if wanted is None:
                continue
            cause = state.orders[parent].order.intent
            intent = Intent(
                account=cause.account, strategy=cause.strategy, decided_at=cause.decided_at,
                terms=self._one(wanted), purpose=Purpose.STOP_LOSS,
                attempt=state.protected.sets.get(parent, 0),
                towards=ZERO if of_position else None, parent=parent, tag=cause.tag,
            )  # fmt: skip
            self._sender.judge(cause.account, (intent,), now_ms)

    def _wanted(self, place: Place, parent: OrderId, *, of_position: bool) -> _Wanted | None:
        """What is to be guarded of a position, or of what an order opened of it."""
        instance = self._step.settings.instance(place[0])
        whole = instance.protection if of_position else None
        if whole is not None:
            return self._position(place, whole) if self._lots(place) else None
        return self._opened_by(self._step.state.orders[parent].order, at_most_held=True)

    def _opened_by(self, order: Order, *, at_most_held: bool) -> _Wanted | None:
        """What an order opened, less what its guards sold of it; None where that is no lot.

        Sales of the strategy's own do not count: guards are reduce-only.
        """
        opened = self._step.state.protected.opened.get(order.order_id)
        guards, lot = order.intent.protection, self._step.settings.instruments[order.instrument].lot
        if opened is None or guards is None:
            return None
        lots = whole_lots(opened.quantity, lot)
        if at_most_held:
            lots = min(lots, abs(self._lots((order.strategy, order.instrument))))
        if not lots:
            return None
        with exact():
            quantity = lots * lot
        return _Wanted(order.instrument, order.side.opposite, quantity, opened.entry, guards)

    def _exit_traded(self, order: Order, now_ms: int) -> None:
        """A target's first fill is an exit too; its siblings guard what it leaves."""
        if order.intent.purpose is Purpose.TAKE_PROFIT:
            self._end_entries(order, now_ms)
        if order.intent.towards is not None:
            return
        parent = order.intent.parent
        if parent is not None and parent in self._step.state.protected.openers:
            self._follow_order(parent, now_ms)
            return
        siblings = [
            other
            for other in self._guards((order.strategy, order.instrument))
            if _same_set(other.order, order) and other.order.order_id != order.order_id
        ]
        self._end(siblings, now_ms, "one cancels the other")

    def _follow_order(self, parent: OrderId, now_ms: int, *, is_opener: bool = False) -> None:
        """Bring the guards of an order to what is left of what it opened (R19)."""
        order = self._step.state.orders[parent].order
        # Coins that are not there cannot be frozen.
        freezes = order.instrument in self._step.settings.freezing
        wanted = self._opened_by(order, at_most_held=freezes)
        if wanted is None:
            return
        alive = self._of_order(parent)
        if alive:
            self._move(alive, wanted, now_ms)
        elif is_opener:
            instance = self._step.settings.instance(order.strategy)
            self._make(wanted, parent, instance, now_ms, False)

    def _make(
        self,
        wanted: _Wanted,
        parent: OrderId,
        instance: StrategyInstance,
        now_ms: int,
        of_position: bool,
        but: Collection[Purpose] = (),
    ) -> None:
        state = self._step.state
        if self._is_dust(wanted):
            return  # it is not guarded: the venue trades no less (R9)
        cause = state.orders[parent].order.intent
        attempt = state.protected.sets.get(parent, 0)
        intents = [
            Intent(
                account=instance.account,
                strategy=instance.strategy,
                decided_at=cause.decided_at,
                terms=guard,
                purpose=purpose,
                attempt=attempt,
                towards=ZERO if of_position else None,
                parent=parent,
                tag=cause.tag,
            )
            for purpose, guard in self._terms(wanted)
            if purpose not in but
        ]
        self._sender.judge(instance.account, intents, now_ms)

    def _is_dust(self, wanted: _Wanted) -> bool:
        state = self._step.state
        terms, price = state.terms[wanted.symbol], state.price(wanted.symbol)
        return kernel.below_minimum(terms, float(wanted.quantity), price)

    def _terms(self, wanted: _Wanted) -> Iterator[tuple[Purpose, OrderTerms]]:
        guards = wanted.protection
        both = guards.stop_loss is not None and guards.take_profit is not None
        if both and wanted.symbol in self._step.settings.freezing:
            stop, target = wanted.stop(self._step), wanted.target(self._step)
            yield Purpose.BRACKET, self._one(wanted, stop=stop, limit=target)
            return
        if guards.stop_loss is not None:
            yield Purpose.STOP_LOSS, self._one(wanted, stop=wanted.stop(self._step))
        if guards.trailing is not None:
            trail = Decimal(repr(guards.trailing))
            yield Purpose.TRAILING, self._one(wanted, trail=trail)
        if guards.take_profit is not None:
            yield Purpose.TAKE_PROFIT, self._one(wanted, limit=wanted.target(self._step))

    @staticmethod
    def _one(
        wanted: _Wanted,
        *,
        limit: Decimal | None = None,
        stop: Decimal | None = None,
        trail: Decimal | None = None,
    ) -> OrderTerms:
        return OrderTerms(
            instrument=wanted.symbol,
            side=wanted.side,
            quantity=wanted.quantity,
            limit=limit,
            stop=stop,
            trail=trail,
            reduce_only=True,
        )

    def _move(self, alive: list[LiveOrder], wanted: _Wanted, now_ms: int) -> None:
        for live in alive:
            if live.order.order_id in self._step.state.protected.exits:
                continue  # it is leaving already
            if live.order.terms.kind is OrderKind.MARKET:
                continue  # sold in the place of a stop that could not be had
            purpose = live.order.intent.purpose
            stop = wanted.stop(self._step) if purpose in _WITH_STOP else live.stop
            limit = wanted.target(self._step) if purpose in _WITH_TARGET else live.limit
            self._amend(live, live.filled + wanted.quantity, limit, stop, now_ms)

    def _amend(
        self,
        live: LiveOrder,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
        now_ms: int,
    ) -> None:
        if (quantity, limit, stop) == (live.quantity, live.limit, live.stop):
            return
        waits = live.status is OrderStatus.PENDING_AMEND
        if waits or not live.status.may_become(OrderStatus.PENDING_AMEND):
            return  # asked again when the venue has answered
        self._sender.change(live, quantity, limit, stop, now_ms, "what it guards changed")

    def _end_entries(self, exit_: Order, now_ms: int) -> None:
        """What is left of the entry: targets of the side that was held, or the order guarded."""
        entries = [
            live
            for live in self._step.state.orders.open(exit_.account, exit_.instrument)
            if live.order.strategy == exit_.strategy
            and live.order.intent.purpose not in PROTECTIVE
            and (
                (live.order.intent.purpose in OF_TARGETS and live.order.side is exit_.side.opposite)
                or (exit_.intent.towards is None and live.order.order_id == exit_.intent.parent)
            )
        ]
        self._end(entries, now_ms, "its position was left")

    def _end(self, orders: list[LiveOrder], now_ms: int, reason: str) -> None:
        for live in orders:
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, reason)

    def _guards(self, place: Place) -> list[LiveOrder]:
        """Protective orders of a place that are not over."""
        account = self._step.settings.instance(place[0]).account
        return [
            live
            for live in self._step.state.orders.open(account, place[1])
            if live.order.strategy == place[0] and live.order.intent.purpose in PROTECTIVE
        ]

    def _of_position(self, place: Place) -> list[LiveOrder]:
        return [live for live in self._guards(place) if live.order.intent.towards is not None]

    def _of_set(self, place: Place, parent: OrderId, *, of_position: bool) -> list[LiveOrder]:
        """Guards of a position, or of an order, that are not about to end."""
        alive = self._of_position(place) if of_position else self._of_order(parent)
        return [live for live in alive if not live.is_ending]

    def _of_order(self, parent: OrderId) -> list[LiveOrder]:
        order = self._step.state.orders[parent].order
        return [
            live
            for live in self._guards((order.strategy, order.instrument))
            if live.order.intent.parent == parent and live.order.intent.towards is None
        ]

    def _position(self, place: Place, protection: Protection) -> _Wanted:
        strategy, symbol = place
        account = self._step.settings.instance(strategy).account
        position = self._step.state.books[account].parts[strategy].position(symbol)
        lot = self._step.settings.instruments[symbol].lot
        lots = self._lots(place)
        if position.entry is None:
            raise ValueError(f"{strategy} holds nothing of {symbol}")
        side = Side.SELL if lots > 0 else Side.BUY
        with exact():
            return _Wanted(symbol, side, abs(lots) * lot, position.entry, protection)

    def _lots(self, place: Place) -> int:
        """Whole lots held, signed; less than one is dust (R9)."""
        strategy, symbol = place
        account = self._step.settings.instance(strategy).account
        part = self._step.state.books[account].parts[strategy]
        return whole_lots(
            part.position(symbol).quantity, self._step.settings.instruments[symbol].lot
        )


def _same_set(one: Order, other: Order) -> bool:
    """Whether both guard the same: one cancels the other, whenever each was made."""
    return _set_of(one) == _set_of(other)


def _set_of(guard: Order) -> OrderId | None:
    """The order whose opening a guard is of; None of the position's."""
    return guard.intent.parent if guard.intent.towards is None else None


def _fraction(base: float, sign: int, fraction: float | None) -> Decimal:
    return Decimal(repr(base + sign * (fraction or 0.0)))
