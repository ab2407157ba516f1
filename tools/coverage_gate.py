"""Refuse a test run that leaves too much of the money's code unvisited: `coverage_gate.py JSON`.

Reads coverage.py's JSON report. Lines and branches must each reach the bar of their package.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BARS = {"core": 0.95, "portfolio": 0.95, "backtest": 0.90}


def share(files: Iterable[Mapping[str, Any]], kind: str) -> float:
    """Visited part of all `lines` or `branches` of the files; 1 where there are none."""
    covered, total = {
        "lines": ("covered_lines", "num_statements"),
        "branches": ("covered_branches", "num_branches"),
    }[kind]
    everything = [{"num_branches": 0, "covered_branches": 0, **file["summary"]} for file in files]
    count = sum(summary[total] for summary in everything)
    return sum(summary[covered] for summary in everything) / count if count else 1.0


def worst(files: Mapping[str, Any], count: int = 5) -> list[str]:
    ordered = sorted(files, key=lambda name: files[name]["summary"]["percent_covered"])
    return [f"{name} {files[name]['summary']['percent_covered']:.1f} %" for name in ordered[:count]]


def main(report: Path) -> int:
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    failed = False
    for package, bar in BARS.items():
        here = {name: file for name, file in files.items() if f"algotrader/{package}/" in name}
        if not here:
            print(f"coverage: {package} has no measured file", file=sys.stderr)
            failed = True
            continue
        shares = {kind: share(here.values(), kind) for kind in ("lines", "branches")}
        said = ", ".join(f"{kind} {value:.1%}" for kind, value in shares.items())
        print(f"coverage: {package}: {said} (at least {bar:.0%})")
        if min(shares.values()) < bar:
            failed = True
            print(f"coverage: {package} is below; least: {'; '.join(worst(here))}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
