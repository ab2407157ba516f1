"""Run simulated histories: `python -m tests.simulation --from 0 --seeds 1000 --jobs 2`."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.simulation import runner


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0: one for each core")
    parser.add_argument("--anew", action="store_true", help="run again what was run on this code")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    path = runner.KEPT / f"{runner.code_hash()}.jsonl"
    if chosen.anew:
        path.unlink(missing_ok=True)
    return runner.run(
        chosen.first, chosen.seeds, chosen.jobs or runner.cores(), runner.SeedRecord(path),
        sys.stdout, sys.stderr,
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
