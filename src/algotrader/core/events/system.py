"""Events of the system itself: runs, modes, timers, silence of its parts."""

from __future__ import annotations

from enum import StrEnum

from algotrader.core.events.base import EventBase
from algotrader.core.ids import AccountId, RunId


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
    """A trader opened the journal: with which code and configuration."""

    run_id: RunId
    execution: str  # `paper`, `sandbox`, `live`
    configuration_hash: str
    software: str  # version of algotrader


class ModeChanged(EventBase, frozen=True, kw_only=True):
    """What an account may do changed. Halts outlive the process."""

    account: AccountId
    mode: TradingMode
    reason: str
    by: str  # `operator`, `risk`, `recovery`


class TimerFired(EventBase, frozen=True, kw_only=True):
    """A time that the engine asked to be woken at has come."""

    name: str  # `lookup:ataaaa…`
