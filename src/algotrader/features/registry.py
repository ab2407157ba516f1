"""Every public feature is declared with `@feature`, so tests and the catalogue miss none.

A declared function is pure: it never changes its inputs, and its value at a row depends on that
row and earlier ones alone. Inside `memo.memoised` its answers are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from algotrader.features.memo import remembered

P = ParamSpec("P")
R = TypeVar("R")

_declared: dict[str, Callable[..., object]] = {}


def feature(function: Callable[P, R]) -> Callable[P, R]:
    """Declare a public feature: listed in `declared()`, remembered inside `memo.memoised`."""
    name = function.__name__
    if name in _declared:
        raise ValueError(f"two features are named {name}")
    known = remembered(function)
    _declared[name] = known
    return known


def declared() -> dict[str, Callable[..., object]]:
    """Name to function, of every feature of the package, in the order of the text."""
    return dict(sorted(_declared.items()))
