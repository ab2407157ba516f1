"""Events of deciding: what strategies were asked, answered and wanted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from algotrader.core.events.base import EventBase, require_finite
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Side, TimeInForce
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


class _Asked(msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag=True):
    """One thing a bar-by-bar strategy asked for (R36). Absent numbers are None."""


class AskedOrder(_Asked, frozen=True, kw_only=True):
    """`ctx.buy` or `ctx.sell`, with exactly one of quantity, weight and value."""

    number: int  # the strategy's own count, from 0
    instrument: Symbol
    side: Side
    quantity: float | None = None  # base units or contracts
    weight: float | None = None  # fraction of equity
    value: float | None = None  # account currency
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None  # fraction
    stop_loss: float | None = None  # fractions of its average fill (R19)
    take_profit: float | None = None
    trailing: float | None = None
    tif: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None  # UTC ms, of GTD
    post_only: bool = False
    reduce_only: bool = False
    group: str | None = None  # legs of one decision (R37)
    tag: str | None = None


class AskedTarget(_Asked, frozen=True, kw_only=True):
    """`ctx.target` or `ctx.close`: a position, by weight of equity or by signed quantity."""

    instrument: Symbol
    weight: float | None = None
    quantity: float | None = None


class AskedCancel(_Asked, frozen=True, kw_only=True):
    """`ctx.cancel`."""

    number: int


class AskedAmend(_Asked, frozen=True, kw_only=True):
    """`ctx.amend`: what is None stays."""

    number: int
    quantity: float | None = None  # of the whole order
    limit: float | None = None
    stop: float | None = None


Asked = AskedOrder | AskedTarget | AskedCancel | AskedAmend


class StrategyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that a strategy wrote for people."""

    level: str  # `info`, `warning`
    event: str
    fields: Mapping[str, Any]


class StrategyAnswered(EventBase, frozen=True, kw_only=True):
    """What came back from a strategy for one decision: an input, so replay needs no strategy."""

    version: ClassVar[int] = 2
    v: int = 2

    account: AccountId
    strategy: StrategyId
    decision_ts: int  # UTC ms
    outcome: DecisionOutcome
    wanted: tuple[TargetWanted, ...] = ()  # in the order of the symbols' text
    is_scheduled: bool = True  # whether its schedule looks at targets now (R10)
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)  # `ctx.state` (R35)
    error: str | None = None  # for outcomes other than `decided`
    asked: tuple[Asked, ...] = ()  # of a bar-by-bar strategy, in the order it asked
    lines: tuple[StrategyLine, ...] = ()


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
        for name, value in self.features.items():
            if value is not None:
                require_finite(self.instrument, name, value)
        require_finite(self.instrument, "price", self.price)
        if self.target is not None:
            require_finite(self.instrument, "target", self.target)


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
            require_finite(self.instrument, self.name, self.value)


class CaughtUp(EventBase, frozen=True, kw_only=True):
    """A strategy was fed the bars it had missed, with its orders suppressed (R24)."""

    account: AccountId
    strategy: StrategyId
    first_ts: int  # open of the first missed bar, UTC ms
    last_ts: int
    bars: int
