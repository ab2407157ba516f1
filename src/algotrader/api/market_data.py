"""What the lake has, how complete it is, and bars for charts in as many as a screen can show."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrader.api.errors import not_found
from algotrader.backtest.report.encode import merge_bars, merge_factor
from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.events import BarClosed
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data import sample
from algotrader.data.coverage import coverage_of, days_of_month
from algotrader.data.grids import calendar_for
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.live_store import FILE, LiveStore
from algotrader.data.manifest import Manifest
from algotrader.ops.config import Configuration

Floats = NDArray[np.float64]


class MarketData:
    """Reads the lake, the live store and the bundled sample; writes nothing."""

    def __init__(self, configuration: Configuration) -> None:
        workspace = configuration.settings.workspace
        self._lake = Lake(configuration.path(workspace.lake))
        self._live = configuration.path(workspace.live)

    def series(self) -> list[dict[str, Any]]:
        """Every series of the lake, the damaged ones with the reason."""
        return [self._row(key) for key in self._lake.series()]

    def detail(self, symbol: str, name: str) -> dict[str, Any]:
        """Completeness by month, gaps, findings. ApiError 404 if there is no such series."""
        key = self._key(symbol, name)
        made = self._lake.manifest(key)
        return {
            "series": _of_manifest(key, made),
            "calendar": made.calendar,
            "months": self._months(key, made),
            "gaps": [
                {"begin": gap.start_ms, "end": gap.end_ms, "bars": gap.bars, "reason": gap.reason}
                for gap in made.missing
            ],
            "findings": dict(made.findings),
            "quarantined": dict(made.quarantined),
            "sources": [
                {"name": one.name, "received_at": one.received_at, "rows": one.rows}
                for one in made.sources
            ],
        }

    def days(self, symbol: str, name: str, month: str) -> list[dict[str, Any]]:
        """Bars due and bars there on each day of a month. ApiError 404 if there is no such series."""
        key = self._key(symbol, name)
        if (frame := key.timeframe) is None:
            return []
        made = self._lake.manifest(key)
        table, _ = self._lake.read_table(key, None, None, None)
        calendar = calendar_for(key.symbol, table.ts, frame, made.calendar)
        return [
            {"day": day, "expected": expected, "present": present}
            for day, expected, present in days_of_month(table.ts, frame, calendar, month)
        ]

    def _key(self, symbol: str, name: str) -> SeriesKey:
        key = SeriesKey(Symbol.parse(symbol), name)
        if key not in self._lake.series():
            raise not_found("series", f"{symbol} {name}", "GET /api/v1/data/series lists them")
        return key

    def bars(
        self, symbol: str, timeframe: str, begin: int | None, end: int | None, points: int
    ) -> dict[str, Any]:
        """Bars over `[begin, end)`, merged into at most `points`. DataError if there is none."""
        frame = Timeframe.parse(timeframe)
        source, table = self._columns(Symbol.parse(symbol), frame, begin, end)
        ts = table["ts"].astype(np.int64)
        factor = merge_factor(len(ts), points)
        columns = merge_bars(factor, ts, table["open"], table["high"], table["low"], table["close"])
        volume = table["volume"]
        if factor > 1 and len(ts):
            volume = np.add.reduceat(volume, np.arange(0, len(ts), factor))
        named = dict(zip(("ts", "open", "high", "low", "close"), columns, strict=True))
        return {
            "symbol": symbol, "timeframe": str(frame), "source": source, "merged": factor,
            "total": len(ts), "ts": named.pop("ts").tolist(),
            **{name: _plain(values) for name, values in (named | {"volume": volume}).items()},
        }  # fmt: skip

    def in_lake(self) -> list[SeriesKey]:
        """The series of the lake."""
        return self._lake.series()

    def closes(self, symbol: Symbol, frame: Timeframe) -> tuple[Floats, Floats]:
        """Opens (UTC ms) and closes of a series, ascending. ApiError 404 if there is none."""
        _, table = self._columns(symbol, frame, None, None)
        return table["ts"], table["close"]

    def timeframes(self, symbol: Symbol) -> list[str]:
        """Lengths of bars there are of a symbol."""
        found = [str(one) for one in self._lake.timeframes(symbol)]
        return found or (["1d"] if symbol in sample.files() else [])

    def _columns(
        self, symbol: Symbol, frame: Timeframe, begin: int | None, end: int | None
    ) -> tuple[str, dict[str, Floats]]:
        """Of the lake, with what came after it from the live store; else of the sample."""
        live = self._newest(symbol, frame, begin, end)
        key = SeriesKey.bars(symbol, frame)
        if key in self._lake.series():
            try:
                bars = self._lake.read_bars(
                    symbol, frame, None if begin is None else utc_at(begin),
                    None if end is None else utc_at(end),
                )  # fmt: skip
            except DataError:
                if not live:
                    raise
                return "live", _of_events(live)
            after = [bar for bar in live if bar.ts > int(bars.ts[-1])]
            return "lake", _joined(_of_bars(bars), _of_events(after))
        if live:
            return "live", _of_events(live)
        if symbol in sample.files() and frame == sample.DAILY:
            columns = _of_bars(sample.sample_bars(symbol))
            ts = columns["ts"]
            kept = (ts >= (begin or 0)) & (ts < (2**62 if end is None else end))
            return "sample", {name: values[kept] for name, values in columns.items()}
        raise not_found("series", f"{symbol} {frame}", f"algotrader data download {symbol}")

    def _newest(
        self, symbol: Symbol, frame: Timeframe, begin: int | None, end: int | None
    ) -> list[BarClosed]:
        if not (self._live / FILE).is_file():
            return []
        store = LiveStore(self._live)
        try:
            found = store.bars(symbol, str(frame))
        finally:
            store.close()
        last = 2**62 if end is None else end
        return [bar for bar in found if (begin or 0) <= bar.ts < last]

    def _months(self, key: SeriesKey, made: Manifest) -> list[dict[str, Any]]:
        frame = key.timeframe
        if frame is None:
            return []
        table, _ = self._lake.read_table(key, None, None, None)
        calendar = calendar_for(key.symbol, table.ts, frame, made.calendar)
        shares = coverage_of(table.ts, frame, calendar, made.absent_at_venue).months
        return [{"month": month, "coverage": share} for month, share in shares]

    def _row(self, key: SeriesKey) -> dict[str, Any]:
        try:
            return _of_manifest(key, self._lake.manifest(key))
        except DataError as error:
            empty = dict.fromkeys(
                ("bars", "first", "last", "expected", "present", "coverage", "gaps", "generated")
            )
            return {**empty, "symbol": str(key.symbol), "name": key.name, "grade": "damaged",
                    "error": error.message}  # fmt: skip


def _of_manifest(key: SeriesKey, made: Manifest) -> dict[str, Any]:
    return {
        "symbol": str(key.symbol), "name": key.name, "bars": made.rows, "first": made.first_ts,
        "last": made.last_ts, "expected": made.expected, "present": made.present,
        "coverage": made.coverage, "grade": made.grade, "gaps": len(made.missing),
        "generated": made.generated, "error": None,
    }  # fmt: skip


def _of_bars(bars: Bars) -> dict[str, Floats]:
    nothing = np.full(len(bars), np.nan)
    close = np.asarray(bars.close, np.float64)
    if bars.close_only:
        return {"ts": bars.ts.astype(np.float64), "open": close, "high": close, "low": close, "close": close,
                "volume": nothing}  # fmt: skip
    return {
        "ts": bars.ts.astype(np.float64), "open": bars.open, "high": bars.high, "low": bars.low, "close": close,
        "volume": bars.volume,
    }  # fmt: skip


def _of_events(bars: list[BarClosed]) -> dict[str, Floats]:
    names = ("ts", "open", "high", "low", "close", "volume")
    return {name: np.array([getattr(bar, name) for bar in bars], np.float64) for name in names}


def _joined(first: dict[str, Floats], after: dict[str, Floats]) -> dict[str, Floats]:
    return {name: np.concatenate((first[name], after[name])) for name in first}


def _plain(values: NDArray[Any]) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values]
