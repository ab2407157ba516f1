"""The bars that everybody is measured on: a price that walks, from a fixed seed.

python -m benchmarks.series FILE.npy ROWS STEP_MS         minutes or hours, for the peers
python -m benchmarks.series csv FILE.csv ROWS             hours, to be imported
python -m benchmarks.series panel PREFIX ROWS COLS EVERY  daily closes, and weights
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

START = 1_577_836_800_000  # 2020-01-01, UTC ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    open_: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def walk(rows: int) -> Bars:
    """A price that walks, from a fixed seed."""
    random = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.002, rows)))
    open_ = np.roll(close, 1)
    open_[0] = close[0]
    high = np.maximum(open_, close) * (1.0 + random.uniform(0.0, 0.002, rows))
    low = np.minimum(open_, close) * (1.0 - random.uniform(0.0, 0.002, rows))
    return Bars(
        open_=open_, high=high, low=low, close=close, volume=random.uniform(10.0, 1e4, rows)
    )


def closes(rows: int, columns: int) -> Floats:
    """A panel of daily closes, shape (rows, columns)."""
    steps = np.random.default_rng(11).normal(0.0003, 0.015, (rows, columns))
    walked: Floats = 100.0 * np.exp(np.cumsum(steps, axis=0))
    return walked


def weights(rows: int, columns: int, every: int) -> Floats:
    """A tenth of the names in equal parts, drawn anew every `every` rows; NaN in between."""
    random = np.random.default_rng(13)
    held = columns // 10
    wanted = np.full((rows, columns), np.nan)
    for row in range(0, rows, every):
        wanted[row] = 0.0
        wanted[row, random.choice(columns, held, replace=False)] = 0.98 / held
    return wanted


def save_bars(path: Path, rows: int, step_ms: int) -> None:
    """Columns ts, open, high, low, close, volume as one float64 array for the peers."""
    b = walk(rows)
    ts = START + step_ms * np.arange(rows)
    np.save(path, np.column_stack((ts, b.open_, b.high, b.low, b.close, b.volume)))


def save_csv(path: Path, rows: int) -> None:
    b = walk(rows)
    ts = START + 3_600_000 * np.arange(rows)
    table = np.column_stack((ts, b.open_, b.high, b.low, b.close, b.volume))
    header = "ts,open,high,low,close,volume"
    np.savetxt(path, table, ["%d", *["%.8f"] * 5], ",", header=header, comments="")


def main(words: list[str]) -> None:
    if words[0] == "csv":
        save_csv(Path(words[1]), int(words[2]))
    elif words[0] == "panel":
        prefix, rows, columns, every = words[1], *map(int, words[2:])
        np.save(f"{prefix}-closes.npy", closes(rows, columns))
        np.save(f"{prefix}-weights.npy", weights(rows, columns, every))
    else:
        save_bars(Path(words[0]), int(words[1]), int(words[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
