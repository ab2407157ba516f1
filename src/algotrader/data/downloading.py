"""Fetch what is missing from a venue, and nothing else: download, resume and repair are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from algotrader.core.calendars import ALWAYS_OPEN, Calendar, calendar_of, load_calendar
from algotrader.core.errors import DataError
from algotrader.core.instruments import Instrument
from algotrader.core.ports import Clock
from algotrader.core.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from algotrader.data.funding import LONGEST_INTERVAL_MS, clean_funding
from algotrader.data.importing import Progress
from algotrader.data.instruments import load_instrument, save_instrument
from algotrader.data.lake import Lake, Written
from algotrader.data.layout import MARK, SeriesKey
from algotrader.data.manifest import Manifest, Source, rows_hash, with_source
from algotrader.data.rows import Quarantined, quarantine, stamp_text
from algotrader.data.source import HistorySource, Page
from algotrader.data.tables import BarTable

_JOIN_BARS = 50  # holes nearer than this are asked for in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a download or a repair did to one series."""

    key: SeriesKey
    asked: tuple[tuple[int, int], ...]  # spans that the venue was asked for, UTC ms
    written: Written
    quarantined: int
    manifest: Manifest


def fill(
    lake: Lake, source: HistorySource, key: SeriesKey, start_ms: int, end_ms: int, clock: Clock,
    progress: Progress | None = None,
) -> Filled:  # fmt: skip
    """Fetch the bars of `[start_ms, end_ms)` that the lake lacks, page by page, each kept at once.

    So an interruption loses at most a page, and the same command goes on. Bars that the venue
    does not have are marked `no_trades`, never invented. Funding stamps are treated alike.
    """
    now_ms = source.now_ms()
    end_ms = min(end_ms, now_ms)
    _keep_rules(lake, source.instrument(key.symbol))
    have = _stamps(lake, key)
    spans = holes(key, have, start_ms, end_ms, _known_absent(lake, key))
    counts = np.zeros(3, dtype=np.int64)
    aside = 0
    answered: list[tuple[int, int]] = []
    for span in spans:
        for page in _pages(source, key, span):
            written, bad = _keep(lake, key, page.table, clock)
            counts += (written.added, written.revised, written.unchanged)
            aside += bad
            # A venue may be late with its newest bars: what is not there yet may still come.
            answered.append((page.start_ms, min(page.end_ms, now_ms - _settled_ms(key))))
            if progress is not None:
                progress(page.end_ms - start_ms, end_ms - start_ms)
    if not lake.files(key):
        raise DataError(
            "data.range_empty",
            f"{source.name} has no {key.name}{' bars' if key.timeframe else ''} of {key.symbol} "
            "in that range",
            hint="ask for a later --start; the instrument may be younger",
        )
    manifest = lake.describe(key, lambda m: _told(m, lake, key, source, answered, clock), None)
    manifest = lake.describe(key) if answered else manifest  # absent bars are known only now
    total = Written(added=int(counts[0]), revised=int(counts[1]), unchanged=int(counts[2]))
    return Filled(key=key, asked=tuple(spans), written=total, quarantined=aside, manifest=manifest)


def _keep_rules(lake: Lake, told: Instrument) -> None:
    """What the venue says of the instrument now; margin tiers it no longer tells stay known."""
    known = load_instrument(lake.root, told.symbol)
    if known is not None and known.margin.tiers and not told.margin.tiers:
        told = replace(told, margin=known.margin)
    save_instrument(lake.root, told)


def repair(
    lake: Lake,
    source: HistorySource,
    key: SeriesKey,
    clock: Clock,
    progress: Progress | None = None,
) -> Filled:
    """Refill the holes between the first and the last bar of a series (F40), and only these."""
    have = _stamps(lake, key)
    if not len(have):
        raise DataError("data.symbol_missing", f"there are no {key.name} of {key.symbol} to repair",
                        hint=f"algotrader data download {key.symbol}")  # fmt: skip
    return fill(lake, source, key, int(have[0]), int(have[-1]) + 1, clock, progress)


def holes(
    key: SeriesKey, have: NDArray[np.int64], start_ms: int, end_ms: int,
    absent: tuple[tuple[int, int], ...] = (),
) -> list[tuple[int, int]]:  # fmt: skip
    """Spans `[first, last)` of bars expected and not there, nearby ones joined."""
    if end_ms <= start_ms:
        return []
    frame = key.timeframe
    if frame is None:
        return _funding_holes(have, start_ms, end_ms)
    wanted = _calendar(key).grid(frame, start_ms, end_ms)
    gone = wanted[~np.isin(wanted, have)]
    for first, last in absent:
        gone = gone[(gone < first) | (gone >= last)]
    if not len(gone):
        return []
    cuts = np.flatnonzero(np.diff(gone) > _JOIN_BARS * frame.ms) + 1
    return [(int(part[0]), int(part[-1]) + frame.ms) for part in np.split(gone, cuts)]


def _funding_holes(have: NDArray[np.int64], start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    edges = np.concatenate(([start_ms - 1], have[(have >= start_ms) & (have < end_ms)], [end_ms]))
    return [
        (a + 1, b)
        for a, b in pairwise(edges.tolist())
        if b - a > LONGEST_INTERVAL_MS + HOUR_MS // 2
    ]


def _settled_ms(key: SeriesKey) -> int:
    frame = key.timeframe
    return HOUR_MS if frame is None else max(HOUR_MS, 3 * frame.ms)


def _calendar(key: SeriesKey) -> Calendar:
    return load_calendar(calendar_of(key.symbol) or ALWAYS_OPEN)


def _stamps(lake: Lake, key: SeriesKey) -> NDArray[np.int64]:
    if not lake.files(key):
        return np.zeros(0, dtype=np.int64)
    return lake.read_table(key)[0].ts


def _known_absent(lake: Lake, key: SeriesKey) -> tuple[tuple[int, int], ...]:
    return lake.manifest(key).absent_at_venue if lake.files(key) else ()


def _pages(source: HistorySource, key: SeriesKey, span: tuple[int, int]) -> Iterator[Page]:
    frame = key.timeframe
    if frame is None:
        return source.funding(key.symbol, *span)
    return source.bars(key.symbol, frame, *span, mark=key.name.startswith(MARK))


def _keep(lake: Lake, key: SeriesKey, table: BarTable, clock: Clock) -> tuple[Written, int]:
    """One page into the lake; rows that are no bars are set aside with their reason (F42)."""
    nothing = Written(added=0, revised=0, unchanged=0)
    if not len(table):
        return nothing, 0
    lake.append_raw(key, table)
    frame = key.timeframe
    if frame is None:
        good, bad = clean_funding(table), 0
        known_at = good.ts
    else:
        good, aside = quarantine(table)
        bad = _set_aside(lake, key, aside)
        known_at = _calendar(key).known_at(good.ts, frame)
    if not len(good):
        return nothing, bad
    return lake.write_table(key, good, known_at, received_at=clock.now()), bad


def _set_aside(lake: Lake, key: SeriesKey, aside: Quarantined) -> int:
    if len(aside.table):
        lake.keep_aside(key, aside)
    return len(aside.table)


def _told(
    manifest: Manifest, lake: Lake, key: SeriesKey, source: HistorySource,
    answered: list[tuple[int, int]], clock: Clock,
) -> Manifest:  # fmt: skip
    """The manifest with the source, and with what the venue was asked for and does not have."""
    frame = key.timeframe
    if not answered:
        return manifest
    if frame is not None:
        manifest = replace(manifest, absent_at_venue=_absent(lake, key, frame, manifest, answered))
    table, _ = lake.read_table(key)
    asked = f"{stamp_text(answered[0][0])} to {stamp_text(answered[-1][1])}"
    entry = Source(
        name=f"{source.name}, {asked}", rows=len(table), received_at=clock.now().isoformat(),
        sha256=sha256((rows_hash(table) + asked).encode()).hexdigest(),
    )  # fmt: skip
    return with_source(manifest, entry)


def _absent(
    lake: Lake,
    key: SeriesKey,
    frame: Timeframe,
    manifest: Manifest,
    answered: list[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """Spans without bars although the venue answered for them, joined with those known before."""
    have = _stamps(lake, key)
    gone: set[int] = set()
    for first, last in (*answered, *manifest.absent_at_venue):
        if last <= first:
            continue
        wanted = _calendar(key).grid(frame, first, last)
        gone.update(wanted[~np.isin(wanted, have)].tolist())
    if not gone:
        return ()
    stamps = np.array(sorted(gone), dtype=np.int64)
    cuts = np.flatnonzero(np.diff(stamps) > frame.ms) + 1
    return tuple((int(p[0]), int(p[-1]) + frame.ms) for p in np.split(stamps, cuts))


def latest_start(lake: Lake, key: SeriesKey, default_ms: int) -> int:
    """Where a download without `--start` begins: at the first bar there is, else the default."""
    have = _stamps(lake, key)
    return int(have[0]) if len(have) else default_ms - default_ms % MINUTE_MS
