"""What is told to whom: the topic of every event, and how urgent each family of topics is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from algotrader.core import events as of
from algotrader.core.events import Event

QUOTE: Final = "market.quote"
MISSED: Final = "system.missed"

PRIORITIES: Final[Mapping[str, int]] = MappingProxyType(
    {"risk": 0, "system": 1, "order": 2, "strategy": 5, "market": 7}
)
"""0 is told first and dropped last. Topics of one family share theirs, so their order is kept."""
QUOTE_PRIORITY: Final = 9

TOPICS: Final[Mapping[type[Event], str]] = MappingProxyType(
    {
        of.BarClosed: "market.bar_closed",
        of.SliceClosed: "market.slice_closed",
        of.InstrumentChanged: "market.instrument_changed",
        of.QuoteSeen: "market.quote_seen",
        of.StrategyAnswered: "strategy.answered",
        of.Decided: "strategy.decided",
        of.SignalRaised: "strategy.signal_raised",
        of.CaughtUp: "strategy.caught_up",
        of.IntentRaised: "order.intent_raised",
        of.OrderDenied: "order.denied",
        of.OrderSubmitted: "order.submitted",
        of.OrderAccepted: "order.accepted",
        of.OrderRejected: "order.rejected",
        of.OrderSeen: "order.seen",
        of.OrderNotFound: "order.not_found",
        of.OrderAmendRequested: "order.amend_requested",
        of.OrderAmendRefused: "order.amend_refused",
        of.OrderAmended: "order.amended",
        of.OrderFilled: "order.filled",
        of.OrderCancelRequested: "order.cancel_requested",
        of.OrderCancelRefused: "order.cancel_refused",
        of.OrderCancelled: "order.cancelled",
        of.OrderExpired: "order.expired",
        of.OrderUnknown: "order.unknown",
        of.OrderAbsent: "order.absent",
        of.ImpossibleReply: "order.impossible_reply",
        of.WorkStarted: "order.work_started",
        of.WorkEnded: "order.work_ended",
        of.ProtectionMissing: "risk.protection_missing",
        of.ProtectionRestored: "risk.protection_restored",
        of.StopTriggered: "order.stop_triggered",
        of.PositionChanged: "order.position_changed",
        of.FundingPaid: "order.funding_paid",
        of.CashMoved: "order.cash_moved",
        of.HoldingLeft: "order.holding_left",
        of.Liquidated: "risk.liquidated",
        of.AccountMarked: "risk.account_marked",
        of.RiskTripped: "risk.tripped",
        of.RiskCleared: "risk.cleared",
        of.HaltRequested: "risk.halt_requested",
        of.Rearmed: "risk.rearmed",
        of.RearmRequested: "risk.rearm_requested",
        of.RearmRefused: "risk.rearm_refused",
        of.LimitChangeRequested: "risk.limit_change_requested",
        of.LimitChanged: "risk.limit_changed",
        of.LimitChangeRefused: "risk.limit_change_refused",
        of.HandOrderRequested: "order.hand_order_requested",
        of.HandAmendRequested: "order.hand_amend_requested",
        of.HandCancelRequested: "order.hand_cancel_requested",
        of.HandAnswered: "order.hand_answered",
        of.ModeChanged: "system.mode_changed",
        of.RunStarted: "system.run_started",
        of.SettingsReloaded: "system.settings_reloaded",
        of.SettingsRefused: "system.settings_refused",
        of.StrategyReloaded: "strategy.reloaded",
        of.StrategyReloadRefused: "strategy.reload_refused",
        of.ParametersSet: "strategy.parameters_set",
        of.StrategyUnloadRequested: "strategy.unload_requested",
        of.StrategyUnloaded: "strategy.unloaded",
        of.EndRequested: "system.end_requested",
        of.HeartbeatMissed: "system.heartbeat_missed",
        of.TimerFired: "system.timer_fired",
    }
)


def topic_of(event: Event) -> str:
    """`order.filled`, `risk.tripped`, …: what a subscriber asks for."""
    return TOPICS[type(event)]


def priority_of(topic: str) -> int:
    """0 (first) to 9, by the family of a topic. KeyError for a family that there is not."""
    return PRIORITIES[topic.partition(".")[0]] if topic != QUOTE else QUOTE_PRIORITY


def is_asked_for(topic: str, asked: str) -> bool:
    """Whether `asked` names a topic: `order.filled` itself, all of `order.*`, or `*`."""
    return asked in ("*", topic) or (asked.endswith(".*") and topic.startswith(asked[:-1]))
