"""The tagged union of all events."""

from __future__ import annotations

from algotrader.core.events.accounts import (
    CashMoved,
    FundingPaid,
    HoldingLeft,
    Liquidated,
    PositionChanged,
)
from algotrader.core.events.by_hand import (
    HandAmendRequested,
    HandAnswered,
    HandCancelRequested,
    HandOrderRequested,
)
from algotrader.core.events.decisions import (
    CaughtUp,
    Decided,
    SignalRaised,
    StrategyAnswered,
)
from algotrader.core.events.market import (
    BarClosed,
    InstrumentChanged,
    QuoteSeen,
    SliceClosed,
)
from algotrader.core.events.orders import (
    ImpossibleReply,
    IntentRaised,
    OrderAbsent,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderAmendRequested,
    OrderCancelled,
    OrderCancelRefused,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    OrderUnknown,
    ProtectionMissing,
    ProtectionRestored,
    StopTriggered,
    WorkEnded,
    WorkStarted,
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
    RiskCleared,
    RiskTripped,
)
from algotrader.core.events.settings import (
    ParametersSet,
    SettingsRefused,
    SettingsReloaded,
    StrategyReloaded,
    StrategyReloadRefused,
    StrategyUnloaded,
    StrategyUnloadRequested,
)
from algotrader.core.events.system import (
    EndRequested,
    HeartbeatMissed,
    ModeChanged,
    RunStarted,
    TimerFired,
)

Event = (
    BarClosed
    | QuoteSeen
    | InstrumentChanged
    | SliceClosed
    | StrategyAnswered
    | Decided
    | SignalRaised
    | IntentRaised
    | OrderDenied
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderSeen
    | OrderNotFound
    | OrderAmendRequested
    | OrderAmendRefused
    | OrderAmended
    | OrderFilled
    | OrderCancelRequested
    | OrderCancelRefused
    | OrderCancelled
    | OrderExpired
    | OrderUnknown
    | OrderAbsent
    | ImpossibleReply
    | StopTriggered
    | ProtectionMissing
    | WorkStarted
    | WorkEnded
    | ProtectionRestored
    | PositionChanged
    | FundingPaid
    | HoldingLeft
    | Liquidated
    | CashMoved
    | RiskTripped
    | AccountMarked
    | HaltRequested
    | LimitChanged
    | LimitChangeRefused
    | LimitChangeRequested
    | Rearmed
    | RearmRefused
    | RearmRequested
    | RiskCleared
    | HandAmendRequested
    | HandAnswered
    | HandCancelRequested
    | HandOrderRequested
    | CaughtUp
    | HeartbeatMissed
    | RunStarted
    | SettingsRefused
    | SettingsReloaded
    | StrategyReloaded
    | StrategyReloadRefused
    | ParametersSet
    | StrategyUnloadRequested
    | StrategyUnloaded
    | ModeChanged
    | EndRequested
    | TimerFired
)
