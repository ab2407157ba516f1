"""What news of an order leads to: more questions, its end told, the next order.

Nothing is ever sent twice: what became of an order is asked by its client id, and only a proof of
absence lets the next attempt go out.
"""

from __future__ import annotations

from typing import Final

from algotrader.core.events import (
    OrderAbsent,
    OrderCancelled,
    OrderExpired,
    OrderNotFound,
    OrderSeen,
    OrderUnknown,
    TimerFired,
)
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Intent, OrderStatus, Purpose
from algotrader.core.ports import Severity
from algotrader.core.timeframes import Timeframe
from algotrader.engine.anew import is_old, makes_way
from algotrader.engine.commands import Cancel, FetchTrades, LookUp, SetTimer
from algotrader.engine.planning import intents_of, rest_of, working
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.step import AGAIN, LOOK_UP, Step, names, now
from algotrader.execution.order_life import LiveOrder

_ASKED_FOR: Final = (Purpose.ORDER, Purpose.OPERATOR)
REFUSALS: Final = 3
"""Orders of an instrument that are refused in a row before a person is told so (F26)."""


class Follower:
    """Follows every order to its end."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def follow(self, before: LiveOrder, now_ms: int) -> None:
        """What an order's news leads to: more questions, its end told, the next order."""
        live = self._step.state.orders[before.order.order_id]
        if live.is_final:
            if not before.is_final:
                self._ended(live, now_ms)
            return
        if live.status is OrderStatus.UNKNOWN and before.status is not OrderStatus.UNKNOWN:
            self.look_up(live)
            self._step.wake(live, now_ms + self._step.settings.look_up_every_ms)
        elif before.status is OrderStatus.UNKNOWN and live.status is not OrderStatus.UNKNOWN:
            if live.status is OrderStatus.PENDING_CANCEL:
                self._cancel_again(live, now_ms)
            else:
                self.watch(live, now_ms)
        if live.lacks_trades:
            self._step.do(FetchTrades(**names(live)))
            self._step.wake(live, now_ms + self._step.settings.look_up_every_ms)

    def shown(self, before: LiveOrder, event: OrderSeen) -> None:
        """A change without an answer that the venue does not show: whoever asked for it is told.

        It may have been killed before it was sent. Or it is late, which nothing at the venue bounds:
        so it is not taken for refused, and counts in every limit as before (R28).
        """
        live = self._step.state.orders[before.order.order_id]
        was_answered = (
            before.status is not OrderStatus.PENDING_AMEND or live.status is before.status
        )
        asked = live.asked_terms
        if was_answered or live.is_final or asked is None or event.quantity is None:
            return
        if live.order.intent.purpose in _ASKED_FOR and live.terms != asked:
            order = live.order
            self._step.alert(
                Severity.IMPORTANT,
                f"unchanged:{order.order_id}",
                f"{order.instrument}: order {order.order_id} was to be changed, no answer came, and "
                "the venue shows it as it was",
            )

    def _ended(self, live: LiveOrder, now_ms: int) -> None:
        order = live.order
        if self._end_was_told(order.order_id):
            pass
        elif live.status is OrderStatus.CANCELLED:
            self._step.tell(
                OrderCancelled(
                    **now(now_ms), **names(live), filled_quantity=live.filled, reason="cancelled"
                )
            )
        elif live.status is OrderStatus.EXPIRED:
            self._step.tell(OrderExpired(**now(now_ms), **names(live), filled_quantity=live.filled))
        elif live.status is OrderStatus.REJECTED:
            self._step.alert(
                Severity.IMPORTANT,
                f"rejected:{order.instrument}",
                f"{order.instrument}: the venue refused order {order.order_id}",
            )
            refused = self._step.state.refusals.get((order.account, order.instrument), 0)
            if refused == REFUSALS:  # F26
                text = f"{order.instrument}: the venue refused {refused} orders in a row"
                self._step.alert(Severity.CRITICAL, f"refusals:{order.instrument}", text)
        if self._step.state.waiting.get((order.strategy, order.instrument)) == order.order_id:
            self._try_again_later(live, now_ms)
        place = (order.strategy, order.instrument)
        if place not in self._step.state.works and makes_way(self._step.state, live):
            self.replan(place, now_ms)

    def _try_again_later(self, live: LiveOrder, now_ms: int) -> None:
        """R13: more tries inside the bar; after that the next bar's close is the reference."""
        order, settings = live.order, self._step.settings
        frame = settings.instance(order.strategy).timeframe
        ends = self._step.state.slices[frame].decision_ts + Timeframe.parse(frame).ms
        again_ms = now_ms + settings.try_again_ms
        if order.intent.attempt + 1 < settings.tries and again_ms < ends:
            self._step.do(SetTimer(name=f"{AGAIN}{order.order_id}", at_ms=again_ms))

    def start(self, account: AccountId, now_ms: int) -> None:
        """Timers do not outlive a process: what waits for its next try has one again."""
        state = self._step.state
        for (strategy, _), order_id in sorted(state.waiting.items()):
            if self._step.settings.instance(strategy).account == account:
                self._try_again_later(state.orders[order_id], now_ms)

    def _try_again(self, order_id: OrderId, now_ms: int) -> None:
        state = self._step.state
        order = state.orders[order_id].order
        if state.ends or state.waiting.get((order.strategy, order.instrument)) != order_id:
            return
        if is_old(state, order.strategy, utc_ms(order.intent.decided_at), now_ms):
            return  # it goes on at the next decision, with its close as reference (R13, R24)
        intent = rest_of(state, order_id, None)
        if intent is not None:
            self._sender.judge(order.account, (intent,), now_ms)

    def _end_was_told(self, order_id: OrderId) -> bool:
        return any(
            isinstance(event, OrderCancelled | OrderExpired) and event.order_id == order_id
            for event in self._step.outcome.events
        )

    def replan(self, place: Place, now_ms: int) -> None:
        """Work on towards an instrument's latched target, now that nothing of it is open."""
        account = self._step.settings.instance(place[0]).account
        self._sender.judge(account, self.planned(place, now_ms), now_ms)

    def planned(self, place: Place, now_ms: int) -> tuple[Intent, ...]:
        """What an instrument's latched target still asks for, on the account as it is now."""
        strategy, symbol = place
        state = self._step.state.rebalance.get(place)
        if state is None or (state.standing is None and state.latched is None):
            return ()
        if self._step.state.ends:
            return ()  # it is wanted anew by the first decision after the next start (F07)
        instance = self._step.settings.instance(strategy)
        if any(working(self._step.state, instance, symbol)):
            return ()
        block = self._step.state.protected.blocks.get(place)
        latched = float(state.latched or 0)
        number = latched if state.standing is None else state.standing
        if block is not None and number * block.sign > 0:
            return ()  # it was cancelled because its position was left (R19)
        bar = self._step.state.closes.get(symbol)
        decision_ts = self._step.state.decided_ts[place]
        if bar is None or is_old(self._step.state, strategy, decision_ts, now_ms):
            return ()  # no order for an old bar, the newest one we know among them (R24)
        weights = {} if state.standing is None else {symbol: state.standing}
        quantities = {symbol: latched} if state.standing is None else {}
        return intents_of(self._step.state, instance, weights, decision_ts, quantities)

    def doubt(self, live: LiveOrder, now_ms: int, reason: str) -> None:
        self._step.tell(
            OrderUnknown(**now(now_ms), **names(live), deadline_ms=live.deadline_ms, reason=reason)
        )
        self.look_up(self._step.state.orders[live.order.order_id])
        self._step.wake(live, now_ms + self._step.settings.look_up_every_ms)

    def not_found(self, event: OrderNotFound) -> None:
        """Absence is proved only by a question asked after the venue must refuse the order."""
        live = self._step.state.orders[event.order_id]
        if live.is_final:
            return
        proved_from = live.deadline_ms + self._step.settings.skew_ms
        if event.asked_ms <= proved_from:
            at = max(proved_from + 1, event.ts_known + self._step.settings.look_up_every_ms)
            self._step.wake(live, at)
        elif live.status is OrderStatus.UNKNOWN and live.venue_order_id is None and not live.filled:
            self._step.tell(
                OrderAbsent(**now(event.ts_known), **names(live), asked_ms=event.asked_ms)
            )
        elif live.misses < 2:  # a missing report is not an end until it is missing twice
            self._step.wake(live, event.ts_known + self._step.settings.look_up_every_ms)
        else:
            self._step.tell(
                OrderCancelled(
                    **now(event.ts_known),
                    **names(live),
                    filled_quantity=live.reported,
                    reason="the venue no longer knows it",
                )
            )
            self._step.alert(
                Severity.CRITICAL,
                f"vanished:{live.order.order_id}",
                f"{live.order.instrument}: the venue no longer knows order {live.order.order_id}",
            )

    def look_up(self, live: LiveOrder) -> None:
        self._step.do(LookUp(**names(live)))

    def _cancel_again(self, live: LiveOrder, now_ms: int) -> None:
        """The request may have been lost; it is idempotent."""
        self._step.do(Cancel(**names(live)))
        self._step.wake(live, now_ms + self._step.settings.order_deadline_ms)

    def found(self, live: LiveOrder, now_ms: int) -> None:
        """What a start finds in the journal: the venue is asked, and so is any end we wanted."""
        self.look_up(live)
        if live.status is OrderStatus.PENDING_CANCEL:  # the request may never have left
            self._step.wake(live, now_ms + self._step.settings.look_up_every_ms)
        else:
            self.watch(live, now_ms)

    def watch(self, live: LiveOrder, now_ms: int) -> None:
        """Look at an order that lives again later."""
        every_ms = self._step.settings.watch_every_ms
        if every_ms is not None:
            self._step.wake(live, now_ms + every_ms)

    def woken(self, event: TimerFired) -> None:
        if event.name.startswith(AGAIN):
            self._try_again(OrderId(event.name.removeprefix(AGAIN)), event.ts_known)
        if not event.name.startswith(LOOK_UP):
            return
        order_id = OrderId(event.name.removeprefix(LOOK_UP))
        if order_id not in self._step.state.orders:
            return
        live = self._step.state.orders[order_id]
        if live.is_final:
            return
        if live.status is OrderStatus.PENDING:
            self.doubt(live, event.ts_known, "no answer came before the deadline")
        elif live.status is OrderStatus.SETTLING or live.lacks_trades:
            self._step.do(FetchTrades(**names(live)))
            self.look_up(live)
            self._step.wake(live, event.ts_known + self._step.settings.look_up_every_ms)
        elif live.status is OrderStatus.PENDING_CANCEL:
            self._cancel_again(live, event.ts_known)
        elif live.status is OrderStatus.UNKNOWN:
            self.look_up(live)
            self._step.wake(live, event.ts_known + self._step.settings.look_up_every_ms)
        else:  # it lives: what the venue pushed of it may have been lost
            self.look_up(live)
            self.watch(live, event.ts_known)
