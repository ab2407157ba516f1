"""Targets sized for the full driver against what the kernel trades on the same decision (P16)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.builders.small_market import DAY, START

from algotrader.core.instruments import Instrument, MarginSchedule
from algotrader.core.rebalancing import RebalanceKind
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    ExecutionRule,
    Floats,
    Panel,
    RebalanceRule,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.execution.simulation import InstrumentKind as SimulatedKind
from algotrader.portfolio.rebalancing import Look, RebalanceState
from algotrader.portfolio.sizing import Outcome, SizingBasis, SizingRules, size_targets

RULES = {
    RebalanceKind.ON_CHANGE: RebalanceRule.ON_CHANGE,
    RebalanceKind.EVERY_BAR: RebalanceRule.EVERY_BAR,
    RebalanceKind.SCHEDULE: RebalanceRule.SCHEDULE,
    RebalanceKind.BAND: RebalanceRule.BAND,
}
KINDS = {
    InstrumentKind.SPOT: (SimulatedKind.SPOT, "X:C{}/USDT", "USDT"),
    InstrumentKind.PERPETUAL: (SimulatedKind.LINEAR, "X:C{}/USDT:USDT", "USDT"),
}
CASH = 100_000.0


@dataclass(frozen=True, kw_only=True)
class Case:
    kind: InstrumentKind
    rule: RebalanceKind
    band: float
    max_weight: float
    max_notional: float
    max_leverage: float
    minimum: float
    closes: Floats  # (T, N), NaN where a bar is missing
    targets: Floats
    schedule: np.ndarray


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rows, columns = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(list(KINDS)))
    closes = np.round(generator.uniform(18, 25, (rows, columns)), 2)
    closes[generator.random((rows, columns)) < 0.1] = np.nan
    closes[0] = 20.0
    targets = np.round(generator.uniform(-1, 1, (rows, columns)), 1)
    for row in range(1, rows):  # most targets stay, so that only prices move what is wanted
        stays = generator.random(columns) < 0.6
        targets[row, stays] = targets[row - 1, stays]
    targets[generator.random((rows, columns)) < 0.15] = np.nan
    targets[generator.random((rows, columns)) < 0.05] = 99.0
    return Case(
        kind=kind,
        rule=draw(st.sampled_from(list(RULES))),
        band=draw(st.sampled_from([0.05, 0.3])),
        max_weight=draw(st.sampled_from([math.inf, 0.45])),
        max_notional=draw(st.sampled_from([math.inf, 30_000.0])),
        max_leverage=draw(st.sampled_from([1.0, 1.5])),
        minimum=draw(st.sampled_from([0.0, 4_000.0])),
        closes=closes,
        targets=targets,
        schedule=generator.random(rows) < 0.5,
    )


def instruments(case: Case) -> list[Instrument]:
    _, text, settle = KINDS[case.kind]
    return [
        Instrument(
            symbol=Symbol.parse(text.format(k)),
            kind=case.kind,
            base=f"C{k}",
            quote="USDT",
            settle=settle,
            lot=Decimal("0.1"),
            min_notional=Decimal(case.minimum),
            margin=MarginSchedule(leverage=Decimal(10)),
        )
        for k in range(case.closes.shape[1])
    ]


def panel(case: Case) -> Panel:
    """Each bar opens and stays where the bar before closed, then jumps: fills cost what was sized."""
    closes = case.closes
    opens = np.empty_like(closes)
    last = closes[0].copy()
    for t, row in enumerate(closes):
        opens[t] = np.where(np.isnan(row), np.nan, last)
        last = np.where(np.isnan(row), last, row)
    return Panel(
        ts=START + np.arange(len(closes), dtype=np.int64) * DAY,
        timeframe_ms=DAY,
        open=opens,
        high=np.fmax(opens, closes),
        low=np.fmin(opens, closes),
        close=closes,
        volume=np.where(np.isnan(closes), 0.0, 1e12),
        schedule=case.schedule,
    )


def simulated(case: Case) -> SimulationResult:
    items = [
        SimulatedInstrument(
            symbol=str(item.symbol),
            kind=KINDS[case.kind][0],
            lot=0.1,
            min_notional=case.minimum,
            participation=0.0,
            leverage=10.0,
        )
        for item in instruments(case)
    ]
    limits = SimulationSettings(
        cash=CASH,
        rebalance=RULES[case.rule],
        band=case.band,
        execution=ExecutionRule.MARKET,
        max_weight=case.max_weight,
        max_notional=case.max_notional,
        max_leverage=case.max_leverage,
    )
    return simulate(panel(case), items, limits, targets=case.targets)


class Decider:
    """The full driver's part of a run: looks at targets and sizes them, row by row."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.items = {item.symbol: item for item in instruments(case)}
        self.states = {symbol: RebalanceState() for symbol in self.items}
        self.prices = dict.fromkeys(self.items, math.nan)
        self.working = dict.fromkeys(self.items, Decimal(0))
        self.rules = SizingRules(
            max_leverage=case.max_leverage,
            max_weight=case.max_weight,
            max_notional=case.max_notional,
            band=case.band if case.rule is RebalanceKind.BAND else 0.0,
        )

    def look(self, row: int) -> dict[Symbol, float]:
        """The weights that row's decision acts on."""
        acted = {}
        for k, symbol in enumerate(self.items):
            close = float(self.case.closes[row, k])
            if not math.isnan(close):
                self.prices[symbol] = close
                self.working[symbol] = Decimal(0)  # filled at this bar's open
            self.states[symbol], look = self.states[symbol].look(
                float(self.case.targets[row, k]),
                rule=self.case.rule,
                is_scheduled=bool(self.case.schedule[row]),
                has_bar=not math.isnan(close),
            )
            if look is Look.ACT:
                acted[symbol] = self.standing[symbol]
        return acted

    @property
    def standing(self) -> dict[Symbol, float]:
        return {s: state.standing for s, state in self.states.items() if state.standing is not None}

    def decide(self, row: int, result: SimulationResult) -> None:
        acted = self.look(row)
        lots = {
            s: round(float(q) / 0.1) for s, q in zip(self.items, result.position[row], strict=True)
        }
        basis = SizingBasis(
            equity=Decimal(repr(float(result.equity[row]))),
            prices=self.prices,
            positions={symbol: count * Decimal("0.1") for symbol, count in lots.items()},
            instruments=self.items,
        )
        for target in size_targets(acted, basis, self.rules, in_force=self.standing):
            if target.outcome is not Outcome.IN_BAND:
                self.working[target.symbol] = target.change
                self.states[target.symbol] = self.states[target.symbol].acted_on(target.wanted)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_what_is_sized_here_is_what_the_kernel_trades(case: Case) -> None:
    result = simulated(case)
    assume(not result.counters["cash_cut"] and not result.counters["liquidations"])
    decider = Decider(case)
    for row in range(len(case.closes) - 1):
        decider.decide(row, result)
        trades = result.position[row + 1] - result.position[row]
        for k, (symbol, working) in enumerate(decider.working.items()):
            due = 0.0 if math.isnan(case.closes[row + 1, k]) else float(working)
            assert abs(trades[k] - due) < 1e-9, (row, symbol)
