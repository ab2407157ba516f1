"""Does the verdict tell skill from luck? A hundred markets without an edge, a hundred with one.

The toy backtest below shares no code with the product: long or short by two moving averages of a
seeded walk, five years of days, a hundred parameter sets. The planted market moves the way that
one of the sets (fast 20, slow 120) stands, so that very set has a true Sharpe ratio of 2, and
sets near it less the farther away they are.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.judge import Overfitting, judge
from algotrader.backtest.verdict import Outcome

Floats = NDArray[np.float64]

PERIODS = 250.0
DAYS, WARM_UP = 1_250, 300
DEVIATION = 0.01
FAST, SLOW = range(5, 55, 5), range(60, 260, 20)
GRID = [{"fast": fast, "slow": slow} for fast in FAST for slow in SLOW]
SEEDS = range(100)


def average(path: Floats, window: int) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(path)))
    out = np.full(path.size, np.nan)
    out[window - 1 :] = (total[window:] - total[:-window]) / window
    return out


def grid_returns(walk: Floats) -> Floats:
    """Daily returns of every parameter set, shape (100, DAYS): yesterday's side, today's move."""
    path = np.cumsum(walk)
    fast = {n: average(path, n) for n in FAST}
    slow = {n: average(path, n) for n in SLOW}
    return np.array(
        [
            (np.where(fast[p["fast"]] > slow[p["slow"]], 1.0, -1.0)[:-1] * walk[1:])[-DAYS:]
            for p in GRID
        ]
    )


def noise(seed: int) -> Floats:
    return np.random.default_rng(seed).normal(0.0, DEVIATION, DAYS + WARM_UP)


def planted(seed: int, *, sharpe: float = 2.0, fast: int = 20, slow: int = 120) -> Floats:
    """A walk that leans, every day, the way the averages of its own past stand."""
    lean = DEVIATION * sharpe / PERIODS**0.5
    path, walk, side = [0.0], [], 0.0
    for shock in noise(seed):
        walk.append(shock + lean * side)
        path.append(path[-1] + walk[-1])
        if len(path) > slow:
            side = 1.0 if sum(path[-fast:]) / fast > sum(path[-slow:]) / slow else -1.0
    return np.array(walk)


def judged(walk: Floats) -> Overfitting:
    return judge(grid_returns(walk), periods_per_year=PERIODS, parameters=GRID)


def test_promise_20_a_grid_on_noise_is_no_evidence_in_95_of_100_markets() -> None:
    outcomes = Counter(judged(noise(seed)).verdict.outcome for seed in SEEDS)

    assert len(SEEDS) - outcomes[Outcome.EVIDENCE] >= 95


def test_independent_rules_on_noise_are_no_evidence_in_95_of_100_markets() -> None:
    outcomes = Counter(
        judge(
            np.random.default_rng(seed).normal(0.0, DEVIATION, (len(GRID), DAYS)),
            periods_per_year=PERIODS,
            parameters=GRID,
        ).verdict.outcome
        for seed in SEEDS
    )

    assert len(SEEDS) - outcomes[Outcome.EVIDENCE] >= 95


def test_promise_20_a_true_sharpe_of_2_over_five_years_is_evidence_in_90_of_100_markets() -> None:
    found = [judged(planted(seed)) for seed in SEEDS]

    assert sum(f.verdict.outcome is Outcome.EVIDENCE for f in found) >= 90
    # The plant is what it says: the planted set itself averages a Sharpe ratio of 2.
    target = GRID.index({"fast": 20, "slow": 120})
    ratios = [f.trials.sharpes[target] * PERIODS**0.5 for f in found]
    assert abs(np.mean(ratios) - 2.0) < 0.15
