"""Events: what happened, as the journal keeps it and everybody else hears it.

One tagged union. Each event has its `kind` (the class name), a version `v`, `ts_event` (when it
happened) and `ts_known` (when we learnt it), both UTC ms. Events are immutable and told in the
past tense. `encode_event` writes JSON with decimals as text; `decode_event` reads any version
ever written, and refuses what it does not know rather than trading on a guess.
"""

from algotrader.core.events.accounts import (
    CashMoved,
    FundingPaid,
    Liquidated,
    PositionChanged,
)
from algotrader.core.events.codec import (
    UPCASTERS,
    VERSIONS,
    Upcaster,
    decode_event,
    encode_event,
    upcast,
)
from algotrader.core.events.decisions import (
    CaughtUp,
    Decided,
    DecisionOutcome,
    RuleEffect,
    SignalRaised,
    StrategyAnswered,
    TargetWanted,
)
from algotrader.core.events.market import (
    BarClosed,
    SliceClosed,
)
from algotrader.core.events.orders import (
    ImpossibleReply,
    IntentRaised,
    OrderAbsent,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderNews,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    StopTriggered,
)
from algotrader.core.events.risk import (
    AccountMarked,
    HaltRequested,
    LimitChanged,
    LimitChangeRefused,
    LimitChangeRequested,
    Rearmed,
    RearmRefused,
    RearmRequested,
    RiskAction,
    RiskCleared,
    RiskTripped,
    StrategyMark,
)
from algotrader.core.events.system import (
    HeartbeatMissed,
    ModeChanged,
    RunStarted,
    TimerFired,
    TradingMode,
)
from algotrader.core.events.union import (
    Event,
)

__all__ = [
    "UPCASTERS",
    "VERSIONS",
    "AccountMarked",
    "BarClosed",
    "CashMoved",
    "CaughtUp",
    "Decided",
    "DecisionOutcome",
    "Event",
    "FundingPaid",
    "HaltRequested",
    "HeartbeatMissed",
    "ImpossibleReply",
    "IntentRaised",
    "LimitChangeRefused",
    "LimitChangeRequested",
    "LimitChanged",
    "Liquidated",
    "ModeChanged",
    "OrderAbsent",
    "OrderAccepted",
    "OrderAmended",
    "OrderCancelRefused",
    "OrderCancelRequested",
    "OrderCancelled",
    "OrderDenied",
    "OrderExpired",
    "OrderFilled",
    "OrderNews",
    "OrderNotFound",
    "OrderRejected",
    "OrderSeen",
    "OrderSubmitted",
    "OrderUnknown",
    "PositionChanged",
    "RearmRefused",
    "RearmRequested",
    "Rearmed",
    "RiskAction",
    "RiskCleared",
    "RiskTripped",
    "RuleEffect",
    "RunStarted",
    "SignalRaised",
    "SliceClosed",
    "StopTriggered",
    "StrategyAnswered",
    "StrategyMark",
    "TargetWanted",
    "TimerFired",
    "TradingMode",
    "Upcaster",
    "decode_event",
    "encode_event",
    "upcast",
]
