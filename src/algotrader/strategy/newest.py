"""What a `targets` strategy wants at the newest bar: the last row of what a backtest computes."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from algotrader.core.bars import Bars
from algotrader.core.events import TargetWanted
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import all_targets, prepare_all
from algotrader.strategy.rebalance import decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestDecision:
    """The wishes of one decision, by instrument, and whether its schedule looks at them (R10)."""

    wanted: tuple[TargetWanted, ...]
    is_scheduled: bool


def decide_newest(strategy: Strategy, bars: Bars) -> NewestDecision:
    """Features and targets over all rows of `bars` (T, N), of which the last row is told.

    No opinion before the warm-up is over (R5). What the strategy's code raises is a
    StrategyRaisedError with file and line.
    """
    rows = bars if strategy.panel or len(bars.symbols) > 1 else bars.column(0)
    prepared = prepare_all(strategy, rows)
    last = len(bars) - 1
    schedule = decisions(strategy.rebalance, rows)
    targets = all_targets(strategy, rows, prepared)[last] if last >= prepared.warmup_rows else None
    wanted = tuple(
        TargetWanted(
            instrument=symbol,
            target=None if targets is None else weight(float(targets[column])),
            features={
                name: number(float(values[last] if values.ndim == 1 else values[last, column]))
                for name, values in prepared.features.items()
            },
        )
        for column, symbol in enumerate(bars.symbols)
    )
    return NewestDecision(wanted=wanted, is_scheduled=schedule is None or bool(schedule[last]))


def number(value: float) -> float | None:
    """None for what is not a finite number, a plain float else, as events keep it."""
    # A numpy scalar is a float to the type checker and not to the encoder of events.
    return float(value) if math.isfinite(value) else None


def weight(value: float) -> float | None:
    """A target as events keep it: None for NaN, which is no opinion; infinity as what is absurd.

    An infinite weight is a mistake that a person must hear of (R4), so it may not pass for silence.
    """
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else number(value)
