"""Slices of several lengths of bars that close at one moment are handed on together (R1)."""

from __future__ import annotations

import itertools

import pytest

from algotrader.core.events import HeartbeatMissed, SliceClosed
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.live.joining import SliceJoiner

QUARTER, HOUR, DAY = Timeframe.parse("15m"), Timeframe.parse("1h"), Timeframe.parse("1d")
MIDNIGHT = 19_900 * DAY_MS


def closed(frame: str, at: int) -> SliceClosed:
    return SliceClosed(
        ts_event=at, ts_known=at, timeframe=frame, decision_ts=at, instruments=(), missing=()
    )


def told(joiner: SliceJoiner, *events: SliceClosed, at_s: float = 0.0) -> list[tuple[str, ...]]:
    return [
        tuple(one.timeframe for one in together if isinstance(one, SliceClosed))
        for event in events
        for together in joiner.hear(event, at_s)
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(("15m", "1h", "1d"))))
def test_what_closes_at_midnight_is_told_together_whichever_feed_was_quicker(
    order: tuple[str, ...],
) -> None:
    joiner = SliceJoiner((QUARTER, HOUR, DAY))

    assert told(joiner, *(closed(frame, MIDNIGHT) for frame in order)) == [("15m", "1h", "1d")]


def test_a_slice_waits_for_nobody_whose_bars_do_not_close_then() -> None:
    joiner = SliceJoiner((QUARTER, HOUR, DAY))

    assert told(joiner, closed("15m", MIDNIGHT + QUARTER.ms)) == [("15m",)]
    assert told(joiner, closed("15m", MIDNIGHT + HOUR_MS)) == []
    assert told(joiner, closed("1h", MIDNIGHT + HOUR_MS)) == [("15m", "1h")]


def test_half_an_hour_comes_before_an_hour_though_its_text_comes_after() -> None:
    joiner = SliceJoiner((HOUR, Timeframe.parse("30m")))

    assert told(joiner, closed("1h", MIDNIGHT), closed("30m", MIDNIGHT)) == [("30m", "1h")]


def test_a_week_closes_on_monday() -> None:
    joiner = SliceJoiner((DAY, Timeframe.parse("1w")))
    monday = 4 * DAY_MS + 7 * DAY_MS * 2_800

    assert told(joiner, closed("1d", monday - DAY_MS)) == [("1d",)]
    assert told(joiner, closed("1d", monday), closed("1w", monday)) == [("1d", "1w")]


def test_a_slice_that_does_not_come_is_waited_for_no_longer_than_said() -> None:
    joiner = SliceJoiner((QUARTER, HOUR), patience_s=15.0)

    assert told(joiner, closed("15m", MIDNIGHT), at_s=100.0) == []
    assert joiner.due(114.9) == []
    assert joiner.due(115.0) == [(closed("15m", MIDNIGHT),)]
    # It comes after all: alone, and nothing of it is lost.
    assert told(joiner, closed("1h", MIDNIGHT), at_s=116.0) == [("1h",)]


def test_a_slice_that_was_overtaken_by_the_next_of_its_length_is_not_waited_for() -> None:
    joiner = SliceJoiner((QUARTER, HOUR))
    told(joiner, closed("15m", MIDNIGHT))

    assert told(joiner, closed("1h", MIDNIGHT + HOUR_MS)) == [("15m",)]


def test_everything_but_slices_goes_on_at_once() -> None:
    joiner = SliceJoiner((QUARTER, HOUR))
    silent = HeartbeatMissed(
        ts_event=1, ts_known=1, component="bars:OKX:BTC/USDT 1h", last_seen_ms=None, allowed_ms=1
    )
    told(joiner, closed("15m", MIDNIGHT))

    assert joiner.hear(silent, 0.0) == [(silent,)]
