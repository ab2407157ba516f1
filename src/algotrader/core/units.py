"""Numbers as people write them in settings, and as tables print them.

Reading is exact: `3%` is the decimal 0.03. A text that is not plainly a number of the wanted unit
is refused with ValueError, whose sentence the configuration loader joins to the file and key.
Printing follows one set of rules: true minus, comma for thousands, a dash for what is absent.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from algotrader.core.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

Language = Literal["en", "zh"]
Number = Decimal | int | float

ABSENT: Final = "–"
MINUS: Final = "−"
_THIN_SPACE: Final = "\u202f"  # no-break, so that a number never parts from its unit
_UNKNOWN_INSTRUMENT_DIGITS: Final = 6

_SECOND_MS: Final = 1_000
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(_[0-9]{3})*(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|m|h|d|w)")
_DURATION_MS: Final = {
    "ms": 1,
    "s": _SECOND_MS,
    "m": MINUTE_MS,
    "min": MINUTE_MS,
    "h": HOUR_MS,
    "d": DAY_MS,
    "w": 7 * DAY_MS,
}
_SCALES: Final = (("%", Decimal("0.01")), ("bps", Decimal("0.0001")))


def parse_number(value: str | Number) -> Decimal:
    """An exact number: `50_000`, `-1.5`, `1e-3`. Floats are taken by their shortest text.

    >>> parse_number("50_000")
    Decimal('50000')
    """
    if isinstance(value, bool):
        raise ValueError(f"expected a number, got {value}")
    text = repr(float(value)) if isinstance(value, float) else str(value).strip()
    if not _NUMBER.fullmatch(text) and not isinstance(value, Decimal):
        raise ValueError(f"{text!r} is not a number: write it like 50_000 or 0.25")
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"expected a finite number, got {text}")
    return number


def parse_fraction(value: str | Number) -> Decimal:
    """A fraction of one: `3%` and `0.03` and `300bps` are the same.

    >>> parse_fraction("10bps")
    Decimal('0.0010')
    """
    if isinstance(value, str):
        text = value.strip()
        for unit, scale in _SCALES:
            if text.endswith(unit):
                return parse_number(text.removesuffix(unit)) * scale
    return parse_number(value)


def parse_duration_ms(text: str) -> int:
    """A length of time in whole milliseconds: `250ms`, `20s`, `5m`, `2h`, `1d`, `1w`.

    A bare number is refused: seconds and milliseconds are too easily taken for each other.

    >>> parse_duration_ms("20s")
    20000
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a length of time: write it like 20s, 5m, 2h or 1d")
    length = Decimal(match[1]) * _DURATION_MS[match[2]]
    if length != int(length):
        raise ValueError(f"{text!r} is not a whole number of milliseconds")
    return int(length)


def format_number(value: Number | None, decimals: int = 2, *, signed: bool = False) -> str:
    """`value` with a fixed number of decimals; half goes to even; `signed` shows a plus.

    Zero has no sign, also when only rounding made it zero. ValueError for NaN and infinities:
    what cannot be computed is None.

    >>> format_number(-1234.5, 1)
    '−1,234.5'
    """
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be shown as a number; what is unknown is None")
    # Not Decimal.quantize: it refuses what its context has too few digits for.
    rounded = _round(_exact(value), decimals)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):,.{decimals}f}"


def format_money(value: Number | None, *, headline: bool = False, signed: bool = False) -> str:
    """Two decimals in tables; in headlines none from 10,000 on. The currency stands elsewhere."""
    large = headline and value is not None and abs(_exact(value)) >= 10_000
    return format_number(value, 0 if large else 2, signed=signed)


def format_percent(
    fraction: Number | None,
    decimals: int = 1,
    *,
    signed: bool = False,
    language: Language = "en",
) -> str:
    """A fraction in percent: `12.3 %` in English (thin no-break space), `12.3%` in Chinese."""
    if fraction is None:
        return ABSENT
    space = _THIN_SPACE if language == "en" else ""
    return f"{format_number(_exact(fraction) * 100, decimals, signed=signed)}{space}%"


def format_bps(fraction: Number | None) -> str:
    """A fraction in basis points, one decimal, without the unit."""
    return format_number(None if fraction is None else _exact(fraction) * 10_000, 1)


def format_leverage(value: Number | None) -> str:
    """`1.14×`."""
    return ABSENT if value is None else f"{format_number(value)}×"


def format_step(value: Number | None, step: Number | None) -> str:
    """A price by its tick, or a quantity by its lot; six significant digits without a step.

    >>> format_step(Decimal("64012.5"), Decimal("0.1"))
    '64,012.5'
    """
    if value is None:
        return ABSENT
    if step is None or step == 0:
        return format_number(value, _significant_decimals(value))
    exponent = parse_number(step).normalize().as_tuple().exponent
    return format_number(value, max(0, -int(exponent)))


def format_duration(ms: int | None, *, language: Language = "en") -> str:
    """The two largest units that are not zero: `2 d 4 h`, `19 h 45 min`; Chinese `2 天 4 小时`."""
    if ms is None:
        return ABSENT
    if ms < 0:
        raise ValueError(f"a length of time is not negative, got {ms} ms")
    names = _DURATION_NAMES[language]
    parts = []
    rest = ms
    for length, name in zip(_DURATION_UNITS, names, strict=True):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or f"0 {names[-2]}"


_DURATION_UNITS: Final = (DAY_MS, HOUR_MS, MINUTE_MS, _SECOND_MS, 1)
_DURATION_NAMES: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("d", "h", "min", "s", "ms"),
    "zh": ("天", "小时", "分钟", "秒", "毫秒"),
}


def _exact(value: Number) -> Decimal:
    """Floats by their shortest text, so that 0.07 is 7 percent and not 7.000000000000001."""
    return Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)


def _round(value: Decimal, decimals: int) -> Decimal:
    step = Decimal(1).scaleb(-decimals)
    return (value / step).to_integral_value(ROUND_HALF_EVEN) * step


def _significant_decimals(value: Number) -> int:
    exact = _exact(value)
    if exact == 0 or not exact.is_finite():
        return 0
    wanted = max(0, _UNKNOWN_INSTRUMENT_DIGITS - 1 - exact.adjusted())
    exponent = _round(exact, wanted).normalize().as_tuple().exponent
    return max(0, -int(exponent))
