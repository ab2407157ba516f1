"""What every event has, and the check that it holds numbers a journal can keep."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec


class EventBase(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag=True,
    forbid_unknown_fields=True,
):
    """What every event has. A change of fields raises `version` and adds an upcaster."""

    version: ClassVar[int] = 1

    ts_event: int  # UTC ms, by the clock of where it happened
    ts_known: int  # UTC ms, by ours; may be earlier than ts_event by the skew of the clocks
    v: int = 1

    def __post_init__(self) -> None:
        if self.v != self.version:
            raise ValueError(f"{type(self).__name__} is at version {self.version}, not {self.v}")

    @property
    def kind(self) -> str:
        return type(self).__name__


def require_finite(owner: object, name: str, value: float) -> None:
    """ValueError for NaN and infinity, which no journal can keep."""
    if not math.isfinite(value):
        raise ValueError(f"{owner} {name} must be a finite number in an event, got {value}")
