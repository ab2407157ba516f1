"""Batches and skipped rests give the very bits of the row-by-row run (R34)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from algotrader import _kernel
from algotrader.execution.batch import Batch, simulate_batch
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    ExecutionRule,
    Floats,
    InstrumentKind,
    MarginMode,
    Panel,
    PathRule,
    SimulatedInstrument,
    SimulationSettings,
    SizeAt,
)
from algotrader.execution.simulator_input import checked_panel

HOUR = 3_600_000
COST = SimulatedInstrument(symbol="X", lot=1e-4, tick=0.01, taker_fee=0.001, slippage_bps=2.0)
MARKET = SimulationSettings(execution=ExecutionRule.MARKET)


def a_panel(seed: int, rows: int, *, missing: float = 0.0) -> Panel:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))
    open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0.0, 0.002, rows))
    high = np.maximum(open_, close) * (1.0 + rng.random(rows) * 0.01)
    low = np.minimum(open_, close) * (1.0 - rng.random(rows) * 0.01)
    volume = np.where(rng.random(rows) < 0.03, 0.0, rng.random(rows) * 3000.0)
    gone = rng.random(rows) < missing
    for prices in (open_, high, low, close):
        prices[gone] = np.nan
    volume[gone] = 0.0
    marks = np.exp(rng.normal(0.0, 0.002, rows))
    stamps = np.arange(0, rows, 8)
    return Panel(
        ts=np.arange(rows, dtype=np.int64) * HOUR,
        timeframe_ms=HOUR,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        mark_open=open_ * marks,
        mark_high=high * marks,
        mark_low=low * marks,
        mark_close=close * marks,
        funding_ts=stamps.astype(np.int64) * HOUR,
        funding_instrument=np.zeros(stamps.size, dtype=np.int64),
        funding_rate=rng.normal(0.0, 0.001, stamps.size),
    )


def some_targets(seed: int, rows: int, choices: list[float]) -> Floats:
    rng = np.random.default_rng(seed + 1000)
    numbers = rng.choice(choices, rows)
    held = np.maximum.accumulate(np.where(rng.random(rows) < 0.15, np.arange(rows), 0))
    return np.ascontiguousarray(numbers[held])


def row_by_row(
    panel: Panel, item: SimulatedInstrument, settings: SimulationSettings, targets: Floats
) -> tuple[dict[str, Any], list[Floats]]:
    rows = panel.ts.size
    arrays = [np.empty(rows), np.empty(rows), np.empty((rows, 1)), np.zeros((rows, 1))]
    native = _kernel.Panel(checked_panel(panel, settings))
    weights = np.ascontiguousarray(targets[:, None])
    return _kernel.simulate(native, [item], settings, weights, None, *arrays, False), arrays


CASES = [
    ("plain", COST, MARKET, [0.0, 1.0]),
    ("capped", COST, SimulationSettings(), [0.0, 0.5, 1.0, np.nan]),
    ("minimum fee", replace(COST, min_fee=3.0, min_notional=50.0), MARKET, [0.0, 0.02, 1.0]),
    ("coin", replace(COST, fee_in_received=True, participation=0.02), MARKET, [0.0, 1.0]),
    ("at fill", COST, replace(MARKET, size_at=SizeAt.FILL), [0.0, 1.0]),
    ("refused", COST, MARKET, [0.0, 1.0, -1.0, np.inf, 99.0]),
    ("stops", COST, replace(MARKET, stop_loss=0.02, take_profit=0.03), [0.0, 1.0]),
    ("trail", COST, replace(MARKET, trailing=0.02, reenter_after=5), [0.0, 1.0]),
    ("near-far", COST, replace(MARKET, trailing=0.02, path=PathRule.NEAR_FAR), [0.0, 1.0]),
    (
        "cross",
        replace(COST, kind=InstrumentKind.LINEAR, leverage=20.0, tiers=((5e3, 0.01), (1e9, 0.05))),
        replace(MARKET, max_leverage=20.0, stop_loss=0.1),
        [-15.0, 0.0, 8.0],
    ),
    (
        "isolated",
        replace(COST, kind=InstrumentKind.LINEAR, leverage=10.0, tiers=((1e9, 0.01),)),
        replace(MARKET, max_leverage=10.0, margin_mode=MarginMode.ISOLATED),
        [-9.0, 0.0, 9.0],
    ),
    (
        "inverse",
        replace(COST, kind=InstrumentKind.INVERSE, lot=1.0, multiplier=10.0, leverage=5.0),
        replace(MARKET, cash=10.0, max_leverage=5.0),
        [-4.0, 0.0, 4.0],
    ),
]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("item", "settings", "choices"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_skipping_rests_changes_no_bit(
    item: SimulatedInstrument, settings: SimulationSettings, choices: list[float], seed: int
) -> None:
    panel = a_panel(seed, 400, missing=0.02 if seed % 2 else 0.0)
    targets = some_targets(seed, 400, choices)

    fast = simulate(panel, [item], settings, targets=targets)
    slow, (equity, cash, position, funding) = row_by_row(panel, item, settings, targets)

    assert fast.equity.tobytes() == equity.tobytes()
    assert fast.cash.tobytes() == cash.tobytes()
    assert fast.position.tobytes() == position.tobytes()
    assert fast.funding.tobytes() == funding.tobytes()
    assert fast.fills.price.tobytes() == slow["fills"]["price"].tobytes()
    assert fast.fills.fee.tobytes() == slow["fills"]["fee"].tobytes()
    assert fast.fills.quantity.tobytes() == slow["fills"]["quantity"].tobytes()
    assert fast.counters == slow["counters"]
    assert fast.fills.row.size > 5


@pytest.mark.parametrize(
    ("item", "settings", "choices"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_batch_gives_what_single_runs_give(
    item: SimulatedInstrument, settings: SimulationSettings, choices: list[float]
) -> None:
    panel = a_panel(7, 500)
    sets = [some_targets(seed, 500, choices) for seed in range(5)]

    totals, returns = simulate_batch(panel, [item], settings, iter(sets), threads=2, chunk=2)

    ends = Batch(panel, [item], settings).day_ends
    assert ends.tolist() == [*range(23, 500, 24), 499]
    for targets, total, series in zip(sets, totals, returns, strict=True):
        alone = simulate(panel, [item], settings, targets=targets)
        daily = alone.equity[ends]
        base = np.concatenate([[settings.cash], daily[:-1]])
        solvent = np.concatenate([[True], np.cumsum(daily[:-1] <= 0.0) == 0])
        expected = np.divide(daily, base, where=solvent, out=np.ones_like(daily)) - 1.0
        assert series.tobytes() == expected.tobytes()
        assert total.final_equity == alone.equity[-1]
        assert total.fees == pytest.approx(alone.fills.fee.sum(), rel=1e-12)
        assert total.funding == pytest.approx(alone.funding.sum(), abs=1e-9)
        assert total.fills == alone.fills.row.size


def test_a_batch_of_a_panel_of_two_gives_what_single_runs_give() -> None:
    one, two = a_panel(1, 300), a_panel(2, 300)
    names = ("open", "high", "low", "close", "volume")
    prices = {n: np.column_stack([getattr(one, n), getattr(two, n)]) for n in names}
    panel = Panel(ts=one.ts, timeframe_ms=HOUR, **prices)
    items = [COST, replace(COST, symbol="Y")]
    weights = np.column_stack([some_targets(s, 300, [0.0, 0.4]) for s in (1, 2)])

    total = Batch(panel, items, MARKET).run(weights)
    alone = simulate(panel, items, MARKET, targets=weights)

    assert total.final_equity == alone.equity[-1]
    assert total.fills == alone.fills.row.size > 10


def test_every_instruction_set_gives_the_same_bits(every_level: list[str]) -> None:
    rng = np.random.default_rng(3)
    columns = 13
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (200, columns)), axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    panel = Panel(
        ts=np.arange(200, dtype=np.int64) * HOUR * 24,
        timeframe_ms=HOUR * 24,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.full(close.shape, 1e9),
    )
    items = [replace(COST, symbol=f"S{k:02}") for k in range(columns)]
    weights = rng.random((200, columns)) / columns
    lone = a_panel(11, 400)
    targets = some_targets(11, 400, [0.0, 1.0, np.nan])
    seen = set()
    for level in every_level:
        _kernel.set_simd_level(level)
        assert _kernel.simd_level() == level
        wide = simulate(panel, items, MARKET, targets=weights)
        alone = simulate(lone, [COST], MARKET, targets=targets)
        seen.add(
            (
                wide.equity.tobytes(),
                wide.cash.tobytes(),
                alone.equity.tobytes(),
                tuple(alone.counters.items()),
            )
        )

    assert "baseline" in every_level
    assert len(seen) == 1


def test_the_environment_names_the_instruction_set(every_level: list[str]) -> None:
    command = [sys.executable, "-c", "from algotrader import _kernel; print(_kernel.simd_level())"]
    for level in every_level:
        told = {**os.environ, "ALGOTRADER_SIMD": level}
        said = subprocess.run(command, env=told, capture_output=True, text=True, check=True)
        assert said.stdout.split() == [level]


def test_an_unknown_instruction_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction set named sse9"):
        _kernel.set_simd_level("sse9")
