"""Calendars: when a market trades, which bars there are, and when each can be known.

>>> load_calendar("24/7").sessions_per_year
365

Names: `24/7` (crypto), `24/5` (weekdays, when nothing better is known), the code of a stock
exchange (`XNYS`, `XSHG`, `XHKG`, …), `CNF:<product>` for Chinese futures (`CNF:rb`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from algotrader.core.errors import DataError
from algotrader.core.sessions import recognise as matching
from algotrader.core.sessions.always_open import ALWAYS_OPEN, AlwaysOpen
from algotrader.core.sessions.calendar import Calendar, Ints, Session
from algotrader.core.sessions.chinese_futures import PREFIX, chinese_futures_table
from algotrader.core.sessions.exchange import default_cache_dir, load_table
from algotrader.core.sessions.recognise import WEEKDAYS, Recognised
from algotrader.core.sessions.table import SessionCalendar, SessionTable, weekdays_only
from algotrader.core.symbols import FILE_VENUE, FUTURES_VENUES, Symbol
from algotrader.core.timeframes import Timeframe

__all__ = [
    "ALWAYS_OPEN",
    "WEEKDAYS",
    "AlwaysOpen",
    "Calendar",
    "Recognised",
    "Session",
    "SessionCalendar",
    "SessionTable",
    "calendar_of",
    "load_calendar",
    "recognise",
]

_EXCHANGES: Final = {
    "US": "XNYS",
    "SSE": "XSHG",
    "SZSE": "XSHG",
    "BSE": "XSHG",
    "SEHK": "XHKG",
}
_RECOGNISED: Final = ("XNYS", "XSHG", "XHKG")
_WEEKDAY_YEARS: Final = (1970, 2100)
_PRODUCT: Final = re.compile(r"[A-Za-z]+")


def load_calendar(name: str, cache_dir: Path | None = None) -> Calendar:
    """The calendar called `name`; ConfigurationError if there is none.

    Exchanges are compiled at their first use (a second or two) and kept in `cache_dir`, by
    default the user's cache folder; later uses take milliseconds and do not import pandas.
    """
    return _load(name, cache_dir or default_cache_dir())


def calendar_of(symbol: Symbol) -> str | None:
    """The name of the calendar an instrument trades by; None for a bare file: `recognise` it."""
    if symbol.venue == FILE_VENUE:
        return None
    if symbol.venue in FUTURES_VENUES:
        product = _PRODUCT.match(symbol.code)
        return f"{PREFIX}{product[0] if product else symbol.code}"
    return _EXCHANGES.get(symbol.venue, ALWAYS_OPEN)


def recognise(ts: Ints, timeframe: Timeframe, cache_dir: Path | None = None) -> Recognised:
    """Which calendar the bars opened at `ts` (ascending, UTC ms) follow.

    Weekends traded like other days mean `24/7`. Else that of New York, Shanghai and Hong Kong
    whose days and hours the bars keep to, else `24/5`. `agreement` is the share of the expected
    bars that is there. DataError without stamps.
    """
    if ts.size == 0:
        raise DataError("data.empty", "no bars, so no calendar can be recognised")
    stamps = np.asarray(ts, dtype=np.int64)
    if matching.never_closes(stamps, timeframe):
        return matching.agreement_with(stamps, timeframe, AlwaysOpen())
    folder = cache_dir or default_cache_dir()
    candidates = {name: SessionCalendar(name, load_table(name, folder)) for name in _RECOGNISED}
    found = matching.best_match(stamps, timeframe, candidates)
    return found or matching.agreement_with(stamps, timeframe, load_calendar(WEEKDAYS))


@lru_cache(maxsize=64)
def _load(name: str, cache_dir: Path) -> Calendar:
    if name == ALWAYS_OPEN:
        return AlwaysOpen()
    if name == WEEKDAYS:
        return weekdays_only(WEEKDAYS, *_WEEKDAY_YEARS)
    if name.startswith(PREFIX):
        shanghai = load_table("XSHG", cache_dir)
        return SessionCalendar(name, chinese_futures_table(name.removeprefix(PREFIX), shanghai))
    return SessionCalendar(name, load_table(name, cache_dir))
