"""Twenty histories by the hash of all that they wrote: `python -m tests.simulation.traces` anew.

A change of behaviour that nobody meant shows as another hash. One that was meant is written anew,
and said in its commit.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tests.simulation.history import HistoryPlan, simulate

SEEDS = range(1_000, 1_020)
STORED = Path(__file__).with_name("traces.txt")


def traces() -> str:
    """A line for each seed."""
    return "".join(f"{seed} {simulate(HistoryPlan.of(seed)).trace()}\n" for seed in SEEDS)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    STORED.write_text(traces(), encoding="utf-8")
    sys.stdout.write(f"{STORED}\n")
