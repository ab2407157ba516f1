"""`python -m benchmarks`: measure everything and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.child import ChildError, run
from benchmarks.environments import Peers
from benchmarks.page import machine, page
from benchmarks.rows import ROWS, Row
from benchmarks.session import Session

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=ROWS, action="append", help="one subject, not the page")
    parser.add_argument("--quick", action="store_true", help="small sizes, not the page")
    parser.add_argument("--no-peers", action="store_true", help="this project alone, not the page")
    asked = parser.parse_args()
    whole = not (asked.only or asked.quick or asked.no_peers)
    facts = machine()
    run([sys.executable, "-c", "import algotrader._kernel"])  # built now if its source changed
    peers = None if asked.no_peers else Peers()
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="algotrader-bench-") as folder:
        session = Session(folder=Path(folder), peers=peers, quick=asked.quick)
        for name in asked.only or ROWS:
            try:
                made = ROWS[name](session)
            except ChildError as error:
                print(f"error: {name}: {error}", file=sys.stderr)
                failed = True
                continue
            for row in made:
                verdict = "reached" if row.reached else "NOT REACHED"
                print(f"{row.work}: {row.ours} [{row.goal}: {verdict}]", *row.peers, sep="\n    ")
            rows += made
    if whole and not failed:
        PAGE.write_text(page(facts, rows, peers.refused if peers else {}))
        print(f"written: {PAGE.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
