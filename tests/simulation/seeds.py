"""One seed: whether all holds in its history, the smallest history near it that breaks too, its tale."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.history import History, HistoryPlan, simulate
from tests.simulation.properties import (
    broken_against_memory_now_and_then,
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
            found.extend(broken_against_memory_now_and_then(history))
            if plan.seed % 8 == 0:  # each bar of an eighth of the histories: it copies the state
                found.extend(broken_by_a_second_rebalance(history))

    history = simulate(plan, watch)
    if not found:
        found.extend(broken_when_settled(history))
    return found, history


def first_broken(first: int, count: int) -> str | None:
    """The first of so many seeds that breaks a property, and which."""
    for seed in range(first, first + count):
        found, _ = broken(HistoryPlan.of(seed))
        if found:
            return f"seed {seed}: {found[0]}"
    return None


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


def explained(seed: int) -> str:
    """What a person reads of a seed that broke: the least that breaks it, and the last events."""
    least = shrunk(HistoryPlan.of(seed))
    found, history = broken(least)
    return (
        f"  faults  {least.faults}\n  slices  {least.slices}\n"
        f"  there   {found[0]}\n{told(history)}\n"
        f"  again   make simulate FROM={seed} SEEDS=1\n"
    )


def told(history: History) -> str:
    """The last events, a line each."""
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
