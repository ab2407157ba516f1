"""Check a bare file or a series of the lake, and say it as rows for a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from algotrader.core.errors import DataError
from algotrader.data.coverage import coverage_of
from algotrader.data.files import file_symbol, timeframe_of
from algotrader.data.funding import clean_funding, funding_coverage
from algotrader.data.grids import ascending, calendar_for
from algotrader.data.lake import Lake
from algotrader.data.layout import FUNDING, SeriesKey
from algotrader.data.manifest import grade_of
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Level
from algotrader.data.tables import BarTable, read_tables

Rows = list[dict[str, Any]]


def check_file(path: Path, timeframe: str | None, calendar: str | None) -> tuple[Rows, Rows]:
    """Findings of every instrument of a file, as it was received, and a summary of each."""
    tables = read_tables(path)
    if len(tables) == 1 and set(tables[0].columns) == {"funding_rate"}:
        return [], [_funding_summary(path, tables[0])]
    frame = timeframe_of(tables, timeframe, str(path))
    findings: Rows = []
    summary: Rows = []
    for table in tables:
        symbol = file_symbol(path, table.symbol_text)
        stamps = ascending(table.ts)
        trades = calendar_for(symbol, stamps, frame, calendar)
        found = check_table(table, frame, trades, f"{symbol} {frame}")
        measured = coverage_of(stamps, frame, trades)
        grade = grade_of(measured, any(f.level == Level.ERROR for f in found))
        findings += [f.as_dict() for f in found]
        summary.append(_summary(f"{symbol} {frame}", len(stamps), measured.share, grade))
    return findings, summary


def check_lake(lake: Lake, keys: Sequence[SeriesKey]) -> tuple[Rows, Rows, list[DataError]]:
    """Findings and a summary of each series; files that cannot be read do not hide the others."""
    findings: Rows = []
    summary: Rows = []
    damaged: list[DataError] = []
    for key in keys:
        try:
            found, about = check_series(lake, key)
        except DataError as error:
            damaged.append(error)
        else:
            findings += found
            summary.append(about)
    return findings, summary, damaged


def check_series(lake: Lake, key: SeriesKey) -> tuple[Rows, dict[str, Any]]:
    """Findings of a curated series; its manifest is written anew."""
    made = lake.describe(key)
    table, _ = lake.read_table(key)
    _, found = lake.judge(key, table, made.calendar)
    return [f.as_dict() for f in found], _summary(str(key), made.rows, made.coverage, made.grade)


def _funding_summary(path: Path, table: BarTable) -> dict[str, Any]:
    """Rates have no rules of bars: what is no settlement is refused, what lacks is measured."""
    settled = clean_funding(table)
    measured = funding_coverage(settled.ts)
    name = f"{file_symbol(path)} {FUNDING}"
    return _summary(name, len(settled), measured.share, grade_of(measured, has_errors=False))


def _summary(series: str, bars: int, share: float, grade: str) -> dict[str, Any]:
    return {"series": series, "bars": bars, "coverage": share, "grade": grade}
