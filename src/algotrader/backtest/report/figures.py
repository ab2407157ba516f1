"""How numbers are written, in both languages: one place, used by every page of the report.

True minus, comma between thousands, `+` only on changes, zero without a sign, a thin no-break
space before `%` in English and none in Chinese. Absent is an en dash.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["en", "zh"]

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
ABSENT = "\N{EN DASH}"
HEADLINE_WHOLE_FROM = 10_000.0  # money in headlines has no decimals from here


def number(value: float, digits: int = 0, *, signed: bool = False) -> str:
    """`-1234.5` -> `−1,234.50`. What rounds to zero has no sign. ValueError for NaN, infinity."""
    if not math.isfinite(value):
        raise ValueError(f"a figure of a report is {value}; absent is None")
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0,."):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def percent(value: float, lang: Lang, digits: int = 1, *, signed: bool = False) -> str:
    """A fraction as percent: `0.505` -> `50.5 %`, in Chinese `50.5%`."""
    return number(value * 100, digits, signed=signed) + ("%" if lang == "zh" else THIN + "%")


def money(value: float, *, signed: bool = False, headline: bool = False) -> str:
    """Two decimals; none in headlines from 10,000."""
    whole = headline and abs(value) >= HEADLINE_WHOLE_FROM
    return number(value, 0 if whole else 2, signed=signed)


def bps(value: float) -> str:
    return f"{number(value, 1)}\N{NO-BREAK SPACE}bps"


def probability(value: float) -> str:
    """Two decimals; never rounded to certainty."""
    if value > 0.99:
        return "> 0.99"
    return "< 0.01" if value < 0.01 else number(value, 2)


def significant(value: float, digits: int = 4) -> str:
    """A number of unknown size: so many significant digits, without trailing zeros."""
    if value == 0:
        return "0"
    text = number(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def times(value: float, digits: int = 2) -> str:
    """Leverage, turnover: `1.14×`."""
    return number(value, digits) + "×"


def decimals_of(step: float) -> int:
    """Decimals a price of this tick (a quantity of this lot) is written with."""
    exponent = Decimal(repr(step)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def by_step(value: float, step: float | None) -> str:
    """A price by its tick or a quantity by its lot; without one, six significant digits."""
    if step is not None:
        return number(value, decimals_of(step))
    return significant(value, 6)


def parameter(value: float | str | bool) -> str:
    """As it is typed after `--set name=`: 0.00008, not 8e-05."""
    if not isinstance(value, float):
        return str(value)
    return f"{Decimal(repr(value)):f}"


def day(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d")


def moment(ts: int) -> str:
    """`2026-11-21 14:05`, UTC."""
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def duration(seconds: float, lang: Lang) -> str:
    """The two largest units: `2 d 4 h`, `19 h 45 min`; `2 天 4 小时`, `19 小时 45 分`."""
    minutes = round(seconds / 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    units = ("天", "小时", "分") if lang == "zh" else ("d", "h", "min")
    parts = [(days, units[0]), (hours, units[1]), (minutes, units[2])]
    shown = [(n, unit) for n, unit in parts if n]
    if not shown:
        return f"0 {units[2]}"
    if shown[0][1] == units[0]:  # beside days, minutes say nothing
        shown = [part for part in shown if part[1] != units[2]]
    return " ".join(f"{n} {unit}" for n, unit in shown)


_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_HAN = ("", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十")


def span(days: float, lang: Lang) -> str:
    """Length of a run as a person says it: `two years`, `1.4 years`, `seven months`, `45 days`."""
    years, months = days / 365.25, days / 30.44
    if years >= 0.96:
        whole = round(years)
        if whole <= 10 and abs(years - whole) < 0.05:
            if lang == "zh":
                return f"{_HAN[whole]}年"
            return f"{_WORDS[whole]} year{'s' if whole > 1 else ''}"
        return f"{years:.1f} 年" if lang == "zh" else f"{years:.1f} years"
    if months >= 1.95:
        whole = round(months)
        if lang == "zh":
            return f"{whole} 个月"
        return f"{_WORDS[whole] if whole <= 10 else whole} months"
    whole = max(1, round(days))
    return f"{whole} 天" if lang == "zh" else f"{whole} day{'s' if whole > 1 else ''}"
