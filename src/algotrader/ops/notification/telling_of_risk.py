"""What is told of risk: rules and people that stop or let go on, and what changed under a position."""

from __future__ import annotations

from typing import Final

from algotrader.core.events import (
    Event,
    HoldingLeft,
    InstrumentChanged,
    LimitChanged,
    LimitChangeRefused,
    Liquidated,
    ModeChanged,
    ParametersSet,
    ProtectionMissing,
    ProtectionRestored,
    Rearmed,
    RearmRefused,
    RiskAction,
    RiskCleared,
    RiskTripped,
    SettingsRefused,
    SettingsReloaded,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
    TradingMode,
)
from algotrader.core.ports import Notice
from algotrader.core.units import format_step
from algotrader.ops.notification.words import CRITICAL, IMPORTANT, INFO, Words, plain
from algotrader.ops.settings_text import sentence

_LOUD: Final = {RiskAction.HALT: CRITICAL, RiskAction.FLATTEN: CRITICAL}
_STRATEGY_TEXTS: Final = {
    StrategyReloaded: "strategy_reloaded",
    StrategyReloadRefused: "strategy_not_reloaded",
    ParametersSet: "parameters_set",
    StrategyUnloaded: "strategy_unloaded",
}


class TellsOfRisk(Words):
    """The part of a teller that speaks of stops, limits and settings."""

    def protection(self, event: ProtectionMissing | ProtectionRestored) -> Notice | None:
        missing = isinstance(event, ProtectionMissing)
        where = f"{event.strategy}:{event.instrument}"
        title = self.say("unguarded" if missing else "guarded", instrument=event.instrument)
        text = self.say("by_strategy", strategy=event.strategy, account=event.account)
        severity = CRITICAL if missing else INFO
        return self.notice("risk", severity, f"{event.kind}:{where}", title, text)

    def left_alone(self, event: HoldingLeft) -> Notice | None:
        title = self.say("left_alone", instrument=event.instrument, quantity=plain(event.quantity))
        cause = f"left:{event.account}:{event.instrument}:{event.quantity}"
        text = self.say("left_alone_text", account=event.account)
        return self.notice("risk", IMPORTANT, cause, title, text)

    def instrument(self, event: InstrumentChanged) -> Notice | None:
        title = self.say(
            "frozen" if event.frozen else "instrument_changed", instrument=event.instrument
        )
        text = "\n".join(each for each in (event.frozen, ", ".join(event.changes)) if each)
        severity = CRITICAL if event.frozen else IMPORTANT
        cause = f"instrument:{event.instrument}:{event.ts_event}"
        return self.notice("risk", severity, cause, title, text)

    def strategy(
        self, event: StrategyReloaded | StrategyReloadRefused | ParametersSet | StrategyUnloaded
    ) -> Notice | None:
        key, text = (
            _STRATEGY_TEXTS[type(event)],
            self.say("by_whom", by=event.by, reason=event.reason),
        )
        if isinstance(event, StrategyReloadRefused):
            text = f"{event.text}\n{text}"
        elif isinstance(event, ParametersSet):
            text = "\n".join((*map(sentence, event.changes), text))
        cause = f"{key}:{event.strategy}:{event.ts_event}"
        title = self.say(key, strategy=event.strategy)
        return self.notice("risk", IMPORTANT, cause, title, text)

    def risk(self, event: Event) -> Notice | None:
        match event:
            case RiskTripped():
                return self._tripped(event)
            case RiskCleared():
                where = self._where(event)
                title = self.say("cleared", where=where, rule=event.rule)
                cause = f"cleared:{event.rule}:{where}"
                return self.notice("risk", INFO, cause, title, event.text)
            case Rearmed() | RearmRefused():
                refused = isinstance(event, RearmRefused)
                where = event.account or self.say("everything")
                title = self.say("rearm_refused" if refused else "rearmed", where=where)
                text = self.say("by_whom", by=event.by, reason=event.reason)
                cause = f"{event.kind}:{where}:{event.ts_event}"
                return self.notice("risk", IMPORTANT, cause, title, text)
            case SettingsReloaded() | SettingsRefused():
                return self._reloaded(event)
            case LimitChanged():
                title = self.say(
                    "limit_changed", key=event.key, before=event.before, after=event.after
                )
                text = self.say("by_whom", by=event.by, reason=event.reason)
                return self.notice("risk", IMPORTANT, f"limit:{event.key}", title, text)
            case LimitChangeRefused():
                title = self.say("limit_refused", key=event.key)
                return self.notice("risk", INFO, f"limit:{event.key}", title, event.reason)
            case Liquidated():
                title = self.say(
                    "liquidated",
                    instrument=event.instrument,
                    quantity=plain(event.quantity),
                    price=format_step(event.price, None),
                )
                return self.notice("risk", CRITICAL, f"liquidated:{event.trade_id}", title, "")
            case ModeChanged():
                return self._mode(event)
            case _:
                return None

    def _reloaded(self, event: SettingsReloaded | SettingsRefused) -> Notice | None:
        who = self.say("by_whom", by=event.by, reason=event.reason)
        cause = f"settings:{event.ts_event}"
        if isinstance(event, SettingsRefused):
            title, text = self.say("settings_refused"), f"{event.text}\n{who}"
            return self.notice("risk", IMPORTANT, cause, title, text)
        lines = [
            f"{one.key}: {one.before} → {one.after}"
            if one.refused is None
            else self.say("not_changed", key=one.key, why=one.refused)
            for one in event.changes
        ]
        title = self.say("settings_reloaded")
        return self.notice("risk", IMPORTANT, cause, title, "\n".join([*lines, who]))

    def _tripped(self, event: RiskTripped) -> Notice | None:
        where = self._where(event)
        title = self.say(
            "tripped", where=where, action=self.say(event.action.value), rule=event.rule
        )
        lines = [event.text]
        if event.value is not None and event.limit is not None:
            lines.append(
                self.say(
                    "value_limit",
                    value=format_step(event.value, None),
                    limit=format_step(event.limit, None),
                )
            )
        if event.by != "risk":
            lines = [self.say("by_whom", by=event.by, reason=event.text)]
        severity = _LOUD.get(event.action, IMPORTANT)
        # Each throw of the kill switch is told; a rule that trips again and again is folded.
        since = f":{event.ts_event}" if event.by != "risk" else ""
        cause = f"risk:{event.rule}:{where}{since}"
        return self.notice("risk", severity, cause, title, "\n".join(lines))

    def _mode(self, event: ModeChanged) -> Notice | None:
        """A stop that is not a rule's: what a rule does is told as such, a kept halt was told."""
        stopped = event.mode in (TradingMode.REDUCE_ONLY, TradingMode.HALTED)
        if not stopped or event.reason == "equal":
            return None
        title = self.say(f"mode_{event.mode.value}", account=event.account)
        cause = f"mode:{event.account}:{event.mode.value}"
        return self.notice("failure", CRITICAL, cause, title, event.reason)

    def _where(self, event: RiskTripped | RiskCleared) -> str:
        scope = (event.account, event.strategy, event.instrument)
        named = " ".join(str(part) for part in scope if part is not None)
        return named or self.say("everything")
