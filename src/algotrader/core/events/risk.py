"""Events of risk: what an account was worth, what a rule did, and what a person asked for."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import msgspec

from algotrader.core.events.base import EventBase
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol


class RiskAction(StrEnum):
    """What a tripped rule does. Each does what those before it do, and more."""

    WARN = "warn"
    SCALE = "scale"  # targets are multiplied by a fraction
    REDUCE_ONLY = "reduce_only"
    HALT = "halt"  # increases are cancelled, nothing but protection is sent
    FLATTEN = "flatten"  # all is sold, then halt


class StrategyMark(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy's part of an account is worth."""

    strategy: StrategyId
    equity: Decimal
    deposits: Decimal  # its share of what was paid in


class AccountMarked(EventBase, frozen=True, kw_only=True):
    """What an account is worth at last prices; `ts_event` is the instant it is worth that."""

    account: AccountId
    equity: Decimal  # account currency
    deposits: Decimal  # paid in less paid out since the run began
    gross: Decimal  # sum of |notional|, open orders in full
    strategies: tuple[StrategyMark, ...] = ()


class RiskScope(EventBase, frozen=True, kw_only=True):
    """Whom a rule concerns: everything of what is named, all of it where nothing is."""

    account: AccountId | None = None  # None: all accounts together
    strategy: StrategyId | None = None
    instrument: Symbol | None = None
    rule: str


class RiskTripped(RiskScope, frozen=True, kw_only=True):
    """A rule was broken while trading, and what is done about it until it is cleared."""

    value: Decimal | None  # None where it could not be known, which counts as broken
    limit: Decimal | None
    action: RiskAction
    scale: Decimal | None = None  # of targets, for `scale`
    until_ms: int | None = None  # UTC ms; None: until the rule clears or a person re-arms
    latched: bool = False  # only a person ends it
    by: str = "risk"  # who: `risk`, or the person's name
    text: str


class RiskCleared(RiskScope, frozen=True, kw_only=True):
    """What a rule did has ended, or ends after so many more bars."""

    after_bars: int = 0
    by: str = "risk"
    text: str


class OperatorRequest(EventBase, frozen=True, kw_only=True):
    """What a person asked for, and through which door."""

    by: str  # name of the person, as the door knows it
    channel: str  # `cli`, `console`, `telegram`, `file`
    reason: str


class HaltRequested(OperatorRequest, frozen=True, kw_only=True):
    """The kill switch was thrown, or one strategy was stopped."""

    version: ClassVar[int] = 2
    v: int = 2

    account: AccountId | None  # None: all
    flatten: bool = False  # sell everything first
    strategy: StrategyId | None = None  # stop this one alone


class RearmRequested(OperatorRequest, frozen=True, kw_only=True):
    """A person wants trading to go on."""

    version: ClassVar[int] = 2
    v: int = 2

    account: AccountId | None  # None: all
    rule: str | None = None  # lift this one alone
    strategy: StrategyId | None = None  # let this one alone go on, where a person stopped it


class Rearmed(EventBase, frozen=True, kw_only=True):
    """A person let trading go on; drawdown counts from here (R28)."""

    account: AccountId | None  # None: all accounts together
    by: str
    reason: str


class RearmRefused(EventBase, frozen=True, kw_only=True):
    """A rule that is still broken would trip at once: trading stays as it was."""

    account: AccountId | None
    by: str
    reason: str


class LimitChangeRequested(OperatorRequest, frozen=True, kw_only=True):
    """A person wants a limit to be another while the system runs."""

    key: str  # `account.max_daily_loss`
    value: str | None  # as it would be written in the file; None: as the file has it


class LimitChanged(EventBase, frozen=True, kw_only=True):
    """A limit is another from here on, restarts included."""

    key: str
    before: str | None  # what held
    after: str | None  # what holds
    value: str | None  # what was asked for; None: the file's again
    by: str
    reason: str


class LimitChangeRefused(EventBase, frozen=True, kw_only=True):
    """A limit stays as it was, and why."""

    key: str
    value: str | None
    by: str
    reason: str
