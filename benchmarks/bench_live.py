"""The live engine with its journal: latency, replay, restart, memory, and thirty days in a row.

python -m benchmarks.bench_live WORK [--size N]

    order    last bar of a slice to the orders it led to: 10 strategies in their worker, 5,000 rows
             of history, every step on the disk; memory of both processes
    replay   engine, paper venue and journal in one process; full sync, then `normal`
    restart  a journal of N events, its last snapshot 50,000 rows old: start, and check of all rows
    trade    the bars of --folder until killed, for a measurement beside it
    soak     N days of 15m bars on 10 instruments through the trader and its worker, 120 orders a day

Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import polars as pl

from algotrader.backtest.full import ACCOUNT, FullRun, run_full
from algotrader.backtest.paper_account import paper_venue
from algotrader.core.events import (
    BarClosed,
    Event,
    OrderFilled,
    SliceClosed,
    StrategyAnswered,
    decode_event,
    encode_event,
)
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.importing import Wanted, import_file
from algotrader.data.lake import Lake
from algotrader.engine.engine import Engine
from algotrader.engine.step import Outcome
from algotrader.execution.paper_broker import HISTORY, PaperBroker, stand_again
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.storage import Sync
from algotrader.live.journal.verifying import verify
from algotrader.live.snapshots import KIND, body_of
from algotrader.live.steps import REPLAY_STEPS, Steps
from algotrader.ops.config import load
from algotrader.ops.desk import build_desk
from algotrader.ops.standing import events_of
from algotrader.ops.trading import journal_folder, opened
from algotrader.ops.trading import replay as trade_replay
from benchmarks.bench_simulator import SETTINGS, Crossing, market
from benchmarks.child import resident_mb

STRATEGIES = 10
HISTORY_ROWS = 5_000
BAR_MS = 900_000
SNAPSHOT_AGE = 50_000
PAUSE_S = 0.03  # between bars, where there is much more: logs of the one before are written by then
A_DAY = 96  # bars of 15 minutes
START = 1_577_836_800_000
MB = 1024 * 1024
_WAITING = (BarClosed, SliceClosed, StrategyAnswered)
Figures = dict[str, Any]
clock = time.process_time if os.environ.get("BENCH_CPU") else time.perf_counter

FLIP = """
import numpy as np

from algotrader import Bars, Features, Strategy, Targets
from algotrader.features import ema


class Flip(Strategy):
    \"\"\"Another weight at every bar, so that every slice leads to orders.\"\"\"

    def features(self, bars: Bars) -> Features:
        return {"fast": ema(bars.close, 20), "slow": ema(bars.close, 100)}

    def targets(self, bars: Bars, f: Features) -> Targets:
        up = np.where(f["fast"] > f["slow"], 0.6, 0.3)
        return np.where(bars.ts // 900_000 % EVERY == 0, up, 0.8 * up)
"""


class Journaled:
    """A watch of the full driver that writes each step as `live.steps` does."""

    def __init__(self, journal: Journal, gather_steps: int) -> None:
        self._journal = journal
        self._gather_steps = gather_steps
        self._waiting: list[list[Entry]] = []
        self.steps = self.events = 0

    def __call__(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self.steps += 1
        self.events += len(events)
        self._waiting.append(
            [Entry(time_ms=e.ts_known, kind=e.kind, body=encode_event(e)) for e in events]
        )
        if self._gather_steps > 1:
            is_due = len(self._waiting) >= self._gather_steps
        else:
            is_due = len(events) > 1 or not isinstance(events[0], _WAITING)
        if is_due:
            self.write()

    def write(self) -> None:
        if self._waiting:
            self._journal.append_steps(self._waiting)
            self._waiting = []


def journaled(folder: JournalFolder, rows: int, sync: Sync) -> tuple[FullRun, Journaled, float]:
    """A run through engine, paper venue and journal, and its seconds."""
    traded = market(rows, "1h", 3_600_000)
    with folder.create(entropy=bytes(16), now_ms=START, sync=sync) as journal:
        watch = Journaled(journal, REPLAY_STEPS if sync is Sync.NORMAL else 1)
        begun = clock()
        run = run_full(Crossing(), traded, SETTINGS, watch=watch)
        watch.write()
        return run, watch, clock() - begun


def replay(rows: int, folder: Path) -> Figures:
    _, full, full_s = journaled(JournalFolder(folder / "full"), rows, Sync.FULL)
    _, _, normal_s = journaled(JournalFolder(folder / "normal"), rows, Sync.NORMAL)
    return {"steps": full.steps / full_s, "decisions": rows / normal_s}


def restart(events: int, folder: Path) -> Figures:
    """A start as `algotrader trade` makes it: open, engine, paper account; then all rows checked."""
    place, rows = JournalFolder(folder / "journal"), events // 4
    run, _, _ = journaled(place, rows, Sync.NORMAL)
    settings = run.engine.state.settings
    with place.open(sync=Sync.NORMAL) as journal:
        before = journal.head.seq - SNAPSHOT_AGE
        engine = Engine(settings)
        for row in journal.read():
            if row.seq > before and row.remaining:
                before = row.seq
            if row.seq > before + 1:
                break
            if not row.kind.startswith(PREFIX):
                engine.apply(decode_event(row.body))
            end = row.seq
        journal.keep_snapshot(KIND, body_of(engine.state), seq=end)
        written = journal.head.seq
    venue = paper_venue(ACCOUNT, market(rows, "1h", 3_600_000), SETTINGS)
    begun = clock()
    with place.open() as journal:
        steps = Steps(Engine(settings), journal)
        steps.replay()
        stand_again({ACCOUNT: venue}, events_of(place, HISTORY))
        started = clock() - begun
        begun = clock()
        found = verify(journal.rows)
    if found.problem is not None:
        raise found.problem
    return {"events": written, "restart": started, "verify": clock() - begun}


def desk_folder(folder: Path, rows: int, first: int, *, every: int) -> None:
    """A workspace of ten instruments, each with its strategy; the first decision is at a row."""
    lake = Lake(folder / "lake")
    random = np.random.default_rng(5)
    names = [f"C{k}" for k in range(STRATEGIES)]
    for name in names:
        close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.002, rows)))
        opened = np.concatenate(([100.0], close[:-1]))
        frame = pl.DataFrame(
            {"ts": START + BAR_MS * np.arange(rows), "open": opened}
            | {"high": np.maximum(opened, close) * 1.001, "low": np.minimum(opened, close) * 0.999}
            | {"close": close, "volume": np.full(rows, 1e6)}
        )
        frame.write_parquet(folder / f"{name}.parquet")
        wanted = Wanted(symbol=Symbol.parse(f"OKX:{name}/USDT"), timeframe=Timeframe(BAR_MS))
        import_file(lake, folder / f"{name}.parquet", SystemClock(), wanted)
    (folder / "flip.py").write_text(FLIP.replace("EVERY", str(every)))
    start = np.datetime64(START + BAR_MS * first, "ms")
    lines = ["accounts: {main: {currency: USDT, cash: 1_000_000}}", f"trading: {{start: {start}}}"]
    lines += ["strategies:"] + [
        f"  s{name.lower()}: {{use: flip.py, symbols: [OKX:{name}/USDT], timeframe: 15m, share: 0.1}}"
        for name in names
    ]
    (folder / "algotrader.yaml").write_text("\n".join(lines) + "\n")


class Timed:
    """When each slice was told to the trader, and when the last order it led to was sent."""

    def __init__(self, folder: Path, log: TextIO | None = None) -> None:
        """`log` gets the instant of each slice (monotonic) and what it took, as they come."""
        self.took: list[float] = []
        self.resident: list[float] = []  # MB of trader and worker, after each slice
        self._folder = folder
        self._log = log
        self._told = 0.0
        self._sent = 0.0

    def told(self, _: object) -> None:
        if self._sent > self._told > 0:
            self.took.append(self._sent - self._told)
            if self._log is not None:
                print(time.monotonic(), self.took[-1], file=self._log, flush=True)
        self.resident.append(resident_mb(os.getpid()))
        self._told = time.perf_counter()

    def sent(self) -> None:
        self._sent = time.perf_counter()

    async def trade(self, sync: Sync, pause_s: float = 0.0) -> int:
        """The desk of the folder, to the end of its bars, resting after each; how many slices."""
        desk = build_desk(load(self._folder / "algotrader.yaml", environment={}))
        timed = self.sent
        submit = PaperBroker.submit

        async def submitted(self: PaperBroker, *arguments: Any) -> Any:
            timed()
            return await submit(self, *arguments)

        # Timed at the broker's door: nothing nearer to the order is reached from outside.
        PaperBroker.submit = submitted  # type: ignore[method-assign]
        try:
            with opened(journal_folder(desk), sync) as journal:
                done = await trade_replay(desk, journal, on_slice=self.told, pause_s=pause_s)
                return done.slices
        finally:
            PaperBroker.submit = submit  # type: ignore[method-assign]  # as it was


def trade(folder: Path, pause_s: float) -> None:
    """Trade the folder until killed: `took.txt` has each slice, `known.txt` each fill's instant."""
    handle = Engine.handle
    with (folder / "took.txt").open("w") as log, (folder / "known.txt").open("w") as known:

        def handled(self: Engine, event: Event) -> Outcome:
            if isinstance(event, OrderFilled):
                print(event.fill.trade_id, time.time(), file=known, flush=True)
            return handle(self, event)

        # Where the engine first knows it: before its step is on the disk.
        Engine.handle = handled  # type: ignore[method-assign]
        asyncio.run(Timed(folder, log).trade(Sync.FULL, pause_s))


def order(slices: int, folder: Path) -> Figures:
    desk_folder(folder, HISTORY_ROWS + slices, HISTORY_ROWS, every=2)
    timed = Timed(folder)
    count = asyncio.run(timed.trade(Sync.FULL, PAUSE_S))
    took = np.array(timed.took[10:]) * 1e3
    return {
        "slices": count,
        "orders_after": len(took),
        "p50_ms": float(np.percentile(took, 50)),
        "p99_ms": float(np.percentile(took, 99)),
        "memory_mb": max(timed.resident),
    }


def soak(days: int, folder: Path) -> Figures:
    """Growth of memory from the end of day 2, by a line through the days after it."""
    first = 300
    desk_folder(folder, first + days * A_DAY, first, every=16)  # 12 orders a day of each
    timed = Timed(folder)
    count = asyncio.run(timed.trade(Sync.NORMAL))
    later = np.array(timed.resident[2 * A_DAY :])
    journal = sum(path.stat().st_size for path in (folder / "journal" / "chain").iterdir()) / MB
    return {
        "slices": count,
        "growth_mb_a_day": float(np.polyfit(np.arange(len(later)) / A_DAY, later, 1)[0]),
        "memory_mb": float(later.max()),
        "journal_mb_a_day": journal / days,
    }


WORK: dict[str, tuple[Callable[[int, Path], Figures], int]] = {
    "replay": (replay, 20_000),
    "restart": (restart, 1_000_000),
    "order": (order, 400),
    "soak": (soak, 30),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=[*sorted(WORK), "trade"])
    parser.add_argument("--size", type=int)
    parser.add_argument("--folder", type=Path, help="of `trade`")
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds between its slices")
    asked = parser.parse_args()
    if asked.work == "trade":
        trade(asked.folder, asked.pause)
        return
    work, usual = WORK[asked.work]
    with tempfile.TemporaryDirectory(prefix="algotrader-live-") as folder:
        print(json.dumps(work(asked.size or usual, Path(folder))))


if __name__ == "__main__":
    main()
