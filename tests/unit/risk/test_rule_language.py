"""The rule language: what a condition means, and at which column a wrong one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader.risk.language.parser import parse_condition
from algotrader.risk.language.tokens import ConditionError
from algotrader.risk.language.vocabulary import VOCABULARY, Of


@dataclass(frozen=True)
class Known:
    """Figures from a table; a word with an argument is looked up as `name(20)`."""

    values: Mapping[str, float | None]

    def figure(self, name: str, argument: float | None) -> float | None:
        return self.values.get(name if argument is None else f"{name}({argument:g})")


def truth(text: str, **values: float | None) -> bool | None:
    named = {
        name.replace("__", "(") + (")" if "__" in name else ""): values[name] for name in values
    }
    return parse_condition(text).truth(Known(named))


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("drawdown > 10%", {"drawdown": 0.11}, True),
        ("drawdown > 10%", {"drawdown": 0.10}, False),
        ("drawdown >= 1_000bps", {"drawdown": 0.10}, True),
        ("losing_streak <= 3", {"losing_streak": 3.0}, True),
        # 2 + 3 x 4 is 14, not 20; 10 - 4 - 3 is 3, not 9; 8 / 4 / 2 is 1, not 4.
        ("losing_streak < 2 + 3 * 4", {"losing_streak": 14.0}, False),
        ("losing_streak < 10 - 4 - 3", {"losing_streak": 3.0}, False),
        ("losing_streak < 8 / 4 / 2", {"losing_streak": 1.0}, False),
        ("losing_streak < (2 + 3) * 4", {"losing_streak": 19.0}, True),
        ("daily_pnl < -0.03 * equity", {"daily_pnl": -301.0, "equity": 10_000.0}, True),
        ("daily_pnl < - -1", {"daily_pnl": 0.5}, True),
        (
            "volatility(20) > 2 * volatility(200)",
            {"volatility__20": 3.0, "volatility__200": 1},
            True,
        ),
        # `and` binds closer than `or`, `not` closer than both.
        ("drawdown > 1 and drawdown > 1 or drawdown < 1", {"drawdown": 0.0}, True),
        ("drawdown < 1 or drawdown < 1 and drawdown > 1", {"drawdown": 0.0}, True),
        ("not drawdown > 1 and drawdown > 1", {"drawdown": 0.0}, False),
        ("not (drawdown > 1 and drawdown > 1)", {"drawdown": 0.0}, True),
        ("((drawdown)) < (1)", {"drawdown": 0.0}, True),
        # What is not known stays unknown, unless the rest decides alone.
        ("drawdown > 10%", {}, None),
        ("not drawdown > 10%", {}, None),
        ("drawdown > 10% or equity < 5", {"equity": 1.0}, True),
        ("drawdown > 10% or equity < 5", {"equity": 9.0}, None),
        ("drawdown > 10% and equity < 5", {"equity": 9.0}, False),
        ("drawdown > 10% and equity < 5", {"equity": 1.0}, None),
        ("equity / cash > 1", {"equity": 1.0, "cash": 0.0}, None),
        ("equity > 1", {"equity": float("nan")}, None),
        ("equity > 1", {"equity": float("inf")}, None),
        ("equity * equity > 1", {"equity": 1e200}, None),
    ],
)
def test_what_a_condition_means(
    text: str, values: dict[str, float | None], expected: bool | None
) -> None:
    assert truth(text, **values) is expected


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the condition ends here"),
        ("drawdown >", 11, "the condition ends here"),
        ("drawdown", 1, "this is a number"),
        ("drawdwn > 10%", 1, "drawdwn is no name"),
        ("equity > 5 and drawdwn > 1", 16, "drawdwn is no name"),
        ("drawdown == 10%", 10, "'==' is not part"),
        ("drawdown > 10% && equity > 5", 16, "'&&' is not part"),
        ("equity.real > 1", 7, "'.' is not part"),
        ("__import__('os') > 1", 1, "'_' is not part"),
        ("exec(1) > 1", 1, "exec is no name"),
        ("equity(3) > 1", 7, "equity takes no argument"),
        ("volatility > 1", 12, "expected '('"),
        ("volatility(x) > 1", 12, "volatility takes a number written out"),
        ("volatility(20 > 1", 15, "expected ')'"),
        ("volatility(1) > 1", 12, "volatility takes a whole number of bars from 2"),
        ("volatility(2.5) > 1", 12, "volatility takes a whole number of bars"),
        ("volatility(5001) > 1", 12, "volatility takes a whole number of bars"),
        ("expected_shortfall(0.5) > 1", 20, "expected_shortfall takes a probability"),
        ("expected_shortfall(1) > 1", 20, "expected_shortfall takes a probability"),
        ("(drawdown > 1", 14, "expected ')'"),
        ("drawdown > 1)", 13, "')' was not expected here"),
        ("1 < drawdown < 2", 14, "comparisons do not chain"),
        ("(drawdown > 1) + 1 > 2", 16, "true or false cannot be counted with"),
        ("drawdown > 1 and equity", 18, "this is a number"),
        ("drawdown > equity", 10, "a fraction on the left of >, money on the right"),
        ("close + equity > 1", 7, "a price on the left of +, money on the right"),
        ("position > positions", 10, "a quantity on the left of >, a count on the right"),
        ("drawdown > 1 2", 14, "'2' was not expected here"),
        ("and > 1", 1, "expected a number"),
    ],
)
def test_a_wrong_condition_is_refused_at_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition(text)

    assert (refused.value.column, refused.value.message[: len(message)]) == (column, message)
    assert refused.value.hint
    assert refused.value.pointed().splitlines()[1].index("^") == column - 1


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(ConditionError, match="did you mean drawdown"):
        parse_condition("drawdwn > 1")


@pytest.mark.parametrize(
    "text",
    [
        "drawdown > 1 or " * 40 + "drawdown > 1",
        "(" * 60 + "drawdown > 1" + ")" * 40,
        "-" * 100 + "1 < drawdown",
        "not " * 60 + "drawdown > 1",
        "1" * 600 + " > drawdown",
    ],
)
def test_what_is_too_long_or_too_deep_is_refused_and_not_computed(text: str) -> None:
    with pytest.raises(ConditionError, match=r"at most|deeper"):
        parse_condition(text)


def refused_at(text: str) -> int | None:
    """The column a text is refused at; None if it is a condition."""
    try:
        condition = parse_condition(text)
    except ConditionError as error:
        return error.column
    assert condition.truth(Known({})) in (None, True, False)
    return None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_column_inside_it(text: str) -> None:
    assert refused_at(text) in (None, *range(1, len(text) + 2))


@given(
    st.lists(
        st.sampled_from([*VOCABULARY, "and", "or", "not", "(", ")", "<", ">", "*", "-", "1", "20"]),
        max_size=25,
    )
)
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    text = " ".join(words)

    assert refused_at(text) in (None, *range(1, len(text) + 2))


def test_a_condition_knows_whose_figures_it_needs_and_how_many_bars() -> None:
    calm = parse_condition("volatility(20) > 2 * volatility(200) and drawdown > 5%")
    tail = parse_condition("expected_shortfall(0.99) > 0.04 * equity")
    wide = parse_condition("spread > 20bps or quote_age > 60")

    assert (calm.of, calm.history_bars, calm.live_only) == (Of.INSTRUMENT, 201, ())
    assert (tail.of, tail.history_bars) == (Of.ACCOUNT, 1_001)
    assert wide.live_only == ("quote_age", "spread")
