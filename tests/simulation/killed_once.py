"""Histories in which the process dies once, at a point that is named, and starts again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.simulation.faults import Faults
from tests.simulation.history import FAULTY, History, HistoryPlan, World
from tests.simulation.model_venue import Asked, Crash, ModelBroker
from tests.simulation.virtual_loop import VirtualLoop, run_virtually

from algotrader.core.ports import Clock
from algotrader.live.journal.memory import Point

POINTS: Final = (
    *(f"journal {point}" for point in Point),  # before it is there, unsynced, without head, whole
    *(f"{when} {asked}" for asked in Asked for when in ("before", "after")),  # a call of the venue
    "venue placed", "venue traded", "venue cancelled",  # it did that, and nobody was told yet
)  # fmt: skip
LATEST: Final = 8  # time that a point is passed, at which it may be deadly


class DyingBroker(ModelBroker):
    def __init__(self, world: KilledOnce, clock: Clock) -> None:
        super().__init__(world.history.venue, clock)
        self._world = world

    async def _there_and_back(self, act: Callable[[], object], asked: Asked) -> bool:
        self._world.at(f"before {asked}")
        answered = await super()._there_and_back(act, asked)
        self._world.at(f"after {asked}")
        return answered


class KilledOnce(World):
    """As all others, but for one death."""

    def __init__(
        self, plan: HistoryPlan, loop: VirtualLoop, point: str | None, pace_s: float | None
    ) -> None:
        """`point` None: nobody dies. `pace_s`: of trades, None by chance."""
        super().__init__(plan, loop)
        self._point = point
        self._left = random.Random(f"{point} {plan.seed}").randrange(LATEST)
        self.has_died = False
        self._venue.pace_s = pace_s

    def _connected(self, clock: Clock) -> ModelBroker:
        return DyingBroker(self, clock)

    def at(self, point: str) -> None:
        """Die here, if this is the point and its time has come."""
        if self._is_deadly(point):
            raise Crash

    def _is_deadly(self, point: str) -> bool:
        if not self._faulty or self.has_died or point != self._point:
            return False
        self._left -= 1
        self.has_died = self._left < 0
        return self.has_died

    def _disk(self, point: Point) -> None:
        super()._disk(point)
        self.at(f"journal {point}")

    def _happened(self, what: str) -> None:
        super()._happened(what)
        if self._is_deadly(f"venue {what}"):
            self._kill()


def lived(
    seed: int, point: str | None, faults: Faults, *, slices: int = FAULTY,
    pace_s: float | None = None,
) -> tuple[History, bool]:  # fmt: skip
    """The history, and whether its process died."""
    loop = VirtualLoop()
    plan = HistoryPlan(seed=seed, faults=faults, slices=slices)
    world = KilledOnce(plan, loop, point, pace_s)
    return run_virtually(loop, world.run()), world.has_died
