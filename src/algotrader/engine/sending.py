"""The way out: intents through the gate, orders durable before they are sent, cancels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from algotrader.core.events import (
    OrderAmendRequested,
    OrderCancelRequested,
    OrderDenied,
    OrderSubmitted,
)
from algotrader.core.ids import AccountId
from algotrader.core.orders import Approved, DenialReason, Denied, Intent, Order
from algotrader.engine.commands import Amend, Cancel, Submit
from algotrader.engine.exposures import account_exposure
from algotrader.engine.step import Step, names, now
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.risk.exposure import AccountExposure
from algotrader.risk.gate import with_order


class Sender:
    """Sends what the gate lets through."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._freezing = step.settings.freezing
        self.hold: Callable[[Intent, int], bool] = lambda *_: False
        """Whether a sale waits for its coins to be free; the intent is then kept."""
        self._works = any(one.algorithm is not None for one in step.settings.strategies)
        self.work: Callable[[Intent, int], bool] = lambda *_: False
        """Whether an increase is worked over time; its slices come later."""
        self.sent: Callable[[LiveOrder, int], None] = lambda *_: None
        """Told of each order that goes out."""

    def judge(self, account: AccountId, intents: Sequence[Intent], now_ms: int) -> None:
        """Through the gate, one after the other, each counting what was let through before it."""
        if self._freezing:
            intents = [one for one in intents if not self._waits(one, now_ms)]
        if self._works:
            intents = [one for one in intents if not self.work(one, now_ms)]
        self.judge_now(account, intents, now_ms)

    def judge_now(self, account: AccountId, intents: Sequence[Intent], now_ms: int) -> None:
        """The same for what need not wait."""
        if not intents:
            return
        exposure = self.exposure(account, now_ms)
        for intent in intents:
            reduces = intent.terms.reduce_only
            verdict = self._step.state.risk.judge(intent, seen_by_gate(exposure, intent))
            if isinstance(verdict, Denied):
                self._step.tell(
                    OrderDenied(
                        **now(now_ms),
                        intent=verdict.intent,
                        reasons=verdict.reasons,
                        gate_sequence=verdict.gate_sequence,
                        state_hash=verdict.state_hash,
                    )
                )
                continue
            if not reduces:  # see `exposure_of`
                exposure = with_order(exposure, verdict.order)
            self._submit(verdict, now_ms)

    def _waits(self, intent: Intent, now_ms: int) -> bool:
        return intent.terms.instrument in self._freezing and self.hold(intent, now_ms)

    def _submit(self, approved: Approved[Order], now_ms: int) -> None:
        deadline = now_ms + self._step.settings.order_deadline_ms
        self._step.tell(
            OrderSubmitted(
                **now(now_ms),
                order=approved.order,
                gate_sequence=approved.gate_sequence,
                state_hash=approved.state_hash,
                deadline_ms=deadline,
            )
        )
        self._step.do(Submit(approved=approved, deadline_ms=deadline))
        live = self._step.state.orders[approved.order.order_id]
        self._step.wake(live, deadline + self._step.settings.skew_ms)
        self.sent(live, now_ms)

    def cancel(self, live: LiveOrder, now_ms: int, reason: str) -> None:
        self._step.tell(OrderCancelRequested(**now(now_ms), **names(live), reason=reason))
        self._step.do(Cancel(**names(live)))
        self._step.wake(live, now_ms + self._step.settings.order_deadline_ms)

    def amend(
        self,
        live: LiveOrder,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
        now_ms: int,
        reason: str,
    ) -> tuple[DenialReason, ...]:
        """Ask for another quantity (filled part included) and prices; () unless risk refuses (R28)."""
        with exact():
            rest = quantity - live.filled
        exposure = self.exposure(live.order.account, now_ms)
        reasons = self._step.state.risk.refuses_change(live, rest, limit, stop, exposure)
        if not reasons:
            self.change(live, quantity, limit, stop, now_ms, reason)
        return reasons

    def change(
        self,
        live: LiveOrder,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
        now_ms: int,
        reason: str,
    ) -> None:
        """Ask for what adds nothing, and so needs no judge; durable before it is asked."""
        self._step.tell(
            OrderAmendRequested(
                **now(now_ms), **names(live), quantity=quantity, limit=limit, stop=stop,
                reason=reason,
            )
        )  # fmt: skip
        self._step.do(Amend(**names(live), quantity=quantity, limit=limit, stop=stop))

    def exposure(self, account: AccountId, now_ms: int) -> AccountExposure:
        """An account as risk judges it."""
        return account_exposure(self._step.state, account, now_ms)


def seen_by_gate(exposure: AccountExposure, intent: Intent) -> AccountExposure:
    """What only reduces stands beside every other order: it takes what they leave, if anything."""
    here = exposure.instruments.get(intent.terms.instrument)
    if here is None or not intent.terms.reduce_only:
        return exposure
    free = replace(here, buying=ZERO, selling=ZERO)
    return replace(exposure, instruments={**exposure.instruments, intent.terms.instrument: free})
