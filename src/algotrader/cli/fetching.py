"""One series from a venue into the lake, with progress: what `data download` and the demo do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from algotrader.cli.output import Output
from algotrader.cli.progress import shown_progress
from algotrader.core.errors import UsageError
from algotrader.core.timeframes import DAY_MS

if TYPE_CHECKING:
    from algotrader.core.ports import Clock
    from algotrader.data.downloading import Filled
    from algotrader.data.lake import Lake
    from algotrader.data.layout import SeriesKey
    from algotrader.data.source import HistorySource


def fetch(
    out: Output, lake: Lake, source: HistorySource, key: SeriesKey,
    span: tuple[int | None, int | None], clock: Clock,
) -> Filled:  # fmt: skip
    """One series from a venue, with progress; without `span` from its first bar or a year ago."""
    from algotrader.data.downloading import fill, latest_start
    from algotrader.data.rows import stamp_text

    now = source.now_ms()
    first = span[0] if span[0] is not None else latest_start(lake, key, now - 365 * DAY_MS)
    end = now if span[1] is None else min(span[1], now)
    if first >= end:
        raise UsageError(
            "usage.range",
            f"the range is empty: it starts at {stamp_text(first)} and ends at {stamp_text(end)}",
            hint="give a --start before --end, and before now",
        )
    with shown_progress(out, str(key), counted=False) as progress:
        return fill(lake, source, key, first, end, clock, progress)
