"""A process that runs blocks of seeds: `FIRST COUNT` on its input, what came of them on its output."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import msgspec
from tests.simulation.history import HistoryPlan
from tests.simulation.seeds import broken


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedBlock:
    """Seeds from `first` on that were run, and what was met in their histories."""

    first: int
    count: int
    events: int  # rows of their journals
    cpu_s: float
    faults: dict[str, int]  # how often each kind of fault struck
    failures: dict[int, str] = field(default_factory=dict)  # seed: the first property that broke


def run_block(first: int, count: int) -> SeedBlock:
    """Run them all, whether one breaks or not."""
    started, events = time.process_time(), 0
    struck: Counter[str] = Counter()
    failures: dict[int, str] = {}
    for seed in range(first, first + count):
        found, history = broken(HistoryPlan.of(seed))
        events += len(history.rows())
        struck.update(history.struck)
        if found:
            failures[seed] = found[0]
    return SeedBlock(
        first=first, count=count, events=events, cpu_s=time.process_time() - started,
        faults=dict(struck), failures=failures,
    )  # fmt: skip


def prepare() -> None:
    """A process that lives histories and does nothing else."""
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)  # few cycles are made, and walked seldom


def main() -> int:
    """Ends when its input ends: with the process that asks."""
    prepare()
    for line in sys.stdin:
        first, count = map(int, line.split())
        sys.stdout.buffer.write(msgspec.json.encode(run_block(first, count)) + b"\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
