"""Small markets for table tests: bars as tuples, one line per order, fills as tuples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from algotrader.execution.simulation import (
    Floats,
    OrderRequest,
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)

Simulate = Callable[..., SimulationResult]
Ohlc = tuple[float, float, float, float] | None

START = 1_700_006_400_000  # 2023-11-15 00:00 UTC
HOUR = 3_600_000
DAY = 24 * HOUR


def market(
    *columns: Sequence[Ohlc],
    volume: float | Sequence[float] = 1e9,
    hours: float = 1,
    **rest: Any,
) -> Panel:
    """A panel of one or more columns of (open, high, low, close); None is a missing bar."""
    rows = len(columns[0])
    bars = np.full((rows, 4, len(columns)), np.nan)
    volumes = np.zeros((rows, len(columns)))
    for i, column in enumerate(columns):
        for t, bar in enumerate(column):
            if bar is not None:
                bars[t, :, i] = bar
                volumes[t, i] = volume if isinstance(volume, (int, float)) else volume[t]
    frame = int(hours * HOUR)
    return Panel(
        ts=START + np.arange(rows, dtype=np.int64) * frame,
        timeframe_ms=frame,
        open=bars[:, 0].copy(),
        high=bars[:, 1].copy(),
        low=bars[:, 2].copy(),
        close=bars[:, 3].copy(),
        volume=volumes,
        **rest,
    )


def still(price: float, rows: int) -> list[Ohlc]:
    """Bars in which nothing moves."""
    return [(price, price, price, price)] * rows


def spot(**changes: Any) -> SimulatedInstrument:
    """A spot pair without costs, ticks of 0.01 and lots of 0.01, filled at the open."""
    values: dict[str, Any] = {"symbol": "A", "tick": 0.01, "lot": 0.01, "participation": 0.0}
    return SimulatedInstrument(**{**values, **changes})


def buy(quantity: float | None = None, instrument: int = 0, **rest: Any) -> OrderRequest:
    return OrderRequest(instrument=instrument, side=1, quantity=quantity, **rest)


def sell(quantity: float | None = None, instrument: int = 0, **rest: Any) -> OrderRequest:
    return OrderRequest(instrument=instrument, side=-1, quantity=quantity, **rest)


def column(*numbers: float) -> Floats:
    """Targets of one instrument, one number per row."""
    return np.array(numbers, dtype=np.float64)[:, None]


def settings(**changes: Any) -> SimulationSettings:
    return SimulationSettings(**{"cash": 10_000.0, **changes})


def fills(result: SimulationResult) -> list[tuple[int, float, float]]:
    """(row, signed quantity, price) of each fill, in order."""
    f = result.fills
    return [
        (int(r), float(q), float(p)) for r, q, p in zip(f.row, f.quantity, f.price, strict=True)
    ]


def near(expected: list[tuple[int, float, float]]) -> Any:
    """The same rows, quantities and prices to 1e-9."""
    return [pytest.approx(e, rel=1e-9, abs=1e-9) for e in expected]
