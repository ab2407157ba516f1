"""Chinese futures: day hours, and night sessions by product and date.

The trading dates are Shanghai's. The night session belongs to the next trading date: Friday's
night is Monday's. There is none when a weekday without trading lies between the evening and that
date (a holiday), and there was none in spring 2020. Hours are from the exchanges' notices; hours
before 2014 are taken as today's. China has had no summer time since 1991.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import ConfigurationError
from algotrader.core.sessions.calendar import Ints, week_of
from algotrader.core.sessions.table import SessionTable
from algotrader.core.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

PREFIX: Final = "CNF:"

Bools = NDArray[np.bool_]
_UTC_OFFSET_MS: Final = 8 * HOUR_MS

Span = tuple[str, str]  # opening and closing, Shanghai time; hours from 24 on are the next day's

_COMMODITY_DAY: Final[tuple[Span, ...]] = (
    ("09:00", "10:15"),
    ("10:30", "11:30"),
    ("13:30", "15:00"),
)
_INDEX_DAY: Final[tuple[Span, ...]] = (("09:30", "11:30"), ("13:00", "15:00"))
_INDEX_DAY_TO_2015: Final[tuple[Span, ...]] = (("09:15", "11:30"), ("13:00", "15:15"))
_BOND_DAY: Final[tuple[Span, ...]] = (("09:30", "11:30"), ("13:00", "15:15"))
_BOND_DAY_TO_2020: Final[tuple[Span, ...]] = (("09:15", "11:30"), ("13:00", "15:15"))

_TO_2300: Final[Span] = ("21:00", "23:00")
_TO_2330: Final[Span] = ("21:00", "23:30")
_TO_0100: Final[Span] = ("21:00", "25:00")
_TO_0230: Final[Span] = ("21:00", "26:30")

# Mid-autumn 2015 fell on a Sunday and closed no weekday, but the night before it: trading date.
_NIGHT_LEFT_OUT: Final = date(2015, 9, 28)
# No nights while the epidemic lasted: trading dates, both included.
_NIGHTS_SUSPENDED: Final = (date(2020, 2, 3), date(2020, 5, 6))

Nights = tuple[tuple[date, Span], ...]  # from which trading date on, which night session

# Products that share a history. The dates are trading dates: the first night was the evening
# before. A product that is listed without nights has an empty history.
_NIGHTS: Final[tuple[tuple[str, Nights], ...]] = (
    # SHFE and INE
    ("au ag", ((date(2013, 7, 8), _TO_0230),)),
    ("cu al zn pb", ((date(2013, 12, 23), _TO_0100),)),
    ("rb hc bu", ((date(2014, 12, 29), _TO_0100), (date(2016, 5, 4), _TO_2300))),
    ("ru", ((date(2014, 12, 29), _TO_2300),)),
    ("ni sn", ((date(2015, 3, 30), _TO_0100),)),
    ("sc", ((date(2018, 3, 27), _TO_0230),)),
    ("fu", ((date(2018, 7, 17), _TO_2300),)),
    ("sp", ((date(2018, 11, 28), _TO_2300),)),
    ("nr", ((date(2019, 8, 13), _TO_2300),)),
    ("ss", ((date(2019, 9, 26), _TO_0100),)),
    ("lu", ((date(2020, 6, 23), _TO_2300),)),
    ("bc", ((date(2020, 11, 20), _TO_0100),)),
    ("ao", ((date(2023, 6, 20), _TO_0100),)),
    ("br", ((date(2023, 7, 31), _TO_2300),)),
    ("ad", ((date(2025, 6, 11), _TO_0100),)),
    ("op", ((date(2025, 9, 11), _TO_2300),)),
    ("wr ec", ()),
    # DCE
    (
        "p j",
        (
            (date(2014, 7, 7), _TO_0230),
            (date(2015, 5, 11), _TO_2330),
            (date(2019, 4, 1), _TO_2300),
        ),
    ),
    (
        "m y a b jm i",
        (
            (date(2014, 12, 29), _TO_0230),
            (date(2015, 5, 11), _TO_2330),
            (date(2019, 4, 1), _TO_2300),
        ),
    ),
    ("c cs l v pp eg", ((date(2019, 4, 1), _TO_2300),)),
    ("rr", ((date(2019, 8, 19), _TO_2300),)),
    ("eb", ((date(2019, 9, 27), _TO_2300),)),
    ("pg", ((date(2020, 5, 7), _TO_2300),)),
    ("bz", ((date(2025, 7, 9), _TO_2300),)),
    ("jd lh fb bb lg", ()),
    # CZCE
    ("SR CF RM MA TA", ((date(2014, 12, 15), _TO_2330), (date(2019, 12, 12), _TO_2300))),
    ("FG OI ZC", ((date(2015, 6, 12), _TO_2330), (date(2019, 12, 12), _TO_2300))),
    ("CY", ((date(2017, 8, 21), _TO_2330), (date(2019, 12, 12), _TO_2300))),
    ("SA", ((date(2019, 12, 9), _TO_2330), (date(2019, 12, 12), _TO_2300))),
    ("PF", ((date(2020, 10, 13), _TO_2300),)),
    ("PX SH", ((date(2023, 9, 18), _TO_2300),)),
    ("PR", ((date(2024, 9, 2), _TO_2300),)),
    ("PL", ((date(2025, 7, 23), _TO_2300),)),
    ("AP CJ UR SM SF PK WH PM RI LR JR RS", ()),
    # GFEX
    ("si lc ps", ()),
)
_INDEX: Final = ("IF", "IH", "IC", "IM")
_BONDS: Final = ("TS", "TF", "T", "TL")

NIGHTS: Final[Mapping[str, Nights]] = MappingProxyType(
    {product: nights for names, nights in _NIGHTS for product in names.split()}
    | dict.fromkeys((*_INDEX, *_BONDS), ())
)
"""Every known product with the history of its night session."""


def chinese_futures_table(product: str, shanghai: SessionTable) -> SessionTable:
    """Sessions of one product (`rb`, `SR`, `IF`) over the trading dates of `shanghai`.

    ConfigurationError for a product that is not in the table: guessing its hours would place its
    bars wrongly.
    """
    if product not in NIGHTS:
        raise ConfigurationError(
            "calendar.unknown_product",
            f"the hours of Chinese futures product {product!r} are not known",
            hint=f"name a product with the same hours as calendar, for example {PREFIX}rb",
        )
    dates = shanghai.dates
    spans = [_night(product, dates), *_day(product, dates)]
    opens, closes = (np.column_stack(side) for side in zip(*spans, strict=True))
    return SessionTable.build(dates, opens, closes)


def _day(product: str, dates: Ints) -> list[tuple[Ints, Ints]]:
    """Spans of the day, one pair of columns each; -1 where a date lacks it."""
    if product in _INDEX:
        return _regimes(dates, _INDEX_DAY_TO_2015, date(2016, 1, 1), _INDEX_DAY)
    if product in _BONDS:
        return _regimes(dates, _BOND_DAY_TO_2020, date(2020, 7, 20), _BOND_DAY)
    return [_clock(dates, span) for span in _COMMODITY_DAY]


def _regimes(
    dates: Ints, before: tuple[Span, ...], change: date, after: tuple[Span, ...]
) -> list[tuple[Ints, Ints]]:
    changed = dates >= _midnight(change)
    columns = []
    for old, new in zip(before, after, strict=True):
        (old_open, old_close), (new_open, new_close) = _clock(dates, old), _clock(dates, new)
        columns.append(
            (np.where(changed, new_open, old_open), np.where(changed, new_close, old_close))
        )
    return columns


def _night(product: str, dates: Ints) -> tuple[Ints, Ints]:
    """The night before each trading date; -1 where there was none."""
    evenings = np.concatenate((dates[:1], dates[:-1]))  # the first date has no evening before it
    opens = np.full(dates.shape, -1, dtype=np.int64)
    closes = opens.copy()
    allowed = _follows_without_holiday(evenings, dates) & ~_suspended(dates)
    for since, span in NIGHTS[product]:
        held = allowed & (dates >= _midnight(since))
        opened, closed = _clock(evenings, span)
        opens = np.where(held, opened, opens)
        closes = np.where(held, closed, closes)
    return opens, closes


def _follows_without_holiday(evenings: Ints, dates: Ints) -> Bools:
    """Whether no weekday lies between: the next day, or from Friday to Monday."""
    weekend = (week_of(dates) == dates) & (evenings - week_of(evenings) == 4 * DAY_MS)
    gap = np.where(weekend, 3 * DAY_MS, DAY_MS)
    follows: Bools = dates - evenings == gap
    return follows


def _suspended(dates: Ints) -> Bools:
    first, last = (_midnight(day) for day in _NIGHTS_SUSPENDED)
    silent: Bools = ((dates >= first) & (dates <= last)) | (dates == _midnight(_NIGHT_LEFT_OUT))
    return silent


def _clock(days: Ints, span: Span) -> tuple[Ints, Ints]:
    """Opening and closing instants of `span`, Shanghai time, on each of `days`."""
    opened, closed = (_since_midnight(text) - _UTC_OFFSET_MS for text in span)
    return days + opened, days + closed


def _since_midnight(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_MS
