"""Passwords and codes: kept as argon2id hashes, checked in equal time whoever is named."""

from __future__ import annotations

import asyncio
import secrets
from functools import cache
from typing import TYPE_CHECKING, Final

from algotrader.api.errors import ApiError
from algotrader.core.ports import Clock

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 10
LONGEST: Final = 256
_STEP_S: Final = 30  # of a code


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # OWASP's second choice: 19 MiB, so that sign-ins at once stay within the process's memory.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password has."""
    return _hasher().hash(secrets.token_urlsafe(32))


def require_strong(password: str) -> None:
    """ApiError for a password that is short, or one sign again and again."""
    if not SHORTEST <= len(password) <= LONGEST or len(set(password)) < 4:
        raise ApiError(
            422, "access.password_weak",
            f"a password has {SHORTEST} to {LONGEST} characters, at least four different",
            hint="four or five words that do not belong together are easy to keep",
        )  # fmt: skip


async def hashed(password: str) -> str:
    return await asyncio.to_thread(lambda: _hasher().hash(password))


async def is_right(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed. `None` takes as long, and is never right."""
    return await asyncio.to_thread(_is_right, kept, password)


def _is_right(kept: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(kept or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def code_step(secret: str, code: str, clock: Clock, after: int) -> int | None:
    """The number of the half minute that a code is of (RFC 6238); None if it is wrong or was used.

    The halves before and after are taken too: clocks of phones differ.
    """
    from pyotp import TOTP

    now = int(clock.now().timestamp()) // _STEP_S
    right = [
        step
        for step in (now - 1, now, now + 1)
        if secrets.compare_digest(TOTP(secret).at(step * _STEP_S).encode(), code.encode())
        and step > after
    ]
    return right[0] if right else None
