"""Bars of a feed, told once each: a feed brings the newest ones again after a restart."""

from __future__ import annotations

import msgspec

from algotrader.core.events import BarClosed, SliceClosed
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, MINUTE_MS
from algotrader.live.rows import LiveRows

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
MIDNIGHT = 1_704_067_200_000
BAR = BarClosed(
    ts_event=MIDNIGHT + HOUR_MS, ts_known=MIDNIGHT + HOUR_MS, instrument=BTC, timeframe="1h",
    ts=MIDNIGHT, open=1.0, high=2.0, low=0.5, close=1.5, volume=10.0, source="OKX",
)  # fmt: skip


def test_a_bar_of_the_journal_is_no_news_when_the_feed_brings_it_again() -> None:
    rows = LiveRows([])

    assert rows.hear(BAR)
    assert not rows.hear(msgspec.structs.replace(BAR, ts_known=BAR.ts_known + 90_000))


def test_a_bar_that_was_corrected_while_nobody_listened_is_news() -> None:
    rows = LiveRows([])
    rows.hear(BAR)

    assert rows.hear(msgspec.structs.replace(BAR, close=1.6))
    assert not rows.hear(msgspec.structs.replace(BAR, close=1.6))
    assert rows.hear(BAR)


def test_equal_figures_of_another_instrument_moment_or_length_are_news() -> None:
    rows = LiveRows([])
    rows.hear(BAR)
    quarter = msgspec.structs.replace(BAR, timeframe="15m", ts_event=BAR.ts + 15 * MINUTE_MS)

    assert rows.hear(msgspec.structs.replace(BAR, instrument=ETH))
    assert rows.hear(msgspec.structs.replace(BAR, ts=BAR.ts + HOUR_MS))
    assert rows.hear(quarter)


def test_every_slice_is_news() -> None:
    rows, at = LiveRows([]), BAR.ts_event
    closed = SliceClosed(
        ts_event=at, ts_known=at, timeframe="1h", decision_ts=at, instruments=(BTC,)
    )
    rows.hear(BAR)

    assert rows.hear(closed)
    assert not rows.hear(BAR)  # decided on: still no news
