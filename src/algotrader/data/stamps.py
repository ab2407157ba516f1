"""Time stamps of files, as numbers or as text, to UTC milliseconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError
from algotrader.core.timeframes import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    import polars as pl

_OFFSET = r"(?:Z|UTC|[+-]\d{2}:?\d{2})$"
_DATES = (
    (r"^\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"^\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"^\d{1,2}/\d{1,2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"^\d{1,2}/\d{1,2}/\d{2}\b", ("%m/%d/%y", "%d/%m/%y")),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"^\d{8}(?:$|[ T])", ("%Y%m%d",)),
)
_TIMES = (
    (r"^\d{1,2}:\d{2}:\d{2}\.\d+$", "%H:%M:%S%.f"),
    (r"^\d{1,2}:\d{2}:\d{2}$", "%H:%M:%S"),
    (r"^\d{1,2}:\d{2}$", "%H:%M"),
    (r"^\d{4}$", "%H%M"),
)
# Bounds of "now" in each unit: seconds are 10 digits, milliseconds 13, and so on.
_UNITS = ((1e11, 1000.0, 1), (1e14, 1.0, 1), (1e17, 1.0, 1000), (np.inf, 1.0, 1_000_000))


def to_utc_ms(column: pl.Series, source: str) -> NDArray[np.int64]:
    """Stamps of one column, shape (n,), as UTC ms.

    Numbers are seconds, milliseconds, microseconds, nanoseconds or YYYYMMDD by their size; text
    is a date with an optional time and offset; text without an offset is read as UTC. Where every
    stamp is midnight of its own offset the stamps are dates. DataError names row and value.
    """
    import polars as pl

    if column.null_count():
        row = int(column.is_null().arg_true()[0])
        raise DataError(
            "data.stamp_missing",
            f"{source}: row {row + 1} has no time stamp",
            hint="delete the row, or name the column with the stamps: algotrader data import FILE --map ts=COLUMN",
        )
    if column.dtype == pl.Date:
        return _int64(column.cast(pl.Datetime("ms")))
    if isinstance(column.dtype, pl.Datetime):
        return _int64(column.dt.convert_time_zone("UTC") if column.dtype.time_zone else column)
    if column.dtype.is_integer() or column.dtype.is_float():
        return _from_numbers(column.cast(pl.Float64).to_numpy(), column, source)
    if column.dtype == pl.String:
        return _from_text(column.str.strip_chars(), source)
    raise DataError(
        "data.stamp_type",
        f"{source}: column {column.name!r} of type {column.dtype} holds no time stamps",
        hint="name the column with the stamps: algotrader data import FILE --map ts=COLUMN",
    )


def _int64(column: pl.Series) -> NDArray[np.int64]:
    import polars as pl

    return column.cast(pl.Datetime("ms")).cast(pl.Int64).to_numpy().astype(np.int64)


def _from_numbers(values: NDArray[np.float64], column: pl.Series, source: str) -> NDArray[np.int64]:
    import polars as pl

    if len(values) and bool(np.all((values >= 1_0101) & (values <= 2200_1231))):
        return _from_text(column.cast(pl.Int64).cast(pl.String), source)
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    units = np.searchsorted([unit[0] for unit in _UNITS], np.abs(values), side="right")
    if len(np.unique(units)) > 1:
        row = int(np.flatnonzero(units != units[0])[0])
        raise DataError(
            "data.stamp_units",
            f"{source}: row {row + 1} has stamp {values[row]:.0f}, of another unit than "
            f"{values[0]:.0f} in row 1",
            hint="write all stamps in milliseconds",
        )
    _, factor, divisor = _UNITS[int(units[0])]
    if column.dtype.is_integer():
        whole = column.cast(pl.Int64).to_numpy()
        return (whole * int(factor) // divisor).astype(np.int64)
    return np.rint(values * factor / divisor).astype(np.int64)


def _from_text(column: pl.Series, source: str) -> NDArray[np.int64]:
    aware = column.str.contains(_OFFSET)
    has_offset = int(aware.sum())
    if 0 < has_offset < len(column):
        row = int((aware != aware[0]).arg_true()[0])
        raise DataError(
            "data.time_zones_mixed",
            f"{source}: time zones are mixed: row 1 is {column[0]!r}, row {row + 1} is "
            f"{column[row]!r}",
            hint="write every stamp with its offset, or every one in UTC",
        )
    bare = column.str.replace(r"\s*" + _OFFSET, "") if has_offset else column
    local = _parse_bare(bare, source)
    if not has_offset or not len(local):
        return local
    offsets = _offsets(column)
    _refuse_mixed_offsets(offsets, column, source)
    if bool(np.all(local % DAY_MS == 0)):
        return local  # a date label, as some vendors write it: 2024-03-11 00:00:00-04:00
    return local - offsets


def _parse_bare(column: pl.Series, source: str) -> NDArray[np.int64]:
    if not len(column):
        return np.zeros(0, dtype=np.int64)
    sample = column[0]
    for pattern, dates in _DATES:
        if (match := re.match(pattern, sample)) is None:
            continue
        glue, time = _time_format(sample[len(match[0].rstrip()) :])
        if time is None:
            break
        parsed = [_try(column, date + glue + time) for date in dates]
        best = min(parsed, key=lambda attempt: attempt.null_count())
        if (
            best.null_count() == 0
            and len(parsed) == 2
            and parsed[0].null_count() == parsed[1].null_count()
        ):
            best = _month_or_day_first(parsed, column, source)
        _refuse_unparsed(best, column, source)
        return _int64(best)
    raise DataError(
        "data.stamp_format",
        f"{source}: row 1 has stamp {sample!r}, which is no date that is understood",
        hint="use 2024-01-31, 2024-01-31 15:00, 2024-01-31T15:00:00Z, or milliseconds",
    )


def _time_format(rest: str) -> tuple[str, str | None]:
    """What stands between date and time, and the time's format; `None` if it is not understood."""
    if not rest.strip():
        return "", ""
    glue = rest[0]
    for pattern, form in _TIMES:
        if re.match(pattern, rest[1:].strip()):
            return glue, form
    return glue, None


def _try(column: pl.Series, form: str) -> pl.Series:
    import polars as pl

    if any(mark in form for mark in ("%H", "%M")):
        return column.str.to_datetime(form, strict=False, time_unit="ms", ambiguous="null")
    return column.str.to_date(form, strict=False).cast(pl.Datetime("ms"))


def _month_or_day_first(attempts: list[pl.Series], column: pl.Series, source: str) -> pl.Series:
    """01/02/2024 throughout: the reading in which the rows ascend, if only one does."""
    ascending = [a for a in attempts if bool(np.all(np.diff(_int64(a)) > 0))]
    if len(ascending) == 1:
        return ascending[0]
    if bool(np.array_equal(_int64(attempts[0]), _int64(attempts[1]))):
        return attempts[0]
    raise DataError(
        "data.stamp_ambiguous",
        f"{source}: {column[0]!r} may be month first or day first",
        hint="write dates as 2024-01-31",
    )


def _refuse_unparsed(parsed: pl.Series, column: pl.Series, source: str) -> None:
    if parsed.null_count():
        row = int(parsed.is_null().arg_true()[0])
        raise DataError(
            "data.stamp_format",
            f"{source}: row {row + 1} has stamp {column[row]!r}, unlike {column[0]!r} in row 1",
            hint="write every stamp in the same form",
        )


def _offsets(column: pl.Series) -> NDArray[np.int64]:
    """Offset from UTC of each stamp in ms."""
    import polars as pl

    parts = column.str.extract_groups(r"([+-])(\d{2}):?(\d{2})$").struct.unnest()
    sign = (parts["1"] == "-").fill_null(False)
    hours = parts["2"].cast(pl.Int64).fill_null(0).to_numpy()
    minutes = parts["3"].cast(pl.Int64).fill_null(0).to_numpy()
    size = hours * HOUR_MS + minutes * 60_000
    offsets: NDArray[np.int64] = np.where(sign.to_numpy(), -size, size).astype(np.int64)
    return offsets


def _refuse_mixed_offsets(offsets: NDArray[np.int64], column: pl.Series, source: str) -> None:
    """Two offsets an hour apart are one zone's clock change; anything else is two zones."""
    different = np.unique(offsets)
    if len(different) == 1 or (len(different) == 2 and different[1] - different[0] == HOUR_MS):
        return
    row = int(np.flatnonzero(np.abs(offsets - offsets[0]) > 0)[0])
    raise DataError(
        "data.time_zones_mixed",
        f"{source}: time zones are mixed: row 1 is {column[0]!r}, row {row + 1} is {column[row]!r}",
        hint="write every stamp in UTC",
    )
