"""From the answers of strategies to intents: what a step wants, before the gate (R1, R8 to R13)."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from algotrader.core.events import Decided, DecisionOutcome, StrategyAnswered, TargetWanted
from algotrader.core.ids import OrderId, StrategyId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.orders import OF_TARGETS, Intent
from algotrader.core.symbols import Symbol
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.intents import (
    BelowMinimum,
    Execution,
    Origin,
    cap_price,
    sized_to_intents,
)
from algotrader.portfolio.positions import exact
from algotrader.portfolio.rebalancing import Look, RebalanceState
from algotrader.portfolio.sizing import (
    Outcome,
    SizedTarget,
    SizingBasis,
    size_quantity,
    size_targets,
    whole_lots,
)

_LEAVES: Final = (Outcome.IN_BAND, Outcome.REFUSED)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy's answer comes to. A struct: one is made at every decision."""

    decided: tuple[Decided, ...]
    intents: tuple[Intent, ...]
    waits: tuple[Symbol, ...] = ()  # acted on, and an older order of theirs must end first
    lifted: tuple[Symbol, ...] = ()  # free to be entered again (R19)


def plan(state: EngineState, answer: StrategyAnswered, now_ms: int) -> Plan:
    """The decisions and intents of an answer. Nothing is changed by it."""
    instance = state.settings.instance(answer.strategy)
    if answer.outcome is not DecisionOutcome.DECIDED:
        return Plan(decided=_decided(state, instance, answer, {}, now_ms), intents=())
    acted, lifted = _acted(state, instance, answer)
    by_quantity, freed = _quantities(state, instance)
    by_symbol: dict[Symbol, SizedTarget] = {}
    basis = basis_of(state, instance) if acted or by_quantity else None  # at most decisions neither
    if basis is not None:
        sized = (
            *_sized(state, instance, acted, basis),
            *_sized_quantities(instance, by_quantity, basis),
        )
        # What is inside its band, or no number to trade on, leaves everything as it is (R10).
        by_symbol = {one.symbol: one for one in sized if one.outcome not in _LEAVES}
    decided = _decided(state, instance, answer, by_symbol, now_ms)
    rests = () if instance.by_bar else _rests(state, instance, by_symbol, answer.decision_ts)
    lifted = tuple(sorted({*lifted, *freed}))
    if basis is None or not by_symbol:
        return Plan(decided=decided, intents=tuple(rests), lifted=lifted)
    waits = tuple(symbol for symbol in sorted(by_symbol) if any(working(state, instance, symbol)))
    free = tuple(one for one in by_symbol.values() if one.symbol not in waits)
    intents = _intents(state, instance, free, basis, answer.decision_ts)
    return Plan(decided=decided, intents=(*intents, *rests), waits=waits, lifted=lifted)


def older(state: EngineState, answer: StrategyAnswered) -> tuple[Intent, ...]:
    """What waits of earlier targets of a bar-by-bar strategy: it goes before its new orders (R7)."""
    instance = state.settings.instance(answer.strategy)
    if not instance.by_bar or not state.waiting:
        return ()
    anew = {one.instrument for one in answer.wanted if one.target is not None}
    anew |= {symbol for name, symbol in state.talks.quantities if name == answer.strategy}
    return tuple(_rests(state, instance, anew, answer.decision_ts))


def working(state: EngineState, instance: StrategyInstance, symbol: Symbol) -> Iterator[LiveOrder]:
    """Orders of a place's target that are not over."""
    for live in state.orders.open(instance.account, symbol):
        ours = live.order.strategy == instance.strategy
        if ours and live.order.intent.purpose in OF_TARGETS:
            yield live


def _rests(
    state: EngineState, instance: StrategyInstance, acted: Container[Symbol], decision_ts: int
) -> Iterator[Intent]:
    """What capped orders left of targets that still stand, with this close as reference (R13)."""
    if not state.waiting:
        return
    present = state.slices[instance.timeframe].instruments
    for symbol in sorted(instance.instruments):
        order_id = state.waiting.get((instance.strategy, symbol))
        worked = (instance.strategy, symbol) in state.works
        if order_id is None or worked or symbol in acted or symbol not in present:
            continue
        side = state.orders[order_id].order.side
        cap = cap_price(
            state.price(symbol), state.settings.instruments[symbol], side, instance.cap_bps
        )
        intent = rest_of(state, order_id, cap)
        if intent is not None:
            fresh = replace(intent, decided_at=utc_at(decision_ts), leg=0)
            yield replace(fresh, attempt=next_attempt(state, fresh))


def rest_of(state: EngineState, order_id: OrderId, cap: Decimal | None) -> Intent | None:
    """The next try at what a capped order left, never past what it worked towards (R10)."""
    live = state.orders[order_id]
    intent, terms = live.order.intent, live.order.terms
    lot = state.settings.instruments[terms.instrument].lot
    held = state.books[intent.account].parts[intent.strategy].position(terms.instrument).quantity
    with exact():
        missing = terms.side.sign * whole_lots((intent.towards or ZERO) - held, lot)
        lots = min(missing, whole_lots(live.quantity - live.filled, lot))
        quantity = lots * lot
    if lots <= 0:
        return None
    again = replace(terms, quantity=quantity, limit=terms.limit if cap is None else cap)
    fresh = replace(intent, terms=again)
    return replace(fresh, attempt=next_attempt(state, fresh))


def intents_of(
    state: EngineState,
    instance: StrategyInstance,
    weights: Mapping[Symbol, float],
    decision_ts: int,
    quantities: Mapping[Symbol, float] = MappingProxyType({}),
) -> tuple[Intent, ...]:
    """The intents of weights and quantities acted on, sized on the account as it is now."""
    basis = basis_of(state, instance)
    sized = (
        *_sized(state, instance, weights, basis),
        *_sized_quantities(instance, quantities, basis),
    )
    return _intents(state, instance, sized, basis, decision_ts)


def _sized_quantities(
    instance: StrategyInstance, quantities: Mapping[Symbol, float], basis: SizingBasis
) -> Iterator[SizedTarget]:
    for symbol in sorted(quantities):
        yield size_quantity(symbol, quantities[symbol], basis, instance.sizing)


def _intents(
    state: EngineState,
    instance: StrategyInstance,
    sized: tuple[SizedTarget, ...],
    basis: SizingBasis,
    decision_ts: int,
) -> tuple[Intent, ...]:
    """Each with the attempt number that is next for it."""
    if not any(one.outcome is Outcome.TRADE for one in sized):
        return ()
    origin = Origin(
        account=instance.account,
        strategy=instance.strategy,
        decided_at=utc_at(decision_ts),
        cap_bps=instance.cap_bps,
        protection=instance.protection,
    )
    return tuple(
        replace(intent, attempt=attempt) if (attempt := next_attempt(state, intent)) else intent
        for execution in _executions(state, instance, sized)
        for intent in sized_to_intents(
            tuple(
                one for one in sized if state.settings.execution(instance, one.symbol) is execution
            ),
            basis,
            replace(origin, execution=execution),
        )
        if not isinstance(intent, BelowMinimum)
    )


def _executions(
    state: EngineState, instance: StrategyInstance, sized: tuple[SizedTarget, ...]
) -> list[Execution]:
    """How these targets are worked, each way once."""
    return sorted({state.settings.execution(instance, one.symbol) for one in sized})


def next_leg(state: EngineState, strategy: StrategyId, symbol: Symbol, decision_ts: int) -> int:
    """Counts the orders of an instrument in a step."""
    return state.legs.get((strategy, symbol, decision_ts), 0)


def _quantities(
    state: EngineState, instance: StrategyInstance
) -> tuple[dict[Symbol, float], tuple[Symbol, ...]]:
    """Positions asked for by quantity that are acted on now, and blocks that they end (R19)."""
    if not state.talks.quantities:
        return {}, ()
    acted, lifted = {}, []
    present = state.slices[instance.timeframe].instruments
    for symbol in sorted(instance.instruments):
        quantity = state.talks.quantities.get((instance.strategy, symbol))
        if quantity is None or symbol not in present:
            continue
        block = state.protected.blocks.get((instance.strategy, symbol))
        if block is not None:
            waited = instance.reenter_after is not None and block.bars >= instance.reenter_after
            if quantity * block.sign > 0 and not waited:
                continue
            lifted.append(symbol)
        acted[symbol] = quantity
    return acted, tuple(lifted)


def next_attempt(state: EngineState, intent: Intent) -> int:
    """0 for the first order of a decision's leg; one more for each that was sent before."""
    key = (intent.strategy, intent.terms.instrument, utc_ms(intent.decided_at), intent.leg)
    return state.attempts.get(key, 0)


def basis_of(state: EngineState, instance: StrategyInstance) -> SizingBasis:
    """What the strategy's weights are sized on: its own part of the account (R8, R27)."""
    part = state.books[instance.account].parts[instance.strategy]
    return SizingBasis(
        equity=state.equity(instance),
        prices={symbol: state.price(symbol) for symbol in instance.instruments},
        positions={symbol: part.position(symbol).quantity for symbol in instance.instruments},
        instruments=state.settings.instruments,
        shares=dict.fromkeys(instance.instruments, instance.share),
        terms=state.terms,
    )


def _acted(
    state: EngineState, instance: StrategyInstance, answer: StrategyAnswered
) -> tuple[dict[Symbol, float], tuple[Symbol, ...]]:
    """Weights that this decision acts on, by instrument (R4, R10), and blocks that it ends (R19)."""
    acted, lifted = {}, []
    for wanted in answer.wanted:
        symbol = wanted.instrument
        looked = state.look(instance, symbol, wanted.target, answer.is_scheduled)
        if looked.look is Look.ACT and looked.state.standing is not None:
            acted[symbol] = looked.state.standing
        if looked.is_lifted:
            lifted.append(symbol)
    return acted, tuple(lifted)


def _sized(
    state: EngineState,
    instance: StrategyInstance,
    acted: Mapping[Symbol, float],
    basis: SizingBasis,
) -> tuple[SizedTarget, ...]:
    if not acted:
        return ()
    in_force = {**_in_force(state, instance), **acted}
    return size_targets(acted, basis, instance.sizing, in_force=in_force)


def _in_force(state: EngineState, instance: StrategyInstance) -> dict[Symbol, float]:
    standing = {
        symbol: state.rebalance.get((instance.strategy, symbol), RebalanceState()).standing
        for symbol in instance.instruments
    }
    return {symbol: weight for symbol, weight in standing.items() if weight is not None}


def _decided(
    state: EngineState,
    instance: StrategyInstance,
    answer: StrategyAnswered,
    sized: Mapping[Symbol, SizedTarget],
    now_ms: int,
) -> tuple[Decided, ...]:
    """What was decided for each instrument, in the order of their text."""
    wanted = {one.instrument: one for one in answer.wanted}
    equity = state.equity(instance)
    return tuple(
        [
            _decided_of(
                state, answer, symbol, wanted.get(symbol), sized.get(symbol), equity, now_ms
            )
            for symbol in sorted(instance.instruments)
        ]
    )


def _decided_of(
    state: EngineState,
    answer: StrategyAnswered,
    symbol: Symbol,
    wanted: TargetWanted | None,
    sized: SizedTarget | None,
    equity: Decimal,
    now_ms: int,
) -> Decided:
    price = state.price(symbol)
    return Decided(
        ts_event=now_ms,
        ts_known=now_ms,
        account=answer.account,
        strategy=answer.strategy,
        instrument=symbol,
        decision_ts=answer.decision_ts,
        outcome=answer.outcome,
        features={} if wanted is None else wanted.features,
        target=None if wanted is None else wanted.target,
        latched_quantity=None if sized is None else sized.wanted,
        equity=equity,
        price=0.0 if math.isnan(price) else price,
        quote=state.fresh.mid(symbol),
        lots=None if sized is None else _lots(sized, state),
        rules=() if sized is None else sized.rules,
        state=answer.state,
        error=answer.error,
        configuration_hash=state.settings.configuration_hash,
    )


def _lots(sized: SizedTarget, state: EngineState) -> int:
    lot: Decimal = state.settings.instruments[sized.symbol].lot
    return int(sized.change / lot)
