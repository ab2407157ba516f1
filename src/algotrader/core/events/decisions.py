"""Events of deciding: what strategies were asked, answered and wanted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from algotrader.core.events.base import EventBase, require_finite
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol


class DecisionOutcome(StrEnum):
    """What came back from a strategy in the time it had."""

    DECIDED = "decided"
    RAISED = "raised"
    TIMED_OUT = "timed_out"


class RuleEffect(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that changed what was wanted, and from what to what (in lots)."""

    rule: str
    before: Decimal
    after: Decimal
    reason: str


class TargetWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's number for one instrument, with the row of features that led to it."""

    instrument: Symbol
    target: float | None  # weight of equity; None is no opinion (R4)
    features: Mapping[str, float | None]  # None where not a number


class StrategyAnswered(EventBase, frozen=True, kw_only=True):
    """What came back from a strategy for one decision: an input, so replay needs no strategy."""

    account: AccountId
    strategy: StrategyId
    decision_ts: int  # UTC ms
    outcome: DecisionOutcome
    wanted: tuple[TargetWanted, ...] = ()  # in the order of the symbols' text
    is_scheduled: bool = True  # whether its schedule looks at targets now (R10)
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)  # `ctx.state` (R35)
    error: str | None = None  # for outcomes other than `decided`


class Decided(EventBase, frozen=True, kw_only=True):
    """One strategy's answer for one instrument: what "why did it buy?" is answered from."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    decision_ts: int  # the step's time, UTC ms
    outcome: DecisionOutcome
    features: Mapping[str, float | None]  # last row; None where not a number
    target: float | None  # weight of equity; None is no opinion (R4)
    latched_quantity: Decimal | None  # what is worked towards (R10)
    equity: Decimal
    price: float  # the close it was sized at
    quote: float | None = None  # the quote a rule used, if one did
    lots: int | None = None
    rules: tuple[RuleEffect, ...] = ()
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)  # `ctx.state` (R35)
    error: str | None = None  # for outcomes other than `decided`
    configuration_hash: str

    def __post_init__(self) -> None:
        EventBase.__post_init__(self)
        for name, value in {**self.features, "target": self.target, "price": self.price}.items():
            if value is not None:
                require_finite(f"{self.instrument} {name}", value)


class SignalRaised(EventBase, frozen=True, kw_only=True):
    """A strategy wants a person to know, for example an order to be traded by hand."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    name: str
    value: float | None
    text: str

    def __post_init__(self) -> None:
        EventBase.__post_init__(self)
        if self.value is not None:
            require_finite(f"{self.instrument} {self.name}", self.value)


class CaughtUp(EventBase, frozen=True, kw_only=True):
    """A strategy was fed the bars it had missed, with its orders suppressed (R24)."""

    account: AccountId
    strategy: StrategyId
    first_ts: int  # open of the first missed bar, UTC ms
    last_ts: int
    bars: int
