"""Live bars: told once, in slices, late and corrected ones marked, gaps asked for."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader.core.events import BarClosed, HeartbeatMissed, SliceClosed
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.live_bars import BarKeeper, KeeperSettings, Missing, Moment, RawBar

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
NOON = 1_704_110_400_000  # 2024-01-01 12:00 UTC
GRACE = 10_000
AHEAD = 7  # the venue's clock is so many ms ahead of ours


def at(ms: int) -> Moment:
    return Moment(venue_ms=NOON + ms, our_ms=NOON + ms - AHEAD)


def keeper(start: int = 1, since: int = 0, **changes: Any) -> BarKeeper:
    """Opened `start` ms after noon, wanting bars from `since` ms after noon on."""
    settings = {"timeframe": Timeframe(HOUR_MS), "source": "OKX", "grace_ms": GRACE} | changes
    return BarKeeper([ETH, BTC], KeeperSettings(**settings), NOON + since, at(start))


def bar(symbol: Symbol, hour: int, close: float = 100.0) -> RawBar:
    """The bar that opens `hour` hours after noon."""
    return RawBar(instrument=symbol, ts=NOON + hour * HOUR_MS, values=(100, 101, 99, close, 5))


def bars_of(events: list[Any]) -> list[tuple[str, int, int, bool]]:
    """Instrument, hour, revision, late."""
    return [
        (str(e.instrument), (e.ts - NOON) // HOUR_MS, e.revision, e.is_late)
        for e in events if isinstance(e, BarClosed)
    ]  # fmt: skip


def slices_of(events: list[Any]) -> list[tuple[int, tuple[Symbol, ...], tuple[Symbol, ...]]]:
    return [
        ((e.decision_ts - NOON) // HOUR_MS, e.instruments, e.missing)
        for e in events if isinstance(e, SliceClosed)
    ]  # fmt: skip


def test_a_slice_is_complete_when_its_last_bar_comes() -> None:
    made = keeper()
    made.take(bar(BTC, -1), at(1)), made.take(bar(ETH, -1), at(1))
    first = made.take(bar(ETH, 0), at(HOUR_MS + 5))
    assert (bars_of(first), slices_of(first)) == ([("OKX:ETH/USDT", 0, 0, False)], [])
    second = made.take(bar(BTC, 0), at(HOUR_MS + 6))
    assert slices_of(second) == [(1, (BTC, ETH), ())]
    told = second[0]
    assert isinstance(told, BarClosed)
    assert (told.ts_event, told.ts_known) == (NOON + HOUR_MS, NOON + HOUR_MS + 6 - AHEAD)


def test_a_slice_waits_its_grace_and_goes_on_without_the_missing() -> None:
    made = keeper()
    made.take(bar(BTC, -1), at(1)), made.take(bar(ETH, -1), at(1))
    made.take(bar(BTC, 0), at(HOUR_MS + 5))
    assert slices_of(made.due(at(HOUR_MS + 5 + GRACE - 1))) == []
    assert slices_of(made.due(at(HOUR_MS + 5 + GRACE))) == [(1, (BTC,), (ETH,))]
    late = made.take(bar(ETH, 0), at(HOUR_MS + 20_000))
    assert (bars_of(late), slices_of(late)) == ([("OKX:ETH/USDT", 0, 0, True)], [])


def test_f20_a_slice_without_any_bar_waits_and_silence_is_told_once() -> None:
    made = keeper()
    made.take(bar(BTC, -1), at(1)), made.take(bar(ETH, -1), at(1))
    assert made.due(at(HOUR_MS + 60_000)) == []
    stale = made.due(at(2 * HOUR_MS + GRACE))
    assert [e.component for e in stale if isinstance(e, HeartbeatMissed)] == [
        "bars:OKX:BTC/USDT 1h", "bars:OKX:ETH/USDT 1h",
    ]  # fmt: skip
    assert made.due(at(2 * HOUR_MS + GRACE + 1)) == []
    back = made.take(bar(BTC, 1), at(2 * HOUR_MS + 60_000))
    assert bars_of(back) == [("OKX:BTC/USDT", 1, 0, False)]  # younger than one interval (R24)
    assert slices_of(made.take(bar(ETH, 1), at(2 * HOUR_MS + 60_001))) == [(2, (BTC, ETH), ())]
    assert bars_of(made.take(bar(BTC, 0), at(2 * HOUR_MS + 60_002))) == [
        ("OKX:BTC/USDT", 0, 0, True)
    ]


@pytest.mark.parametrize("ms", [HOUR_MS - 1, 0, -1])
def test_f43_a_bar_that_still_forms_is_not_told_whatever_the_source_says(ms: int) -> None:
    assert keeper(since=-5 * HOUR_MS).take(bar(BTC, 0), at(ms)) == []


def test_f45_a_corrected_bar_is_told_again_with_a_higher_revision() -> None:
    made = keeper()
    made.take(bar(BTC, -1), at(1)), made.take(bar(ETH, -1), at(2))
    assert made.take(bar(BTC, -1), at(3)) == []
    again = made.take(bar(BTC, -1, close=100.5), at(4))
    assert bars_of(again) == [("OKX:BTC/USDT", -1, 1, True)]
    assert bars_of(made.take(bar(BTC, -1, close=100.6), at(5))) == [("OKX:BTC/USDT", -1, 2, True)]


@pytest.mark.parametrize(
    "values",
    [(100, 99, 98, 100, 1), (100, 101, 100.5, 101, 1), (0, 101, 0, 100, 1),
     (float("nan"), 101, 99, 100, 1), (100, 101, 99, 100, -1), (-1, 1, -2, 0.5, 1)],
)  # fmt: skip
def test_f42_a_bad_print_is_kept_out_and_asked_for_again(values: Any) -> None:
    made = keeper()

    assert made.take(RawBar(instrument=BTC, ts=NOON - HOUR_MS, values=values), at(1)) == []
    assert made.quarantined == 1
    assert Missing(instrument=BTC, start_ms=NOON - HOUR_MS, end_ms=NOON) in made.missing(at(1))


def test_f44_a_bar_off_the_grid_is_no_bar_of_this_time_frame() -> None:
    odd = RawBar(instrument=BTC, ts=NOON - HOUR_MS + 60_000, values=(100, 101, 99, 100, 1))

    assert keeper(since=-5 * HOUR_MS).take(odd, at(1)) == []


def test_what_was_missed_while_we_were_away_is_late_but_for_the_newest_bar() -> None:
    made = keeper(since=-3 * HOUR_MS)
    assert made.missing(at(1)) == [
        Missing(instrument=BTC, start_ms=NOON - 3 * HOUR_MS, end_ms=NOON),
        Missing(instrument=ETH, start_ms=NOON - 3 * HOUR_MS, end_ms=NOON),
    ]
    told = [e for hour in (-3, -2, -1) for s in (BTC, ETH) for e in made.take(bar(s, hour), at(2))]
    assert [late for _, _, _, late in bars_of(told)] == [True, True, True, True, False, False]
    assert slices_of(told) == [(0, (BTC, ETH), ())]
    assert made.missing(at(3)) == []


def test_f40_a_gap_is_asked_for_as_a_range_and_given_up_after_three_answers() -> None:
    made = keeper(since=-6 * HOUR_MS)
    for hour in (-6, -3, -1):
        made.take(bar(BTC, hour), at(1))
    gaps = [one for one in made.missing(at(1)) if one.instrument == BTC]
    assert [((g.start_ms - NOON) // HOUR_MS, (g.end_ms - NOON) // HOUR_MS) for g in gaps] == [
        (-5, -3), (-2, -1),
    ]  # fmt: skip
    assert [made.answered(gaps[0]) for _ in range(3)][-1] == [
        NOON - 5 * HOUR_MS, NOON - 4 * HOUR_MS,
    ]  # fmt: skip
    for _ in range(5):  # one so young may yet come
        assert made.answered(gaps[1]) == []
    assert [one for one in made.missing(at(1)) if one.instrument == BTC] == [gaps[1]]


def test_weeks_begin_on_monday() -> None:
    week = Timeframe(7 * 24 * HOUR_MS)
    made = keeper(timeframe=week, since=-30 * 24 * HOUR_MS)

    (btc, _) = made.missing(at(1))
    assert btc.end_ms == NOON - 12 * HOUR_MS  # 2024-01-01 was a Monday


def test_a_slice_cannot_wait_longer_than_a_bar() -> None:
    with pytest.raises(ValueError, match="next one"):
        keeper(grace_ms=HOUR_MS)


@given(
    order=st.permutations([(s, h) for s in (BTC, ETH) for h in range(6)]),
    repeats=st.integers(0, 2**32),
    lag=st.integers(0, 3 * HOUR_MS),
)
def test_f41_f47_whatever_the_order_each_bar_is_told_once_and_each_slot_has_one_slice(
    order: list[tuple[Symbol, int]], repeats: int, lag: int
) -> None:
    made, draw = keeper(), random.Random(repeats)
    told: list[Any] = []
    waiting = sorted(order, key=lambda one: one[1] * HOUR_MS + draw.randrange(lag + 1))
    now = 1
    for symbol, hour in waiting:
        now = max(now, (hour + 1) * HOUR_MS + draw.randrange(lag + 1))
        told += made.due(at(now))
        for _ in range(1 + draw.randrange(2)):
            told += made.take(bar(symbol, hour), at(now))

    named = [(symbol, hour) for symbol, hour, _, _ in bars_of(told)]
    assert sorted(named) == sorted((str(s), h) for s, h in order)
    decided = [hour for hour, _, _ in slices_of(told)]
    assert decided == sorted(set(decided))
    for event in told:  # a slice speaks only of bars told before it, none of them late
        if isinstance(event, SliceClosed):
            before = told[: told.index(event)]
            in_time = {
                e.instrument for e in before
                if isinstance(e, BarClosed) and e.ts + HOUR_MS == event.decision_ts and not e.is_late
            }  # fmt: skip
            assert in_time == set(event.instruments)


def test_f09_what_a_doubted_source_gives_is_silent_until_its_next_bar() -> None:
    made = keeper()
    made.take(bar(BTC, -1), at(1)), made.take(bar(ETH, -1), at(2))
    told = made.doubted(at(10))

    assert [(one.kind, one.component) for one in told] == [
        ("HeartbeatMissed", "bars:OKX:BTC/USDT 1h"), ("HeartbeatMissed", "bars:OKX:ETH/USDT 1h")
    ]  # fmt: skip
    assert made.doubted(at(11)) == []  # told once
    made.take(bar(BTC, 0), at(HOUR_MS + 5))
    assert [one.component for one in made.doubted(at(HOUR_MS + 6))] == ["bars:OKX:BTC/USDT 1h"]
