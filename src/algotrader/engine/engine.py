"""The engine: what an event leads to, and what has to be done about it outside.

`handle` takes one event of the outside (a bar, an answer, a fill, a timer) and gives all events
that it led to, itself first, and commands. The caller makes the events durable and only then
executes the commands. `apply` takes events from a journal without leading to anything; `resume`
then asks what a restart has to find out. Nothing is ever sent twice: what became of an order is
asked by its client id, and only a proof of absence lets the next attempt go out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypedDict

from algotrader.core.events import (
    Event,
    ImpossibleReply,
    ModeChanged,
    OrderAbsent,
    OrderCancelled,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderNotFound,
    OrderSubmitted,
    OrderUnknown,
    PositionChanged,
    SliceClosed,
    StrategyAnswered,
    TimerFired,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import Approved, Denied, Intent, Order, OrderStatus, Purpose, Side
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import (
    Alert,
    AskStrategy,
    Cancel,
    Command,
    FetchTrades,
    LookUp,
    SetTimer,
    Submit,
)
from algotrader.engine.planning import intents_of, plan
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import IllegalTransitionError, LiveOrder
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.gate import Gate, with_order

_LOOK_UP: Final = "lookup:"


@dataclass(slots=True)
class Outcome:
    """What an event led to: events in the order they happened, commands in the order to do them."""

    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


class Engine:
    """One per journal. Deterministic: equal events, equal outcomes."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._gate = Gate(settings.risk, settings.run_id)
        self._outcome = Outcome()
        self.state = EngineState(settings)

    def apply(self, event: Event) -> None:
        """Take an event of the journal, without anything following from it."""
        self.state.apply(event)
        if isinstance(event, OrderSubmitted):
            self._gate.resume(event.gate_sequence, event.ts_known)
        elif isinstance(event, OrderDenied):
            self._gate.resume(event.gate_sequence)

    def handle(self, event: Event) -> Outcome:
        """All that follows from an event of the outside."""
        self._outcome = Outcome()
        now_ms = event.ts_known
        before = self._order_of(event)
        if isinstance(event, OrderFilled) and self.state.knows_trade(event.fill.key):
            return self._outcome  # told before; nothing changes, nothing is written
        if not self._heard(event):
            return self._outcome
        match event:
            case SliceClosed():
                self._ask(event)
            case StrategyAnswered():
                self._answered(event)
            case TimerFired():
                self._woken(event)
            case OrderNotFound():
                self._not_found(event)
            case OrderFilled():
                self._position_changed(event.fill, now_ms)
            case ModeChanged():
                self._mode_changed(event)
            case _:
                pass
        if before is not None:
            self._follow(before, now_ms)
        return self._outcome

    def resume(self, now_ms: int) -> Outcome:
        """What a restart has to find out, once the journal was replayed to its end."""
        self._outcome = Outcome()
        for live in list(self.state.orders.open()):
            if live.status is OrderStatus.PENDING:
                self._doubt(live, now_ms, "the trader was restarted before an answer came")
            else:
                self._look_up(live)
        return self._outcome

    # What is heard of orders

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
            self._tell(event)
        except IllegalTransitionError as error:
            live = self._order_of(event)
            if live is None:
                raise
            self._tell(
                ImpossibleReply(
                    **_now(event.ts_known),
                    account=live.order.account,
                    order_id=live.order.order_id,
                    instrument=live.order.instrument,
                    status=error.status,
                    told=error.told,
                    text=str(error),
                )
            )
            self._alert(Severity.CRITICAL, f"impossible:{live.order.order_id}", str(error))
            return False
        return True

    def _follow(self, before: LiveOrder, now_ms: int) -> None:
        """What an order's news leads to: more questions, its end told, the next order."""
        live = self.state.orders[before.order.order_id]
        if live.is_final:
            if not before.is_final:
                self._ended(live, now_ms)
            return
        if live.status is OrderStatus.UNKNOWN and before.status is not OrderStatus.UNKNOWN:
            self._look_up(live)
        if live.lacks_trades:
            self._do(FetchTrades(**_names(live)))
            self._wake(live, now_ms + self._settings.look_up_every_ms)

    def _ended(self, live: LiveOrder, now_ms: int) -> None:
        order = live.order
        if self._end_was_told(order.order_id):
            pass
        elif live.status is OrderStatus.CANCELLED:
            self._tell(
                OrderCancelled(
                    **_now(now_ms), **_names(live), filled_quantity=live.filled, reason="cancelled"
                )
            )
        elif live.status is OrderStatus.EXPIRED:
            self._tell(OrderExpired(**_now(now_ms), **_names(live), filled_quantity=live.filled))
        elif live.status is OrderStatus.REJECTED:
            self._alert(
                Severity.IMPORTANT,
                f"rejected:{order.instrument}",
                f"{order.instrument}: the venue refused order {order.order_id}",
            )
        # What the venue ended by itself stays so: the quantity allowed is the one wanted (R11).
        makes_way = live.cancel_wanted or live.status is OrderStatus.ABSENT
        if order.intent.purpose is Purpose.TARGET and makes_way:
            self._replan(order, now_ms)

    def _end_was_told(self, order_id: OrderId) -> bool:
        return any(
            isinstance(event, OrderCancelled | OrderExpired) and event.order_id == order_id
            for event in self._outcome.events
        )

    def _replan(self, order: Order, now_ms: int) -> None:
        """Work on towards an instrument's latched target, now that nothing of it is open."""
        place = (order.strategy, order.instrument)
        state = self.state.rebalance.get(place)
        if state is None or state.standing is None:
            return
        if any(self.state.orders.open(order.account, order.instrument)):
            return
        instance = self._settings.instance(order.strategy)
        bar = self.state.closes.get(order.instrument)
        decision_ts = self.state.decided_ts[place]
        newest = self.state.slices[instance.timeframe].decision_ts
        if bar is None or decision_ts != newest:
            return  # no order for an old bar (R24)
        weights = {order.instrument: state.standing}
        self._judge(
            instance.account, intents_of(self.state, instance, weights, decision_ts), now_ms
        )

    def _doubt(self, live: LiveOrder, now_ms: int, reason: str) -> None:
        self._tell(
            OrderUnknown(
                **_now(now_ms), **_names(live), deadline_ms=live.deadline_ms, reason=reason
            )
        )
        self._look_up(self.state.orders[live.order.order_id])

    def _not_found(self, event: OrderNotFound) -> None:
        """Absence is proved only by a question asked after the venue must refuse the order."""
        live = self.state.orders[event.order_id]
        if live.is_final:
            return
        proved_from = live.deadline_ms + self._settings.skew_ms
        if event.asked_ms <= proved_from:
            at = max(proved_from + 1, event.ts_known + self._settings.look_up_every_ms)
            self._wake(live, at)
        elif live.status is OrderStatus.UNKNOWN and live.venue_order_id is None and not live.filled:
            self._tell(OrderAbsent(**_now(event.ts_known), **_names(live), asked_ms=event.asked_ms))
        elif live.misses < 2:  # a missing report is not an end until it is missing twice
            self._wake(live, event.ts_known + self._settings.look_up_every_ms)
        else:
            self._tell(
                OrderCancelled(
                    **_now(event.ts_known),
                    **_names(live),
                    filled_quantity=live.reported,
                    reason="the venue no longer knows it",
                )
            )
            self._alert(
                Severity.CRITICAL,
                f"vanished:{live.order.order_id}",
                f"{live.order.instrument}: the venue no longer knows order {live.order.order_id}",
            )

    def _look_up(self, live: LiveOrder) -> None:
        self._do(LookUp(**_names(live)))

    def _wake(self, live: LiveOrder, at_ms: int) -> None:
        self._do(SetTimer(name=f"{_LOOK_UP}{live.order.order_id}", at_ms=at_ms))

    def _woken(self, event: TimerFired) -> None:
        if not event.name.startswith(_LOOK_UP):
            return
        order_id = OrderId(event.name.removeprefix(_LOOK_UP))
        if order_id not in self.state.orders:
            return
        live = self.state.orders[order_id]
        if live.is_final:
            return
        if live.status is OrderStatus.PENDING:
            self._doubt(live, event.ts_known, "no answer came before the deadline")
        elif live.status is OrderStatus.SETTLING or live.lacks_trades:
            self._do(FetchTrades(**_names(live)))
            self._look_up(live)
            self._wake(live, event.ts_known + self._settings.look_up_every_ms)
        else:
            self._look_up(live)
            if live.status is OrderStatus.UNKNOWN:
                self._wake(live, event.ts_known + self._settings.look_up_every_ms)

    # Deciding

    def _ask(self, event: SliceClosed) -> None:
        for instance in self._settings.strategies:
            if instance.timeframe == event.timeframe:
                self._do(
                    AskStrategy(
                        account=instance.account,
                        strategy=instance.strategy,
                        decision_ts=event.decision_ts,
                    )
                )

    def _answered(self, event: StrategyAnswered) -> None:
        """Plan once all that were asked have answered, in the order of their names (R1)."""
        state = self.state
        if event.strategy not in state.answers or any(
            asked == event.decision_ts for asked in state.awaited.values()
        ):
            return
        answers = [
            state.answers[name]
            for name in sorted(state.answers)
            if state.answers[name].decision_ts == event.decision_ts
        ]
        wanted: dict[AccountId, list[Intent]] = {}
        for answer in answers:
            planned = plan(state, answer, event.ts_known)
            for decided in planned.decided:
                self._tell(decided)
            instance = self._settings.instance(answer.strategy)
            wanted.setdefault(instance.account, []).extend(planned.intents)
            for symbol in planned.waits:
                self._cancel_open(instance, symbol, event.ts_known)
        for account in sorted(wanted):
            reductions_first = sorted(wanted[account], key=self._increases)
            self._judge(account, reductions_first, event.ts_known)

    def _increases(self, intent: Intent) -> bool:
        book = self.state.books[intent.account].whole
        held = book.position(intent.terms.instrument).quantity
        return not held * intent.terms.side.sign < 0

    def _cancel_open(self, instance: StrategyInstance, symbol: Symbol, now_ms: int) -> None:
        for live in list(self.state.orders.open(instance.account, symbol)):
            may_ask = live.status.may_become(OrderStatus.PENDING_CANCEL)
            if may_ask and live.status is not OrderStatus.PENDING_CANCEL:
                self._cancel(live, now_ms, "a new target")

    def _cancel(self, live: LiveOrder, now_ms: int, reason: str) -> None:
        self._tell(OrderCancelRequested(**_now(now_ms), **_names(live), reason=reason))
        self._do(Cancel(**_names(live)))

    def _judge(
        self, account: AccountId, intents: list[Intent] | tuple[Intent, ...], now_ms: int
    ) -> None:
        """Through the gate, one after the other, each counting what was let through before it."""
        if not intents:
            return
        exposure = self._exposure(account, now_ms)
        for intent in intents:
            verdict = self._gate.judge(intent, exposure)
            if isinstance(verdict, Denied):
                self._tell(
                    OrderDenied(
                        **_now(now_ms),
                        intent=verdict.intent,
                        reasons=verdict.reasons,
                        gate_sequence=verdict.gate_sequence,
                        state_hash=verdict.state_hash,
                    )
                )
                continue
            exposure = with_order(exposure, verdict.order)
            self._submit(verdict, now_ms)

    def _submit(self, approved: Approved[Order], now_ms: int) -> None:
        deadline = now_ms + self._settings.order_deadline_ms
        self._tell(
            OrderSubmitted(
                **_now(now_ms),
                order=approved.order,
                gate_sequence=approved.gate_sequence,
                state_hash=approved.state_hash,
                deadline_ms=deadline,
            )
        )
        self._do(Submit(approved=approved, deadline_ms=deadline))
        live = self.state.orders[approved.order.order_id]
        self._wake(live, deadline + self._settings.skew_ms)

    def _exposure(self, account: AccountId, now_ms: int) -> AccountExposure:
        state = self.state
        book = state.books[account].whole
        marks = state.marks()
        return AccountExposure(
            account=account,
            mode=state.modes[account],
            now_ms=now_ms,
            equity=book.equity(marks),
            cash=book.cash(),
            instruments={
                symbol: InstrumentExposure(
                    instrument=self._settings.instruments[symbol],
                    position=book.position(symbol).quantity,
                    buying=state.orders.open_quantity(account, symbol, Side.BUY),
                    selling=state.orders.open_quantity(account, symbol, Side.SELL),
                    price=marks.get(symbol),
                    has_doubt=state.orders.has_doubt(account, symbol),
                )
                for symbol in sorted(book.contracts)
            },
        )

    def _position_changed(self, fill: Fill, now_ms: int) -> None:
        books = self.state.books[fill.account]
        own = fill.order_id is not None and fill.order_id in self.state.orders
        strategy = (
            self.state.orders[fill.order_id].order.strategy if own and fill.order_id else None
        )
        book = books.whole if strategy is None else books.parts[strategy]
        position = book.position(fill.instrument)
        self._tell(
            PositionChanged(
                **_now(now_ms),
                account=fill.account,
                strategy=strategy,
                instrument=fill.instrument,
                quantity=position.quantity,
                entry=position.entry,
                realised=position.realised,
                currency=position.contract.settle,
            )
        )

    def _mode_changed(self, event: ModeChanged) -> None:
        if event.mode is TradingMode.HALTED:
            for live in list(self.state.orders.open(event.account)):
                if self._reduces(live):
                    continue
                if live.status.may_become(OrderStatus.PENDING_CANCEL):
                    self._cancel(live, event.ts_known, "halted")

    def _reduces(self, live: LiveOrder) -> bool:
        return live.order.terms.reduce_only

    # The outcome being built

    def _tell(self, event: Event) -> None:
        self.state.apply(event)
        self._outcome.events.append(event)

    def _do(self, command: Command) -> None:
        self._outcome.commands.append(command)

    def _alert(self, severity: Severity, cause: str, text: str) -> None:
        self._do(Alert(severity=severity, cause=cause, text=text))


class _Now(TypedDict):
    ts_event: int
    ts_known: int


class _Names(TypedDict):
    account: AccountId
    order_id: OrderId
    instrument: Symbol


def _now(now_ms: int) -> _Now:
    return {"ts_event": now_ms, "ts_known": now_ms}


def _names(live: LiveOrder) -> _Names:
    order = live.order
    return {
        "account": order.account,
        "order_id": order.order_id,
        "instrument": order.instrument,
    }
