"""Which parameter sets a sweep tries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algotrader.core.errors import UsageError
from algotrader.strategy.base import Strategy
from algotrader.strategy.parameters import Parameter, ParameterValue, describe_range

ParameterSet = dict[str, ParameterValue]

_COUNTABLE = 2**62  # sets of a grid whose places are machine numbers
_LARGEST_RANGE = 1_000_000  # values of one parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Values by parameter, in the order of declaration; parameters left out keep `fixed`."""

    values: Mapping[str, tuple[ParameterValue, ...]]
    fixed: Mapping[str, ParameterValue]

    @property
    def size(self) -> int:
        """Number of sets of the whole grid."""
        return math.prod(len(values) for values in self.values.values())

    def grid(self) -> Iterator[ParameterSet]:
        """Every combination; the last parameter changes fastest."""
        for combination in itertools.product(*self.values.values()):
            yield {**self.fixed, **dict(zip(self.values, combination, strict=True))}

    def sample(self, count: int, seed: int) -> list[ParameterSet]:
        """`count` different sets of the grid in its order, drawn without replacement."""
        if count >= self.size:
            return list(self.grid())
        rng = np.random.default_rng(seed)
        if self.size > _COUNTABLE:
            return [self._at(index) for index in self._drawn(count, rng)]
        chosen = rng.choice(self.size, size=count, replace=False)
        return [self._at(int(index)) for index in np.sort(chosen)]

    def _drawn(self, count: int, rng: np.random.Generator) -> list[int]:
        """Different places of a grid that is too large for its places to be machine numbers."""
        found: set[int] = set()
        while len(found) < count:
            index = 0
            for values in self.values.values():
                index = index * len(values) + int(rng.integers(len(values)))
            found.add(index)
        return sorted(found)

    def _at(self, index: int) -> ParameterSet:
        picked: ParameterSet = {}
        for name in reversed(list(self.values)):
            values = self.values[name]
            index, place = divmod(index, len(values))
            picked[name] = values[place]
        return {**self.fixed, **{name: picked[name] for name in self.values}}


def corners(values: Mapping[str, Iterable[ParameterValue]]) -> list[ParameterSet]:
    """Sets among which the longest warm-up lies: every parameter at its least, every one at its
    most, then either of them with one parameter turned. They need not be sets that were tried: of
    sets drawn at random none may hold more than one extreme."""
    options = {name: _ends(tuple(given)) for name, given in values.items()}
    least = {name: of[0] for name, of in options.items()}
    most = {name: of[-1] for name, of in options.items()}
    turned = [
        {**one, name: value}
        for name, of in options.items()
        for value in of
        for one in (least, most)
    ]
    found: list[ParameterSet] = []
    for one in (least, most, *turned):
        if one not in found:
            found.append(one)
    return found


def _ends(values: Sequence[ParameterValue]) -> Sequence[ParameterValue]:
    """The least and the most of numbers, however they were listed; of anything else all."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return (min(numbers), max(numbers)) if len(numbers) == len(values) else values


def space_of(
    kind: type[Strategy], fixed: Mapping[str, ParameterValue], ranges: Mapping[str, str]
) -> SearchSpace:
    """The declared ranges, narrowed by `ranges` (`5:60:5`, `5,10,20`) and by fixed values."""
    declared = kind.parameters
    for name in (*ranges, *fixed):
        if name not in declared:
            raise UsageError(
                "sweep.parameter_unknown",
                f"{kind.__name__} has no parameter {name!r}",
                hint=f"its parameters are: {', '.join(declared) or 'none'}",
            )
    if both := [name for name in ranges if name in fixed]:
        raise UsageError(
            "sweep.fixed_and_searched",
            f"{both[0]} is given by --set and by --range",
            hint="--set keeps it at one value, --range searches it: leave one out",
        )
    values = {
        name: _range(name, declaration, ranges[name]) if name in ranges else declaration.grid()
        for name, declaration in declared.items()
        if name not in fixed
    }
    searched = {name: tuple(options) for name, options in values.items() if len(options) > 1}
    if not searched:
        raise UsageError(
            "sweep.nothing_to_try",
            f"{kind.__name__} declares no ranges to search",
            hint="declare param(…, low=, high=, step=), or give --range name=low:high:step",
        )
    single = {name: options[0] for name, options in values.items() if len(options) == 1}
    return SearchSpace(values=searched, fixed={**single, **fixed})


def _range(name: str, declared: Parameter, text: str) -> tuple[ParameterValue, ...]:
    try:
        if ":" in text:
            options = _span(declared, text).grid()
        else:
            options = tuple(declared.parse(part.strip()) for part in text.split(","))
    except (ValueError, TypeError) as error:
        raise UsageError(
            "sweep.range",
            f"range of {name}: {text!r} cannot be read",
            hint="write low:high:step, or values separated by commas",
        ) from error
    for option in options:
        if (problem := declared.check(option)) is not None:
            raise UsageError(
                "sweep.range",
                f"range of {name}: {option!r} {problem}",
                hint=f"its range is {describe_range(declared)}",
            )
    return tuple(dict.fromkeys(options))


def _span(declared: Parameter, text: str) -> Parameter:
    """`low:high` or `low:high:step` (step 1). ValueError if it is no range of such values."""
    parts = [float(part) for part in text.split(":")]
    low, high, step = parts if len(parts) == 3 else (*parts, 1.0)
    kind = type(declared.default)
    if isinstance(declared.default, str) or not math.isfinite(high):
        raise ValueError(text)
    if kind is int and not (low.is_integer() and step.is_integer()):
        raise ValueError(text)
    if step <= 0 or (high - low) / step > _LARGEST_RANGE:
        raise ValueError(text)
    return Parameter(default=kind(low), low=low, high=high, step=step)
