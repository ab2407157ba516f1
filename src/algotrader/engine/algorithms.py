"""Orders that are worked over time: in equal parts (TWAP), or at the best price (limit-chase).

What a target adds to a position goes out as slices, within a bound in time and one in price, the
cap of R13. Reductions are never worked: they go at once. A work is journaled with its bounds
(`WorkStarted`), so a restart goes on with what is left of it; a newer target, a protective exit or
the end of its time ends it. What is left at the end is tried once more inside the bound, then waits
for the next bar like the rest of any capped order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.events import (
    TimerFired,
    TradingMode,
    WorkEnded,
    WorkStarted,
)
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Intent, OrderStatus, OrderTerms, Purpose, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.engine.commands import SetTimer
from algotrader.engine.planning import next_attempt
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.settings import Algorithm, AlgorithmKind
from algotrader.engine.step import Step, now
from algotrader.engine.works import Work
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import limit_price, whole_lots

_WORK: Final = "work:"


class Algorithms:
    """Starts works, and wakes them."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender
        sender.work = self.takes

    def takes(self, intent: Intent, now_ms: int) -> bool:
        """Whether an intent is worked over time; its work begins then."""
        algorithm = self._step.settings.instance(intent.strategy).algorithm
        opens = intent.purpose is Purpose.TARGET and not intent.terms.reduce_only
        if algorithm is None or not opens or intent.terms.limit is None:
            return False
        self._step.tell(
            WorkStarted(
                **now(now_ms), intent=intent, algorithm=str(algorithm.kind),
                until_ms=now_ms + algorithm.over_ms,
            )
        )  # fmt: skip
        self._go_on((intent.strategy, intent.terms.instrument), now_ms)
        return True

    def woken(self, event: TimerFired) -> None:
        if event.name.startswith(_WORK):
            name, _, symbol = event.name.removeprefix(_WORK).partition(" ")
            self._go_on((StrategyId(name), Symbol.parse(symbol)), event.ts_known)

    def ended(self, place: Place, now_ms: int) -> None:
        """A slice is over: the last of a work is sent once nothing of it is open."""
        work = self._step.state.works.get(place)
        if work is not None and now_ms >= work.until_ms:
            self._go_on(place, now_ms)
        elif work is not None and work.left <= 0:
            self._end(place, work, now_ms, "all of it is done")

    def start(self, account: AccountId, now_ms: int) -> None:
        """Timers do not outlive a process."""
        for place, work in sorted(self._step.state.works.items()):
            if work.intent.account == account:
                self._wake(place, now_ms)

    def _go_on(self, place: Place, now_ms: int) -> None:
        work = self._step.state.works.get(place)
        algorithm = self._step.settings.instance(place[0]).algorithm
        if work is None or algorithm is None:
            return
        starts = self._step.state.modes[work.intent.account] is TradingMode.STARTING
        if starts or self._step.state.ends:
            return  # it is woken again when the venue was compared
        slices = self._slices(work)
        frame = self._step.settings.instance(place[0]).timeframe
        if work.is_old(now_ms, Timeframe.parse(frame).ms):
            self._give_up(place, work, slices, now_ms)
        elif now_ms >= work.until_ms:
            self._finish(place, work, slices, now_ms)
        elif algorithm.kind is AlgorithmKind.TWAP:
            self._slice(place, work, algorithm, slices, now_ms)
        else:
            self._chase(place, work, algorithm, slices, now_ms)

    def _finish(self, place: Place, work: Work, slices: Sequence[LiveOrder], now_ms: int) -> None:
        """The time is over: what rests ends, and the rest is tried once at the bound."""
        for live in slices:
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "the time to work it is over")
        if slices:
            return  # `ended` comes back here
        self._end(place, work, now_ms, "its time is over")
        if work.left > 0:
            terms = replace(work.intent.terms, quantity=work.left)
            self._send(replace(work.intent, terms=terms), now_ms)

    def _give_up(self, place: Place, work: Work, slices: Sequence[LiveOrder], now_ms: int) -> None:
        """Nothing is sent for an old bar: the next decision works towards its target anew (R24)."""
        for live in slices:
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "its bar is over")
        self._end(place, work, now_ms, "its bar is over")

    def _slice(
        self,
        place: Place,
        work: Work,
        algorithm: Algorithm,
        slices: Sequence[LiveOrder],
        now_ms: int,
    ) -> None:
        """TWAP: by now so many parts of all are due, less what traded or is on its way."""
        every_ms = algorithm.over_ms // algorithm.slices
        due = min((now_ms - work.started_ms) // every_ms + 1, algorithm.slices)
        lot = self._step.settings.instruments[place[1]].lot
        with exact():
            wanted = whole_lots(work.quantity * due / algorithm.slices, lot) * lot
            missing = wanted - work.filled - sum((one.open_quantity for one in slices), ZERO)
        if missing > 0 and not self._is_too_little(place, missing):
            self._send(self._part(work, missing, work.bound, TimeInForce.IOC), now_ms)
        last = due == algorithm.slices
        self._wake(place, work.until_ms if last else work.started_ms + due * every_ms)

    def _chase(
        self,
        place: Place,
        work: Work,
        algorithm: Algorithm,
        slices: Sequence[LiveOrder],
        now_ms: int,
    ) -> None:
        """Limit-chase: rest at the best price of our side, never beyond the bound."""
        price = self._best(place, work)
        if not slices and work.left > 0:
            part = self._part(work, work.left, price, TimeInForce.GTC)
            self._send(part, now_ms)
        for live in slices:
            self._move(live, price, now_ms)
        # Without quotes nothing is learnt between bars: it rests at the last close.
        has_quote = place[1] in self._step.state.fresh.quotes
        again_ms = now_ms + algorithm.every_ms if has_quote else work.until_ms
        self._wake(place, min(again_ms, work.until_ms))

    def _move(self, live: LiveOrder, price: Decimal, now_ms: int) -> None:
        rests = live.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
        if not rests or live.limit == price:
            return
        # Where risk refuses, it stays where it is (R28).
        self._sender.amend(live, live.quantity, price, live.stop, now_ms, "the best price moved")

    def _best(self, place: Place, work: Work) -> Decimal:
        """The best price of our side, or the last close, at most the bound."""
        side, quote = work.intent.terms.side, self._step.state.fresh.quotes.get(place[1])
        instrument = self._step.settings.instruments[place[1]]
        if quote is None:
            price = limit_price(self._step.state.price(place[1]), instrument, side)
        else:
            price = quote.bid if side.sign > 0 else quote.ask
        return min(price, work.bound) if side.sign > 0 else max(price, work.bound)

    def _part(self, work: Work, quantity: Decimal, price: Decimal, tif: TimeInForce) -> Intent:
        terms = work.intent.terms
        part = OrderTerms(
            instrument=terms.instrument, side=terms.side, quantity=quantity, limit=price, tif=tif,
            post_only=tif is TimeInForce.GTC,
        )  # fmt: skip
        return replace(work.intent, terms=part, purpose=Purpose.SLICE)

    def _send(self, intent: Intent, now_ms: int) -> None:
        again = replace(intent, attempt=next_attempt(self._step.state, intent))
        self._sender.judge_now(intent.account, (again,), now_ms)

    def _end(self, place: Place, work: Work, now_ms: int, reason: str) -> None:
        self._step.tell(
            WorkEnded(
                **now(now_ms), account=work.intent.account, strategy=place[0],
                instrument=place[1], filled=work.filled, left=work.left, reason=reason,
            )
        )  # fmt: skip

    def _slices(self, work: Work) -> list[LiveOrder]:
        """What of it is at the venue."""
        intent = work.intent
        return [
            live
            for live in self._step.state.orders.open(intent.account, intent.terms.instrument)
            if live.order.intent.purpose is Purpose.SLICE and live.order.strategy == intent.strategy
        ]

    def _is_too_little(self, place: Place, quantity: Decimal) -> bool:
        terms, price = self._step.state.terms[place[1]], self._step.state.price(place[1])
        return kernel.below_minimum(terms, float(quantity), price)

    def _wake(self, place: Place, at_ms: int) -> None:
        self._step.do(SetTimer(name=f"{_WORK}{place[0]} {place[1]}", at_ms=at_ms))
