"""The watch list: last price, change of the day, and whether the market is open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from algotrader.api.market_data import Floats, MarketData
from algotrader.core.calendars import ALWAYS_OPEN, Calendar, calendar_of, load_calendar
from algotrader.core.errors import AlgotraderError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data import sample
from algotrader.engine.state import EngineState

_BACK_MS: Final = 14 * DAY_MS  # the longest time a market is shut, and a day before it
_KEPT_S: Final = 60.0
_NEXT_MS: Final = 15 * DAY_MS


@dataclass(frozen=True, slots=True)
class _Series:
    """The newest bars of a series, as read at an instant of the monotonic clock."""

    ts: Floats
    close: Floats
    read_s: float


class Watching:
    """Keeps the newest bars of what is watched for a minute: a day ago does not change."""

    def __init__(self, market: MarketData) -> None:
        self._market = market
        self._kept: dict[tuple[Symbol, Timeframe], _Series] = {}

    def rows(
        self, state: EngineState | None, *, is_live: bool, now_ms: int
    ) -> list[dict[str, Any]]:
        """What is traded first, then what else there is data of. Reads files."""
        traded = () if state is None else tuple(state.settings.instruments)
        found = [self._row(symbol, state, is_live=is_live, now_ms=now_ms) for symbol in traded]
        others = {key.symbol for key in self._market.in_lake()} | set(sample.files())
        return found + [
            self._row(symbol, None, is_live=is_live, now_ms=now_ms)
            for symbol in sorted(others - set(traded))
        ]

    def _row(
        self, symbol: Symbol, state: EngineState | None, *, is_live: bool, now_ms: int
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"symbol": str(symbol), "traded": state is not None}
        row |= dict.fromkeys(("last", "at", "change", "is_open", "opens_at"))
        calendar = _calendar(symbol)
        if is_live and calendar is not None:
            row |= _hours(calendar, now_ms)
        frame = _frame(self._market.timeframes(symbol))
        if frame is None:
            return row
        try:
            series = self._series(symbol, frame)
        except AlgotraderError:
            return row  # what the Data page says of it is not said here again
        told = None if state is None else state.closes.get(symbol)
        if told is not None:
            return row | {"last": told.close, "at": told.ts_event} | _change(
                series, calendar, told.ts, told.close
            )  # fmt: skip
        if state is not None or not len(series.ts):
            return row
        ts, close = int(series.ts[-1]), float(series.close[-1])
        return row | {"last": close, "at": ts + frame.ms} | _change(series, calendar, ts, close)

    def _series(self, symbol: Symbol, frame: Timeframe) -> _Series:
        held = self._kept.get((symbol, frame))
        if held is None or time.monotonic() - held.read_s > _KEPT_S:
            ts, close = self._market.closes(symbol, frame)
            held = self._kept[symbol, frame] = _Series(ts, close, time.monotonic())
        return held


def _frame(names: list[str]) -> Timeframe | None:
    """The longest that is no longer than a day: the fewest bars that know of yesterday."""
    frames = [Timeframe.parse(name) for name in names]
    return max((one for one in frames if one.ms <= DAY_MS), key=lambda one: one.ms, default=None)


def _calendar(symbol: Symbol) -> Calendar | None:
    name = calendar_of(symbol)
    return None if name is None else load_calendar(name)


def _hours(calendar: Calendar, now_ms: int) -> dict[str, Any]:
    if calendar.never_closes or calendar.is_open(now_ms):
        return {"is_open": True}
    opens = [one.open_ms for one in calendar.sessions(now_ms - DAY_MS, now_ms + _NEXT_MS)]
    return {"is_open": False, "opens_at": min((at for at in opens if at > now_ms), default=None)}


def _change(
    series: _Series, calendar: Calendar | None, ts: int, close: float
) -> dict[str, float | None]:
    """Against the last close of the trading day before that of the bar opened at `ts`."""
    rules = calendar or load_calendar(ALWAYS_OPEN)
    first = int(np.searchsorted(series.ts, ts - _BACK_MS))
    stamps = series.ts[first : int(np.searchsorted(series.ts, ts))].astype(np.int64)
    if not len(stamps):
        return {"change": None}
    dates = rules.trading_date(np.append(stamps, ts))
    before = int(np.searchsorted(dates[:-1], dates[-1])) - 1
    reference = float(series.close[first + before]) if before >= 0 else 0.0
    known = reference > 0 and np.isfinite(reference)
    return {"change": close / reference - 1.0 if known else None}
