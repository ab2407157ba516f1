"""What the core of the system asks of the world outside: time, figures, messages, timers.

Each port says what its caller may rely on. Adapters live in `ops`; the two clocks are here
because everything that must be repeatable is tested on the manual one.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from algotrader.core.instants import require_aware


class Clock(Protocol):
    """Where time comes from. Nothing else in the project asks the system for it."""

    def now(self) -> datetime:
        """The time of day, aware UTC. It may jump when the machine's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some start that never go back: for deadlines and time-outs."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


def _wall() -> datetime:
    return datetime.now(UTC)


def _elapsed_s() -> float:
    """Seconds that nobody can set; sleep of the machine counts where the system can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SteadyClock:
    """The machine's clock as it was at the beginning, moved on by one that is never set (F66).

    A step of the wall clock would make an order that is on its way look long overdue, and a bar
    come twice. How far this is from a venue's time is measured by who talks to the venue.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        elapsed_s: Callable[[], float] = _elapsed_s,
    ) -> None:
        self._elapsed_s = elapsed_s
        self._began, self._began_s = wall(), elapsed_s()

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._elapsed_s() - self._began_s)

    def monotonic_s(self) -> float:
        return self._elapsed_s()


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is moved: for tests, replays and simulations."""

    at: datetime
    _elapsed_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        require_aware(self.at)

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass. ValueError for a negative length: use `set` for a clock that jumps."""
        if seconds < 0:
            raise ValueError(f"time does not pass backwards, got {seconds} s")
        self.at += timedelta(seconds=seconds)
        self._elapsed_s += seconds

    def set(self, at: datetime) -> None:
        """Set the time of day as a person or NTP would; the monotonic seconds stay."""
        self.at = require_aware(at)


class Metrics(Protocol):
    """Figures for dashboards. Calls never raise, never block, and decide nothing."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Severity(StrEnum):
    """How loud a notice is. Critical ones ignore quiet hours."""

    INFO = "info"
    IMPORTANT = "important"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to the person. Notices of one `cause` within ten minutes are one."""

    severity: Severity
    title: str
    text: str
    cause: str  # `feed.stale:OKX:BTC/USDT`
    fields: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    """Sends notices. Delivery is retried behind this call; trading never waits for it."""

    async def notify(self, notice: Notice) -> None: ...


class Scheduler(Protocol):
    """Runs things at wall-clock times. A time already past runs at once, and once."""

    def call_at(self, name: str, at: datetime, action: Callable[[], Awaitable[None]]) -> None:
        """Run `action` at `at`; a later call with the same name replaces it."""
        ...

    def cancel(self, name: str) -> None:
        """Forget the timer called `name`; nothing happens if there is none."""
        ...
