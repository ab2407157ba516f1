"""What waits for a trader, and what a person changed of its strategies: for whoever looks."""

from __future__ import annotations

from typing import Any

from algotrader.core.events import DecisionOutcome, StrategyAnswered, TradingMode
from algotrader.engine.state import EngineState
from algotrader.live.requests import (
    Asked,
    LimitRequest,
    LoadRequest,
    Request,
    SetRequest,
    UnloadRequest,
)
from algotrader.ops.asking import inbox_of, is_running
from algotrader.ops.config import Configuration


def waiting_rows(configuration: Configuration) -> list[dict[str, Any]]:
    """Every request in the trader's inbox, the oldest first."""
    when = "taken by the trader in a moment" if is_running(configuration) else "at the next start"
    return [
        {
            "asked": _what(asked), "of": _of(asked), "since": at_ms, "by": asked.by,
            "reason": asked.reason, "in_force": when,
        }
        for at_ms, asked in inbox_of(configuration).waiting()
    ]  # fmt: skip


def strategy_rows(state: EngineState) -> list[dict[str, Any]]:
    """Each strategy: whether it is asked, why it failed if it did, and what a person set of it."""
    in_force = state.inforce
    return [
        {
            "strategy": one.strategy, "account": one.account, "loaded": state.is_loaded(one),
            "failed": _failed(state.answers.get(one.strategy)),
            "set_by_hand": dict(in_force.by_hand.get(one.strategy, {})),
        }
        for one in state.settings.strategies
    ]  # fmt: skip


def _failed(newest: StrategyAnswered | None) -> str | None:
    """Why a strategy decides nothing: the error of its newest answer; None if that decided."""
    if newest is None or newest.outcome is DecisionOutcome.DECIDED:
        return None
    return newest.error or newest.outcome.value


def _what(asked: Asked) -> str:
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
