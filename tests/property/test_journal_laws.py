"""Laws of the journal under crashes: what was acted upon stays, in order, in one chain (P2, P19).

The same histories run in memory, where a power cut takes what was not synced, and in files, where
the process dies. F52 and F53 of the model tier are the faults at the points of a step.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.journals import ENTROPY, NOW_MS, a_step, bodies

from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalFailedError,
    JournalFullError,
)
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal, begin, resume
from algotrader.live.journal.memory import MemoryStorage, Point
from algotrader.live.journal.storage import Sync
from algotrader.live.journal.verifying import verify


class MachineDiedError(BaseException):
    """The power is cut at this point."""


@dataclass
class FaultPlan:
    """Raises once at the next time a point is passed."""

    point: Point | None = None
    error: BaseException | None = None

    def __call__(self, at: Point) -> None:
        if at is self.point and self.error is not None:
            error, self.error = self.error, None
            raise error


FULL = JournalFullError("journal.full", "no room")
FAILED = JournalFailedError("journal.failed", "no sync")
faults = st.one_of(
    st.none(),
    st.just((Point.WRITE, FULL)),
    st.just((Point.SYNC, FAILED)),
    st.just((Point.HEAD, FAILED)),
    st.tuples(st.sampled_from(list(Point)), st.just(MachineDiedError())),
)
acts = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3), faults),
    st.tuples(st.just("rotate"), st.just(1), faults),
    st.tuples(st.just("snapshot"), st.just(1), st.none()),
    st.tuples(st.just("restart"), st.just(1), st.none()),
)


@dataclass
class Model:
    """What must be found: steps acted upon, and the one whose outcome is unknown."""

    durable: list[str] = field(default_factory=list)
    in_doubt: list[str] = field(default_factory=list)
    number: int = 0

    def settle(self, found: list[str]) -> None:
        """After a restart: all that was acted upon, then the step in doubt whole or not at all."""
        assert found in (self.durable, self.durable + self.in_doubt)
        self.durable, self.in_doubt = found, []


def do(journal: Journal, model: Model, act: str, rows: int) -> None:
    model.number += 1
    if act == "append":
        step = a_step(model.number, rows)
        model.in_doubt = [entry.body.decode() for entry in step]
        journal.append(step)
        model.durable, model.in_doubt = model.durable + model.in_doubt, []
    elif act == "rotate":
        journal.rotate(now_ms=NOW_MS)
    elif act == "snapshot":
        body = ",".join(model.durable).encode()
        journal.keep_snapshot("state", body)


def resumed(storage: MemoryStorage, model: Model) -> Journal:
    journal = resume(storage)
    assert verify(storage).problem is None
    model.settle(bodies(journal.read()))
    snapshot = journal.latest_snapshot("state")
    if snapshot is not None:  # state is the fold of the snapshot and what follows it (P9)
        state = [text for text in snapshot.body.decode().split(",") if text]
        assert state + bodies(journal.read(snapshot.seq + 1)) == model.durable
    return journal


@settings(max_examples=300)
@given(history=st.lists(acts, max_size=25), data=st.data())
def test_F53_nothing_acted_upon_is_lost_whatever_fails_at_whichever_point(
    history: list[tuple[str, int, tuple[Point, BaseException] | None]], data: st.DataObject
) -> None:
    plan = FaultPlan()
    storage, model = MemoryStorage(plan), Model()
    journal = begin(storage, entropy=ENTROPY, now_ms=NOW_MS)
    for act, rows, fault in history:
        plan.point, plan.error = fault or (None, None)
        try:
            do(journal, model, act, rows)
        except JournalFullError:
            model.in_doubt = []
            assert bodies(journal.read()) == model.durable
            do(journal, model, act, rows)
        except (JournalFailedError, MachineDiedError):
            act = "restart"
        plan.error = None
        if act == "restart":
            storage.crash(
                kept_steps=data.draw(st.integers(0, storage.unsynced_steps)),
                head_survives=data.draw(st.booleans()),
            )
            journal = resumed(storage, model)
    storage.close()
    resumed(storage, model)


@given(steps=st.integers(0, 10), kept=st.integers(0, 10), head_survives=st.booleans())
def test_a_power_cut_without_full_sync_takes_the_last_steps_and_the_head_tells(
    steps: int, kept: int, *, head_survives: bool
) -> None:
    storage = MemoryStorage(sync_each_step=False)
    journal = begin(storage, entropy=ENTROPY, now_ms=NOW_MS)
    for number in range(steps):
        journal.append(a_step(number, 2))
    kept = min(kept, storage.unsynced_steps)
    storage.crash(kept_steps=kept, head_survives=head_survives)

    lost = steps - kept
    if lost and head_survives:
        with pytest.raises(JournalDamagedError) as refused:
            resume(storage)
        assert (refused.value.code, refused.value.lost) == ("journal.tail_cut", 2 * lost)
    else:
        assert len(bodies(resume(storage).read())) == 2 * kept


@pytest.mark.parametrize("point", [Point.SYNC, Point.HEAD])
def test_F52_a_failed_sync_is_final_in_the_model_too(point: Point) -> None:
    plan = FaultPlan()
    storage = MemoryStorage(plan)
    journal = begin(storage, entropy=ENTROPY, now_ms=NOW_MS)
    plan.point, plan.error = point, FAILED
    for _ in range(3):  # the disk works again from the second on; the journal does not
        with pytest.raises(JournalFailedError):
            journal.append(a_step(0))
    assert storage.unsynced_steps == (1 if point is Point.SYNC else 0)


def test_more_steps_than_are_unsynced_cannot_survive() -> None:
    with pytest.raises(ValueError, match="0 steps are unsynced, 1 cannot be kept"):
        MemoryStorage().crash(kept_steps=1)


@settings(max_examples=30)
@given(history=st.lists(st.tuples(st.sampled_from(["append", "append", "rotate", "snapshot",
                                                   "restart", "kill"]), st.integers(1, 3)),
                        max_size=15))  # fmt: skip
def test_files_keep_the_same_laws_when_the_process_dies(
    history: list[tuple[str, int]],
) -> None:
    """A death is a copy of the files as they stand, without anything being closed."""
    model = Model()
    with TemporaryDirectory() as scratch:
        folder = JournalFolder(Path(scratch) / "0")
        with folder.create(entropy=ENTROPY, now_ms=NOW_MS, sync=Sync.NORMAL):
            pass
        at, life = 0, 0
        while at <= len(history):
            with folder.open(sync=Sync.NORMAL) as journal:
                assert verify(journal._storage).problem is None
                model.settle(bodies(journal.read()))
                while at < len(history) and history[at][0] not in ("restart", "kill"):
                    do(journal, model, *history[at])
                    at += 1
                if at < len(history) and history[at][0] == "kill":
                    life += 1
                    shutil.copytree(folder.path, Path(scratch) / str(life))
                    folder = JournalFolder(Path(scratch) / str(life))
            at += 1
