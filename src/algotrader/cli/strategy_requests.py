"""What `strategy stop`, `start`, `load`, `unload` and `set` leave for the trader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from algotrader.cli.output import Output
from algotrader.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.events import TradingMode
    from algotrader.ops.strategy_asking import StrategyDesk

_FILE: Final = "file"
_WAITS: Final = "asked; a trader that does not run does it at its next start"


def ask_mode(out: Output, name: str, mode: TradingMode, reason: str, *, flatten: bool) -> None:
    """Stop one strategy, or let it go on. UsageError if there is none of that name."""
    in_force = _desk(out, name).mode(mode, reason, flatten=flatten)
    done = {"halted": "stopped", "trading": "started"}[mode.value]
    shown = {"strategy": name, "asked": done, "in_force": in_force}
    ends = "" if in_force else ": asked, and in force when its trader starts"
    out.show(shown, lambda console: console.print(f"{name}: {done}{ends}"))


def ask_load(out: Output, name: str, reason: str) -> None:
    """Let the trader read a strategy's file again. StrategyError if it cannot be used."""
    desk = _desk(out, name)
    running, waits = desk.is_running(), desk.waits_for_load()
    if not waits:
        shown = {"strategy": name, "running": False}
        out.show(shown, lambda console: console.print("no trader runs: its next start reads it"))
        return
    loaded = desk.load(reason) is not None
    text = "decides with its file as it is now" if loaded else _WAITS
    shown = {"strategy": name, "running": running, "loaded": loaded}
    out.show(shown, lambda console: console.print(f"{name}: {text}"))


def ask_set(out: Output, name: str, values: Sequence[str], reason: str) -> None:
    """Let a strategy decide with other parameters. UsageError or StrategyError if it cannot."""
    desk = _desk(out, name)
    told = desk.set(_typed(values), reason)
    changes = [] if told is None else told.changes
    shown = {
        "strategy": name,
        "in_force": told is not None,
        "parameters": None if told is None else dict(told.parameters),
    }

    def lines(console: Console) -> None:
        for one in changes:
            key = one.key.rpartition(".")[2]
            console.print(
                f"{name}: {key} {one.after or 'as its class has it'}, was {one.before or 'that'}",
                markup=False,
            )
        if not changes:
            text = _WAITS if told is None else "nothing changed: they were set so already"
            console.print(f"{name}: {text}")

    out.show(shown, lines)


def ask_unload(out: Output, name: str, reason: str) -> None:
    """Put a strategy away. StrategyError if it holds something."""
    done = _desk(out, name).unload(reason) is not None
    text = f"unloaded; algotrader strategy load {name} brings it back" if done else _WAITS
    shown = {"strategy": name, "unloaded": done}
    out.show(shown, lambda console: console.print(f"{name}: {text}"))


def _typed(values: Sequence[str]) -> dict[str, str | None]:
    typed: dict[str, str | None] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UsageError(
                "usage.set", f"{text!r} sets no parameter", hint="write NAME=VALUE, such as fast=12"
            )
        typed[key.strip()] = None if value == _FILE else value.strip()
    return typed


def _desk(out: Output, name: str) -> StrategyDesk:
    from algotrader.ops.config import load
    from algotrader.ops.strategy_asking import StrategyDesk

    return StrategyDesk(configuration=load(out.config, environment=os.environ), name=name)
