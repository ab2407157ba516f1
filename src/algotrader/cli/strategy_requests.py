"""What `strategy stop`, `start`, `load`, `unload` and `set` leave for the trader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from algotrader.cli.output import Output
from algotrader.core.errors import StrategyError, UsageError
from algotrader.core.spelling import hint_among

if TYPE_CHECKING:
    from rich.console import Console

    from algotrader.core.events import (
        Event,
        ParametersSet,
        StrategyReloaded,
        StrategyUnloaded,
        TradingMode,
    )
    from algotrader.core.ids import AccountId, StrategyId
    from algotrader.live.requests import Asked
    from algotrader.ops.config import Configuration

    Told = TypeVar("Told", StrategyReloaded, ParametersSet, StrategyUnloaded)

_FILE: Final = "file"
_WAITS: Final = "asked, and done when its trader starts"


def ask_mode(out: Output, name: str, mode: TradingMode, reason: str, *, flatten: bool) -> None:
    """Stop one strategy, or let it go on. UsageError if there is none of that name."""
    from algotrader.core.events import RearmRefused, RiskCleared, RiskTripped
    from algotrader.live.requests import Request
    from algotrader.ops.asking import answered

    configuration, strategy, account = _named(out, name)
    asked = Request(account=account, mode=mode, reason=reason, flatten=flatten, strategy=strategy)
    told = answered(
        configuration,
        asked,
        lambda event: (
            (isinstance(event, RiskTripped | RiskCleared) and event.strategy == strategy)
            or isinstance(event, RearmRefused)
        ),
    )
    _require_not_refused(told)
    done = {"halted": "stopped", "trading": "started"}[mode.value]
    shown = {"strategy": name, "asked": done, "in_force": told is not None}
    ends = "" if told is not None else ": asked, and in force when its trader starts"
    out.show(shown, lambda console: console.print(f"{name}: {done}{ends}"))


def ask_load(out: Output, name: str, reason: str) -> None:
    """Let the trader read a strategy's file again. StrategyError if it cannot be used."""
    from algotrader.core.events import StrategyReloaded
    from algotrader.live.requests import LoadRequest
    from algotrader.ops.asking import is_running

    configuration, strategy, _ = _named(out, name)
    running = is_running(configuration)
    if not running and strategy not in _unloaded(configuration):
        shown = {"strategy": name, "running": False}
        out.show(shown, lambda console: console.print("no trader runs: its next start reads it"))
        return
    asked = LoadRequest(strategy=strategy, reason=reason)
    loaded = _asked(configuration, strategy, asked, StrategyReloaded) is not None
    text = "decides with its file as it is now" if loaded else _WAITS
    shown = {"strategy": name, "running": running, "loaded": loaded}
    out.show(shown, lambda console: console.print(f"{name}: {text}"))


def ask_set(out: Output, name: str, values: Sequence[str], reason: str) -> None:
    """Let a strategy decide with other parameters. UsageError or StrategyError if it cannot."""
    from algotrader.core.events import ParametersSet
    from algotrader.live.requests import SetRequest
    from algotrader.ops.by_hand import changed
    from algotrader.ops.desk import strategy_file
    from algotrader.strategy.loader import load

    configuration, strategy, _ = _named(out, name)
    typed = _typed(values)
    loaded = load(strategy_file(configuration, name))
    changed(configuration.settings.strategies[name].parameters, typed, loaded.kind)
    asked = SetRequest(strategy=strategy, values=typed, reason=reason)
    told = _asked(configuration, strategy, asked, ParametersSet)
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
    from algotrader.core.events import StrategyUnloaded
    from algotrader.live.requests import UnloadRequest

    configuration, strategy, account = _named(out, name)
    asked = UnloadRequest(account=account, strategy=strategy, reason=reason)
    done = _asked(configuration, strategy, asked, StrategyUnloaded) is not None
    text = f"unloaded; algotrader strategy load {name} brings it back" if done else _WAITS
    shown = {"strategy": name, "unloaded": done}
    out.show(shown, lambda console: console.print(f"{name}: {text}"))


def _asked(
    configuration: Configuration, strategy: StrategyId, asked: Asked, kind: type[Told]
) -> Told | None:
    """What the trader made of it; None if nobody answered. StrategyError with why it cannot be."""
    from algotrader.core.events import StrategyReloadRefused
    from algotrader.ops.asking import answered

    def is_answer(event: Event) -> bool:
        return isinstance(event, kind | StrategyReloadRefused) and event.strategy == strategy

    for event in answered(configuration, asked, is_answer) or ():
        if isinstance(event, StrategyReloadRefused) and event.strategy == strategy:
            raise StrategyError("strategy.refused", f"{strategy} goes on as it was: {event.text}")
        if isinstance(event, kind) and event.strategy == strategy:
            return event
    return None


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


def _unloaded(configuration: Configuration) -> frozenset[StrategyId]:
    from algotrader.ops.standing import folder_of, read_state

    has_journal = folder_of(configuration).chain.exists()
    return read_state(configuration).inforce.unloaded if has_journal else frozenset()


def _require_not_refused(told: list[Event] | None) -> None:
    from algotrader.core.events import RearmRefused

    for event in told or ():
        if isinstance(event, RearmRefused):
            raise UsageError("strategy.not_stopped", event.reason)


def _named(out: Output, name: str) -> tuple[Configuration, StrategyId, AccountId]:
    from algotrader.core.ids import AccountId, StrategyId
    from algotrader.ops.config import load

    configuration = load(out.config, environment=os.environ)
    known = configuration.settings.strategies
    if name not in known:
        raise UsageError(
            "usage.strategy",
            f"no strategy is called {name!r} in the settings",
            hint=hint_among(name, known, f"strategies are: {', '.join(known) or 'none'}"),
        )
    return configuration, StrategyId(name), AccountId(known[name].account)
