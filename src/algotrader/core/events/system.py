"""Events of the system itself: runs, modes, timers, silence of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from algotrader.core.events.base import EventBase
from algotrader.core.ids import AccountId, RunId, StrategyId


class HeartbeatMissed(EventBase, frozen=True, kw_only=True):
    """A part of the system or a feed has been silent for longer than it may."""

    component: str  # `feed:OKX`, `worker:1`
    last_seen_ms: int | None  # UTC ms; None if it was never heard of
    allowed_ms: int


class TradingMode(StrEnum):
    """What an account may do. Each allows what the one after it allows, and more."""

    TRADING = "trading"
    STARTING = "starting"  # the venue is being compared with the books; nothing is sent
    REDUCE_ONLY = "reduce_only"  # reductions and cancels only
    HALTED = "halted"  # cancels only, until a person re-arms


class RunStarted(EventBase, frozen=True, kw_only=True):
    """A trader opened the journal: with which code and configuration (F63)."""

    version: ClassVar[int] = 2
    v: int = 2

    run_id: RunId
    execution: str  # `paper`, `sandbox`, `live`
    configuration_hash: str
    software: str  # version of algotrader
    settings: Mapping[str, Any] = msgspec.field(default_factory=dict)  # as the file would have them
    sources: Mapping[StrategyId, str] = msgspec.field(default_factory=dict)  # hashes of their code
    changes: tuple[str, ...] = ()  # since the start before, while positions were open
    accepted_by: str | None = None  # who let it start with these changes


class ModeChanged(EventBase, frozen=True, kw_only=True):
    """What an account may do changed. Halts outlive the process."""

    account: AccountId
    mode: TradingMode
    reason: str
    by: str  # `operator`, `risk`, `recovery`


class EndRequested(EventBase, frozen=True, kw_only=True):
    """The trader is being ended, and orders that would add to positions shall not outlive it."""

    reason: str


class TimerFired(EventBase, frozen=True, kw_only=True):
    """A time that the engine asked to be woken at has come."""

    name: str  # `lookup:ataaaa…`
