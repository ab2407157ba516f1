"""Links that let a person in once: how the first password comes to be."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from algotrader.core.ports import Clock

LASTS_S: Final = 3_600.0


class LoginLinks:
    """Kept in memory alone: a link ends with its first use, after an hour, or with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[bytes, float] = {}

    def make(self) -> str:
        """The secret part of a new link."""
        secret = secrets.token_urlsafe(24)
        self._ends[_digest(secret)] = self._clock.monotonic_s() + LASTS_S
        return secret

    def use(self, secret: str) -> bool:
        """Whether it lets in; it never does again."""
        ends_s = self._ends.pop(_digest(secret), None)
        return ends_s is not None and self._clock.monotonic_s() < ends_s


def _digest(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()
