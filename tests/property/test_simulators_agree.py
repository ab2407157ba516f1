"""The native kernel and the slow reference give the same fills, cash and counters (P16).

Everyday a few hundred examples with knobs that shrink, and as many drawn in the measured shares;
`make test-all` takes ten thousand. A failing example prints its knobs: `build(Knobs(...))`.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.reference.agreement import broken_laws, differences
from tests.reference.generator import Case, Knobs, build, random_knobs
from tests.reference.simulator import simulate as reference

from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    ExecutionRule,
    GapFill,
    PathRule,
    RebalanceRule,
    SimulationResult,
)

MEASURED = {  # percent of examples, at least
    "ambiguous_bars": 5.0,
    "cash_cut": 5.0,
    "partial_carried": 3.0,
    "liquidations": 2.0,
    "flips": 2.0,
}


def run(simulator, case: Case) -> SimulationResult:
    return simulator(
        case.panel, case.instruments, case.settings, targets=case.targets, script=case.script
    )


def check(knobs: Knobs) -> None:
    case = build(knobs)
    ours, theirs = run(simulate, case), run(reference, case)

    assert differences(case, ours, theirs) == [], knobs
    assert broken_laws(case, ours) == [], knobs


@st.composite
def knobs(draw: st.DrawFn) -> Knobs:
    """Each subject on or off: what a failure does not need shrinks away."""
    targets = draw(st.booleans())
    close_only = draw(st.booleans()) and draw(st.booleans()) and draw(st.booleans())
    return Knobs(
        seed=draw(st.integers(0, 2**32)),
        rows=draw(st.integers(2, 20)),
        columns=draw(st.integers(1, 3)),
        kind=draw(st.sampled_from(["spot", "linear", "mixed", "inverse"])),
        hours=draw(st.sampled_from([1, 8, 24])),
        volatility=draw(st.sampled_from([0.01, 0.001, 0.03, 0.1])),
        leverage=draw(st.sampled_from([1.0, 3.0, 10.0, 30.0])),
        targets=targets,
        script=draw(st.booleans()) or not targets,
        close_only=close_only,
        protection=draw(st.booleans()) and targets and not close_only,
        rebalance=draw(st.sampled_from(RebalanceRule)),
        execution=draw(st.sampled_from([None, *ExecutionRule])),
        path=PathRule.WORST if close_only else draw(st.sampled_from(PathRule)),
        gap_fill=draw(st.sampled_from(GapFill)),
        **{name: draw(st.booleans()) for name in SWITCHES},
    )


SWITCHES = (
    "holes",
    "wild",
    "ticks",
    "coarse",
    "costs",
    "minimum_fee",
    "coin_fee",
    "impact",
    "thin",
    "auction",
    "tiers",
    "isolated",
    "marks",
    "funding",
    "size_at_fill",
    "listing",
    "limits",
    "groups",
)


@settings(
    max_examples=250,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(knobs())
def test_both_simulators_give_the_same_fills_and_cash(example: Knobs) -> None:
    check(example)


def test_both_simulators_agree_on_examples_in_the_measured_shares() -> None:
    for seed in range(350):
        check(random_knobs(seed))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_both_simulators_agree_on_ten_thousand_examples(part: int) -> None:
    for seed in range(10_000 + 500 * part, 10_500 + 500 * part):
        check(random_knobs(seed))


def shares(examples: int) -> dict[str, float]:
    """Percent of examples in which each thing happened, by the kernel's counters."""
    seen = dict.fromkeys(MEASURED, 0)
    for seed in range(examples):
        counters = run(simulate, build(random_knobs(seed))).counters
        for name in MEASURED:
            seen[name] += counters.get(name, 0) > 0
    return {name: 100.0 * count / examples for name, count in seen.items()}


def test_the_generator_reaches_what_it_is_for() -> None:
    measured = shares(1_500)

    assert {k: v for k, v in measured.items() if v < MEASURED[k]} == {}


@pytest.mark.slow
def test_the_generator_reaches_what_it_is_for_in_ten_thousand_examples() -> None:
    measured = shares(10_000)

    assert {k: v for k, v in measured.items() if v < MEASURED[k]} == {}
