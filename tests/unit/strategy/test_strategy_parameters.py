"""Parameters: what is checked, searched and read, and what a subclass changes."""

from __future__ import annotations

import pytest

from algotrader.core.errors import StrategyError
from algotrader.strategy.base import Strategy, source_of
from algotrader.strategy.parameters import Parameter, describe_range, param


class Some(Strategy):
    fast: int = param(20, low=5, high=60, step=5)
    width: float = param(0.5, low=0.1, high=0.9, step=0.2)
    mode: str = param("slow", choices=["slow", "quick"])
    strict: bool = param(False)
    free: float = param(1.5)


class Fixed(Some):
    fast = 10  # a plain value fixes the parameter
    free: float = param(2.5, low=0.0)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fast", 4, "4 is below its lowest value 5"),
        ("fast", 61, "61 is above its highest value 60"),
        ("fast", 20.0, "20.0 is not a whole number"),
        ("fast", True, "True is not a whole number"),
        ("fast", "20", "'20' is not a whole number"),
        ("width", float("nan"), "nan is not finite"),
        ("free", float("inf"), "inf is not finite"),
        ("mode", "fast", "'fast' is not one of slow, quick"),
        ("strict", 1, "1 is not true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: object, words: str) -> None:
    with pytest.raises(StrategyError) as told:
        Some(**{name: value})  # type: ignore[arg-type]
    assert told.value.message == f"parameter {name} of Some: {words}"
    assert str(told.value.hint).startswith("its range is ")


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StrategyError, match="Some has no parameter 'slow'") as told:
        Some(slow=3)
    assert told.value.hint == "its parameters are: fast, width, mode, strict, free"


def test_whole_numbers_are_numbers_of_a_fraction_too() -> None:
    made = Some(free=3)
    assert made.free == 3.0
    assert isinstance(made.free, float)
    assert repr(made) == "Some(fast=20, width=0.5, mode='slow', strict=False, free=3.0)"


def test_a_plain_value_in_a_subclass_fixes_the_parameter() -> None:
    assert Fixed().fast == 10
    assert list(Fixed.parameters) == ["width", "mode", "strict", "free"]
    assert Fixed().values["free"] == 2.5
    with pytest.raises(StrategyError, match="Fixed has no parameter 'fast'"):
        Fixed(fast=20)
    assert Some().fast == 20


@pytest.mark.parametrize(
    ("declared", "grid"),
    [
        (Some.parameters["fast"], tuple(range(5, 61, 5))),
        (Some.parameters["width"], (0.1, 0.3, 0.5, 0.7, 0.9)),
        (Some.parameters["mode"], ("slow", "quick")),
        (Some.parameters["strict"], (False, True)),
        (Some.parameters["free"], (1.5,)),
        (Parameter(default=1, low=0, high=10, step=4), (0, 4, 8)),
        (Parameter(default=0.0, low=0.0, high=0.3, step=0.1), (0.0, 0.1, 0.2, 0.3)),
        (Parameter(default=3, low=3, high=3, step=1), (3,)),
    ],
)
def test_the_grid_includes_both_ends(declared: Parameter, grid: tuple[object, ...]) -> None:
    assert declared.grid() == grid


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [(1, "7", 7), (1.0, "2.5", 2.5), ("a", "b", "b"), (True, "no", False), (False, "TRUE", True)],
)
def test_a_text_is_read_as_the_declared_type(default: object, text: str, value: object) -> None:
    assert Parameter(default=default).parse(text) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(("default", "text"), [(1, "1.5"), (1.0, "much"), (True, "maybe")])
def test_a_text_of_another_type_is_refused(default: object, text: str) -> None:
    with pytest.raises(ValueError, match=r"1.5|much|maybe"):
        Parameter(default=default).parse(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Some.parameters["fast"], "5 to 60 in steps of 5"),
        (Some.parameters["mode"], "slow or quick"),
        (Some.parameters["strict"], "true or false"),
        (Parameter(default=1.0, low=0.5), "0.5 to ∞"),
        (Parameter(default=1.0, high=2), "−∞ to 2"),
    ],
)
def test_a_range_is_said_in_words(declared: Parameter, words: str) -> None:
    assert describe_range(declared) == words


@pytest.mark.parametrize(
    "wrong",
    [{"step": 0}, {"low": 5, "high": 4}, {"low": 2}, {"high": 0}, {"choices": (2, 3)}],
)
def test_a_declaration_that_contradicts_itself_is_a_mistake_at_once(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"step|low|default"):
        Parameter(default=1, **wrong)  # type: ignore[arg-type]


def test_the_source_of_a_strategy_holds_its_ancestors() -> None:
    assert "class Fixed(Some)" in source_of(Fixed)
    assert "class Some(Strategy)" in source_of(Fixed)
    assert "class Fixed" not in source_of(Some)


@pytest.mark.parametrize(
    ("methods", "panel", "code"),
    [
        ((), False, "strategy.no_decision"),
        (("targets", "on_bar"), False, "strategy.two_decisions"),
        (("on_bars",), False, "strategy.two_decisions"),
        (("on_bar",), True, "strategy.two_decisions"),
    ],
)
def test_a_strategy_decides_in_exactly_one_way(
    methods: tuple[str, ...], panel: bool, code: str
) -> None:
    body = {name: lambda self, *_: None for name in methods} | {"panel": panel}
    made = type("Made", (Strategy,), body)()
    with pytest.raises(StrategyError, match="must define exactly one of") as told:
        _ = made.style
    assert told.value.code == code
