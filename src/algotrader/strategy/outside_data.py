"""Long rows of numbers that a strategy holds beside the bars: in its module, class, or itself.

The engine hands a strategy closed bars only; numbers that it brought along were all there before
the first one. `check` cuts them where it cuts the bars, so that reading ahead in them shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from algotrader.strategy.base import Strategy

MANY = 64  # fewer numbers are settings, not data


@dataclass(frozen=True, slots=True)
class OutsideData:
    """Where such a row of numbers is held, and how to put another one there."""

    name: str
    value: Any
    put: Callable[[Any], None]

    def __len__(self) -> int:
        return len(self.value)

    def cut(self, rows: int) -> Any:
        """The first `rows` of it, of the same kind."""
        if isinstance(self.value, dict):
            return dict(islice(self.value.items(), rows))
        if type(self.value).__module__.startswith("pandas"):
            return self.value.iloc[:rows]
        return self.value[:rows]


def outside_data(strategy: Strategy) -> list[OutsideData]:
    """Rows of more than 64 numbers that the strategy's methods can reach, each once."""
    found = [*_attributes(strategy), *_of_functions(type(strategy))]
    return list({one.name: one for one in reversed(found)}.values())


@contextmanager
def cut_to(strategy: Strategy, whole: int, rows: int) -> Iterator[None]:
    """Hold only the first `rows` of everything as long as the `whole` history or longer."""
    held = [one for one in outside_data(strategy) if len(one) >= whole]
    for one in held:
        one.put(one.cut(rows))
    try:
        yield
    finally:
        for one in held:
            one.put(one.value)


def _attributes(strategy: Strategy) -> Iterator[OutsideData]:
    holders: list[Any] = [strategy, *_classes(type(strategy))]
    for holder in holders:
        for name, value in list(vars(holder).items()):
            if _is_data(value):
                yield OutsideData(f"self.{name}", value, _setter(holder, name))


def _setter(holder: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(holder, name, value)


def _classes(kind: type[Strategy]) -> list[type]:
    return [one for one in kind.__mro__ if issubclass(one, Strategy) and one is not Strategy]


def _of_functions(kind: type[Strategy]) -> Iterator[OutsideData]:
    """Globals and closures of the methods, and of the functions of their modules they call."""
    waiting = [
        value for one in _classes(kind) for value in vars(one).values()
        if isinstance(value, FunctionType)
    ]  # fmt: skip
    seen: set[FunctionType] = set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType) and value.__module__ == function.__module__:
                waiting.append(value)
            elif _is_data(value):
                yield OutsideData(name, value, _global_setter(function.__globals__, name))
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            if _is_data(value):
                yield OutsideData(name, value, _setter(cell, "cell_contents"))


def _global_setter(names: dict[str, Any], name: str) -> Callable[[Any], None]:
    return lambda value: names.__setitem__(name, value)


def _names(code: CodeType) -> set[str]:
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _is_data(value: object) -> bool:
    if type(value).__module__.partition(".")[0] in ("pandas", "polars"):
        return hasattr(value, "__len__") and hasattr(value, "__getitem__") and len(value) > MANY
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and len(value) > MANY and value.dtype.kind in "fiub"
    if isinstance(value, list | tuple | dict) and len(value) > MANY:
        first = next(iter(value.values() if isinstance(value, dict) else value))
        return isinstance(first, int | float)
    return False
