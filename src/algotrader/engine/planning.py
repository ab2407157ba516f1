"""From the answers of strategies to intents: what a step wants, before the gate (R1, R8 to R13)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from algotrader.core.events import Decided, DecisionOutcome, RuleEffect, StrategyAnswered
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.orders import Intent
from algotrader.core.symbols import Symbol
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.portfolio.intents import BelowMinimum, Origin, targets_to_intents
from algotrader.portfolio.rebalancing import Look, RebalanceState
from algotrader.portfolio.sizing import SizedTarget, SizingBasis, kernel_terms, size_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one strategy's answer comes to."""

    decided: tuple[Decided, ...]
    intents: tuple[Intent, ...]
    waits: tuple[Symbol, ...] = ()  # acted on, and an older order of theirs must end first


def plan(state: EngineState, answer: StrategyAnswered, now_ms: int) -> Plan:
    """The decisions and intents of an answer. Nothing is changed by it."""
    instance = state.settings.instance(answer.strategy)
    if answer.outcome is not DecisionOutcome.DECIDED:
        failed = tuple(
            _decided(state, answer, instance, symbol, now_ms) for symbol in instance.instruments
        )
        return Plan(decided=failed, intents=())
    acted = _acted(state, instance, answer)
    sized = {one.symbol: one for one in _sized(state, instance, acted)} if acted else {}
    decided = tuple(
        _decided(state, answer, instance, symbol, now_ms, sized.get(symbol))
        for symbol in sorted(instance.instruments)
    )
    waits = tuple(
        symbol for symbol in sorted(acted) if any(state.orders.open(instance.account, symbol))
    )
    free = {symbol: weight for symbol, weight in acted.items() if symbol not in waits}
    intents = intents_of(state, instance, free, answer.decision_ts) if free else ()
    return Plan(decided=decided, intents=intents, waits=waits)


def intents_of(
    state: EngineState,
    instance: StrategyInstance,
    weights: dict[Symbol, float],
    decision_ts: int,
) -> tuple[Intent, ...]:
    """The intents of weights acted on, each with the attempt number that is next for it."""
    origin = Origin(
        account=instance.account,
        strategy=instance.strategy,
        decided_at=utc_at(decision_ts),
        execution=instance.execution,
        cap_bps=instance.cap_bps,
    )
    found = targets_to_intents(
        weights,
        basis_of(state, instance),
        instance.sizing,
        origin,
        in_force=_in_force(state, instance),
    )
    return tuple(
        replace(intent, attempt=next_attempt(state, intent))
        for intent in found
        if not isinstance(intent, BelowMinimum)
    )


def next_attempt(state: EngineState, intent: Intent) -> int:
    """0 for the first order of a decision's leg; one more for each that was sent before."""
    key = (intent.strategy, intent.terms.instrument, utc_ms(intent.decided_at), intent.leg)
    return state.attempts.get(key, 0)


def basis_of(state: EngineState, instance: StrategyInstance) -> SizingBasis:
    """What the strategy's weights are sized on: its own part of the account (R8, R27)."""
    part = state.books[instance.account].parts[instance.strategy]
    instruments = {symbol: state.settings.instruments[symbol] for symbol in instance.instruments}
    return SizingBasis(
        equity=part.equity(state.marks()),
        prices={symbol: state.price(symbol) for symbol in instance.instruments},
        positions={symbol: part.position(symbol).quantity for symbol in instance.instruments},
        instruments=instruments,
        shares=dict.fromkeys(instance.instruments, instance.share),
        terms=kernel_terms(instruments),
    )


def _acted(
    state: EngineState, instance: StrategyInstance, answer: StrategyAnswered
) -> dict[Symbol, float]:
    """Weights that this decision acts on, by instrument (R4, R10)."""
    present = state.slices[instance.timeframe].instruments
    acted = {}
    for wanted in answer.wanted:
        before = state.rebalance.get((answer.strategy, wanted.instrument), RebalanceState())
        number = math.nan if wanted.target is None else wanted.target
        after, look = before.look(
            number,
            rule=instance.rebalance,
            is_scheduled=answer.is_scheduled,
            has_bar=wanted.instrument in present,
        )
        if look is Look.ACT and after.standing is not None:
            acted[wanted.instrument] = after.standing
    return acted


def _sized(
    state: EngineState, instance: StrategyInstance, acted: dict[Symbol, float]
) -> Iterator[SizedTarget]:
    yield from size_targets(
        acted,
        basis_of(state, instance),
        instance.sizing,
        in_force={**_in_force(state, instance), **acted},
    )


def _in_force(state: EngineState, instance: StrategyInstance) -> dict[Symbol, float]:
    standing = {
        symbol: state.rebalance.get((instance.strategy, symbol), RebalanceState()).standing
        for symbol in instance.instruments
    }
    return {symbol: weight for symbol, weight in standing.items() if weight is not None}


def _decided(
    state: EngineState,
    answer: StrategyAnswered,
    instance: StrategyInstance,
    symbol: Symbol,
    now_ms: int,
    sized: SizedTarget | None = None,
) -> Decided:
    wanted = next((one for one in answer.wanted if one.instrument == symbol), None)
    price = state.price(symbol)
    rules: tuple[RuleEffect, ...] = () if sized is None else sized.rules
    part = state.books[instance.account].parts[instance.strategy]
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
        equity=part.equity(state.marks()),
        price=0.0 if math.isnan(price) else price,
        lots=None if sized is None else _lots(sized, state),
        rules=rules,
        state=answer.state,
        error=answer.error,
        configuration_hash=state.settings.configuration_hash,
    )


def _lots(sized: SizedTarget, state: EngineState) -> int:
    lot: Decimal = state.settings.instruments[sized.symbol].lot
    return int(sized.change / lot)
