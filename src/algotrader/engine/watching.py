"""Risk while trading: marks and breaches after what moves money, and what they then ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from algotrader.core.errors import DataError
from algotrader.core.events import (
    CashMoved,
    Event,
    FundingPaid,
    HaltRequested,
    ImpossibleReply,
    LimitChangeRefused,
    LimitChangeRequested,
    Liquidated,
    ModeChanged,
    OrderAbsent,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSeen,
    Rearmed,
    RearmRefused,
    RearmRequested,
    RiskAction,
    RiskTripped,
    SettingsReloaded,
    SliceClosed,
    StrategyAnswered,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId
from algotrader.core.ports import Severity
from algotrader.engine.commands import SetTimer
from algotrader.engine.planning import next_attempt
from algotrader.engine.sending import Sender
from algotrader.engine.step import Step
from algotrader.risk.exposure import AccountExposure
from algotrader.risk.holds import IMPOSSIBLE_REPLY

_TIMER: Final = "risk:"
_MOVES_MONEY: Final = (OrderFilled, FundingPaid, CashMoved, Liquidated)
_ENDS: Final = (OrderCancelled, OrderExpired, OrderRejected, OrderAbsent, OrderSeen, ModeChanged)
_ASKED: Final = (HaltRequested, RearmRequested, LimitChangeRequested)
_MARKS: Final = (SliceClosed, *_MOVES_MONEY)
_MAY_ASK: Final = (
    SliceClosed, StrategyAnswered, TimerFired, *_MOVES_MONEY, *_ENDS, *_ASKED, SettingsReloaded,
)  # fmt: skip
_STOPPED: Final = (TradingMode.HALTED, TradingMode.REDUCE_ONLY)
_SEVERITY: Final = {
    RiskAction.WARN: Severity.IMPORTANT,
    RiskAction.SCALE: Severity.IMPORTANT,
    RiskAction.REDUCE_ONLY: Severity.IMPORTANT,
    RiskAction.HALT: Severity.CRITICAL,
    RiskAction.FLATTEN: Severity.CRITICAL,
}


class Watcher:
    """Watches accounts and does what their holds ask for."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def before(self, event: Event) -> None:
        """What must be known before an event leads to decisions: marks, and what a person asked."""
        risk = self._step.state.risk
        if isinstance(event, _ASKED):
            risk.hear(event, self._tell)
            if isinstance(self._step.outcome.events[-1], Rearmed):
                self._lift_modes(event)
            return
        if not (risk.state.watches or risk.state.holds):
            return
        at_ms = event.decision_ts if isinstance(event, SliceClosed) else event.ts_known
        if isinstance(event, _MARKS):
            for account in self._accounts(event):
                self._watch(account, at_ms, event.ts_known)

    def distrust(self, reply: ImpossibleReply) -> None:
        """Add nothing to an instrument of which the venue says what cannot be, until a person has
        looked: what is held there is not known for sure."""
        now_ms = reply.ts_known
        text = f"{reply.text}; nothing is added to it until a person lifts `{IMPOSSIBLE_REPLY}`"
        self._step.tell(reply)
        self._step.alert(Severity.CRITICAL, f"impossible:{reply.order_id}", text)
        place = (reply.account, None, reply.instrument, IMPOSSIBLE_REPLY)
        if place in self._step.state.risk.state.holds:
            return
        self._step.tell(
            RiskTripped(
                ts_event=now_ms, ts_known=now_ms, account=reply.account,
                instrument=reply.instrument, rule=IMPOSSIBLE_REPLY, value=None, limit=None,
                action=RiskAction.REDUCE_ONLY, latched=True, text=reply.text,
            )
        )  # fmt: skip
        self._obey(reply.account, now_ms)

    def _lift_modes(self, event: Event) -> None:
        """A person who re-arms has also seen what recovery stopped for."""
        for account in self._accounts(event):
            if self._step.state.modes[account] in _STOPPED:
                self._step.tell(
                    ModeChanged(
                        ts_event=event.ts_known, ts_known=event.ts_known, account=account,
                        mode=TradingMode.TRADING, reason="re-armed", by="operator",
                    )
                )  # fmt: skip

    def after(self, event: Event) -> None:
        """What holds ask for once an event was followed: cancels, then reductions."""
        holds = self._step.state.risk.state.holds.values()
        if not holds or not isinstance(event, _MAY_ASK):
            return
        # What one account lost may stop them all.
        every = any(hold.account is None for hold in holds)
        for account in sorted(self._step.state.modes) if every else self._accounts(event):
            self._obey(account, event.ts_known)

    def _accounts(self, event: Event) -> Iterable[AccountId]:
        if isinstance(event, TimerFired):
            named = event.name.removeprefix(_TIMER)
            known = event.name.startswith(_TIMER) and named in self._step.state.modes
            return (AccountId(named),) if known else ()
        if isinstance(event, OrderFilled):
            return (event.fill.account,)
        account = getattr(event, "account", None)
        return tuple(sorted(self._step.state.modes)) if account is None else (account,)

    def _watch(self, account: AccountId, at_ms: int, now_ms: int) -> None:
        exposure = self._exposure(account, now_ms)
        if exposure is not None:
            self._step.state.risk.watch(exposure, at_ms, self._tell)

    def _exposure(self, account: AccountId, now_ms: int) -> AccountExposure | None:
        """None while something is held without a price: nothing is known, nothing increases."""
        try:
            return self._sender.exposure(account, now_ms)
        except DataError:
            return None

    def _obey(self, account: AccountId, now_ms: int) -> None:
        state = self._step.state
        exposure = self._exposure(account, now_ms)
        if exposure is None:
            return
        asked = state.risk.remedy(exposure, state.orders.open(account))
        for order_id in asked.cancels:
            live = state.orders[order_id]
            if live.may_be_cancelled:
                self._sender.cancel(live, now_ms, "a risk rule")
        intents = [replace(intent, attempt=next_attempt(state, intent)) for intent in asked.intents]
        self._sender.judge(account, intents, now_ms)
        if asked.wake_ms is not None:
            self._step.do(SetTimer(name=f"{_TIMER}{account}", at_ms=asked.wake_ms))

    def _tell(self, event: Event) -> None:
        """Keep an event; a person hears of whatever stops or is refused."""
        self._step.tell(event)
        match event:
            case RiskTripped():
                scope = (event.account, event.strategy, event.instrument)
                where = " ".join(str(part) for part in scope if part is not None) or "all accounts"
                self._step.alert(
                    _SEVERITY[event.action],
                    f"risk:{event.rule}:{where}",
                    f"{where}: {event.action} by {event.rule}: {event.text}",
                )
            case RearmRefused() | LimitChangeRefused():
                self._step.alert(Severity.IMPORTANT, f"risk:{event.kind}", event.reason)
            case _:
                pass
