"""Holds: what a tripped rule or a person has stopped, for whom, why, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from algotrader.core.events import RiskAction, RiskTripped, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol

KILL_SWITCH: Final = "kill_switch"
STOPPED: Final = "stopped"
"""A person stopped one strategy; only a person lets it go on."""
IMPOSSIBLE_REPLY: Final = "impossible_reply"
"""A venue said what cannot be; a person has to look at that instrument."""
HoldKey = tuple[AccountId | None, StrategyId | None, Symbol | None, str]
"""Scope and rule: one hold each."""

_MODES: Final[Mapping[RiskAction, TradingMode]] = MappingProxyType(
    {
        RiskAction.WARN: TradingMode.TRADING,
        RiskAction.SCALE: TradingMode.TRADING,
        RiskAction.REDUCE_ONLY: TradingMode.REDUCE_ONLY,
        RiskAction.HALT: TradingMode.HALTED,
        RiskAction.FLATTEN: TradingMode.HALTED,
    }
)
_STRICTNESS: Final = (
    TradingMode.TRADING,
    TradingMode.REDUCE_ONLY,
    TradingMode.HALTED,
    TradingMode.STARTING,
)


class Operation(StrEnum):
    """What may be asked for."""

    INCREASE = "increase"  # an order that adds to a position
    REDUCE = "reduce"  # one that takes from it, asked for by a strategy
    PROTECT = "protect"  # stops, targets, reductions by risk or by a person
    CANCEL = "cancel"
    HALT = "halt"
    FLATTEN = "flatten"
    REARM = "rearm"
    CHANGE_LIMIT = "change_limit"


_ALWAYS: Final = frozenset(
    {Operation.CANCEL, Operation.HALT, Operation.REARM, Operation.CHANGE_LIMIT}
)
ALLOWED: Final[Mapping[TradingMode, frozenset[Operation]]] = MappingProxyType(
    {
        TradingMode.TRADING: frozenset(Operation),
        TradingMode.REDUCE_ONLY: frozenset(Operation) - {Operation.INCREASE},
        TradingMode.HALTED: _ALWAYS | {Operation.PROTECT, Operation.FLATTEN},
        # Until the venue is compared with the books nothing is sent; a wish to flatten is kept.
        TradingMode.STARTING: _ALWAYS | {Operation.FLATTEN},
    }
)
"""What each mode lets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One stop in force. Scope: everything of what is named, all of it where nothing is."""

    account: AccountId | None
    strategy: StrategyId | None
    instrument: Symbol | None
    rule: str
    action: RiskAction
    text: str  # why
    by: str  # who
    since_ms: int  # UTC ms
    until_ms: int | None = None
    latched: bool = False  # only a person ends it
    scale: Decimal | None = None
    bars_left: int | None = None  # its condition is over, it lasts so many bars more

    @classmethod
    def of(cls, event: RiskTripped) -> Hold:
        return cls(
            account=event.account, strategy=event.strategy, instrument=event.instrument,
            rule=event.rule, action=event.action, text=event.text, by=event.by,
            since_ms=event.ts_known, until_ms=event.until_ms, latched=event.latched,
            scale=event.scale,
        )  # fmt: skip

    @property
    def key(self) -> HoldKey:
        return self.account, self.strategy, self.instrument, self.rule

    @property
    def mode(self) -> TradingMode:
        return _MODES[self.action]

    def concerns(
        self, account: AccountId, strategy: StrategyId | None, instrument: Symbol | None
    ) -> bool:
        """Whether it holds for an instrument of a strategy; None asks for the whole account's."""
        return (
            self.account in (None, account)
            and self.strategy in (None, strategy)
            and self.instrument in (None, instrument)
        )

    def is_over(self, now_ms: int) -> bool:
        """Whether its time is over; without a time it never is by itself."""
        return self.until_ms is not None and now_ms >= self.until_ms


def strictest(*modes: TradingMode) -> TradingMode:
    """The one that allows least."""
    return max(modes, key=_STRICTNESS.index)
