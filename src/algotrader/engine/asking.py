"""The question a bar-by-bar strategy is asked with, from the engine's state (R35, R36)."""

from __future__ import annotations

from algotrader.core.events.questions import HeldPosition, StrategyQuestion, WorkingOrder
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import length_ms
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.portfolio.ledger import Ledger


def question_of(
    state: EngineState, instance: StrategyInstance, decision_ts: int
) -> StrategyQuestion:
    """Everything the strategy may see of its account at the close of a slice."""
    part = state.books[instance.account].parts[instance.strategy]
    present = state.slices[instance.timeframe].instruments
    own = sorted(instance.instruments)
    talks = state.talks
    return StrategyQuestion(
        account=instance.account,
        strategy=instance.strategy,
        decision_ts=decision_ts,
        instruments=tuple(symbol for symbol in own if symbol in present),
        equity=float(state.equity(instance)),
        cash=float(part.cash()),
        positions=tuple(held for symbol in own if (held := _held(state, part, symbol)) is not None),
        working=tuple(_working(state, instance)),
        heard=tuple(talks.heard.get(instance.strategy, ())),
        next_number=talks.next_number.get(instance.strategy, 0),
        state=state.strategy_states.get(instance.strategy, {}),
        missed_after=_missed_after(state, instance, decision_ts),
    )


def _missed_after(state: EngineState, instance: StrategyInstance, decision_ts: int) -> int | None:
    """The last decision before this one, if bars of between were never asked for (R24)."""
    last = state.answered_ts.get(instance.strategy)
    if last is None or decision_ts - last <= length_ms(instance.timeframe):
        return None
    return last


def _held(state: EngineState, part: Ledger, symbol: Symbol) -> HeldPosition | None:
    """None where nothing is held."""
    position, mark = part.position(symbol), state.mark(symbol)
    if not position.quantity or position.entry is None or mark is None:
        return None
    return HeldPosition(
        instrument=symbol,
        quantity=float(position.quantity),
        entry=float(position.entry),
        unrealised=float(position.unrealised(mark)),
    )


def _working(state: EngineState, instance: StrategyInstance) -> list[WorkingOrder]:
    return [
        WorkingOrder(number=live.order.intent.number, instrument=live.order.instrument)
        for live in state.orders.open(instance.account)
        if live.order.strategy == instance.strategy
        and live.order.intent.number is not None
        and live.status is not OrderStatus.PENDING_CANCEL
    ]
