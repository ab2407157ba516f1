"""Increases wait for the reductions of their step, then are sized on what cash is there (R11).

A simulator fills both at one open. A venue does not: what a sale brings can be spent once it has
traded. So where it matters the wish is journaled (`IntentRaised`), and the target is planned anew
when the reductions are over, or after `cash_wait_ms` with whatever is there by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from algotrader.core.errors import DataError
from algotrader.core.events import IntentRaised, OrderDenied, TimerFired, TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.instruments import FeeCurrency
from algotrader.core.orders import PROTECTIVE, DenialReason, Intent
from algotrader.engine.commands import SetTimer
from algotrader.engine.following import Follower
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step, now
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import whole_lots
from algotrader.risk.exposure import ZERO, InstrumentExposure
from algotrader.risk.margin import free_of

_CASH: Final = "cash:"
ONE: Final = Decimal(1)


class Waiter:
    """Lets reductions go first."""

    def __init__(self, step: Step, sender: Sender, follower: Follower) -> None:
        self._step = step
        self._sender = sender
        self._follower = follower

    def judge(self, account: AccountId, intents: Sequence[Intent], now_ms: int) -> None:
        """Judge intents, reductions first; increases only when none of those is open."""
        increases = [intent for intent in intents if self._increases(intent)]
        reductions = [intent for intent in intents if intent not in increases]
        waits = self._step.settings.cash_wait_ms is not None
        self._sender.judge(account, reductions, now_ms)
        if not waits or not increases or not self._has_reductions(account):
            self._pay(account, increases, now_ms)
            return
        for intent in increases:
            self._step.tell(IntentRaised(**now(now_ms), intent=intent))
        self._wake(account, now_ms)

    def release(self, account: AccountId, now_ms: int, *, is_over: bool = False) -> None:
        """Plan what waits, if every reduction is over or the time for them is."""
        state = self._step.state
        places = [place for place in sorted(state.cash_waits) if self._account(place) == account]
        starts = state.modes[account] is TradingMode.STARTING
        if not places or starts or (not is_over and self._has_reductions(account)):
            return
        waited = {place: state.cash_waits[place][-1] for place in places}
        planned = [one for place in places for one in self._follower.planned(place, now_ms)]
        self._pay(account, planned, now_ms)
        for place in places:
            if place in state.cash_waits:
                self._drop(waited[place], "overtaken", "nothing of it is left to do by now", now_ms)

    def start(self, account: AccountId, now_ms: int) -> None:
        """Timers do not outlive a process: what goes on waiting has its bound again."""
        self.release(account, now_ms)
        if any(self._account(place) == account for place in self._step.state.cash_waits):
            self._wake(account, now_ms)

    def woken(self, event: TimerFired) -> None:
        if event.name.startswith(_CASH):
            account = AccountId(event.name.removeprefix(_CASH))
            self.release(account, event.ts_known, is_over=True)

    def _has_reductions(self, account: AccountId) -> bool:
        """Whether something may still bring cash: a sale on its way, or one whose coins are frozen."""
        state = self._step.state
        return any(self._account(place) == account for place in state.thawing) or any(
            self._reducing(account)
        )

    def _reducing(self, account: AccountId) -> Iterator[bool]:
        book = self._step.state.books[account].whole
        for live in self._step.state.orders.open(account):
            if live.order.intent.purpose not in PROTECTIVE and live.order.terms.stop is None:
                held = book.position(live.order.instrument).quantity
                if held * live.order.side.sign < 0:
                    yield True

    def _increases(self, intent: Intent) -> bool:
        book = self._step.state.books[intent.account].whole
        held = book.position(intent.terms.instrument).quantity
        return not held * intent.terms.side.sign < 0

    def _pay(self, account: AccountId, intents: Sequence[Intent], now_ms: int) -> None:
        """Judge increases at the largest common part of them that can be paid at their worst."""
        if self._step.settings.cash_wait_ms is None or not intents:
            self._sender.judge(account, intents, now_ms)
            return
        part = self._payable(account, intents, now_ms)
        payable = []
        for intent in intents:
            lot = self._step.settings.instruments[intent.terms.instrument].lot
            with exact():
                quantity = whole_lots(intent.terms.quantity * part, lot) * lot
            if quantity > 0:
                payable.append(replace(intent, terms=replace(intent.terms, quantity=quantity)))
            else:
                self._drop(intent, "cash", "there is no cash to pay for a lot of it", now_ms)
        self._sender.judge(account, payable, now_ms)

    def _payable(self, account: AccountId, intents: Sequence[Intent], now_ms: int) -> Decimal:
        """The common factor of R11, at most 1: each order at its limit, with its fee (R13)."""
        try:
            exposure = self._sender.exposure(account, now_ms)
        except DataError:
            return ONE  # something held has no price: the gate says so
        with exact():
            cost = sum((self._cost(exposure.instruments[one.terms.instrument], one)
                        for one in intents if self._increases(one)), ZERO)  # fmt: skip
            free = max(free_of(exposure), ZERO)
            return ONE if cost <= free else free / cost

    @staticmethod
    def _cost(here: InstrumentExposure, intent: Intent) -> Decimal:
        instrument, price = here.instrument, intent.terms.limit or here.price
        if price is None:
            return ZERO
        worth = here.worth(intent.terms.quantity, price)
        leverage = ONE if instrument.is_spot_like else instrument.margin.leverage
        in_coin = instrument.fees.fee_in is FeeCurrency.RECEIVED
        fee = ZERO if in_coin else max(instrument.fees.taker, ZERO)
        return worth / leverage + worth * fee

    def _drop(self, intent: Intent, rule: str, message: str, now_ms: int) -> None:
        reason = DenialReason(rule=rule, message=message)
        self._step.tell(
            OrderDenied(
                **now(now_ms), intent=intent, reasons=(reason,),
                gate_sequence=self._step.state.gate_sequence, state_hash="",
            )
        )  # fmt: skip

    def _wake(self, account: AccountId, now_ms: int) -> None:
        wait_ms = self._step.settings.cash_wait_ms
        if wait_ms is not None:
            self._step.do(SetTimer(name=f"{_CASH}{account}", at_ms=now_ms + wait_ms))

    def _account(self, place: Place) -> AccountId:
        return self._step.settings.instance(place[0]).account
