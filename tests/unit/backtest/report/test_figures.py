"""Numbers as the report writes them: a table worked out by hand from the rules of the design."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from algotrader.backtest.report import figures

THIN = "\N{NARROW NO-BREAK SPACE}"

TABLE: list[tuple[str, Callable[[], str]]] = [
    ("1,234,567", lambda: figures.number(1_234_567)),
    ("−1,234.50", lambda: figures.number(-1234.5, 2)),
    ("+0.88", lambda: figures.number(0.88, 2, signed=True)),
    ("0.00", lambda: figures.number(-0.004, 2, signed=True)),
    ("0", lambda: figures.number(0.0, signed=True)),
    (f"50.5{THIN}%", lambda: figures.percent(0.505, "en")),
    ("50.5%", lambda: figures.percent(0.505, "zh")),
    (f"+50.5{THIN}%", lambda: figures.percent(0.505, "en", signed=True)),
    (f"−25.70{THIN}%", lambda: figures.percent(-0.257, "en", 2)),
    (f"0.0{THIN}%", lambda: figures.percent(-0.0004, "en", signed=True)),
    ("0.0100%", lambda: figures.percent(0.0001, "zh", 4)),
    ("+50,471", lambda: figures.money(50_471.28, signed=True, headline=True)),
    ("+50,471.28", lambda: figures.money(50_471.28, signed=True)),
    ("9,999.10", lambda: figures.money(9_999.1, headline=True)),
    ("7.1\N{NO-BREAK SPACE}bps", lambda: figures.bps(7.06)),
    ("1.14×", lambda: figures.times(1.14)),
    ("72,387.0", lambda: figures.by_step(72_387, 0.1)),
    ("3,125.25", lambda: figures.by_step(3125.25, 0.25)),
    ("3,125", lambda: figures.by_step(3125.0, 5.0)),
    ("0.00001234", lambda: figures.by_step(0.00001234, 1e-8)),
    ("72,387.1", lambda: figures.by_step(72_387.123, None)),
    ("0.000123457", lambda: figures.by_step(0.000123456789, None)),
    ("12", lambda: figures.by_step(12.0, None)),
    ("0", lambda: figures.by_step(0.0, None)),
    ("0.42", lambda: figures.probability(0.42)),
    ("> 0.99", lambda: figures.probability(0.997)),
    ("< 0.01", lambda: figures.probability(0.0001)),
    ("0.01578", lambda: figures.significant(0.015781)),
    ("−1,235", lambda: figures.significant(-1234.5678)),
    ("2024-04-10 16:00", lambda: figures.moment(1_712_764_800_000)),
    ("2024-04-10", lambda: figures.day(1_712_764_800_000)),
    ("2 d 4 h", lambda: figures.duration(52 * 3600 + 240, "en")),
    ("19 h 45 min", lambda: figures.duration(19.75 * 3600, "en")),
    ("2 天 4 小时", lambda: figures.duration(52 * 3600, "zh")),
    ("19 小时 45 分", lambda: figures.duration(19.75 * 3600, "zh")),
    ("0 min", lambda: figures.duration(10, "en")),
    ("two years", lambda: figures.span(730.7, "en")),
    ("两年", lambda: figures.span(730.7, "zh")),
    ("one year", lambda: figures.span(365, "en")),
    ("1.4 years", lambda: figures.span(511, "en")),
    ("1.4 年", lambda: figures.span(511, "zh")),
    ("seven months", lambda: figures.span(213, "en")),
    ("7 个月", lambda: figures.span(213, "zh")),
    ("45 days", lambda: figures.span(45, "en")),
    ("1 day", lambda: figures.span(0.2, "en")),
]


@pytest.mark.parametrize(("written", "write"), TABLE, ids=[row[0] for row in TABLE])
def test_a_number_is_written_as_the_design_says(written: str, write: Callable[[], str]) -> None:
    assert write() == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_number_is_refused_and_never_printed(value: float) -> None:
    with pytest.raises(ValueError, match="absent is None"):
        figures.number(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(8e-05, "0.00008"), (1.0, "1.0"), (-0.5, "-0.5"), (24, "24"), (True, "True")],
)
def test_a_parameter_is_written_as_it_is_typed(value: float, text: str) -> None:
    assert figures.parameter(value) == text
