"""What the measurements of one run share: sizes, peers, the bars on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import Finished, run
from benchmarks.environments import Peers

Contender = Callable[[], Finished | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    folder: Path  # scratch, emptied afterwards
    peers: Peers | None
    quick: bool  # small sizes: does everything run? Its figures mean little
    rounds: int = 2

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def ours(self, module: str, *arguments: object) -> Finished:
        words = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        return run(words)

    def simulator(self, work: str, rows: int, sets: int = 1, repeats: int = 3) -> Finished:
        wanted = ("--rows", rows, "--sets", sets, "--repeats", repeats)
        return self.ours("bench_simulator", work, *wanted)

    def peer(self, name: str, *arguments: object) -> Contender:
        return lambda: self.peers.ask(name, *map(str, arguments)) if self.peers else None

    def in_turn(self, contenders: Mapping[str, Contender]) -> dict[str, list[Finished]]:
        """Each contender once a round, one after another, so that all meet the same machine."""
        done: dict[str, list[Finished]] = {name: [] for name in contenders}
        for _ in range(self.rounds):
            for name, contender in contenders.items():
                if (finished := contender()) is not None:
                    done[name].append(finished)
        return {name: runs for name, runs in done.items() if runs}
