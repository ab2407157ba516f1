"""Sales of coins that a resting stop has frozen: the stop ends, the sale goes, a stop comes back.

Where a venue freezes what a stop guards (spot on OKX), any other sale would be refused. The wish to
sell is journaled (`IntentRaised`), the guards are cancelled, and when the last of them is over the
wish is judged on what is held by then. How long nothing guarded the rest stands in the journal, and
`Keeper` bounds it (F85).
"""

from __future__ import annotations

from dataclasses import replace

from algotrader.core.events import IntentRaised, OrderDenied, TradingMode
from algotrader.core.instants import utc_ms
from algotrader.core.orders import PROTECTIVE, DenialReason, Intent, Purpose, Side
from algotrader.engine.anew import is_old
from algotrader.engine.planning import next_attempt
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step, now
from algotrader.execution.order_life import LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import whole_lots


class Thaw:
    """Holds sales back until their coins are free."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender
        sender.hold = self.holds

    def holds(self, intent: Intent, now_ms: int) -> bool:
        """Whether a sale has to wait; its guards are then asked to end."""
        if intent.purpose in PROTECTIVE or intent.terms.side is not Side.SELL:
            return False
        guards = self._guards(intent)
        if not guards:
            return False
        self._step.tell(IntentRaised(**now(now_ms), intent=intent))
        for live in guards:
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "its coins are to be sold")
        return True

    def release(self, place: Place, now_ms: int) -> None:
        """A guard is over: what waited for the last of them is judged now."""
        for intent in self._step.state.thawing.get(place, ()):
            starts = self._step.state.modes[intent.account] is TradingMode.STARTING
            if starts or self._guards(intent):
                return
            free = self._of_now(intent, now_ms)
            if isinstance(free, DenialReason):
                self._drop(intent, free, now_ms)
            else:
                self._sender.judge(intent.account, (free,), now_ms)

    def _of_now(self, intent: Intent, now_ms: int) -> Intent | DenialReason:
        """The sale of what is still held, or why there is none (R24)."""
        state, terms = self._step.state, intent.terms
        asked = intent.purpose is not Purpose.RISK
        if asked and is_old(state, intent.strategy, utc_ms(intent.decided_at), now_ms):
            return DenialReason(rule="old_bar", message="its coins were free after the next bar")
        held = state.books[intent.account].parts[intent.strategy].position(terms.instrument)
        lot = self._step.settings.instruments[terms.instrument].lot
        with exact():
            most = whole_lots(held.quantity, lot) * lot
        if most <= 0:
            return DenialReason(rule="reduce_only", message="its guard has sold it meanwhile")
        cut = replace(terms, quantity=min(terms.quantity, most))
        return replace(intent, terms=cut, attempt=next_attempt(state, intent))

    def _drop(self, intent: Intent, reason: DenialReason, now_ms: int) -> None:
        self._step.tell(
            OrderDenied(
                **now(now_ms), intent=intent, reasons=(reason,),
                gate_sequence=self._step.state.gate_sequence, state_hash="",
            )
        )  # fmt: skip

    def _guards(self, intent: Intent) -> list[LiveOrder]:
        """What freezes the coins that a sale needs."""
        symbol = intent.terms.instrument
        return [
            live
            for live in self._step.state.orders.open(intent.account, symbol)
            if live.order.intent.purpose in PROTECTIVE and live.order.side is Side.SELL
        ]
