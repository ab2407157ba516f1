"""The sixteen main metrics beside empyrical-reloaded, and CSCV: `python -m benchmarks.bench_metrics`.

empyrical runs in an environment of its own (`--peer PYTHON`, an interpreter that has it), never in
ours; both get the same series of the same seed and do the same figures, and the fastest of several
runs counts. Without `--peer` our own figures alone are printed. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHAPES = ((1, 1_250), (1, 100_000), (1, 1_000_000), (800, 1_250))


def series(shape: tuple[int, int]) -> np.ndarray:
    """Daily returns with fat tails, from a fixed seed."""
    return np.random.default_rng(7).standard_t(4, shape) * 0.01


def fastest(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def empyrical_metrics(values: np.ndarray) -> list[float]:
    """The same sixteen figures; the length of the longest drawdown in plain numpy."""
    import empyrical as e

    equity = np.cumprod(1.0 + values)
    tops = np.flatnonzero(equity >= np.maximum.accumulate(equity))
    centred = values - values.mean()
    square = np.mean(centred**2)
    return [
        e.cum_returns_final(values),
        e.annual_return(values, annualization=365),
        e.annual_volatility(values, annualization=365),
        e.sharpe_ratio(values, annualization=365),
        e.sortino_ratio(values, annualization=365),
        e.calmar_ratio(values, annualization=365),
        e.max_drawdown(values),
        float(np.max(np.diff(np.concatenate(([-1], tops, [values.size - 1]))))),
        e.value_at_risk(values, 0.05),
        e.conditional_value_at_risk(values, 0.05),
        e.value_at_risk(values, 0.01),
        e.conditional_value_at_risk(values, 0.01),
        float(np.mean(centred**3) / square**1.5),
        float(np.mean(centred**4) / square**2),
        float(values.max()),
        float(values.min()),
    ]


def peer() -> None:
    """Run inside the peer's environment: prints its version, seconds and figures per shape."""
    import empyrical

    found: dict[str, object] = {"version": empyrical.__version__}
    for shape in SHAPES:
        values = series(shape)
        seconds = fastest(
            lambda values=values: [empyrical_metrics(row) for row in values],
            1 if values.size >= 1_000_000 else 5,
        )
        found[str(shape)] = {"seconds": seconds, "figures": empyrical_metrics(values[0])}
    print(json.dumps(found))


def ask_peer(python: str) -> dict[str, Any]:
    command = [python, __file__, "--as-peer"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def agree(ours: dict[str, np.ndarray], theirs: list[float]) -> bool:
    """Same figures, but for the tail means (empyrical takes a whole number of days)."""
    names = list(ours)[:16]
    same = ("total_return", "volatility", "sharpe", "sortino", "max_drawdown", "var_95", "var_99")
    return all(
        np.isclose(ours[name][0], value, rtol=1e-9)
        for name, value in zip(names, theirs, strict=True)
        if name in (*same, "skew", "kurtosis", "best_day", "worst_day")
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has empyrical-reloaded")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.as_peer:
        peer()
        return 0
    found = measure(asked.peer)
    if asked.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0


def measure(python: str | None) -> dict[str, Any]:
    """Points a second of each shape, ours on one core and on all, and the peer's."""
    from algotrader.backtest.main_metrics import main_metrics

    theirs = ask_peer(python) if python else {}
    rows = []
    for shape in SHAPES:
        values = series(shape)
        repeats = 200 if values.size < 10_000 else 15
        one = fastest(lambda v=values: main_metrics(v, 365.0, threads=1), repeats)
        every = fastest(lambda v=values: main_metrics(v, 365.0), repeats)
        row = {"shape": shape, "one": values.size / one, "all": values.size / every}
        if str(shape) in theirs:
            other = theirs[str(shape)]
            if not agree(main_metrics(values, 365.0), other["figures"]):
                raise ValueError(f"the figures of {shape} differ")
            row["peer"] = values.size / other["seconds"]
        rows.append(row)
    return {"version": theirs.get("version"), "rows": rows}


def show(found: dict[str, Any]) -> None:
    from algotrader.backtest.cscv import probability_of_overfitting

    print(f"empyrical-reloaded {found['version'] or 'not asked'}\n")
    print("| series x days | one core, G points/s | all cores | empyrical | ratio, one core |")
    print("|---|---:|---:|---:|---:|")
    for row in found["rows"]:
        cells = ["{} x {}".format(*row["shape"]), f"{row['one'] / 1e9:.3f}"]
        cells.append(f"{row['all'] / 1e9:.3f}")
        peer = row.get("peer")
        cells += [f"{peer / 1e9:.4f}", f"{row['one'] / peer:.0f}"] if peer else ["-", "-"]
        print("| " + " | ".join(cells) + " |")
    trials = series((1_000, 1_250))
    seconds = fastest(lambda: probability_of_overfitting(trials), 3)
    print(f"\nPBO of 1,000 trials x 1,250 days, 12,870 splits: {seconds:.3f} s")


if __name__ == "__main__":
    sys.exit(main())
