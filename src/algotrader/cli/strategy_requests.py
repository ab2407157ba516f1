"""What `strategy stop`, `start` and `load` leave for the trader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from algotrader.cli.output import Output
from algotrader.core.errors import StrategyError, UsageError
from algotrader.core.spelling import hint_among

if TYPE_CHECKING:
    from algotrader.core.events import Event, TradingMode
    from algotrader.core.ids import AccountId, StrategyId
    from algotrader.ops.config import Configuration


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
    from algotrader.core.events import StrategyReloaded, StrategyReloadRefused
    from algotrader.live.requests import LoadRequest
    from algotrader.ops.asking import answered, is_running

    configuration, strategy, _ = _named(out, name)
    if not is_running(configuration):
        shown = {"strategy": name, "running": False}
        out.show(shown, lambda console: console.print("no trader runs: its next start reads it"))
        return

    def is_answer(event: Event) -> bool:
        return (
            isinstance(event, StrategyReloaded | StrategyReloadRefused)
            and event.strategy == strategy
        )

    told = answered(configuration, LoadRequest(strategy=strategy, reason=reason), is_answer)
    for event in told or ():
        if isinstance(event, StrategyReloadRefused):
            raise StrategyError(
                "strategy.reload_refused", f"{name} goes on as it was: {event.text}"
            )
    loaded = told is not None
    text = "decides with its file as it is now" if loaded else "asked; no answer yet"
    shown = {"strategy": name, "running": True, "loaded": loaded}
    out.show(shown, lambda console: console.print(f"{name}: {text}"))


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
