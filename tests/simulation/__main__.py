"""Run simulated histories: `python -m tests.simulation FIRST COUNT`; the first that breaks is shrunk."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import replace

from tests.simulation.history import History, HistoryPlan, simulate
from tests.simulation.properties import (
    broken_against_memory,
    broken_by_a_second_rebalance,
    broken_when_settled,
    broken_while_running,
)

from algotrader.core.events import Event

SHOWN = 60  # events of a history that broke
NAMES = (
    "instrument", "order_id", "status", "filled_quantity", "mode", "target", "latched_quantity",
    "reason", "name",
)  # fmt: skip


def broken(plan: HistoryPlan) -> tuple[list[str], History]:
    """What does not hold in a history, the first first."""
    found: list[str] = []

    def watch(history: History) -> None:
        if not found:
            found.extend(broken_while_running(history))
            found.extend(broken_against_memory(history))
            if plan.seed % 8 == 0:  # each bar of an eighth of the histories: it copies the state
                found.extend(broken_by_a_second_rebalance(history))

    history = simulate(plan, watch)
    if not found:
        found.extend(broken_when_settled(history))
    return found, history


def shrunk(plan: HistoryPlan) -> HistoryPlan:
    """The smallest plan near this one that breaks a property too: fewer faults, fewer slices."""
    while True:
        shorter = [replace(plan, slices=plan.slices // 2)] if plan.slices > 1 else []
        smaller = [replace(plan, faults=faults) for faults in plan.faults.smaller()]
        for candidate in (*smaller, *shorter):
            if broken(candidate)[0]:
                plan = candidate
                break
        else:
            return plan


def told(history: History) -> str:
    """The last events, a line each: what a person reads of a history that broke."""
    rows = history.rows()
    begun_ms = rows[0].ts_known if rows else 0
    return "\n".join(
        f"  {(e.ts_known - begun_ms) / 1000:9.3f} s  {_line(e)}" for e in rows[-SHOWN:]
    )


def _line(event: Event) -> str:
    shown = {
        name: str(value)
        for name in NAMES
        if (value := getattr(event, name, None)) not in (None, "", ())
    }
    for inner in ("order", "fill"):
        if (part := getattr(event, inner, None)) is not None:
            shown |= {"order_id": str(part.order_id), "side": part.side, "qty": str(part.quantity)}
    return f"{event.kind:22} " + " ".join(f"{name}={text}" for name, text in shown.items())


def run(first: int, count: int, *, shrink: bool = True) -> int:
    """1 and a readable account of the first seed that breaks a property; 0 if none does."""
    logging.disable(logging.CRITICAL)
    started, events = time.process_time(), 0
    for seed in range(first, first + count):
        found, history = broken(HistoryPlan.of(seed))
        events += len(history.rows())
        if found:
            sys.stdout.write(f"seed {seed}: {found[0]}\n")
            if shrink:
                least = shrunk(HistoryPlan.of(seed))
                sys.stdout.write(f"  faults  {least.faults}\n  slices  {least.slices}\n")
                there, smallest = broken(least)
                sys.stdout.write(f"  there   {there[0]}\n{told(smallest)}\n")
            return 1
    took = time.process_time() - started
    sys.stdout.write(
        f"{count:,} histories hold; {count / took:.1f} a second, {events / took:,.0f} events a second\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(run(int(sys.argv[1]), int(sys.argv[2])))
