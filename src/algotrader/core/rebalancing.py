"""When a target is looked at: the four words of R10."""

from __future__ import annotations

from enum import StrEnum


class RebalanceKind(StrEnum):
    ON_CHANGE = "on_change"  # when its number differs from the last one acted on
    EVERY_BAR = "every_bar"
    SCHEDULE = "schedule"
    BAND = "band"  # at every decision, unless what is held is near enough
