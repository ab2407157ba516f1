"""`docs/benchmarks.md`: the table, and what is needed to judge it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.rows import Row

HEAD = """# Benchmarks

Made by `make bench`; do not edit. Every figure is measured, ours and the peers' in the same run, in
turn, each in a process of its own, and the fastest of several runs counts. Ratios are how many
times faster AlgorithmTrader is on the same rule and bars. Peers are installed in environments of
their own (`benchmarks/peers.txt`; nautilus_trader on the Python 3.12 that it needs) and are never a
dependency. A figure not reached says so.

The backtest is an average of 20 bars crossing one of 100: in at the next open with a market order, out
at the next open, a fee of 0.1 %. Each peer gets its averages in the quickest way it has (as arrays
before the run, or kept bar by bar), and as many bars as it can do in a few seconds. Indicators are
called through their public functions, a million rows as one series, as ten and as a hundred.
"""


def machine() -> list[str]:
    """Taken before anything is measured."""
    info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return [
        f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- machine: {os.cpu_count()} cores, {models[0] if models else platform.machine()}, "
        f"{platform.system()} {platform.release()}",
        f"- load average at the start: {load}",
        f"- AlgorithmTrader {version('algotrader')}, Python {platform.python_version()}, "
        f"numpy {version('numpy')}, polars {version('polars')}",
    ]


def page(facts: Sequence[str], rows: Sequence[Row], refused: Mapping[str, str]) -> str:
    lines = [HEAD, *facts, "", "| work | measured | to reach | | peers |", "|---|---|---|---|---|"]
    for row in rows:
        verdict = "reached" if row.reached else "**not reached**"
        peers = "<br>".join(row.peers)
        lines.append(f"| {row.work} | {row.ours} | {row.goal} | {verdict} | {peers} |")
    if refused:
        lines += ["", "Not measured:", ""]
        lines += [f"- {name}: {reason}" for name, reason in refused.items()]
    return "\n".join(lines) + "\n"
