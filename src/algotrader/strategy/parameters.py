"""Parameters of a strategy: a default, the range a sweep searches, and checks of a value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, cast

from algotrader.core.errors import StrategyError
from algotrader.core.spelling import hint_among
from algotrader.core.units import MINUS

ParameterValue = int | float | bool | str
T = TypeVar("T", int, float, bool, str)


_KINDS: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter. `low` and `high` are included in the range."""

    default: ParameterValue
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[ParameterValue, ...] | None = None
    help: str = ""

    def __post_init__(self) -> None:
        if self.step is not None and self.step <= 0:
            raise ValueError("step must be positive")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low must not be above high")
        if self.check(self.default) is not None:
            raise ValueError(f"default {self.default!r} {self.check(self.default)}")

    @property
    def kind(self) -> str:
        """What a value is, in words: `a whole number`."""
        return _KINDS[type(self.default)]

    def check(self, value: ParameterValue) -> str | None:
        """What is wrong with a value, as the end of a sentence; `None` if nothing is."""
        if self.choices is not None:
            allowed = ", ".join(map(str, self.choices))
            return None if value in self.choices else f"is not one of {allowed}"
        if not _fits(value, type(self.default)):
            return f"is not {self.kind}"
        if isinstance(value, bool | str):
            return None
        if not math.isfinite(value):
            return "is not finite"
        if self.low is not None and value < self.low:
            return f"is below its lowest value {self.low:g}"
        if self.high is not None and value > self.high:
            return f"is above its highest value {self.high:g}"
        return None

    def grid(self) -> tuple[ParameterValue, ...]:
        """Values a grid search tries: `choices`, else low, low + step, … up to high."""
        if self.choices is not None:
            return self.choices
        if isinstance(self.default, bool):
            return (False, True)
        if isinstance(self.default, str) or self.low is None or self.high is None or not self.step:
            return (self.default,)
        count = math.floor((self.high - self.low) / self.step * (1 + 1e-12)) + 1
        values = (self.low + index * self.step for index in range(count))
        if isinstance(self.default, int):
            return tuple(round(value) for value in values)
        return tuple(float(f"{value:.12g}") for value in values)

    def parse(self, text: str) -> ParameterValue:
        """A value from the command line. ValueError if it cannot be read as the declared type."""
        kind = type(self.default)
        if kind is bool:
            if text.lower() in {"true", "yes", "1"}:
                return True
            if text.lower() in {"false", "no", "0"}:
                return False
            raise ValueError(text)
        return kind(text)


def param(
    default: T,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    choices: Sequence[T] | None = None,
    help: str = "",  # noqa: A002 - the word every reader looks for
) -> T:
    """Declare a parameter in the body of a strategy: `fast: int = param(20, low=5, high=60)`.

    On an instance the attribute is the plain value; the declaration is `Strategy.parameters`.
    """
    declared = Parameter(
        default=default,
        low=low,
        high=high,
        step=step,
        choices=None if choices is None else tuple(choices),
        help=help,
    )
    return cast(T, declared)


def resolve(
    owner: str, declared: Mapping[str, Parameter], given: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """Defaults overlaid with given values, each checked. StrategyError names the parameter."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(declared) or "none"
        raise StrategyError(
            "strategy.parameter_unknown",
            f"{owner} has no parameter {unknown[0]!r}",
            hint=hint_among(unknown[0], declared, f"its parameters are: {known}"),
        )
    values: dict[str, ParameterValue] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.default)
        if (
            isinstance(declaration.default, float)
            and isinstance(value, int)
            and not isinstance(value, bool)
        ):
            value = float(value)
        if (problem := declaration.check(value)) is not None:
            raise StrategyError(
                "strategy.parameter_range",
                f"parameter {name} of {owner}: {value!r} {problem}",
                hint=f"its range is {describe_range(declaration)}",
            )
        values[name] = value
    return values


def describe_range(declared: Parameter) -> str:
    """`5 to 60 in steps of 5`, `a, b or c`, or what it is where no range is declared."""
    if declared.choices is not None:
        return " or ".join(map(str, declared.choices))
    if declared.low is None and declared.high is None:
        return re.sub("^a ", "any ", declared.kind)
    low = f"{MINUS}∞" if declared.low is None else plain(declared.low)
    high = "∞" if declared.high is None else plain(declared.high)
    step = f" in steps of {plain(declared.step)}" if declared.step else ""
    return f"{low} to {high}{step}"


def plain(value: ParameterValue) -> str:
    """A value as a person writes it: 0.00008, not 8e-05; 2, not 2.0."""
    if isinstance(value, bool | str):
        return str(value)
    return f"{Decimal(repr(value)).normalize():f}".replace("-", MINUS)


def _fits(value: ParameterValue, kind: type) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)
