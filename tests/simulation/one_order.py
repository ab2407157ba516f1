"""Every life of one order: delays and losses of its messages, late pushes, a crash at each point.

`python -m tests.simulation.one_order [EVERY]` runs each case, or one of so many.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from itertools import islice, product

from tests.simulation.history import Script, live_once
from tests.simulation.properties import broken_when_settled
from tests.simulation.wire import USUAL_S, Trip

ORDER_THERE = (USUAL_S, 4.2, 6.5, 9.0, None)  # in time, late, after the deadline, long after, never
ORDER_BACK = (USUAL_S, 2.0, None)
FIRST_LOOK = (Trip(), Trip(back_s=2.6), Trip(back_s=2.95), Trip(back_s=None), Trip(there_s=None))
SECOND_LOOK = (Trip(), Trip(back_s=None))
PUSHES = (USUAL_S, 5.0, None)
PACES = (0.2, 8.0)
AT_POINTS: tuple[tuple[int | None, float | None], ...] = tuple((at, None) for at in range(1, 21))
AT_TIMES: tuple[tuple[int | None, float | None], ...] = ((None, 0.3), (None, 1.5))
CRASHES = ((None, None), *AT_POINTS, *AT_TIMES)
PAUSES = (0.1, 3.9)  # a start asks at once: its phase against the order's arrival matters

F83 = Script(
    trips=(Trip(there_s=4.2), Trip(back_s=2.95), *(4 * [Trip(back_s=None)])), push_s=None,
    kill_s=0.3, pause_s=3.9,
)  # fmt: skip
"""A look-up asked before the order arrives says absent, and is heard when absence would count."""


def cases() -> Iterator[Script]:
    """The targeted ones first, then every combination."""
    yield F83
    for there, back, first, second, push, pace, crash, pause in product(
        ORDER_THERE, ORDER_BACK, FIRST_LOOK, SECOND_LOOK, PUSHES, PACES, CRASHES, PAUSES
    ):
        if crash == (None, None) and pause != PAUSES[0]:
            continue  # without a crash nothing is paused
        yield Script(
            trips=(Trip(there_s=there, back_s=back), first, second),
            push_s=push, pace_s=pace, crash_at=crash[0], kill_s=crash[1], pause_s=pause,
        )  # fmt: skip


def broken(script: Script) -> list[str]:
    return [*broken_when_settled(live_once(script))]


def run(every: int, first: int = 0) -> int:
    """1 and the first case that breaks a property; 0 if none does."""
    logging.disable(logging.CRITICAL)
    started, count = time.process_time(), 0
    chosen = cases()
    for script in (next(chosen), *islice(chosen, first, None, every)):
        count += 1
        if found := broken(script):
            sys.stdout.write(f"{script}\n  {found[0]}\n")
            return 1
    took = time.process_time() - started
    sys.stdout.write(f"{count:,} lives hold; {count / took:.0f} a second\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
