"""What the quality check finds in the bars of a run: the reader of its figures must know.

Only errors that survive reading: rows that can be no bars are refused or set aside before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from algotrader.backtest.market import SuspectBars
from algotrader.core.bars import Bars
from algotrader.core.calendars import Calendar
from algotrader.core.symbols import Symbol
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Finding
from algotrader.data.tables import BarTable

VOLUME_UNIT: Final = "volume_unit"
RULES: Final = (
    "unexplained_split",
    "other_company",
    "bad_print",
    "interpolated",
    "stale",
    VOLUME_UNIT,
    "clock_change",
    "off_grid",
    "wrong_time_zone",
)
_COLUMNS: Final = ("open", "high", "low", "close", "volume")


def suspects_in(bars: Bars, calendar: Calendar) -> tuple[SuspectBars, ...]:
    """Errors of the quality check, one a rule and instrument; prices as adjusted on read."""
    found = []
    for column, symbol in enumerate(bars.symbols):
        own = bars.column(column) if bars.panel else bars
        findings = check_table(_table(own), bars.timeframe, calendar, str(symbol))
        found += [
            _suspect(symbol, [f for f in findings if f.rule == rule and f.level == "error"])
            for rule in RULES
            if any(f.rule == rule and f.level == "error" for f in findings)
        ]
    return tuple(found)


def without_mixed_volume(bars: Bars, suspects: Sequence[SuspectBars]) -> Bars:
    """Volume in two units limits no order: it is taken as unknown (R20)."""
    mixed = {suspect.symbol for suspect in suspects if suspect.rule == VOLUME_UNIT}
    if not mixed:
        return bars
    if not bars.panel:
        return replace(bars, volume=np.full(len(bars), np.nan))
    volume = np.array(bars.volume)
    volume[:, [symbol in mixed for symbol in bars.symbols]] = np.nan
    return replace(bars, volume=volume)


def _table(bars: Bars) -> BarTable:
    there = np.isfinite(bars.close)
    names = ("close",) if bars.close_only else _COLUMNS
    columns = {name: getattr(bars, name)[there] for name in names}
    return BarTable(ts=bars.ts[there], columns=columns, source=str(bars.symbol))


def _suspect(symbol: Symbol, findings: Sequence[Finding]) -> SuspectBars:
    return SuspectBars(
        rule=findings[0].rule,
        message=findings[0].message,
        symbol=symbol,
        bars=sum(finding.bars for finding in findings),
        first_ts=min(finding.first_ts for finding in findings),
    )
