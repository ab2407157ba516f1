"""Legs of one decision end alike: where one ends short, the others are reduced to match (R37)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from algotrader.core.events import TradingMode
from algotrader.core.orders import Intent, Order, OrderStatus, OrderTerms, Purpose
from algotrader.core.ports import Severity
from algotrader.engine.groups import GroupKey, GroupLeg
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import LOT_SLACK


class Matcher:
    """Reduces legs to the share that the shortest one reached."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def match(self, now_ms: int) -> None:
        state = self._step.state
        for key, legs in list(state.groups.legs.items()):
            account = self._step.settings.instance(key[0]).account
            if state.modes[account] is TradingMode.STARTING:
                continue  # nothing may be given back yet: it is matched when the start is over
            factor = min([1.0, *self._ended(legs)])
            if factor < 1.0:
                for leg in legs:
                    self._reduce(key, leg, factor, now_ms)

    def _ended(self, legs: list[GroupLeg]) -> Iterator[float]:
        """What ended legs reached, as fractions of what was wanted."""
        for leg in legs:
            live = self._live(leg)
            if live is None or live.is_final:
                stands = ZERO if live is None else live.filled - leg.given
                yield float(stands) / float(leg.total)

    def _reduce(self, key: GroupKey, leg: GroupLeg, factor: float, now_ms: int) -> None:
        """Less than a lot too much is a match: rounding down would make this leg the shorter."""
        live = self._live(leg)
        if live is None:
            return
        lot = self._step.settings.instruments[leg.instrument].lot
        with exact():
            lots = math.ceil(float(leg.total / lot) * factor - LOT_SLACK)
            allowed = lots * lot
            stands = live.filled - leg.given
            left = min(live.open_quantity, max(allowed - stands, ZERO))
        if not live.is_final and left < live.open_quantity:
            self._shorten(live, left, now_ms)
        if stands > allowed:
            self._give_back(key, leg, live.order, stands - allowed, now_ms)

    def _shorten(self, live: LiveOrder, left: Decimal, now_ms: int) -> None:
        if left == 0:
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "a leg of its group ended")
            return
        if live.status.may_become(OrderStatus.PENDING_AMEND):
            quantity = live.filled + left
            if quantity == live.quantity or live.status is OrderStatus.PENDING_AMEND:
                return
            reason = "a leg of its group ended"
            self._sender.change(live, quantity, live.limit, live.stop, now_ms, reason)

    def _give_back(
        self, key: GroupKey, leg: GroupLeg, order: Order, quantity: Decimal, now_ms: int
    ) -> None:
        terms = OrderTerms(
            instrument=leg.instrument,
            side=leg.side.opposite,
            quantity=quantity,
            reduce_only=True,
        )
        attempt = self._step.state.groups.attempts.get(order.order_id, 0)
        intent = Intent(
            account=order.account,
            strategy=order.strategy,
            decided_at=order.intent.decided_at,
            terms=terms,
            purpose=Purpose.GROUP,
            attempt=attempt,
            group=key[2],
            parent=order.order_id,
        )
        self._sender.judge(order.account, (intent,), now_ms)
        self._step.alert(
            Severity.IMPORTANT,
            f"group:{key[0]}:{key[1]}:{key[2]}",
            f"{leg.instrument}: {quantity} given back, a leg of group {key[2]} ended short",
        )

    def _live(self, leg: GroupLeg) -> LiveOrder | None:
        return None if leg.order_id is None else self._step.state.orders[leg.order_id]
