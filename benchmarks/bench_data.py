"""Import, load and check of 2.6 million one-minute bars, against the figures of the design.

python -m benchmarks.bench_data            prints a table
python -m benchmarks.bench_data --json     prints one object
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from algotrader.core.calendars import load_calendar
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.importing import Wanted, import_file
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.quality.check import check_table

ROWS = 2_600_000
SYMBOL = Symbol.parse("OKX:BTC/USDT")
MINUTE = Timeframe.parse("1m")
LIMITS = {"import csv": 5.0, "import parquet": 5.0, "load": 0.2, "check": 2.0}


def market() -> pl.DataFrame:
    draw = np.random.default_rng(1)
    close = 30_000 * np.exp(np.cumsum(draw.normal(0, 3e-4, ROWS)))
    opened = np.concatenate((close[:1], close[:-1]))
    spread = draw.exponential(3.0, (2, ROWS))
    return pl.DataFrame(
        {
            "ts": 1_577_836_800_000 + 60_000 * np.arange(ROWS),
            "open": opened.round(2),
            "high": (np.maximum(opened, close) + spread[0]).round(2),
            "low": (np.minimum(opened, close) - spread[1]).round(2),
            "close": close.round(2),
            "volume": draw.lognormal(1.5, 1.0, ROWS).round(5),
        }
    )


def best(action: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return min(spent)


def measure(folder: Path) -> dict[str, float]:
    frame = market()
    csv, parquet = folder / "bars.csv", folder / "bars.parquet"
    frame.write_csv(csv)
    frame.write_parquet(parquet)
    wanted, clock, figures = Wanted(symbol=SYMBOL), SystemClock(), {}
    for name, path in (("import csv", csv), ("import parquet", parquet)):
        lake = Lake(folder / name)
        figures[name] = best(lambda lake=lake, path=path: import_file(lake, path, clock, wanted), 1)
    figures["import again"] = best(lambda: import_file(lake, parquet, clock, wanted), 1)
    figures["load"] = best(lambda: lake.read_bars(SYMBOL, MINUTE), 5)
    table, _ = lake.read_table(SeriesKey.bars(SYMBOL, MINUTE))
    calendar = load_calendar("24/7")
    figures["check"] = best(lambda: check_table(table, MINUTE, calendar, "bench"), 3)
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    print(f"{ROWS:,} bars of 1m")
    for name, seconds in figures.items():
        limit = f"(figure to reach: {LIMITS[name]} s)" if name in LIMITS else ""
        print(f"{name:16} {seconds:7.3f} s {limit}")


if __name__ == "__main__":
    main()
