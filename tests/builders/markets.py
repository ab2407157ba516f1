"""Seeded bars for tests that are about something else."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe

START_MS = 1_704_067_200_000  # 2024-01-01


def random_bars(
    rows: int = 600,
    *,
    seed: int = 1,
    timeframe: str = "1h",
    symbol: str = "OKX:BTC/USDT",
    drift: float = 0.0,
) -> Bars:
    """A random walk with plausible highs, lows and volume."""
    generator = np.random.default_rng(seed)
    frame = Timeframe.parse(timeframe)
    close = 100.0 * np.exp(np.cumsum(generator.normal(drift, 0.01, rows)))
    opening = np.concatenate([[100.0], close[:-1]]) * np.exp(generator.normal(0, 0.001, rows))
    spread = np.abs(generator.normal(0, 0.004, (2, rows)))
    ts = START_MS + frame.ms * np.arange(rows, dtype=np.int64)
    return Bars(
        ts=ts,
        open=opening,
        high=np.maximum(opening, close) * (1 + spread[0]),
        low=np.minimum(opening, close) * (1 - spread[1]),
        close=close,
        volume=generator.lognormal(8, 1, rows),
        known_at=ts + frame.ms,
        timeframe=frame,
        symbols=(Symbol.parse(symbol),),
        session=ts // DAY_MS,
    )


def random_panel(rows: int = 600, columns: int = 5, *, seed: int = 1) -> Bars:
    """Independent random walks side by side, daily."""
    return Bars.stack(
        [
            random_bars(rows, seed=seed * 100 + column, timeframe="1d", symbol=f"US:S{column:02d}")
            for column in range(columns)
        ]
    )
