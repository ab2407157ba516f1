"""How `status` says what waits for the trader, and which strategies failed or were changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algotrader.core.instants import utc_at

if TYPE_CHECKING:
    from rich.console import Console


def print_waiting(console: Console, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        console.print(waiting_line(row), markup=False)


def waiting_line(row: dict[str, Any]) -> str:
    since = format(utc_at(row["since"]), "%Y-%m-%d %H:%M")
    of = f" of {row['of']}" if row["of"] else ""
    text = f"waiting: {row['asked']}{of}, asked {since} by {row['by']} ({row['reason']})"
    return f"{text}: {row['in_force']}"


def print_strategies(console: Console, rows: list[dict[str, Any]]) -> None:
    """Only what failed and what a person changed: the rest is as the settings have it."""
    for row in rows:
        name = row["strategy"]
        if row["failed"] is not None:
            console.print(
                f"△ {name} decides nothing, its position is held: {row['failed']}", markup=False
            )
        if not row["loaded"]:
            console.print(f"{name}: unloaded; algotrader strategy load {name} brings it back")
        if row["set_by_hand"]:
            values = ", ".join(f"{key} {value}" for key, value in row["set_by_hand"].items())
            console.print(f"{name}: set by hand: {values}", markup=False)
