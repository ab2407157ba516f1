"""Sees that what is held has its live stop, and what to do when it has none (R19, F85).

A stop may be refused, cancelled by hand at the venue, or have made way for a sale. From then on the
place is bare: it is journaled, the stop is asked for again every two seconds, and after
`guard_within_ms` the person is told and the rest is sold as if its stop had been reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.events import (
    ProtectionMissing,
    ProtectionRestored,
    RiskAction,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.orders import PROTECTIVE, Order, OrderKind, OrderStatus, Purpose
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import SetTimer
from algotrader.engine.guarding import Guardian
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step, now
from algotrader.execution.order_life import LiveOrder
from algotrader.portfolio.sizing import whole_lots

GUARD: Final = "guard:"
_AGAIN_MS: Final = 2_000
_RARELY_MS: Final = 60_000
_UNANSWERED: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})


class Keeper:
    """Watches places after each event that may have left one bare."""

    def __init__(self, step: Step, sender: Sender, guardian: Guardian) -> None:
        self._step = step
        self._sender = sender
        self._guardian = guardian

    def check(self, place: Place, now_ms: int, *, was_refused: bool = False) -> None:
        """Whether it is guarded. What a refusal left bare is asked for again by the timer alone."""
        allowed_ms = self._step.settings.guard_within_ms
        if allowed_ms is None:
            return
        since_ms = self._step.state.protected.bare.get(place)
        if since_ms is None:
            if not self._missing(place, now_ms):
                return
            self._step.tell(
                ProtectionMissing(
                    **now(now_ms), account=self._account(place), strategy=place[0],
                    instrument=place[1], allowed_ms=allowed_ms,
                )
            )  # fmt: skip
            self._wake(place, now_ms + min(_AGAIN_MS, allowed_ms))
        elif self._is_guarded(place, since_ms, now_ms):
            return
        if not was_refused:
            self._again(place, now_ms)

    def complete(self, place: Place, now_ms: int) -> None:
        """Targets and trails that the venue never got; stops are asked for by `check`."""
        allowed = self._step.settings.guard_within_ms is not None
        if allowed and not self._is_selling(place) and not self._waits(place):
            self._guardian.complete(place, now_ms)

    def exit_began(self, order: Order, now_ms: int) -> None:
        """A bracket's level was reached: if that was its target, which rests, the stop is gone."""
        allowed_ms = self._step.settings.guard_within_ms
        if allowed_ms is not None and order.intent.purpose is Purpose.BRACKET:
            self._wake((order.strategy, order.instrument), now_ms + allowed_ms)

    def change_refused(self, order: Order, now_ms: int) -> None:
        """A guard could not be changed or ended: soon it is asked for again, or made anew."""
        guards = order.intent.purpose in PROTECTIVE
        if guards and self._step.settings.guard_within_ms is not None:
            self._wake((order.strategy, order.instrument), now_ms + _AGAIN_MS)

    def _end_for_sale(self, place: Place, now_ms: int) -> None:
        """A sale waits for the coins: the request to end their guard may have overtaken the guard."""
        if place not in self._step.state.thawing:
            return
        for live in list(self._guards(place)):
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "its coins are to be sold")

    def _end_wrong_sizes(self, place: Place, now_ms: int) -> None:
        for live in list(self._guards(place)):
            rests = live.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
            leaves = live.order.order_id in self._step.state.protected.exits
            if rests and not leaves and self._guardian.is_of_wrong_size(live):
                self._sender.cancel(live, now_ms, "its size could not be changed")

    def _end_targets(self, place: Place, now_ms: int) -> None:
        """A target that was reached and has not traded makes way for a stop again."""
        for live in list(self._guards(place)):
            reached = live.order.order_id in self._step.state.protected.exits
            if live.order.intent.purpose is Purpose.BRACKET and reached and live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "its target rests and its stop is gone")

    def check_all(self, account: AccountId, now_ms: int) -> None:
        """At the end of a recovery."""
        if self._step.settings.guard_within_ms is None:
            return
        for instance in self._step.settings.strategies:
            if instance.account == account:
                for symbol in instance.instruments:
                    place = (instance.strategy, symbol)
                    reached = any(
                        live.order.order_id in self._step.state.protected.exits
                        for live in self._guards(place)
                    )
                    waits = place in self._step.state.thawing
                    if reached or waits or place in self._step.state.protected.bare:
                        self._wake(place, now_ms + _AGAIN_MS)
                    self.check(place, now_ms)
                    self.complete(place, now_ms)
                    # A change may have been refused, or never sent, before the restart.
                    self._guardian.follow(place, now_ms)

    def woken(self, event: TimerFired) -> None:
        """Ask for the stop again; after the time allowed, leave."""
        if not event.name.startswith(GUARD):
            return
        name, _, symbol = event.name.removeprefix(GUARD).partition(" ")
        place, now_ms = (StrategyId(name), Symbol.parse(symbol)), event.ts_known
        since_ms = self._step.state.protected.bare.get(place)
        allowed_ms = self._step.settings.guard_within_ms
        if allowed_ms is None:
            return
        self._end_for_sale(place, now_ms)
        if since_ms is None or self._is_guarded(place, since_ms, now_ms):
            self._end_targets(place, now_ms)
            self._end_wrong_sizes(place, now_ms)
            return
        gone_ms = now_ms - since_ms
        if gone_ms >= allowed_ms:
            self._overdue(place, now_ms)
            # What does not help now is tried ever more rarely.
            self._wake(place, now_ms + min(max(_AGAIN_MS, gone_ms // 4), _RARELY_MS))
        else:
            self._again(place, now_ms)
            self._wake(place, now_ms + min(_AGAIN_MS, allowed_ms - gone_ms))

    def _overdue(self, place: Place, now_ms: int) -> None:
        strategy, symbol = place
        leaves = self._step.settings.exit_unguarded
        what = "it is sold" if leaves else "it is held without one"
        text = f"{symbol} of {strategy} has had no live stop for too long: {what}"
        self._step.alert(Severity.CRITICAL, f"unguarded:{strategy}:{symbol}", text)
        sales = list(self._sales(place))
        for live in sales:  # it took too long: the rest is to be guarded again, or left
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "its position was without a stop for too long")
        if sales or place in self._step.state.thawing:
            return
        if leaves and not self._waits(place):
            self._guardian.leave(place, self._missing(place, now_ms), now_ms)
        else:
            self._again(place, now_ms)

    def _again(self, place: Place, now_ms: int) -> None:
        if self._is_selling(place) or self._waits(place):
            return
        for parent, of_position in self._missing(place, now_ms):
            self._guardian.make_again(place, parent, now_ms, of_position=of_position)

    def _waits(self, place: Place) -> bool:
        """Nothing goes out before the venue was compared with the books, or while it is frozen."""
        state = self._step.state
        starts = state.modes[self._account(place)] is TradingMode.STARTING
        return starts or place[1] in state.frozen

    def _is_guarded(self, place: Place, since_ms: int, now_ms: int) -> bool:
        """Whether its stops live at the venue, or nothing is left to guard; it is told then."""
        if self._missing(place, now_ms, but=_UNANSWERED):
            return False
        self._step.tell(
            ProtectionRestored(
                **now(now_ms), account=self._account(place), strategy=place[0],
                instrument=place[1], missing_ms=now_ms - since_ms,
            )
        )  # fmt: skip
        return True

    def _missing(
        self, place: Place, now_ms: int, but: frozenset[OrderStatus] = frozenset()
    ) -> tuple[tuple[OrderId, bool], ...]:
        """Whose guards are not there: by the order they are of, and whether of the position.

        Guards in a status of `but` count for none.
        """
        if not self._is_worth_a_stop(place) or self._flattens(place, now_ms):
            return ()
        lots = self._lots(place)
        alive = [
            one
            for one in self._guards(place)
            if one.status not in but and _stops(one) and one.order.side.sign * lots < 0
        ]
        return tuple(self._each_missing(place, alive))

    def _each_missing(self, place: Place, alive: list[LiveOrder]) -> Iterator[tuple[OrderId, bool]]:
        state = self._step.state
        protection = self._step.settings.instance(place[0]).protection
        own = any(one.order.intent.towards is not None for one in alive)
        if protection is not None and protection.has_stop and not own:
            parent = state.protected.parents.get(place) or self._opener(place)
            if parent is not None:
                yield parent, True
        for order_id in state.protected.openers_of(place):
            own = any(
                one.order.intent.parent == order_id and one.order.intent.towards is None
                for one in alive
            )
            if not own and self._guardian.wants_stop(place, order_id):
                yield order_id, False

    def _is_worth_a_stop(self, place: Place) -> bool:
        """Dust is neither guarded nor sold: the venue trades no less (R9)."""
        lots, terms = self._lots(place), self._step.state.terms[place[1]]
        price = self._step.state.price(place[1])
        return lots != 0 and not kernel.below_minimum(terms, abs(lots) * terms.lot, price)

    def _opener(self, place: Place) -> OrderId | None:
        """The newest order that traded there, where no guard has ever gone out."""
        newest = None
        for live in self._step.state.orders.all():
            own = (live.order.strategy, live.order.instrument) == place and live.filled > 0
            if own and live.order.intent.purpose not in PROTECTIVE:
                newest = live.order.order_id
        return newest

    def _is_selling(self, place: Place) -> bool:
        """Whether the stop has made way for a sale that is not over."""
        return place in self._step.state.thawing or any(self._sales(place))

    def _sales(self, place: Place) -> Iterator[LiveOrder]:
        """Open orders that need the coins; elsewhere stops rest beside them."""
        if place[1] not in self._step.settings.freezing:
            return
        for live in self._step.state.orders.open(self._account(place), place[1]):
            ours = live.order.strategy == place[0] and live.order.intent.purpose not in PROTECTIVE
            if ours and live.order.side.sign * self._lots(place) < 0:
                yield live

    def _flattens(self, place: Place, now_ms: int) -> bool:
        """Whether a hold sells everything: stops made way for that."""
        account = self._account(place)
        holds = self._step.state.risk.state.holds_on(account, *place, now_ms)
        return any(hold.action is RiskAction.FLATTEN for hold in holds)

    def _wake(self, place: Place, at_ms: int) -> None:
        self._step.do(SetTimer(name=f"{GUARD}{place[0]} {place[1]}", at_ms=at_ms))

    def _guards(self, place: Place) -> Iterator[LiveOrder]:
        for live in self._step.state.orders.open(self._account(place), place[1]):
            if live.order.strategy == place[0] and live.order.intent.purpose in PROTECTIVE:
                yield live

    def _lots(self, place: Place) -> int:
        part = self._step.state.books[self._account(place)].parts[place[0]]
        lot = self._step.settings.instruments[place[1]].lot
        return whole_lots(part.position(place[1]).quantity, lot)

    def _account(self, place: Place) -> AccountId:
        return self._step.settings.instance(place[0]).account


def _stops(live: LiveOrder) -> bool:
    """Whether a guard ends a loss, the sale in its place included."""
    purpose = live.order.intent.purpose
    return purpose is not Purpose.TAKE_PROFIT or live.order.terms.kind is OrderKind.MARKET
