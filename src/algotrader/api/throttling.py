"""Slows down who guesses: after five failures each try waits longer, after ten it is a quarter hour."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from algotrader.api.errors import ApiError
from algotrader.core.ports import Clock

FREE: Final = 5
LOCKED_AFTER: Final = 10
LOCKED_S: Final = 900.0
_MOST: Final = 10_000  # remembered; the oldest is forgotten


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until_s: float = 0.0


class Throttle:
    """Failures of an address, and of an address with an account: another's guesses lock nobody out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], _Failures] = OrderedDict()

    def require_free(self, address: str, account: str) -> None:
        """ApiError 429, with the seconds to wait, while either is slowed down."""
        now_s = self._clock.monotonic_s()
        waits = [
            found.until_s - now_s
            for key in ((address,), (address, account))
            if (found := self._failures.get(key)) is not None
        ]
        left_s = max(waits, default=0.0)
        if left_s > 0:
            seconds = int(left_s) + 1
            raise ApiError(
                429, "access.throttled", f"too many tries: wait {seconds} s",
                hint="halt and resume also work by the command line, which asks for no password",
                headers={"Retry-After": str(seconds)},
            )  # fmt: skip

    def failed(self, address: str, account: str) -> None:
        now_s = self._clock.monotonic_s()
        for key in ((address,), (address, account)):
            found = self._failures.setdefault(key, _Failures())
            self._failures.move_to_end(key)
            if found.until_s and now_s - found.until_s > LOCKED_S:
                found.count = 0
            found.count += 1
            if found.count >= LOCKED_AFTER:
                found.until_s = now_s + LOCKED_S
            elif found.count >= FREE:
                found.until_s = now_s + 2.0 ** (found.count - FREE)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, account: str) -> None:
        for key in ((address,), (address, account)):
            self._failures.pop(key, None)
