"""What proves that trading is right: parity of what was traded, and simulated histories.

python -m benchmarks.bench_proofs WORK [--size N]

    parity     both comparisons of N hourly bars (8,760: a year) that one strategy traded
    histories  N seeds of the model tier, on one core: every property looked at

Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.simulation.history import HistoryPlan
from tests.simulation.seeds import broken

from algotrader.core.ids import RunId
from algotrader.core.ports import SystemClock
from algotrader.data import generator
from algotrader.data.lake import Lake
from algotrader.live.journal.journal import last_segment
from algotrader.live.journal.storage import Sync
from algotrader.ops.config import load
from algotrader.ops.desk import build_desk
from algotrader.ops.parity import parity_desk
from algotrader.ops.trading import journal_folder, opened
from algotrader.ops.trading import replay as trade_replay
from algotrader.parity.comparing import compare
from benchmarks.bench_live import Figures

WARM_UP = 200
SETTINGS = """
accounts: {{main: {{currency: USDT, cash: 100_000}}}}
trading: {{start: {start}}}
strategies:
  trend: {{use: TrendFollow, symbols: ["{symbol}"], timeframe: 1h, share: 0.9}}
"""


def parity(bars: int, folder: Path) -> Figures:
    """Seconds of both comparisons; what was traded and compared."""
    made = generator.generate(bars + WARM_UP, 7)
    generator.write_generated(Lake(folder / "lake"), made, SystemClock())
    start = np.datetime64(int(made.spot.ts[WARM_UP]), "ms")
    settings = SETTINGS.format(start=start, symbol=generator.SPOT)
    (folder / "algotrader.yaml").write_text(settings)
    desk = build_desk(load(folder / "algotrader.yaml", environment={}))
    with opened(journal_folder(desk), Sync.NORMAL) as journal:
        asyncio.run(trade_replay(desk, journal))
    with journal_folder(desk).reading() as rows:
        begun = time.perf_counter()
        found = compare(parity_desk(desk, RunId(last_segment(rows).run_id)), rows)
        seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "decisions": len(found.decisions),
        "rows": found.replay.rows,
        "is_clean": found.is_clean,
    }


def histories(seeds: int, _: Path) -> Figures:
    """Seeds and events of the engine a second; the first that broke a property, if one did."""
    logging.disable(logging.CRITICAL)
    events, broke = 0, None
    begun = time.perf_counter()
    for seed in range(seeds):
        found, history = broken(HistoryPlan.of(seed))
        events += len(history.rows())
        if found and broke is None:
            broke = f"seed {seed}: {found[0]}"
    seconds = time.perf_counter() - begun
    return {"seeds_s": seeds / seconds, "events_s": events / seconds, "broke": broke}


WORK: dict[str, tuple[Callable[[int, Path], Figures], int]] = {
    "parity": (parity, 8_760),
    "histories": (histories, 300),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=sorted(WORK))
    parser.add_argument("--size", type=int)
    asked = parser.parse_args()
    work, usual = WORK[asked.work]
    with tempfile.TemporaryDirectory(prefix="algotrader-proofs-") as folder:
        print(json.dumps(work(asked.size or usual, Path(folder))))


if __name__ == "__main__":
    main()
