"""Every life of one order: delays and losses of its messages, late pushes, a crash at each point.

A life is lived on the shipped trader, and each choice is made at the moment at which something
depends on it: a push that reaches a dead process is neither late nor lost, so lives that differ by
it alone are one life. And a process that dies leaves a disk, a venue and what is on its way: where
these are as after another death, only one of the two is gone on with. Of a start from a snapshot
or from the first row only one is gone on with too, where both know the same. So each life stands
for all combinations of what nothing asked for: many times more are covered than are lived.

`python -m tests.simulation.one_order --jobs 2` lives them all; `--some 400` as many, by chance.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from tests.simulation.blocks import prepare
from tests.simulation.choices import Choices
from tests.simulation.faults import Faults
from tests.simulation.history import (
    BUYS,
    LIFE_S,
    MAIN,
    History,
    HistoryPlan,
    Script,
    World,
    live_once,
)
from tests.simulation.model_venue import Asked, Crash, ModelBroker, ModelVenue
from tests.simulation.properties import broken_when_settled
from tests.simulation.runner import cores
from tests.simulation.virtual_loop import VirtualLoop, run_virtually
from tests.simulation.wire import PATIENCE_S, USUAL_S, ScriptedWire, Trip, Wire

from algotrader.core.events import Event, OrderFilled
from algotrader.core.ports import Clock
from algotrader.engine.image import differences, image_of, state_of
from algotrader.live.journal.memory import Point
from algotrader.live.journal.port import Snapshot
from algotrader.live.snapshots import KIND, body_of, folded

ORDER_THERE: Final = (USUAL_S, 4.2, 6.5, 9.0, None)  # in time, late, after the deadline, never
ORDER_BACK: Final = (USUAL_S, 2.0, None)
FIRST_LOOK: Final = (USUAL_S, 2.6, 2.95, None)  # when its answer is back
SECOND_LOOK: Final = (USUAL_S, None)
PUSHES: Final = (USUAL_S, 5.0, None)  # those of its states, and those of its trades
STATES, TRADES = "states", "trades"
PACES: Final = (0.2, 8.0)
KILLS_S: Final = (0.3, 1.5, 4.0)  # after the bar, between two points of the disk
PAUSES: Final = (0.1, 3.9)  # a start asks at once: its phase against the order's arrival matters
STANDS: Final = ("kept", "newest", "none")
"""Where a start begins: at the snapshot that the trader kept when it began, at one of the moment of
its death, or at the first row."""
SIZES: Final = {
    "there": len(ORDER_THERE), "back": len(ORDER_BACK), "first": len(FIRST_LOOK),
    "second": len(SECOND_LOOK), STATES: len(PUSHES),
    TRADES: len(PUSHES), "pace": len(PACES), "pause": len(PAUSES), "stands": len(STANDS),
}  # fmt: skip
OF_A_START: Final = ("pause", "stands")

DIES: Final = "dies "
DEPTH: Final = 6  # choices after which the tree is cut into parts; equal worlds are one in a part

F83: Final = Script(
    trips=(Trip(there_s=4.2), Trip(back_s=2.95), *(4 * [Trip(back_s=None)])), push_s=None,
    kill_s=0.3, pause_s=3.9,
)  # fmt: skip
"""A look-up asked before the order arrives says absent, and is heard when absence would count."""


class Known(dict[object, tuple[int, ...]]):
    """How deaths left the world, and the choices that led there first."""


class Merged(BaseException):
    """The process died where another one did: what follows was seen."""


class ChoosingVenue(ModelVenue):
    """Asks what a push does when it would arrive, and how fast an order trades when it could."""

    choices: Choices | None = None  # None: nothing goes wrong

    def tell(self, event: Event) -> None:
        if self.choices is None:
            super().tell(event)
            return
        for listener in self.listeners:
            asyncio.get_running_loop().call_later(USUAL_S, self._arrive, listener, event)

    def _arrive(self, listener: asyncio.Queue[Event], event: Event) -> None:
        if listener not in self.listeners or self.choices is None:
            return
        push_s = self.choices.of(TRADES if isinstance(event, OrderFilled) else STATES, PUSHES)
        if push_s == USUAL_S:
            self._deliver(listener, event)
        elif push_s is not None:
            asyncio.get_running_loop().call_later(push_s - USUAL_S, self._deliver, listener, event)

    async def _wait(self, drawn_s: float) -> None:
        await asyncio.sleep(PACES[0])
        if self.choices is not None and (pace_s := self.choices.of("pace", PACES)) > PACES[0]:
            await asyncio.sleep(pace_s - PACES[0])


class ChoosingBroker(ModelBroker):
    """Asks what became of the order's request when it would arrive, of an answer when it is due."""

    def __init__(self, venue: ModelVenue, clock: Clock, choices: Choices) -> None:
        super().__init__(venue, clock)
        self._choices = choices

    async def _there_and_back(self, act: Callable[[], object], asked: Asked) -> bool:
        choices = self._choices
        if asked is Asked.PLACE and not choices.has("there"):
            return await self._place(act)
        if asked in (Asked.LOOK_UP, Asked.TRADES) and choices.has("there"):
            for name, backs in (("first", FIRST_LOOK), ("second", SECOND_LOOK)):
                if not choices.has(name):
                    return await self._look(act, name, backs)
        return await super()._there_and_back(act, asked)

    async def _place(self, act: Callable[[], object]) -> bool:
        loop, choices = asyncio.get_running_loop(), self._choices

        def arrive() -> None:
            there_s = choices.of("there", ORDER_THERE)
            if there_s == USUAL_S:
                act()
            elif there_s is not None:
                loop.call_later(there_s - USUAL_S, act)

        loop.call_later(USUAL_S, arrive)
        await asyncio.sleep(2 * USUAL_S)
        if choices.of("there", ORDER_THERE) == USUAL_S:
            back_s = choices.of("back", ORDER_BACK)
            if back_s is not None:
                await asyncio.sleep(back_s - USUAL_S)
                return True
        await asyncio.sleep(PATIENCE_S - 2 * USUAL_S)
        return False

    async def _look(
        self, act: Callable[[], object], name: str, backs: tuple[float | None, ...]
    ) -> bool:
        asyncio.get_running_loop().call_later(USUAL_S, act)
        await asyncio.sleep(2 * USUAL_S)
        back_s = self._choices.of(name, backs)
        if back_s is None:
            await asyncio.sleep(PATIENCE_S - 2 * USUAL_S)
            return False
        await asyncio.sleep(back_s - USUAL_S)
        return True


class ChosenWorld(World):
    """One life, as it is chosen while it is lived."""

    def __init__(self, loop: VirtualLoop, choices: Choices, known: Known | None) -> None:
        """None: every death is gone on with."""
        self._choices = choices
        self._known = known
        self._loop = loop
        self._died = False
        super().__init__(HistoryPlan(seed=0, faults=Faults()), loop)
        self._snapshot_rows = None  # a trader keeps one when it begins; see STANDS

    def _opened(self, chance: random.Random, wire: Wire) -> ModelVenue:
        return ChoosingVenue(MAIN, self._clock, chance, wire)

    def _connected(self, clock: Clock) -> ModelBroker:
        return ChoosingBroker(self._venue, clock, self._choices)

    async def lived(self) -> History | None:
        """None where it became a life that was lived before."""
        living = asyncio.ensure_future(self._live())
        acting = asyncio.ensure_future(self._act())
        try:
            await asyncio.wait((living, acting), return_when=asyncio.FIRST_COMPLETED)
            if acting.done():
                acting.result()
            is_merged = living.done() and isinstance(living.exception(), Merged)
        finally:
            for task in (living, acting):
                task.cancel()
            await asyncio.gather(living, acting, return_exceptions=True)
        return None if is_merged else self.history

    async def _act(self) -> None:
        assert isinstance(self._venue, ChoosingVenue)
        await asyncio.sleep(1.0)
        self._venue.wire = ScriptedWire((), USUAL_S)
        self._targets.planned, self._next = {}, BUYS
        self._faulty, self._venue.choices = True, self._choices
        await self._slices(1)
        for at_s in KILLS_S:
            self._loop.call_later(at_s, self._perhaps_kill, at_s)
        await asyncio.sleep(LIFE_S)
        self._faulty, self._venue.choices = False, None
        await asyncio.sleep(LIFE_S)

    def _perhaps_kill(self, at_s: float) -> None:
        if self._trader is not None and self._dies(f"{DIES}{at_s:g} s after the bar"):
            self._kill()

    def _disk(self, point: Point) -> None:
        if self._faulty and not self._died:
            self._points += 1
            if self._dies(f"{DIES}at point {self._points}, {point}"):
                raise Crash

    def _dies(self, name: str) -> bool:
        if self._died:
            return False
        self._died = self._choices.of(name, (False, True), rarely=True)
        return self._died

    def _lose(self) -> None:
        """The journal's last step, if it was not synced: kept or lost. And where a start begins."""
        steps = self._storage.unsynced_steps
        self._storage.crash(kept_steps=self._choices.of("kept", range(steps + 1)) if steps else 0)
        if self._known is None:
            self._stand(self._choices.of("stands", STANDS))
            return
        way, left = tuple(one.taken for one in self._choices.made), self._left()
        if left not in self._known:
            self._known[left] = way
            self._compare_starts()
        elif self._known[left] != way:
            raise Merged

    def _stand(self, where: str) -> None:
        if where == "none":
            self._storage.crash(snapshots_survive=False)
        elif where == "newest" and (newest := self._storage.newest()) is not None:
            body = body_of(self.history.folded().state)
            self._storage.keep_snapshot(
                Snapshot(seq=newest.seq, kind=KIND, row_hash=newest.hash, body=body)
            )

    def _compare_starts(self) -> None:
        """P9: wherever a start begins it knows the same, and then goes on alike."""
        state = self.history.folded().state
        kept = folded(self._storage)
        again = state_of(image_of(state))
        differing = {
            "kept": ["all of it"] if kept is None else differences(kept.state, state),
            "newest": differences(again, state),
        }
        for where, parts in differing.items():
            if parts:
                self.history.witness.broken.append(
                    f"P9: a start from the {where} snapshot differs in {', '.join(parts)}"
                )

    def _left(self) -> object:
        """All that a death leaves: equal worlds go on alike."""
        newest = self._storage.newest()
        on_its_way = tuple(self._loop.to_come())
        orders = [(one.venue_id, one.status, one.filled) for one in self._venue.placed]
        asked = [self._choices.has(name) for name in ("there", "first", "second")]
        bound = [self._choices.taken(name) for name in (STATES, TRADES, "pace")]
        return (
            self._loop.time(), newest and newest.hash, self._storage.head(), on_its_way,
            tuple(orders), tuple(asked), tuple(bound), self._slice[:1] != (),
        )  # fmt: skip

    def _pause_s(self) -> float:
        return self._choices.of("pause", PAUSES)


def live(choices: Choices, known: Known | None = None) -> History | None:
    """The life of these choices; None where it became one that was lived before."""
    loop = VirtualLoop()
    return run_virtually(loop, ChosenWorld(loop, choices, known).lived())


def stands_for(choices: Choices) -> int:
    """How many combinations are this life: of all that nothing asked for."""
    free = {name: size for name, size in SIZES.items() if not choices.has(name)}
    if not any(one.name.startswith(DIES) and one.taken for one in choices.made):
        for name in OF_A_START:
            free.pop(name, None)
    return math.prod(free.values())


@dataclass(slots=True, kw_only=True)
class Lives:
    """What came of some lives."""

    lived: int = 0
    merged: int = 0
    stood_for: int = 0
    broken: str | None = None

    def live(self, choices: Choices, known: Known | None = None) -> None:
        """One more."""
        history = live(choices, known)
        self.stood_for += stands_for(choices)
        if history is None:
            self.merged += 1
            return
        self.lived += 1
        if found := [*broken_when_settled(history)]:
            taken = ", ".join(f"{one.name} {one.taken}" for one in choices.made if one.taken)
            self.broken = f"a life of one order: {taken or 'calm'}\n  {found[0]}"


def explore(path: tuple[int, ...]) -> Lives:
    """All lives that begin with these choices."""
    logging.disable(logging.CRITICAL)
    lives, known = Lives(), Known()
    following: list[int] | None = list(path)
    while following is not None and lives.broken is None:
        choices = Choices(following)
        lives.live(choices, known)
        following = choices.following(len(path))
    return lives


def some(count: int, seed: int = 0) -> Lives:
    """The targeted one, and so many by chance."""
    logging.disable(logging.CRITICAL)
    chance, lives = random.Random(f"lives {seed}"), Lives()
    if found := broken(F83):
        lives.broken = f"{F83}\n  {found[0]}"
    while lives.broken is None and lives.lived < count:
        lives.live(Choices(chance=chance))
    return lives


def beginnings(depth: int) -> Iterator[tuple[int, ...]]:
    """Where the tree is cut, to be explored by several processes: every way of so many choices."""
    path: list[int] | None = []
    while path is not None:
        choices = Choices(path)
        live(choices, Known())  # what a part asks for, and no more
        del choices.made[depth:]
        yield tuple(one.taken for one in choices.made)
        path = choices.following()


def broken(script: Script) -> list[str]:
    return [*broken_when_settled(live_once(script))]


def every(jobs: int) -> Lives:
    """Every life there is, and the targeted one; what breaks first ends it."""
    lives = some(0)
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=prepare) as pool:
        for part in pool.map(explore, beginnings(DEPTH)):
            lives.lived += part.lived
            lives.merged += part.merged
            lives.stood_for += part.stood_for
            lives.broken = lives.broken or part.broken
            if lives.broken:
                pool.shutdown(cancel_futures=True)
                break
    return lives


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.one_order")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--some", type=int, help="so many by chance, not all")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    lives = every(chosen.jobs) if chosen.some is None else some(chosen.some)
    took_s = time.monotonic() - started
    sys.stdout.write(
        f"{lives.broken or 'all hold'}\n{lives.stood_for:,} lives: {lives.lived:,} were lived, "
        f"{lives.merged:,} became one of them; {took_s:.0f} s, "
        f"{lives.stood_for / took_s:,.0f} a second\n"
    )
    return int(lives.broken is not None)


if __name__ == "__main__":
    raise SystemExit(main())
