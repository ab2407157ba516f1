"""The engine: what an event leads to, and what has to be done about it outside.

`handle` takes one event of the outside (a bar, an answer, a fill, a timer) and gives all events
that it led to, itself first, and commands. The caller makes the events durable and only then
executes the commands. `apply` takes events from a journal without leading to anything; `resume`
then asks what a restart has to find out. Nothing is ever sent twice: what became of an order is
asked by its client id, and only a proof of absence lets the next attempt go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Final

from algotrader.core.events import (
    BarClosed,
    DecisionOutcome,
    EndRequested,
    Event,
    FundingPaid,
    HandAmendRequested,
    HandCancelRequested,
    HandOrderRequested,
    HeartbeatMissed,
    ImpossibleReply,
    InstrumentChanged,
    Liquidated,
    ModeChanged,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    PositionChanged,
    SliceClosed,
    StopTriggered,
    StrategyAnswered,
    StrategyUnloadRequested,
    TimerFired,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId
from algotrader.core.orders import PROTECTIVE, Intent, OrderStatus
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.algorithms import Algorithms
from algotrader.engine.anew import is_old
from algotrader.engine.asking import question_of
from algotrader.engine.by_hand import ByHand
from algotrader.engine.commands import (
    AskStrategy,
)
from algotrader.engine.drift import MOST_BPS
from algotrader.engine.ending import Ender
from algotrader.engine.explicit import Explicit
from algotrader.engine.following import Follower
from algotrader.engine.grouping import Matcher
from algotrader.engine.guarding import Guardian
from algotrader.engine.keeping import Keeper
from algotrader.engine.listing import Listing
from algotrader.engine.planning import older, plan, working
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.engine.step import Outcome, Step, names, now
from algotrader.engine.thawing import Thaw
from algotrader.engine.unloading import unload
from algotrader.engine.waiting import Waiter
from algotrader.engine.watching import Watcher
from algotrader.execution.order_life import (
    ZERO,
    IllegalTransitionError,
    LiveOrder,
    OrderEvent,
)
from algotrader.portfolio.rebalancing import MAX_WEIGHT

_LETS_GO: Final = (TradingMode.TRADING, TradingMode.REDUCE_ONLY)
_UNANSWERED: Final = (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.PENDING_AMEND)

_ARITHMETIC: Final = Context(
    prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""The engine's own: libraries change the thread's (ccxt its rounding), and a replay has none of
them, yet must come to the same last digit."""


class Engine:
    """One per journal. Deterministic: equal events, equal outcomes."""

    def __init__(self, settings: EngineSettings) -> None:
        self._step = Step(settings)
        self._settings = self._step.settings
        self._sender = Sender(self._step)
        self._follower = Follower(self._step, self._sender)
        self._guardian = Guardian(self._step, self._sender)
        self._keeper = Keeper(self._step, self._sender, self._guardian)
        self._thaw = Thaw(self._step, self._sender)
        self._waiter = Waiter(self._step, self._sender, self._follower)
        self._algorithms = Algorithms(self._step, self._sender)
        self._ender = Ender(self._step, self._sender)
        self._listing = Listing(self._step, self._sender)
        self._watcher = Watcher(self._step, self._sender)
        self._explicit = Explicit(self._step, self._sender)
        self._by_hand = ByHand(self._step, self._sender)
        self._matcher = Matcher(self._step, self._sender)
        self.state = self._step.state

    def stand_at(self, state: EngineState) -> None:
        """Go on from a state that was kept, of these settings. Before the first event."""
        self.state = self._step.state = state

    def apply(self, event: Event) -> None:
        """Take an event of the journal, without anything following from it."""
        with localcontext(_ARITHMETIC):
            self.state.apply(event)

    def handle(self, event: Event) -> Outcome:
        """All that follows from an event of the outside."""
        outcome = self._step.begin()
        if isinstance(event, BarClosed):  # the most frequent of all leads to nothing by itself
            self._step.tell(event)
            return outcome
        with localcontext(_ARITHMETIC):
            self._follow(event)
        return outcome

    def _follow(self, event: Event) -> None:
        now_ms = event.ts_known
        before = self._order_of(event)
        if self.state.is_booked(event):
            return  # told before; nothing changes, nothing is written
        if isinstance(event, OrderEvent) and self._is_strange(event):
            return
        held = self._held_before(event)
        waiting = self._kept_by_start(event)
        started = self._ends_start(event)
        if not self._heard(event):
            return
        self._watcher.before(event)
        match event:
            case SliceClosed():
                self._match(now_ms)
                self._ask(event)
            case StrategyAnswered():
                self._answered(event)
            case TimerFired():
                self._follower.woken(event)
                self._keeper.woken(event)
                self._waiter.woken(event)
                self._ender.woken(event)
                self._listing.woken(event)
                self._algorithms.woken(event)
            case OrderNotFound():
                self._follower.not_found(event)
            case OrderFilled():
                if not self.state.is_left_alone(event.fill):
                    self._position_changed(event.fill, now_ms)
                if before is not None:
                    self._see_overfill(before, now_ms)
                    self._guardian.traded(event.fill, before.order, held, now_ms)
                elif not self.state.is_left_alone(event.fill):
                    self._others_traded(event.fill, now_ms)
            case Liquidated():
                self._others_traded(event, now_ms)
            case StopTriggered():
                # A stop that a strategy or a person placed is no exit of a protection (R19).
                if before is not None and before.order.intent.purpose in PROTECTIVE:
                    self._guardian.exit_began(before.order, now_ms)
                    self._keeper.exit_began(before.order, now_ms)
            case OrderAmendRefused():
                if before is not None:
                    self._follower.look_up(before)
                    self._keeper.change_refused(before.order, now_ms)
            case OrderCancelRefused():
                if before is not None:
                    self._keeper.change_refused(before.order, now_ms)
            case OrderAccepted() | OrderAmended():
                if before is not None:
                    self._guard_answered(before, now_ms)
            case OrderSeen():
                if before is not None:
                    self._follower.shown(before, event)
                    if self._is_news(before):
                        self._guard_answered(before, now_ms)
            case ModeChanged():
                self._mode_changed(event, waiting, started=started)
            case InstrumentChanged():
                self._listing.changed(event)
            case FundingPaid():
                self._funded(event)
            case HeartbeatMissed():
                self._silent(event)
            case EndRequested():
                for account in sorted(self.state.modes):
                    self._cancel_increasing(account, now_ms, "the trader ends")
            case StrategyUnloadRequested():
                unload(self._step, event)
            case HandOrderRequested() | HandAmendRequested() | HandCancelRequested():
                self._by_hand.hear(event)
            case _:
                pass
        if before is not None:
            self._follower.follow(before, now_ms)
            if before.order.intent.group is not None and not before.is_final:
                self._match(now_ms)
        self._watcher.after(event)
        if before is not None:
            self._see_to_guards(before, event)

    def resume(self, now_ms: int) -> Outcome:
        """What a restart has to find out, once the journal was replayed to its end."""
        outcome = self._step.begin()
        with localcontext(_ARITHMETIC):
            for live in list(self.state.orders.open()):
                self._ender.watch(live, now_ms)
                if live.status is OrderStatus.PENDING:
                    reason = "the trader was restarted before an answer came"
                    self._follower.doubt(live, now_ms, reason)
                else:
                    self._follower.found(live, now_ms)
        return outcome

    def _others_traded(self, event: Fill | Liquidated, now_ms: int) -> None:
        """A person or the venue changed what is held: guards follow it as after our own trades."""
        place = (self.state.owner_of(event.account, event.instrument), event.instrument)
        self._guardian.moved(place, now_ms)
        self._keeper.check(place, now_ms)

    def _is_news(self, before: LiveOrder) -> bool:
        """Whether a word of the venue ends a doubt, or shows a change that came late."""
        live = self.state.orders[before.order.order_id]
        return before.status in _UNANSWERED or live.terms != before.terms

    def _guard_answered(self, before: LiveOrder, now_ms: int) -> None:
        """What is held may have changed while the venue's answer was on its way."""
        if before.order.intent.purpose in PROTECTIVE:
            self._guardian.follow((before.order.strategy, before.order.instrument), now_ms)

    def _see_to_guards(self, before: LiveOrder, event: Event) -> None:
        """Whatever happened to an order may have freed coins, or left a position without a stop."""
        order = before.order
        place = (order.strategy, order.instrument)
        if place in self.state.thawing and order.intent.purpose in PROTECTIVE:
            self._thaw.release(place, event.ts_known)
        refused = order.intent.purpose in PROTECTIVE and isinstance(event, OrderRejected)
        self._keeper.check(place, event.ts_known, was_refused=refused)
        if self.state.orders[order.order_id].status is OrderStatus.ABSENT:
            self._keeper.complete(place, event.ts_known)
        if place in self.state.works and self.state.orders[order.order_id].is_final:
            self._algorithms.ended(place, event.ts_known)
        if self.state.cash_waits:
            self._waiter.release(order.account, event.ts_known)

    # What is heard of orders

    def _held_before(self, event: Event) -> Decimal:
        """What the strategy whose order traded held until then."""
        live = self._order_of(event) if isinstance(event, OrderFilled) else None
        if live is None:
            return ZERO
        part = self.state.books[live.order.account].parts[live.order.strategy]
        return part.position(live.order.instrument).quantity

    def _order_of(self, event: Event) -> LiveOrder | None:
        if isinstance(event, OrderFilled):
            order_id = event.fill.order_id
        else:
            order_id = getattr(event, "order_id", None)
        if order_id is None or order_id not in self.state.orders:
            return None
        return self.state.orders[order_id]

    def _heard(self, event: Event) -> bool:
        """Apply an event of the outside; an impossible reply is an event, not a crash."""
        try:
            self._step.tell(event)
        except IllegalTransitionError as error:
            live = self._order_of(event)
            if live is None:
                raise
            self._watcher.distrust(
                ImpossibleReply(
                    **now(event.ts_known), **names(live), status=error.status, told=error.told,
                    text=str(error),
                )
            )  # fmt: skip
            if not live.is_final:
                self._follower.look_up(live)
            return False
        return True

    def _see_overfill(self, before: LiveOrder, now_ms: int) -> None:
        """What trades beyond an order's quantity is booked, the venue has it; nobody asked for it."""
        live = self.state.orders[before.order.order_id]
        if live.overfilled <= before.overfilled:
            return
        order = live.order
        text = (
            f"{order.instrument}: {live.filled:f} of order {order.order_id} has traded, its quantity "
            f"is {live.quantity:f}"
        )
        self._watcher.distrust(
            ImpossibleReply(
                **now(now_ms), **names(live), status=before.status, told=OrderStatus.FILLED,
                text=text,
            )
        )  # fmt: skip

    def _is_strange(self, event: OrderEvent) -> bool:
        """Whether news is of an order under our run's tag that the journal does not know.

        One that lives is told to a person, who alone may say what it is: it is not cancelled (F36).
        """
        if isinstance(event, OrderFilled) or event.order_id in self.state.orders:
            return False
        lives = isinstance(event, OrderSeen) and not event.status.is_final
        # Of an order that ended long ago an old word may come late; an answer is of now.
        if isinstance(event, OrderSeen) and lives and (
            event.asked_ms is not None or not self.state.orders.has_forgotten
        ):  # fmt: skip
            text = f"order {event.order_id} of this run lives at the venue, the journal has none"
            self._watcher.distrust(
                ImpossibleReply(
                    **now(event.ts_known), account=event.account, order_id=event.order_id,
                    instrument=event.instrument, status=OrderStatus.ABSENT, told=event.status,
                    text=text,
                )
            )  # fmt: skip
        return True

    # Deciding

    def _ask(self, event: SliceClosed) -> None:
        for instance in self._settings.strategies:
            if instance.timeframe == event.timeframe and self.state.is_loaded(instance):
                self._ask_one(instance, event.decision_ts)

    def _ask_one(self, instance: StrategyInstance, decision_ts: int) -> None:
        question = question_of(self.state, instance, decision_ts) if instance.by_bar else None
        self._step.do(
            AskStrategy(
                account=instance.account, strategy=instance.strategy, decision_ts=decision_ts,
                question=question,
            )
        )  # fmt: skip

    def _answered(self, event: StrategyAnswered) -> None:
        """Plan once all that were asked have answered, in the order of their names (R1)."""
        if event.outcome is not DecisionOutcome.DECIDED:  # F57
            text = f"strategy {event.strategy} is stopped, its position is held: {event.error}"
            self._step.alert(Severity.CRITICAL, f"strategy:{event.strategy}", text)
        if event.strategy in self.state.answers and not self.state.ends:
            self._act_on(self._complete(event.decision_ts, event.ts_known), event.ts_known)

    def _complete(self, decision_ts: int, now_ms: int) -> list[StrategyAnswered]:
        """The answers to a step that may be acted on still; none while one of them is awaited."""
        state = self.state
        if any(asked == decision_ts for asked in state.awaited.values()):
            return []
        return [
            state.answers[name]
            for name in sorted(state.answers)
            if state.answers[name].decision_ts == decision_ts
            # Of another length of bars, and acted on before this one's slice closed.
            and state.planned.get(name) != decision_ts
            and not is_old(state, name, decision_ts, now_ms)
        ]

    def _act_on_answered(self, now_ms: int) -> None:
        """What waited, over a restart, for an answer that nobody asks for again (R1, R24)."""
        for decision_ts in sorted({one.decision_ts for one in self.state.answers.values()}):
            self._act_on(self._complete(decision_ts, now_ms), now_ms)

    def _act_on(self, answers: Sequence[StrategyAnswered], now_ms: int) -> None:
        if not answers:
            return
        state = self.state
        wanted: dict[AccountId, list[Intent]] = {}
        for answer in answers:
            if state.waiting:
                self._sender.judge(answer.account, older(state, answer), now_ms)
            self._explicit.carry_out(answer, now_ms)
            self._tell_absurd(answer)
            planned = plan(state, answer, now_ms)
            for decided in planned.decided:
                self._step.tell(decided)
            instance = self._settings.instance(answer.strategy)
            wanted.setdefault(instance.account, []).extend(planned.intents)
            for symbol in planned.lifted:
                self._guardian.protect_anew((instance.strategy, symbol), now_ms)
            for symbol in planned.waits:
                self._cancel_open(instance, symbol, now_ms)
        for account in sorted(wanted):
            if wanted[account]:
                self._waiter.judge(account, wanted[account], now_ms)
        self._match(now_ms)

    def _tell_absurd(self, answer: StrategyAnswered) -> None:
        """A target that is a mistake changes nothing, and a person hears of it (R4, F59)."""
        for one in answer.wanted:
            if one.target is not None and abs(one.target) > MAX_WEIGHT:
                text = (
                    f"strategy {answer.strategy} wants {one.target:g} times its equity in "
                    f"{one.instrument}: refused, the last valid target stands"
                )
                cause = f"absurd:{answer.strategy}:{one.instrument}"
                self._step.alert(Severity.IMPORTANT, cause, text)

    def _match(self, now_ms: int) -> None:
        """Legs of a group end alike (R37)."""
        if self.state.groups.legs:
            self._matcher.match(now_ms)

    def _cancel_open(self, instance: StrategyInstance, symbol: Symbol, now_ms: int) -> None:
        for live in list(working(self.state, instance, symbol)):
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "a new target")

    def _position_changed(self, fill: Fill, now_ms: int) -> None:
        books = self.state.books[fill.account]
        own = fill.order_id is not None and fill.order_id in self.state.orders
        strategy = (
            self.state.orders[fill.order_id].order.strategy if own and fill.order_id else None
        )
        book = books.whole if strategy is None else books.parts[strategy]
        position = book.position(fill.instrument)
        self._step.tell(
            PositionChanged(
                **now(now_ms),
                account=fill.account,
                strategy=strategy,
                instrument=fill.instrument,
                quantity=position.quantity,
                entry=position.entry,
                realised=position.realised,
                currency=position.contract.settle,
            )
        )

    def _ask_again(self, event: ModeChanged) -> None:
        """What was asked before a restart and never answered; too old, it is awaited no more (R24)."""
        for instance in self._settings.strategies:
            asked = self.state.awaited.get(instance.strategy)
            if instance.account == event.account and asked is not None:
                self._ask_one(instance, asked)

    def _funded(self, event: FundingPaid) -> None:
        drift = self.state.drift.of_day(event)
        if abs(drift) > MOST_BPS:  # F39
            text = (
                f"{event.instrument}: funding of the day is {drift:.1f} bps from what its rates say"
            )
            self._step.alert(Severity.IMPORTANT, f"funding:{event.instrument}", text)

    def _silent(self, event: HeartbeatMissed) -> None:
        """What is silent is frozen until it is heard of again (F20)."""
        symbol = self.state.fresh.missed(event)
        if symbol is not None:
            text = f"{symbol} is frozen: nothing was heard of its prices for {event.allowed_ms} ms"
            self._step.alert(Severity.IMPORTANT, f"silent:{symbol}", text)

    def _kept_by_start(self, event: Event) -> tuple[Place, ...]:
        """Targets that were refused because the account was still being reconciled."""
        if not isinstance(event, ModeChanged) or event.mode not in _LETS_GO:
            return ()
        return tuple(
            (strategy, symbol)
            for (account, strategy, symbol), rules in self.state.risk.state.refused.items()
            if account == event.account and "starting" in rules
        )

    def _ends_start(self, event: Event) -> bool:
        """Whether a start is over with it: a comparison while trading asks nobody anew."""
        return isinstance(event, ModeChanged) and (
            self.state.modes[event.account] is TradingMode.STARTING
        )

    def _mode_changed(
        self, event: ModeChanged, waiting: tuple[Place, ...], *, started: bool
    ) -> None:
        if event.by == "recovery" and event.mode is not TradingMode.STARTING:
            if started:
                self._ask_again(event)
                self._act_on_answered(event.ts_known)
                self._follower.start(event.account, event.ts_known)
            for place in waiting:  # a restart ends as if it had not been (P8)
                self._follower.replan(place, event.ts_known)
            for place in list(self.state.thawing):
                self._thaw.release(place, event.ts_known)
            self._listing.start(event.account, event.ts_known)
            self._algorithms.start(event.account, event.ts_known)
            self._keeper.check_all(event.account, event.ts_known)
            if started:
                self._waiter.start(event.account, event.ts_known)
            else:
                self._waiter.release(event.account, event.ts_known)
            self._match(event.ts_known)
        if event.mode is TradingMode.HALTED:
            self._cancel_increasing(event.account, event.ts_known, "halted")

    def _cancel_increasing(self, account: AccountId, now_ms: int, why: str) -> None:
        """What guards or leaves a position stays."""
        for live in list(self.state.orders.open(account)):
            if not self._reduces(live) and live.status.may_become(OrderStatus.PENDING_CANCEL):
                self._sender.cancel(live, now_ms, why)

    def _reduces(self, live: LiveOrder) -> bool:
        return live.order.terms.reduce_only
