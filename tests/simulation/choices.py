"""One way through a tree of choices, and the next: what nothing asks for is not chosen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A choice: which of how many options it took."""

    name: str
    taken: int
    options: int


class Choices:
    """Asked by name while a life is lived. One name has one answer, however often it is asked."""

    def __init__(self, path: Sequence[int] = (), chance: random.Random | None = None) -> None:
        """`path`: what is taken, in the order of asking; after it the first option, or by `chance`."""
        self._path = path
        self._chance = chance
        self._known: dict[str, int] = {}
        self.made: list[Made] = []

    def of(self, name: str, options: Sequence[T], *, rarely: bool = False) -> T:
        """`rarely`: the first option is what nearly always happens, and taken so by chance."""
        if name not in self._known:
            taken = self._next(len(options), rarely)
            self._known[name] = taken
            self.made.append(Made(name=name, taken=taken, options=len(options)))
        return options[self._known[name]]

    def has(self, name: str) -> bool:
        """Whether it was asked for."""
        return name in self._known

    def taken(self, name: str) -> int | None:
        """Which option, if it was asked for."""
        return self._known.get(name)

    def _next(self, options: int, rarely: bool) -> int:
        if len(self.made) < len(self._path):
            return self._path[len(self.made)]
        if self._chance is None or (rarely and self._chance.random() > 1 / 12):
            return 0
        return self._chance.randrange(options)

    def following(self, fixed: int = 0) -> list[int] | None:
        """The path of the next way, of those that begin with the same `fixed` choices."""
        taken = [(one.taken, one.options) for one in self.made]
        while len(taken) > fixed and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if len(taken) <= fixed:
            return None
        return [*(one for one, _ in taken[:-1]), taken[-1][0] + 1]
