"""What is told of an event: pure functions from what the journal holds to notices.

`Teller` keeps the little it must remember between events: positions, gaps, silent parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    OrderUnknown,
    ParametersSet,
    PositionChanged,
    ProtectionMissing,
    ProtectionRestored,
    SignalRaised,
    SliceClosed,
    StrategyAnswered,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
)
from algotrader.core.orders import Order, Side
from algotrader.core.ports import Notice, Severity
from algotrader.core.units import format_duration, format_money, format_step
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.notification.telling_of_risk import TellsOfRisk
from algotrader.ops.notification.texts import Texts
from algotrader.ops.notification.words import CRITICAL, IMPORTANT, INFO, plain

_TOLD_BY_EVENTS: Final = ("risk:", "rejected:", "impossible:", "strategy:", "reconcile:")
_IN_OUR_WORDS: Final = ("summary:", "research:")
_KEPT_GAPS: Final = 1_000


class Memory(msgspec.Struct, kw_only=True):
    """What was told before, as it is kept beside the outbox."""

    positions: dict[str, tuple[Decimal, Decimal]] = {}  # quantity, realised when it was opened
    gaps: list[str] = []  # bars that steps went on without
    silent: list[str] = []  # parts that were told to be
    deposits: dict[str, Decimal] = {}  # paid in less paid out, by account


class Teller(TellsOfRisk):
    """Makes notices of events, in the language and as loud as the settings say."""

    def __init__(self, settings: NotificationSettings, texts: Texts, memory: Memory) -> None:
        super().__init__(settings, texts)
        self.memory = memory

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
        title = notice.title if notice.title != notice.text else self.say("alert")
        if self.texts.has(key):
            title = self.say(key)
        return self.notice("failure", notice.severity, notice.cause, title, notice.text)

    def untold(self, row: int, kind: str, trouble: str) -> Notice:
        """In place of what a row would have said, had it not been for a fault of ours."""
        title = self.say("row_untold")
        text = self.say("row_untold_text", row=row, kind=kind, trouble=trouble)
        return Notice(severity=CRITICAL, title=title, text=text, cause=f"untold:{kind}")

    def unread(self, trouble: str) -> Notice:
        """Nothing of what happens can be told."""
        title = self.say("journal_unread")
        return Notice(severity=CRITICAL, title=title, text=trouble, cause="unread:journal")

    def gone(self, counts: Mapping[Severity, int]) -> Notice:
        """So many were neither written nor kept, by severity."""
        by_name = {each.value: counts.get(each, 0) for each in Severity}
        return Notice(
            severity=CRITICAL if counts.get(CRITICAL) else IMPORTANT,
            title=self.say("gone", count=sum(counts.values())),
            text=self.say("gone_text", **by_name),
            cause="gone:messages",
        )

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
                title = self.say("strategy_failed", strategy=event.strategy)
                cause = f"strategy:{event.strategy}"
                yield self.notice("failure", CRITICAL, cause, title, event.error or "")
            case ProtectionMissing() | ProtectionRestored():
                yield self.protection(event)
            case HoldingLeft():
                yield self.left_alone(event)
            case InstrumentChanged():
                yield self.instrument(event)
            case (
                StrategyReloaded() | StrategyReloadRefused() | ParametersSet() | StrategyUnloaded()
            ):
                yield self.strategy(event)
            case SignalRaised():
                title = self.say("signal", instrument=event.instrument, name=event.name)
                cause = f"signal:{event.strategy}:{event.instrument}:{event.name}:{event.ts_event}"
                yield self.notice("signal", IMPORTANT, cause, title, event.text)
            case CaughtUp():
                title = self.say("caught_up", strategy=event.strategy, bars=event.bars)
                yield self.notice("data", INFO, f"caught_up:{event.strategy}", title, "")
            case _:
                yield self.risk(event)

    def _order(self, order: Order) -> Notice | None:
        terms = order.terms
        said = [
            self.say(key, price=format_step(price, None))
            for key, price in (("limit", terms.limit), ("stop", terms.stop))
            if price is not None
        ]
        title = self.say(
            "order",
            side=self.say("buy" if terms.side is Side.BUY else "sell"),
            quantity=plain(terms.quantity),
            instrument=order.instrument,
            terms=" ".join(said) or self.say("market"),
        )
        text = self.say("by_strategy", strategy=order.strategy, account=order.account)
        return self.notice("order", INFO, f"order:{order.order_id}", title, text)

    def _fill(self, event: OrderFilled) -> Notice | None:
        fill = event.fill
        title = self.say(
            "fill",
            side=self.say("bought" if fill.side is Side.BUY else "sold"),
            quantity=plain(fill.quantity),
            instrument=fill.instrument,
            price=format_step(fill.price, None),
        )
        text = self.say(
            "fill_text",
            account=fill.account,
            fee=format_step(fill.fee, None),
            currency=fill.fee_currency,
            time=self.texts.time(event.ts_event),
        )
        if fill.order_id is None:
            foreign = f"{self.say('fill_foreign')}\n{text}"
            return self.notice("fill", IMPORTANT, f"fill:{fill.trade_id}", title, foreign)
        return self.notice("fill", INFO, f"fill:{fill.order_id}", title, text)

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
            title = self.say(
                "closed",
                strategy=event.strategy,
                instrument=event.instrument,
                profit=format_money(event.realised - realised, signed=True),
                currency=event.currency,
            )
            text = self.say("closed_text", account=event.account)
            yield self.notice("position", INFO, f"closed:{cause}", title, text)
        if event.quantity and held * event.quantity <= 0:
            title = self.say(
                "opened",
                strategy=event.strategy,
                quantity=plain(event.quantity),
                instrument=event.instrument,
                price=format_step(event.entry, None),
            )
            text = self.say("by_strategy", strategy=event.strategy, account=event.account)
            yield self.notice("position", INFO, f"opened:{cause}", title, text)

    def _bar(self, event: BarClosed) -> Iterator[Notice | None]:
        component = f"bars:{event.instrument} {event.timeframe}"
        if component in self.memory.silent:
            self.memory.silent.remove(component)
            title = self.say("heard_again", component=component)
            yield self.notice("data", IMPORTANT, f"heard:{component}", title, "")
        gap = _gap_key(str(event.instrument), event.timeframe, event.ts_event)
        if not event.is_late and gap not in self.memory.gaps:
            return
        if gap in self.memory.gaps:
            self.memory.gaps.remove(gap)
        title = self.say("late", instrument=event.instrument, time=self.texts.time(event.ts_event))
        yield self.notice("data", IMPORTANT, f"late:{event.instrument}", title, "")

    def _gap(self, event: SliceClosed) -> Iterator[Notice | None]:
        if not event.missing:
            return
        names = [str(symbol) for symbol in event.missing]
        gaps = [_gap_key(name, event.timeframe, event.decision_ts) for name in names]
        self.memory.gaps = [*self.memory.gaps, *gaps][-_KEPT_GAPS:]
        time = self.texts.time(event.decision_ts)
        title = self.say("gap", instruments=", ".join(names), time=time)
        text = self.say("gap_text", timeframe=event.timeframe)
        cause = f"gap:{event.timeframe}:{','.join(names)}"
        yield self.notice("data", IMPORTANT, cause, title, text)

    def _silent(self, event: HeartbeatMissed) -> Notice | None:
        if event.component not in self.memory.silent:
            self.memory.silent.append(event.component)
        last = event.last_seen_ms
        title = self.say("silent", component=event.component)
        text = self.say(
            "silent_text",
            time=self.say("never") if last is None else self.texts.time(last),
            allowed=format_duration(event.allowed_ms, language=self.texts.language),
        )
        return self.notice("data", IMPORTANT, f"silent:{event.component}", title, text)

    def _order_trouble(
        self, event: OrderRejected | OrderUnknown | ImpossibleReply
    ) -> Notice | None:
        where = self.say("order_of", order=event.order_id, account=event.account)
        instrument = event.instrument
        match event:
            case OrderRejected():
                reason = self.say("reason", reason=event.reason, code=event.code)
                title = self.say("rejected", instrument=instrument)
                text, cause = f"{reason}\n{where}", f"rejected:{instrument}"
                return self.notice("failure", IMPORTANT, cause, title, text)
            case OrderUnknown():
                title = self.say("unknown", instrument=instrument)
                text, cause = f"{event.reason}\n{where}", f"unknown:{instrument}"
                return self.notice("failure", IMPORTANT, cause, title, text)
            case ImpossibleReply():
                title = self.say("impossible", instrument=instrument)
                text, cause = f"{event.text}\n{where}", f"impossible:{event.order_id}"
                return self.notice("failure", CRITICAL, cause, title, text)


def _gap_key(instrument: str, timeframe: str, closes_ms: int) -> str:
    return f"{instrument}|{timeframe}|{closes_ms}"
