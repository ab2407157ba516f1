"""Rate limits: so many calls of one kind in a window, as the venue states them for each path."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from algotrader.simulator.okx.refusals import Refusal

ACCOUNT_ORDERS = 1000  # placed and amended orders of the account, in two seconds
WINDOW_MS = 2000


@dataclass(slots=True)
class RateLimits:
    """Counts calls by kind. Times come from the caller, in ms."""

    enabled: bool = True
    _calls: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))

    def take(
        self, kind: str, at_ms: int, most: int, window_ms: int = WINDOW_MS, *,
        weight: int = 1, code: str = "50011",
    ) -> None:  # fmt: skip
        """Count a call of `weight`. Refusal, uncounted, when the window is full."""
        if not self.enabled:
            return
        calls = self._calls[kind]
        while calls and calls[0] <= at_ms - window_ms:
            calls.popleft()
        if len(calls) + weight > most:
            raise Refusal(code)
        calls.extend([at_ms] * weight)
