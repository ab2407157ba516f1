"""The manifest of a series: what it is, where it came from, and how far it can be trusted.

It lies beside the series as `manifest.json`, so that a backtest needs no network (promise 30).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from algotrader.core.calendars import Calendar
from algotrader.core.errors import DataError
from algotrader.data.coverage import Coverage, Missing
from algotrader.data.quality.findings import Finding, Level
from algotrader.data.tables import BarTable

FILE = "manifest.json"

# `quantity`: in the unit of an order's quantity. Anything else switches participation off (R20).
VolumeUnit = Literal["quantity", "other", "absent"]
Grade = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rows came from."""

    name: str  # file name, or venue and method
    sha256: str  # of the file, or of the rows received
    received_at: str  # ISO, UTC
    rows: int
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One curated series. Times are UTC ms, shares are fractions."""

    symbol: str
    name: str  # `1h`, `mark-1h`, `funding`
    calendar: str
    rows: int  # bars, the last version of each
    first_ts: int
    last_ts: int
    expected: int
    present: int
    no_trades: int
    coverage: float
    missing: tuple[Missing, ...]
    sha256: str  # of the bars' last versions
    volume: VolumeUnit
    close_only: bool
    adjustment: tuple[str, ...]  # columns that prices are adjusted by on read
    generated: bool = False  # made by the package's own generator, not by a market
    sources: tuple[Source, ...] = ()
    quarantined: Mapping[str, int] = field(default_factory=dict)  # reason → rows set aside
    findings: Mapping[str, int] = field(default_factory=dict)  # rule → bars, errors and warnings
    grade: Grade = "D"
    absent_at_venue: tuple[tuple[int, int], ...] = ()  # asked for, and the venue has no bars
    files: Mapping[str, int] = field(default_factory=dict)  # name → bytes described here


def describe(
    table: BarTable,
    measured: Coverage,
    calendar: Calendar,
    findings: Sequence[Finding],
    before: Manifest | None,
    *,
    symbol: str,
    name: str,
) -> Manifest:
    """A manifest of the series' rows as they are now; sources and the like carry over."""
    serious = dict.fromkeys(sorted({f.rule for f in findings if f.level != Level.NOTE}), 0)
    for finding in findings:
        if finding.level != Level.NOTE:
            serious[finding.rule] += finding.bars
    return Manifest(
        symbol=symbol, name=name, calendar=calendar.name, rows=len(table),
        first_ts=int(table.ts[0]), last_ts=int(table.ts[-1]),
        expected=measured.expected, present=measured.present, no_trades=measured.no_trades,
        coverage=measured.share, missing=measured.missing, sha256=rows_hash(table),
        volume=_volume_unit(table, serious, before), close_only=table.is_close_only,
        adjustment=tuple(n for n in ("adj_close", "price_factor", "split_factor") if n in table.columns),
        generated=before.generated if before else False,
        sources=before.sources if before else (),
        quarantined=before.quarantined if before else {},
        findings=serious, absent_at_venue=before.absent_at_venue if before else (),
        grade=grade_of(measured, any(f.level == Level.ERROR for f in findings)),
    )  # fmt: skip


def grade_of(measured: Coverage, has_errors: bool) -> Grade:
    """A: 99.9 % and no error. B: 99.5 % and no error. C: 95 %, or errors. D: less than 95 %."""
    if measured.share < 0.95:
        return "D"
    if has_errors or measured.share < 0.995:
        return "C"
    return "A" if measured.share >= 0.999 else "B"


def rows_hash(table: BarTable) -> str:
    """sha256 of stamps and columns by name, little endian."""
    digest = sha256(np.ascontiguousarray(table.ts, dtype="<i8").tobytes())
    for name in sorted(table.columns):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(table.columns[name], dtype="<f8").tobytes())
    return digest.hexdigest()


def _volume_unit(
    table: BarTable, serious: Mapping[str, int], before: Manifest | None
) -> VolumeUnit:
    volume = table.columns.get("volume")
    if volume is None or not bool(np.any(volume > 0)):
        return "absent"
    if "volume_unit" in serious or (before is not None and before.volume == "other"):
        return "other"
    return "quantity"


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def read(folder: Path) -> Manifest | None:
    """The manifest in a series' folder, `None` if there is none. DataError if it is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.DecodeError, OSError) as error:
        raise DataError(
            "data.manifest_damaged",
            f"{path} cannot be read: {error}",
            hint="delete that file, which holds no prices; `algotrader data check` writes it anew",
        ) from error


def with_source(manifest: Manifest, source: Source) -> Manifest:
    """The manifest with one more source; the same file twice is one."""
    if any(s.sha256 == source.sha256 and s.name == source.name for s in manifest.sources):
        return manifest
    return replace(manifest, sources=(*manifest.sources, source))
