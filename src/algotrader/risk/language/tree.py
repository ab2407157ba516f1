"""A condition that was read: a typed tree and its truth, which may be unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from algotrader.risk.language.vocabulary import (
    RETURNS_FOR_TAIL,
    VOCABULARY,
    Argument,
    Kind,
    Of,
)


class Figures(Protocol):
    """Where the numbers of a condition come from."""

    def figure(self, name: str, argument: float | None) -> float | None:
        """The value of a word, None where it is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    value: float

    def number(self, figures: Figures) -> float | None:  # noqa: ARG002 - all nodes are asked alike
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    argument: float | None = None

    def number(self, figures: Figures) -> float | None:
        value = figures.figure(self.name, self.argument)
        return value if value is not None and math.isfinite(value) else None


class Operator(StrEnum):
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    OVER = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    operator: Operator
    left: Number
    right: Number

    def number(self, figures: Figures) -> float | None:
        left, right = self.left.number(figures), self.right.number(figures)
        if left is None or right is None:
            return None
        if self.operator is Operator.OVER:
            value = left / right if right else math.nan
        else:
            value = _ARITHMETIC[self.operator](left, right)
        return value if math.isfinite(value) else None


Number = Literal | Figure | Arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    operator: str  # <, <=, >, >=
    left: Number
    right: Number

    def truth(self, figures: Figures) -> bool | None:
        left, right = self.left.number(figures), self.right.number(figures)
        if left is None or right is None:
            return None
        return COMPARISONS[self.operator](left, right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    inner: Truth

    def truth(self, figures: Figures) -> bool | None:
        inner = self.inner.truth(figures)
        return None if inner is None else not inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """`and`: false as soon as one side is, unknown when the rest is."""

    left: Truth
    right: Truth

    def truth(self, figures: Figures) -> bool | None:
        sides = (self.left.truth(figures), self.right.truth(figures))
        return False if False in sides else None if None in sides else True


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """`or`: true as soon as one side is, unknown when the rest is."""

    left: Truth
    right: Truth

    def truth(self, figures: Figures) -> bool | None:
        sides = (self.left.truth(figures), self.right.truth(figures))
        return True if True in sides else None if None in sides else False


Truth = Comparison | Not | Both | Either

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_ARITHMETIC: Final[Mapping[Operator, Callable[[float, float], float]]] = {
    Operator.PLUS: lambda left, right: left + right,
    Operator.MINUS: lambda left, right: left - right,
    Operator.TIMES: lambda left, right: left * right,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a rule's `when` says."""

    text: str
    tree: Truth

    def truth(self, figures: Figures) -> bool | None:
        """True, false, or None where what it asks for is not known."""
        return self.tree.truth(figures)

    @property
    def of(self) -> Of:
        """Whether it is judged once per account or for each instrument."""
        words = {VOCABULARY[figure.name].of for figure in self.figures()}
        return Of.INSTRUMENT if Of.INSTRUMENT in words else Of.ACCOUNT

    @property
    def live_only(self) -> tuple[str, ...]:
        """The names in it that need prices between bars."""
        names = {figure.name for figure in self.figures() if VOCABULARY[figure.name].live_only}
        return tuple(sorted(names))

    @property
    def history_bars(self) -> int:
        """How many closes it looks back at."""
        longest = 1
        for figure in self.figures():
            argument = VOCABULARY[figure.name].argument
            if argument is Argument.BARS:
                longest = max(longest, int(figure.argument or 0) + 1)
            elif argument is Argument.LEVEL:
                longest = max(longest, RETURNS_FOR_TAIL + 1)
        return longest

    def figures(self) -> Iterator[Figure]:
        """Every figure it names, from left to right."""
        return _figures(self.tree)


def _figures(node: Truth | Number) -> Iterator[Figure]:
    match node:
        case Figure():
            yield node
        case Literal():
            return
        case Not():
            yield from _figures(node.inner)
        case _:
            yield from _figures(node.left)
            yield from _figures(node.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A number and its kind; None is a bare number, which takes the kind it meets."""

    number: Number
    kind: Kind | None
    column: int
