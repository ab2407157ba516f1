"""What is told of an event: pure functions from what the journal holds to notices.

`Teller` keeps the little it must remember between events: positions, gaps, silent parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from algotrader.core.events import (
    BarClosed,
    CaughtUp,
    DecisionOutcome,
    Event,
    HeartbeatMissed,
    HoldingLeft,
    ImpossibleReply,
    InstrumentChanged,
    LimitChanged,
    LimitChangeRefused,
    Liquidated,
    ModeChanged,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    ParametersSet,
    PositionChanged,
    ProtectionMissing,
    ProtectionRestored,
    Rearmed,
    RearmRefused,
    RiskAction,
    RiskCleared,
    RiskTripped,
    SettingsRefused,
    SettingsReloaded,
    SignalRaised,
    SliceClosed,
    StrategyAnswered,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
    TradingMode,
)
from algotrader.core.orders import Order, Side
from algotrader.core.ports import Notice, Severity
from algotrader.core.units import format_duration, format_money, format_step
from algotrader.ops.notification.settings import NotificationSettings, Topic
from algotrader.ops.notification.texts import Texts
from algotrader.ops.settings_text import sentence

INFO, IMPORTANT, CRITICAL = Severity.INFO, Severity.IMPORTANT, Severity.CRITICAL
_LOUD: Final = {RiskAction.HALT: CRITICAL, RiskAction.FLATTEN: CRITICAL}
_TOLD_BY_EVENTS: Final = (
    "risk:", "rejected:", "impossible:", "strategy:", "reconcile:", "unguarded:",
)  # fmt: skip
_IN_OUR_WORDS: Final = ("summary:", "research:")
_STRATEGY_TEXTS: Final = {
    StrategyReloaded: "strategy_reloaded",
    StrategyReloadRefused: "strategy_not_reloaded",
    ParametersSet: "parameters_set",
    StrategyUnloaded: "strategy_unloaded",
}
_KEPT_GAPS: Final = 1_000


class Memory(msgspec.Struct, kw_only=True):
    """What was told before, as it is kept beside the outbox."""

    positions: dict[str, tuple[Decimal, Decimal]] = {}  # quantity, realised when it was opened
    gaps: list[str] = []  # bars that steps went on without
    silent: list[str] = []  # parts that were told to be
    deposits: dict[str, Decimal] = {}  # paid in less paid out, by account


class Teller:
    """Makes notices of events, in the language and as loud as the settings say."""

    def __init__(self, settings: NotificationSettings, texts: Texts, memory: Memory) -> None:
        self._settings = settings
        self._say = texts.say
        self._texts = texts
        self.memory = memory

    def renew(self, settings: NotificationSettings, texts: Texts) -> None:
        """Tell by other settings from here on."""
        self._settings, self._texts, self._say = settings, texts, texts.say

    def says(self, key: str) -> str:
        """A sentence without fields, in the language of the settings."""
        return self._say(key)

    def tell(self, event: Event) -> list[Notice]:
        """What a person is told of an event, usually nothing."""
        return [notice for notice in self._told(event) if notice is not None]

    def relay(self, notice: Notice) -> Notice | None:
        """What is told of an alert that came without an event; None if an event tells it."""
        if notice.cause.startswith(_TOLD_BY_EVENTS):
            return None
        if notice.cause.startswith(_IN_OUR_WORDS):
            return notice
        key = f"alert_{notice.cause.partition(':')[0]}"
        title = notice.title if notice.title != notice.text else self._say("alert")
        if self._texts.has(key):
            title = self._say(key)
        return self._notice("failure", notice.severity, notice.cause, title, notice.text)

    def _told(self, event: Event) -> Iterator[Notice | None]:
        match event:
            case OrderSubmitted():
                yield self._order(event.order)
            case OrderFilled():
                yield self._fill(event)
            case PositionChanged():
                yield from self._position(event)
            case BarClosed():
                yield from self._bar(event)
            case SliceClosed():
                yield from self._gap(event)
            case HeartbeatMissed():
                yield self._silent(event)
            case OrderRejected() | OrderUnknown() | ImpossibleReply():
                yield self._order_trouble(event)
            case StrategyAnswered() if event.outcome is not DecisionOutcome.DECIDED:
                title = self._say("strategy_failed", strategy=event.strategy)
                cause = f"strategy:{event.strategy}"
                yield self._notice("failure", CRITICAL, cause, title, event.error or "")
            case ProtectionMissing() | ProtectionRestored():
                yield self._protection(event)
            case HoldingLeft():
                yield self._left(event)
            case InstrumentChanged():
                yield self._changed(event)
            case (
                StrategyReloaded() | StrategyReloadRefused() | ParametersSet() | StrategyUnloaded()
            ):
                yield self._strategy_changed(event)
            case SignalRaised():
                title = self._say("signal", instrument=event.instrument, name=event.name)
                cause = f"signal:{event.strategy}:{event.instrument}:{event.name}:{event.ts_event}"
                yield self._notice("signal", IMPORTANT, cause, title, event.text)
            case CaughtUp():
                title = self._say("caught_up", strategy=event.strategy, bars=event.bars)
                yield self._notice("data", INFO, f"caught_up:{event.strategy}", title, "")
            case _:
                yield self._risk(event)

    def _notice(
        self, topic: Topic, severity: Severity, cause: str, title: str, text: str
    ) -> Notice | None:
        loudness = self._settings.loudness(topic, severity)
        if loudness is None:
            return None
        return Notice(severity=loudness, title=title, text=text or title, cause=cause)

    def _order(self, order: Order) -> Notice | None:
        terms = order.terms
        said = [
            self._say(key, price=format_step(price, None))
            for key, price in (("limit", terms.limit), ("stop", terms.stop))
            if price is not None
        ]
        title = self._say(
            "order",
            side=self._say("buy" if terms.side is Side.BUY else "sell"),
            quantity=_plain(terms.quantity),
            instrument=order.instrument,
            terms=" ".join(said) or self._say("market"),
        )
        text = self._say("by_strategy", strategy=order.strategy, account=order.account)
        return self._notice("order", INFO, f"order:{order.order_id}", title, text)

    def _fill(self, event: OrderFilled) -> Notice | None:
        fill = event.fill
        title = self._say(
            "fill",
            side=self._say("bought" if fill.side is Side.BUY else "sold"),
            quantity=_plain(fill.quantity),
            instrument=fill.instrument,
            price=format_step(fill.price, None),
        )
        text = self._say(
            "fill_text",
            account=fill.account,
            fee=format_step(fill.fee, None),
            currency=fill.fee_currency,
            time=self._texts.time(event.ts_event),
        )
        if fill.order_id is None:
            foreign = f"{self._say('fill_foreign')}\n{text}"
            return self._notice("fill", IMPORTANT, f"fill:{fill.trade_id}", title, foreign)
        return self._notice("fill", INFO, f"fill:{fill.order_id}", title, text)

    def _position(self, event: PositionChanged) -> Iterator[Notice | None]:
        """What a strategy opened or closed; both for a flip. Parts of either are fills."""
        if event.strategy is None:
            return
        key = f"{event.account}|{event.strategy}|{event.instrument}"
        held, realised = self.memory.positions.get(key, (Decimal(0), Decimal(0)))
        if event.quantity:
            since = realised if held * event.quantity > 0 else event.realised
            self.memory.positions[key] = (event.quantity, since)
        else:
            self.memory.positions[key] = (Decimal(0), event.realised)
        cause = f"{event.strategy}:{event.instrument}:{event.ts_event}"
        if held and held * event.quantity <= 0:
            title = self._say(
                "closed",
                strategy=event.strategy,
                instrument=event.instrument,
                profit=format_money(event.realised - realised, signed=True),
                currency=event.currency,
            )
            text = self._say("closed_text", account=event.account)
            yield self._notice("position", INFO, f"closed:{cause}", title, text)
        if event.quantity and held * event.quantity <= 0:
            title = self._say(
                "opened",
                strategy=event.strategy,
                quantity=_plain(event.quantity),
                instrument=event.instrument,
                price=format_step(event.entry, None),
            )
            text = self._say("by_strategy", strategy=event.strategy, account=event.account)
            yield self._notice("position", INFO, f"opened:{cause}", title, text)

    def _bar(self, event: BarClosed) -> Iterator[Notice | None]:
        component = f"bars:{event.instrument} {event.timeframe}"
        if component in self.memory.silent:
            self.memory.silent.remove(component)
            title = self._say("heard_again", component=component)
            yield self._notice("data", IMPORTANT, f"heard:{component}", title, "")
        gap = _gap_key(str(event.instrument), event.timeframe, event.ts_event)
        if not event.is_late and gap not in self.memory.gaps:
            return
        if gap in self.memory.gaps:
            self.memory.gaps.remove(gap)
        title = self._say(
            "late", instrument=event.instrument, time=self._texts.time(event.ts_event)
        )
        yield self._notice("data", IMPORTANT, f"late:{event.instrument}", title, "")

    def _gap(self, event: SliceClosed) -> Iterator[Notice | None]:
        if not event.missing:
            return
        names = [str(symbol) for symbol in event.missing]
        gaps = [_gap_key(name, event.timeframe, event.decision_ts) for name in names]
        self.memory.gaps = [*self.memory.gaps, *gaps][-_KEPT_GAPS:]
        time = self._texts.time(event.decision_ts)
        title = self._say("gap", instruments=", ".join(names), time=time)
        text = self._say("gap_text", timeframe=event.timeframe)
        cause = f"gap:{event.timeframe}:{','.join(names)}"
        yield self._notice("data", IMPORTANT, cause, title, text)

    def _silent(self, event: HeartbeatMissed) -> Notice | None:
        if event.component not in self.memory.silent:
            self.memory.silent.append(event.component)
        last = event.last_seen_ms
        title = self._say("silent", component=event.component)
        text = self._say(
            "silent_text",
            time=self._say("never") if last is None else self._texts.time(last),
            allowed=format_duration(event.allowed_ms, language=self._texts.language),
        )
        return self._notice("data", IMPORTANT, f"silent:{event.component}", title, text)

    def _order_trouble(
        self, event: OrderRejected | OrderUnknown | ImpossibleReply
    ) -> Notice | None:
        where = self._say("order_of", order=event.order_id, account=event.account)
        instrument = event.instrument
        match event:
            case OrderRejected():
                reason = self._say("reason", reason=event.reason, code=event.code)
                title = self._say("rejected", instrument=instrument)
                text, cause = f"{reason}\n{where}", f"rejected:{instrument}"
                return self._notice("failure", IMPORTANT, cause, title, text)
            case OrderUnknown():
                title = self._say("unknown", instrument=instrument)
                text, cause = f"{event.reason}\n{where}", f"unknown:{instrument}"
                return self._notice("failure", IMPORTANT, cause, title, text)
            case ImpossibleReply():
                title = self._say("impossible", instrument=instrument)
                text, cause = f"{event.text}\n{where}", f"impossible:{event.order_id}"
                return self._notice("failure", CRITICAL, cause, title, text)

    def _protection(self, event: ProtectionMissing | ProtectionRestored) -> Notice | None:
        missing = isinstance(event, ProtectionMissing)
        where = f"{event.strategy}:{event.instrument}"
        title = self._say("unguarded" if missing else "guarded", instrument=event.instrument)
        text = self._say("by_strategy", strategy=event.strategy, account=event.account)
        severity = CRITICAL if missing else INFO
        return self._notice("risk", severity, f"{event.kind}:{where}", title, text)

    def _left(self, event: HoldingLeft) -> Notice | None:
        title = self._say(
            "left_alone", instrument=event.instrument, quantity=_plain(event.quantity)
        )
        cause = f"left:{event.account}:{event.instrument}:{event.quantity}"
        text = self._say("left_alone_text", account=event.account)
        return self._notice("risk", IMPORTANT, cause, title, text)

    def _changed(self, event: InstrumentChanged) -> Notice | None:
        title = self._say(
            "frozen" if event.frozen else "instrument_changed", instrument=event.instrument
        )
        text = "\n".join(each for each in (event.frozen, ", ".join(event.changes)) if each)
        severity = CRITICAL if event.frozen else IMPORTANT
        cause = f"instrument:{event.instrument}:{event.ts_event}"
        return self._notice("risk", severity, cause, title, text)

    def _strategy_changed(
        self, event: StrategyReloaded | StrategyReloadRefused | ParametersSet | StrategyUnloaded
    ) -> Notice | None:
        key, text = (
            _STRATEGY_TEXTS[type(event)],
            self._say("by_whom", by=event.by, reason=event.reason),
        )
        if isinstance(event, StrategyReloadRefused):
            text = f"{event.text}\n{text}"
        elif isinstance(event, ParametersSet):
            text = "\n".join((*map(sentence, event.changes), text))
        cause = f"{key}:{event.strategy}:{event.ts_event}"
        title = self._say(key, strategy=event.strategy)
        return self._notice("risk", IMPORTANT, cause, title, text)

    def _risk(self, event: Event) -> Notice | None:
        match event:
            case RiskTripped():
                return self._tripped(event)
            case RiskCleared():
                where = self._where(event)
                title = self._say("cleared", where=where, rule=event.rule)
                cause = f"cleared:{event.rule}:{where}"
                return self._notice("risk", INFO, cause, title, event.text)
            case Rearmed() | RearmRefused():
                refused = isinstance(event, RearmRefused)
                where = event.account or self._say("everything")
                title = self._say("rearm_refused" if refused else "rearmed", where=where)
                text = self._say("by_whom", by=event.by, reason=event.reason)
                cause = f"{event.kind}:{where}:{event.ts_event}"
                return self._notice("risk", IMPORTANT, cause, title, text)
            case SettingsReloaded() | SettingsRefused():
                return self._reloaded(event)
            case LimitChanged():
                title = self._say(
                    "limit_changed", key=event.key, before=event.before, after=event.after
                )
                text = self._say("by_whom", by=event.by, reason=event.reason)
                return self._notice("risk", IMPORTANT, f"limit:{event.key}", title, text)
            case LimitChangeRefused():
                title = self._say("limit_refused", key=event.key)
                return self._notice("risk", INFO, f"limit:{event.key}", title, event.reason)
            case Liquidated():
                title = self._say(
                    "liquidated",
                    instrument=event.instrument,
                    quantity=_plain(event.quantity),
                    price=format_step(event.price, None),
                )
                return self._notice("risk", CRITICAL, f"liquidated:{event.trade_id}", title, "")
            case ModeChanged():
                return self._mode(event)
            case _:
                return None

    def _reloaded(self, event: SettingsReloaded | SettingsRefused) -> Notice | None:
        who = self._say("by_whom", by=event.by, reason=event.reason)
        cause = f"settings:{event.ts_event}"
        if isinstance(event, SettingsRefused):
            title, text = self._say("settings_refused"), f"{event.text}\n{who}"
            return self._notice("risk", IMPORTANT, cause, title, text)
        lines = [
            f"{one.key}: {one.before} → {one.after}"
            if one.refused is None
            else self._say("not_changed", key=one.key, why=one.refused)
            for one in event.changes
        ]
        title = self._say("settings_reloaded")
        return self._notice("risk", IMPORTANT, cause, title, "\n".join([*lines, who]))

    def _tripped(self, event: RiskTripped) -> Notice | None:
        where = self._where(event)
        title = self._say(
            "tripped", where=where, action=self._say(event.action.value), rule=event.rule
        )
        lines = [event.text]
        if event.value is not None and event.limit is not None:
            lines.append(
                self._say(
                    "value_limit",
                    value=format_step(event.value, None),
                    limit=format_step(event.limit, None),
                )
            )
        if event.by != "risk":
            lines = [self._say("by_whom", by=event.by, reason=event.text)]
        severity = _LOUD.get(event.action, IMPORTANT)
        # Each throw of the kill switch is told; a rule that trips again and again is folded.
        since = f":{event.ts_event}" if event.by != "risk" else ""
        cause = f"risk:{event.rule}:{where}{since}"
        return self._notice("risk", severity, cause, title, "\n".join(lines))

    def _mode(self, event: ModeChanged) -> Notice | None:
        """A stop that is not a rule's: what a rule does is told as such, a kept halt was told."""
        stopped = event.mode in (TradingMode.REDUCE_ONLY, TradingMode.HALTED)
        if not stopped or event.reason == "equal":
            return None
        title = self._say(f"mode_{event.mode.value}", account=event.account)
        cause = f"mode:{event.account}:{event.mode.value}"
        return self._notice("failure", CRITICAL, cause, title, event.reason)

    def _where(self, event: RiskTripped | RiskCleared) -> str:
        scope = (event.account, event.strategy, event.instrument)
        named = " ".join(str(part) for part in scope if part is not None)
        return named or self._say("everything")


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():,f}"


def _gap_key(instrument: str, timeframe: str, closes_ms: int) -> str:
    return f"{instrument}|{timeframe}|{closes_ms}"
