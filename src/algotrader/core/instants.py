"""Instants: aware UTC `datetime` in records, whole UTC milliseconds in arrays and events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def utc_ms(at: datetime) -> int:
    """UTC milliseconds of an aware time, parts of a millisecond dropped; ValueError if naive.

    >>> utc_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    return (require_aware(at) - _EPOCH) // _MILLISECOND


def utc_at(ms: int) -> datetime:
    """The aware UTC time of `ms` milliseconds since 1970."""
    return _EPOCH + ms * _MILLISECOND


def require_aware(at: datetime) -> datetime:
    """`at` itself; ValueError if it names no zone, because then it names no instant."""
    if at.utcoffset() is None:
        raise ValueError(f"a time needs a zone: {at}")
    return at
