"""What a person may ask of risk: halt, re-arm, change a limit. Answers are events, all of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import (
    HaltRequested,
    LimitChanged,
    LimitChangeRefused,
    LimitChangeRequested,
    Rearmed,
    RearmRefused,
    RearmRequested,
    RiskAction,
    RiskTripped,
)
from algotrader.core.ids import AccountId
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.holds import KILL_SWITCH, STOPPED, Hold
from algotrader.risk.limit_changes import require_consistent, value_of
from algotrader.risk.state import RiskState
from algotrader.risk.watch import Tell, clearing


def halt(event: HaltRequested, tell: Tell) -> None:
    """Throw the kill switch, or stop one strategy; thrown twice it stays thrown."""
    done = "halted" if event.strategy is None else "stopped"
    tell(
        RiskTripped(
            ts_event=event.ts_known,
            ts_known=event.ts_known,
            account=event.account,
            strategy=event.strategy,
            rule=KILL_SWITCH if event.strategy is None else STOPPED,
            value=None,
            limit=None,
            action=RiskAction.FLATTEN if event.flatten else RiskAction.HALT,
            latched=True,
            by=event.by,
            text=f"{done} by {event.by} ({event.channel}): {event.reason}",
        )
    )


def rearm(state: RiskState, event: RearmRequested, tell: Tell) -> None:
    """Let trading go on, or say which rule would stop it again at once."""
    if event.rule is not None or event.strategy is not None:
        _lift(state, event, tell)
        return
    for reason in _still_broken(state, event.account):
        tell(
            RearmRefused(
                ts_event=event.ts_known,
                ts_known=event.ts_known,
                account=event.account,
                by=event.by,
                reason=reason,
            )
        )
        return
    tell(
        Rearmed(
            ts_event=event.ts_known,
            ts_known=event.ts_known,
            account=event.account,
            by=event.by,
            reason=event.reason,
        )
    )


def change_limit(state: RiskState, event: LimitChangeRequested, tell: Tell) -> None:
    """Change one limit from here on, restarts included, or say why it cannot be."""
    try:
        before = value_of(state.limits, event.key)
        wanted = state.limits_with(event.key, event.value)
        require_consistent(wanted)
        after = value_of(wanted, event.key)
    except ConfigurationError as error:
        tell(
            LimitChangeRefused(
                ts_event=event.ts_known,
                ts_known=event.ts_known,
                key=event.key,
                value=event.value,
                by=event.by,
                reason=error.message,
            )
        )
        return
    tell(
        LimitChanged(
            ts_event=event.ts_known,
            ts_known=event.ts_known,
            key=event.key,
            before=_text(before),
            after=_text(after),
            value=event.value,
            by=event.by,
            reason=event.reason,
        )
    )
    _unbind(state, event, tell)


def _lift(state: RiskState, event: RearmRequested, tell: Tell) -> None:
    """End one rule's holds; what is still broken trips again at the next mark."""
    rule = event.rule or STOPPED
    lifted = [
        hold
        for hold in state.holds.values()
        if hold.rule == rule
        and event.account in (None, hold.account)
        and event.strategy in (None, hold.strategy)
    ]
    for hold in lifted:
        tell(clearing(hold, event.ts_known, event.reason, by=event.by))
    if not lifted:
        tell(
            RearmRefused(
                ts_event=event.ts_known,
                ts_known=event.ts_known,
                account=event.account,
                by=event.by,
                reason=f"no rule called {rule} holds {event.strategy or 'anything'}",
            )
        )


def _still_broken(state: RiskState, account: AccountId | None) -> Iterator[str]:
    """A day's loss is not forgiven by re-arming; a drawdown is, that is what re-arming means."""
    for hold in state.holds.values():
        record = state.equities.get((hold.account, hold.strategy))
        limit = _daily_limit(state, hold)
        if account not in (None, hold.account) or record is None or limit is None:
            continue
        if hold.latched and record.daily_loss >= limit:
            yield (
                f"{hold.rule} still holds: {_loss(record)} of {limit:.2%}; raise the limit, or "
                "wait for the next day"
            )


def _daily_limit(state: RiskState, hold: Hold) -> Decimal | None:
    if hold.rule == "total.max_daily_loss":
        return state.limits.total.max_daily_loss
    if hold.rule == "strategy.max_daily_loss" and hold.strategy is not None:
        return state.limits.of_strategy(hold.strategy).max_daily_loss
    if hold.rule == "account.max_daily_loss" and hold.account is not None:
        return state.limits.of_account(hold.account).max_daily_loss
    return None


def _loss(record: EquityRecord) -> str:
    return f"the loss of the day is {record.daily_loss:.2%}"


def _unbind(state: RiskState, event: LimitChangeRequested, tell: Tell) -> None:
    """A pause of a limit that was changed is judged anew; what a person must end stays."""
    field = event.key.rpartition(".")[2]
    for hold in list(state.holds.values()):
        if hold.rule.rpartition(".")[2] == field and not hold.latched:
            tell(clearing(hold, event.ts_known, f"{event.key} was changed", by=event.by))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
