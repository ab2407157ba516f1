"""Rows that cannot be bars: refused one by one by name, or set aside with the reason (F42)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError
from algotrader.data.columns import PRICES
from algotrader.data.tables import BarTable

OnError = Literal["refuse", "quarantine"]

_TOLERANCE = 1e-9  # relative: prices multiplied by a factor may cross by the last bit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason why rows are no bars: which rows, and how the first reads."""

    code: str
    rows: NDArray[np.int64]
    message: str  # about the first row, with its value
    hint: str


def stamp_text(ts: int) -> str:
    """A time stamp as messages write it."""
    try:
        return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return f"{ts} ms"


def faults_of(table: BarTable) -> list[Fault]:
    """Every kind of wrong row in the table, disorder and duplicates first."""
    found = [_disorder(table), _duplicates(table)]
    for name in PRICES:
        if name in table.columns:
            found += [_not_finite(table, name), _not_positive(table, name)]
    found += [_negative_volume(table), _crossed(table), _outside(table)]
    return [fault for fault in found if fault is not None]


def refuse(table: BarTable) -> BarTable:
    """The table itself. DataError about the first wrong row, if there is one."""
    for fault in faults_of(table):
        more = len(fault.rows) - 1
        tail = f" (and {more} more such {'row' if more == 1 else 'rows'})" if more else ""
        raise DataError(fault.code, f"{table.source}: {fault.message}{tail}", hint=fault.hint)
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Rows set aside, with the reason of each."""

    table: BarTable
    reasons: tuple[str, ...]  # one a row of `table`

    def counts(self) -> dict[str, int]:
        return {reason: self.reasons.count(reason) for reason in sorted(set(self.reasons))}


def quarantine(table: BarTable) -> tuple[BarTable, Quarantined]:
    """Good rows in order, and the others with a reason each. Nothing is invented or mended.

    Of rows with the same stamp the first is kept if all are equal; else none is.
    """
    order = np.argsort(table.ts, kind="stable")
    ordered = table.take(order)
    reasons = np.full(len(ordered), "", dtype=object)
    same = _same_stamp(ordered.ts)
    for first, last in same:
        equal = all(_equal(values[first:last]) for values in ordered.columns.values())
        reasons[first + 1 : last] = "duplicate"
        if not equal:
            reasons[first:last] = "contradicting duplicate"
    for fault in faults_of(ordered):
        if fault.code not in ("data.unsorted", "data.duplicate"):
            reasons[fault.rows] = fault.code.removeprefix("data.")
    bad = reasons != ""
    aside = Quarantined(table=ordered.take(bad), reasons=tuple(str(r) for r in reasons[bad]))
    return ordered.take(~bad), aside


def _same_stamp(ts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Runs of equal stamps in ordered `ts`, as `[first, last)`."""
    edges = np.flatnonzero(np.diff(ts)) + 1
    bounds = [0, *edges.tolist(), len(ts)]
    return [(a, b) for a, b in pairwise(bounds) if b - a > 1]


def _equal(values: NDArray[np.float64]) -> bool:
    return bool(np.all((values == values[0]) | (np.isnan(values) & np.isnan(values[0]))))


def _disorder(table: BarTable) -> Fault | None:
    rows = np.flatnonzero(np.diff(table.ts) < 0) + 1
    if not len(rows):
        return None
    row = int(rows[0])
    newest_first = len(rows) == len(table) - 1
    return Fault(
        code="data.unsorted", rows=rows,
        message="the rows are newest first" if newest_first else
        f"row {row + 1} ({stamp_text(int(table.ts[row]))}) is earlier than the row before it "
        f"({stamp_text(int(table.ts[row - 1]))})",
        hint="sort the rows by time, or import it: algotrader data import FILE --on-error quarantine, which sorts",
    )  # fmt: skip


def _duplicates(table: BarTable) -> Fault | None:
    if bool(np.all(np.diff(table.ts) > 0)):
        return None
    order = np.argsort(table.ts, kind="stable")
    again = np.sort(order[1:][np.diff(table.ts[order]) == 0])
    if not len(again):
        return None
    row = int(again[0])
    return Fault(
        code="data.duplicate", rows=again,
        message=f"row {row + 1} repeats the stamp {stamp_text(int(table.ts[row]))}",
        hint="keep one row a bar, or import it: algotrader data import FILE --on-error quarantine",
    )  # fmt: skip


_MEND = (
    "correct or delete the row, or set it aside: algotrader data import FILE --on-error quarantine"
)


def _fault(table: BarTable, code: str, bad: NDArray[np.bool_], names: tuple[str, ...],
           what: str) -> Fault | None:  # fmt: skip
    rows = np.flatnonzero(bad)
    if not len(rows):
        return None
    row = int(rows[0])
    values = ", ".join(f"{name} {table.columns[name][row]:.10g}" for name in names)
    return Fault(code=code, rows=rows, hint=_MEND,
                 message=f"row {row + 1} ({stamp_text(int(table.ts[row]))}) has {values}{what}")  # fmt: skip


def _not_finite(table: BarTable, name: str) -> Fault | None:
    fault = _fault(
        table, "data.nan", ~np.isfinite(table.columns[name]), (name,), ", which is no price"
    )
    if fault is None or not np.isnan(table.columns[name][row := int(fault.rows[0])]):
        return fault
    at = stamp_text(int(table.ts[row]))
    return replace(fault, message=f"row {row + 1} ({at}) has no {name}: the cell is empty, or nan")


def _not_positive(table: BarTable, name: str) -> Fault | None:
    bad = table.columns[name] <= 0
    return _fault(table, "data.price_not_positive", bad, (name,), "; prices must be above 0")


def _negative_volume(table: BarTable) -> Fault | None:
    if "volume" not in table.columns:
        return None
    bad = (table.columns["volume"] < 0) | np.isinf(table.columns["volume"])
    return _fault(table, "data.volume_negative", bad, ("volume",), "; volume must be 0 or more")


def _crossed(table: BarTable) -> Fault | None:
    if table.is_close_only:
        return None
    high, low = table.columns["high"], table.columns["low"]
    return _fault(table, "data.high_below_low", high < low * (1 - _TOLERANCE), ("high", "low"),
                  ": the high is below the low")  # fmt: skip


def _outside(table: BarTable) -> Fault | None:
    if table.is_close_only:
        return None
    opened, high, low, close = (table.columns[name] for name in PRICES)
    body_low, body_high = np.minimum(opened, close), np.maximum(opened, close)
    bad = (high < body_high * (1 - _TOLERANCE)) | (low > body_low * (1 + _TOLERANCE))
    bad &= high >= low
    return _fault(table, "data.outside_range", bad, PRICES,
                  ": open or close is outside low to high")  # fmt: skip
