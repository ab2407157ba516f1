"""The wire between a trader and its venue: how long each message takes, and whether it arrives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tests.simulation.faults import Faults

USUAL_S: Final = 0.03  # one way
PATIENCE_S: Final = 3.0  # a client waits so long for an answer
LATE_PUSH_S: Final = 0.5  # others overtake it


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A question and its answer. None: it never arrives."""

    there_s: float | None = USUAL_S
    back_s: float | None = USUAL_S
    twice: bool = False  # it arrives a second time, and the second answer is the one heard

    @property
    def took_s(self) -> float | None:
        """Both ways; None where no answer ever comes."""
        if self.there_s is None or self.back_s is None:
            return None
        return self.there_s + self.back_s


USUAL: Final = Trip()


class Wire(Protocol):
    def trip(self) -> Trip:
        """The next question's."""
        ...

    def push(self) -> Sequence[float]:
        """When the copies of the next push arrive, seconds from now; none if it is lost."""
        ...

    def crashes(self) -> bool:
        """Whether the process dies at this point of a call."""
        ...


class RandomWire:
    """Every message by chance, with the rates of the faults that are on now."""

    def __init__(
        self, faults: Callable[[], Faults], chance: random.Random, struck: Counter[str]
    ) -> None:
        self._faults = faults
        self._chance = chance
        self._struck = struck  # what went wrong, counted

    def trip(self) -> Trip:
        faults, chance = self._faults(), self._chance
        there, back = (USUAL_S + chance.random() * faults.delay_s for _ in range(2))
        lost, unheard = chance.random() < faults.lose_request, chance.random() < faults.lose_answer
        self._struck["lose_request"] += lost
        self._struck["lose_answer"] += unheard
        self._struck["delay_s"] += there + back > PATIENCE_S
        return Trip(there_s=None if lost else there, back_s=None if unheard else back)

    def push(self) -> Sequence[float]:
        faults, chance = self._faults(), self._chance
        copies = 1 + (chance.random() < faults.repeat_push)
        waits = [
            USUAL_S + chance.random() * faults.delay_push_s
            for _ in range(copies)
            if chance.random() >= faults.lose_push
        ]
        self._struck["repeat_push"] += len(waits) > 1
        self._struck["lose_push"] += not waits
        self._struck["delay_push_s"] += any(wait_s > LATE_PUSH_S for wait_s in waits)
        return waits

    def crashes(self) -> bool:
        return self._chance.random() < self._faults().crash


class ScriptedWire:
    """The first trips and pushes as written, all later ones alike."""

    def __init__(
        self,
        trips: Sequence[Trip],
        push_s: float | None,
        pushes: Sequence[Sequence[float]] = (),
        later: Trip = USUAL,
    ) -> None:
        self._trips = list(trips)
        self._push_s = push_s
        self._pushes = list(pushes)
        self._later = later

    def trip(self) -> Trip:
        return self._trips.pop(0) if self._trips else self._later

    def push(self) -> Sequence[float]:
        if self._pushes:
            return self._pushes.pop(0)
        return [] if self._push_s is None else [self._push_s]

    def crashes(self) -> bool:
        return False
