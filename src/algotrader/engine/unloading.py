"""Putting a strategy away while the others trade: only where nothing of it is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from algotrader.core.events import (
    StrategyReloadRefused,
    StrategyUnloaded,
    StrategyUnloadRequested,
)
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.engine.step import Step
from algotrader.portfolio.sizing import whole_lots


def unload(step: Step, event: StrategyUnloadRequested) -> None:
    """Put a strategy away, or say what stands in the way."""
    asked: dict[str, Any] = {
        "ts_event": event.ts_known, "ts_known": event.ts_known, "by": event.by,
        "channel": event.channel, "reason": event.reason, "account": event.account,
        "strategy": event.strategy,
    }  # fmt: skip
    for text in _in_the_way(step.state, step.settings.instance(event.strategy)):
        step.tell(StrategyReloadRefused(**asked, text=text))
        return
    step.tell(StrategyUnloaded(**asked))


def _in_the_way(state: EngineState, instance: StrategyInstance) -> Iterator[str]:
    """What would be left with nobody to decide on it."""
    name, part = instance.strategy, state.books[instance.account].parts[instance.strategy]
    for symbol in sorted(instance.instruments):
        held = part.position(symbol).quantity
        if whole_lots(held, state.settings.instruments[symbol].lot):  # less is dust (R9)
            yield f"it holds {held.normalize():f} of {symbol}: strategy stop {name} --flatten first"
    for live in state.orders.open(instance.account):
        if live.order.strategy == name:
            yield f"its order for {live.order.instrument} is open: strategy stop {name} first"
    for places in (state.cash_waits, state.works, state.thawing, state.waiting):
        if any(strategy == name for strategy, _ in places):
            yield f"an order of it waits to be sent: strategy stop {name} first"
    if name in state.awaited:
        yield "it is deciding at this moment: ask again"
