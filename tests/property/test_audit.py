"""The run's float books against the Decimal ledger, on random runs (P16, its part on the books)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.small_market import column, market, spot
from tests.builders.small_market import settings as account
from tests.reference.generator import build, random_knobs

from algotrader.backtest.audit import AuditResult, audit
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import SimulationResult


def audited(seed: int) -> tuple[AuditResult, SimulationResult]:
    case = build(random_knobs(seed))
    result = simulate(
        case.panel, case.instruments, case.settings, targets=case.targets, script=case.script
    )
    return audit(case.panel, case.instruments, case.settings, result), result


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_ledger_agrees_with_the_books_of_any_run(seed: int) -> None:
    told, _ = audited(seed)

    assert told.agrees, told


def test_the_runs_that_are_audited_hold_what_they_should() -> None:
    runs = [audited(seed)[1] for seed in range(150)]

    assert sum(run.fills.row.size for run in runs) > 500
    assert sum(bool(run.funding.any()) for run in runs) > 10
    assert sum(run.counters["liquidations"] > 0 for run in runs) > 3
    assert sum(run.counters["flips"] > 0 for run in runs) > 3


RISING = [(100.0, 100.0, 100.0, 100.0), (100.0, 121.0, 100.0, 120.0), (120.0, 130.0, 120.0, 130.0)]


def small_run() -> tuple[AuditResult, SimulationResult]:
    panel, instrument = market(RISING), spot(taker_fee=0.001)
    result = simulate(panel, [instrument], account(), targets=column(0.5, 0.5, 0.5))
    return audit(panel, [instrument], account(), result), result


def test_the_statement_of_a_small_run_is_what_hand_and_ledger_make_of_it() -> None:
    # 50 units at 100 with 0.1% of fee, marked at 130.
    told, _ = small_run()

    assert (told.statement.fees, told.statement.unrealised) == (5, 1500)
    assert (told.statement.equity, told.statement.gap) == (11_495, 0)
    assert (told.rows, told.fills, told.agrees) == (3, 1, True)
    assert str(told).startswith("the run's books and the Decimal ledger agree: 1 fills, 3 bars")


@pytest.mark.parametrize("book", ["cash", "equity"])
def test_a_book_that_is_off_by_a_hundred_thousandth_is_found_and_its_bar_named(book: str) -> None:
    _, result = small_run()
    wrong = getattr(result, book).copy()
    wrong[1] += 1e-4
    panel, instrument = market(RISING), spot(taker_fee=0.001)

    told = audit(panel, [instrument], account(), replace(result, **{book: wrong}))

    assert (told.agrees, told.worst_row) == (False, 1)
    assert told.largest_gap == pytest.approx(1e-4 / 11_000, rel=0.2)
    assert "DISAGREE" in str(told)


def test_a_fee_that_was_forgotten_is_found() -> None:
    _, result = small_run()
    free = replace(result.fills, fee=np.zeros_like(result.fills.fee))

    told = audit(market(RISING), [spot(taker_fee=0.001)], account(), replace(result, fills=free))

    assert not told.agrees
