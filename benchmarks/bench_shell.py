"""The command as a person waits for it: whole processes, the fastest of several."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.child import run

ALGOTRADER = str(Path(sys.executable).parent / "algotrader")
SYMBOL = "OKX:BTC/USDT"
TWO_YEARS = 2 * 365 * 24


def imports(repeats: int) -> dict[str, float]:
    """CPU seconds of importing this package and numpy alone, each in a fresh interpreter."""
    names = ("algotrader", "numpy")
    turns = [
        [run([sys.executable, "-c", f"import {n}"]).cpu_s for n in names] for _ in range(repeats)
    ]
    return {name: min(turn[place] for turn in turns) for place, name in enumerate(names)}


def help_from_shell(repeats: int) -> float:
    return min(run([ALGOTRADER, "--help"]).wall_s for _ in range(repeats))


def backtest_from_shell(folder: Path, repeats: int) -> float:
    """Seconds of `algotrader backtest` over two years of hourly bars, report included."""
    bars = folder / "hours.csv"
    run([sys.executable, "-m", "benchmarks.series", "csv", str(bars), str(TWO_YEARS)])
    place = folder / "workspace"
    run([ALGOTRADER, "init", str(place)])
    bring = [ALGOTRADER, "data", "import", str(bars), "--symbol", SYMBOL, "--timeframe", "1h"]
    run(bring, folder=place)
    asked = [ALGOTRADER, "backtest", "TrendFollow", "--symbol", SYMBOL, "--timeframe", "1h"]
    return min(run(asked, folder=place).wall_s for _ in range(repeats))
