"""A run by the full driver as the same result, with the same figures, that the fast one gives."""

from __future__ import annotations

from collections import Counter

from algotrader.backtest.full import run_full
from algotrader.backtest.kernel_input import traded
from algotrader.backtest.market import Market
from algotrader.backtest.run import RunResult, kernel_input
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.events import Decided, Event, OrderDenied, RiskTripped, StrategyAnswered
from algotrader.execution.simulated import fills_from
from algotrader.execution.simulation import SimulationResult
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import first_decision, prepare_all
from algotrader.strategy.session import LogLine

_COUNTERS = {
    "max_weight": "denied_limit",
    "max_notional": "denied_limit",
    "limits": "denied_limit",
    "weight_sum": "weight_scaled",
    "max_leverage": "leverage_scaled",
    "spot_no_short": "negative_spot_targets",
    "no_bar": "no_bar",
    "below_minimum": "below_minimum",
}
"""Rules of the engine by the counter of the fast driver that counts the same."""


class Tally:
    """What a report says of a run's events, without the events."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.lines: list[LogLine] = []
        self.trips: list[RiskTripped] = []

    def __call__(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Decided() if event.rules:
                    self.counters.update(
                        _COUNTERS[effect.rule] for effect in event.rules if effect.rule in _COUNTERS
                    )
                case RiskTripped():
                    self.trips.append(event)
                case OrderDenied():
                    rules = {_COUNTERS.get(one.rule, "denied_limit") for one in event.reasons}
                    self.counters.update(rules)
                case StrategyAnswered() if event.lines:
                    self.lines += [
                        LogLine(
                            at_ms=event.decision_ts,
                            level=line.level,
                            event=line.event,
                            fields=line.fields,
                        )
                        for line in event.lines
                    ]
                case _:
                    pass


def run_full_backtest(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    risk: RiskSettings,
    *,
    start: int | None = None,
) -> RunResult:
    """`run_backtest` by the live engine: every rule of `risk` holds (R28) that needs no prices
    between bars. The same errors."""
    tally = Tally()
    held = risk.without_live_only()
    told = run_full(strategy, market, settings, start=start, risk=held, watch=tally).told
    if told is None:
        raise RuntimeError("the run was not recorded")
    prepared = prepare_all(strategy, market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    counters = Counter(told.simulated["counters"])
    counters.update(tally.counters)
    return RunResult(
        strategy=strategy,
        market=market,
        settings=settings,
        first=first,
        prepared=prepared,
        instruments=tuple(traded(instrument, settings) for instrument in market.instruments),
        given=kernel_input(strategy, market, settings, first),
        simulation=SimulationResult(
            fills=fills_from(told.simulated["fills"]),
            equity=told.equity,
            cash=told.cash,
            position=told.position,
            funding=told.funding,
            order_state=told.simulated["order_state"],
            counters=dict(counters),
            ambiguous_row=told.simulated["ambiguous_row"],
            ambiguous_instrument=told.simulated["ambiguous_instrument"],
        ),
        log=tuple(tally.lines),
        risk=risk,
        trips=tuple(tally.trips),
    )
