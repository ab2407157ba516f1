"""Numbers as people write them and as tables print them."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from algotrader.core.units import (
    format_bps,
    format_duration,
    format_leverage,
    format_money,
    format_number,
    format_percent,
    format_step,
    parse_duration_ms,
    parse_fraction,
    parse_number,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50_000", "50000"),
        ("1_234_567.89", "1234567.89"),
        (" -1.5 ", "-1.5"),
        ("+.5", "0.5"),
        ("1e-3", "0.001"),
        (0.1, "0.1"),  # the shortest text, not 0.1000000000000000055
        (np.float64(0.03), "0.03"),
        (7, "7"),
        (Decimal("1e-8"), "0.00000001"),
    ],
)
def test_numbers_are_read_exactly(text: object, number: str) -> None:
    assert parse_number(text) == Decimal(number)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,000",
        "5_00",
        "_5",
        "1 000",
        "0x10",
        "nan",
        "inf",
        "3%",
        "1e9999",
        True,
        math.nan,
        "１２",
    ],
)
def test_what_is_not_plainly_a_number_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_number(text)  # type: ignore[arg-type]


def test_a_decimal_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        parse_number(Decimal("NaN"))


@pytest.mark.parametrize(
    ("text", "fraction"),
    [("3%", "0.03"), ("3 %", "0.03"), ("10bps", "0.001"), ("0.5", "0.5"), ("-2bps", "-0.0002")],
)
def test_percent_and_basis_points_are_fractions(text: str, fraction: str) -> None:
    assert parse_fraction(text) == Decimal(fraction)


def test_a_bare_number_is_already_a_fraction() -> None:
    assert parse_fraction(0.25) == Decimal("0.25")


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("250ms", 250),
        ("20s", 20_000),
        ("5m", 300_000),
        ("5 min", 300_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1.5s", 1_500),
    ],
)
def test_lengths_of_time_are_whole_milliseconds(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["20", "s", "-5s", "1y", "0.5ms", "", "2h30m"])
def test_a_length_of_time_without_a_plain_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"length of time|whole number"):
        parse_duration_ms(text)


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (-1234.5, 1, False, "−1,234.5"),
        (1234567, 0, False, "1,234,567"),
        (5, 2, True, "+5.00"),
        (0, 2, True, "0.00"),
        (-0.001, 2, True, "0.00"),  # only rounding made it zero: no sign
        (-0.0, 1, False, "0.0"),
        (0.125, 2, False, "0.12"),  # half to even
        (0.135, 2, False, "0.14"),
        (Decimal("1E+30"), 2, False, "1" + ",000" * 10 + ".00"),
        (None, 2, False, "–"),
    ],
)
def test_numbers_are_printed_with_true_minus_and_commas(
    value: float | None, decimals: int, signed: bool, text: str
) -> None:
    assert format_number(value, decimals, signed=signed) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, Decimal("NaN")])
def test_what_is_not_a_number_is_never_printed(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be shown"):
        format_number(value)


def test_money_drops_its_cents_in_headlines_from_ten_thousand_on() -> None:
    assert format_money(9_999.5, headline=True) == "9,999.50"
    assert format_money(-10_000.5, headline=True) == "−10,000"
    assert format_money(10_000.5) == "10,000.50"
    assert format_money(None, headline=True) == "–"


def test_percent_has_a_thin_space_in_english_and_none_in_chinese() -> None:
    assert format_percent(0.1234) == "12.3\u202f%"
    assert format_percent(0.1234, language="zh") == "12.3%"
    assert format_percent(-0.07, 2, signed=True) == "−7.00\u202f%"
    assert format_percent(Decimal("0.07"), 0, signed=True) == "+7\u202f%"
    assert format_percent(None) == "–"


def test_basis_points_and_leverage() -> None:
    assert format_bps(0.00125) == "12.5"
    assert format_bps(None) == "–"
    assert format_leverage(1.135) == "1.14×"
    assert format_leverage(None) == "–"


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (Decimal("64012.5"), Decimal("0.1"), "64,012.5"),
        (64012.5, 0.01, "64,012.50"),
        (3, Decimal(100), "3"),
        (Decimal("0.5"), Decimal("1e-8"), "0.50000000"),
        (1234.56789, None, "1,234.57"),  # six significant digits
        (0.000123456789, None, "0.000123457"),
        (1234567.8, 0, "1,234,568"),
        (0, None, "0"),
        (2.50, None, "2.5"),
        (None, None, "–"),
    ],
)
def test_prices_and_quantities_are_printed_by_their_step(
    value: float | None, step: float | None, text: str
) -> None:
    assert format_step(value, step) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (2 * 86_400_000 + 4 * 3_600_000 + 59_000, "2 d 4 h"),
        (19 * 3_600_000 + 45 * 60_000, "19 h 45 min"),
        (86_400_000 + 5_000, "1 d"),
        (3_600_000, "1 h"),
        (1_500, "1 s 500 ms"),
        (0, "0 s"),
        (None, "–"),
    ],
)
def test_lengths_of_time_are_printed_in_their_two_largest_units(ms: int | None, text: str) -> None:
    assert format_duration(ms) == text


def test_lengths_of_time_in_chinese() -> None:
    assert format_duration(2 * 86_400_000 + 4 * 3_600_000, language="zh") == "2 天 4 小时"


def test_a_negative_length_of_time_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        format_duration(-1)
