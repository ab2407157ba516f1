"""What `status` shows of requests that no trader took yet, and of strategies changed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from algotrader.core.instants import utc_at

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.engine.state import EngineState
    from algotrader.live.requests import Asked
    from algotrader.ops.config import Configuration


def waiting_rows(configuration: Configuration) -> list[dict[str, Any]]:
    """Every request in the trader's inbox, the oldest first."""
    from algotrader.ops.asking import inbox_of, is_running

    when = "taken by the trader in a moment" if is_running(configuration) else "at the next start"
    return [
        {
            "asked": _what(asked), "of": _of(asked), "since": at_ms, "by": asked.by,
            "reason": asked.reason, "in_force": when,
        }
        for at_ms, asked in inbox_of(configuration).waiting()
    ]  # fmt: skip


def strategy_rows(state: EngineState) -> list[dict[str, Any]]:
    """Each strategy: whether it is asked, and the parameters that a person set."""
    in_force = state.inforce
    return [
        {
            "strategy": one.strategy, "account": one.account, "loaded": state.is_loaded(one),
            "set_by_hand": dict(in_force.by_hand.get(one.strategy, {})),
        }
        for one in state.settings.strategies
    ]  # fmt: skip


def print_waiting(console: Console, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        since = format(utc_at(row["since"]), "%Y-%m-%d %H:%M")
        of = f" of {row['of']}" if row["of"] else ""
        text = f"waiting: {row['asked']}{of}, asked {since} by {row['by']} ({row['reason']}): "
        console.print(f"{text}{row['in_force']}", markup=False)


def print_strategies(console: Console, rows: list[dict[str, Any]]) -> None:
    """Only what a person changed: the rest is as the settings have it."""
    for row in rows:
        name = row["strategy"]
        if not row["loaded"]:
            console.print(f"{name}: unloaded; algotrader strategy load {name} brings it back")
        if row["set_by_hand"]:
            values = ", ".join(f"{key} {value}" for key, value in row["set_by_hand"].items())
            console.print(f"{name}: set by hand: {values}", markup=False)


def _what(asked: Asked) -> str:
    from algotrader.core.events import TradingMode
    from algotrader.live.requests import (
        LimitRequest,
        LoadRequest,
        Request,
        SetRequest,
        UnloadRequest,
    )

    match asked:
        case Request(flatten=True):
            return "flatten"
        case Request(mode=TradingMode.TRADING):
            return "resume" if asked.strategy is None else "start"
        case Request():
            return "halt" if asked.strategy is None else "stop"
        case LimitRequest():
            return f"limit {asked.key} {asked.value or 'as the file has it'}"
        case SetRequest():
            return " ".join(f"{key}={text or 'file'}" for key, text in asked.values.items())
        case LoadRequest():
            return "load"
        case UnloadRequest():
            return "unload"
        case _:
            return "reload"


def _of(asked: Asked) -> str | None:
    strategy = getattr(asked, "strategy", None)
    return strategy or getattr(asked, "account", None)
