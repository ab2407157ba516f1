"""The kernel lets go of the interpreter while it works, and spreads a batch over the cores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from algotrader import _kernel
from algotrader.execution.batch import Batch
from algotrader.execution.simulation import Panel, SimulatedInstrument, SimulationSettings
from algotrader.execution.simulator_input import checked_panel

ROWS = 300_000
TRIES = 30  # a busy machine may not run the watcher in time; it cannot fail so often
CLOSE = 100.0 + np.cumsum(np.random.default_rng(1).choice([-0.01, 0.01], ROWS))
PANEL = Panel(
    ts=np.arange(ROWS, dtype=np.int64) * 3_600_000,
    timeframe_ms=3_600_000,
    open=CLOSE,
    high=CLOSE,
    low=CLOSE,
    close=CLOSE,
    volume=np.full(ROWS, 1e9),
)
ITEMS = [SimulatedInstrument(symbol="X")]
TARGETS = (np.arange(ROWS) // 3 % 2).astype(np.float64)
RETURNS = np.random.default_rng(2).normal(0.0, 0.01, (1_280, 2_000))

WEIGHTS = np.ascontiguousarray(TARGETS[:, None])
SETTINGS = SimulationSettings()
NATIVE = _kernel.Panel(checked_panel(PANEL, SETTINGS))
BATCH = _kernel.Batch(NATIVE, ITEMS, SETTINGS)
COLUMNS = (np.empty(ROWS), np.empty(ROWS), np.empty((ROWS, 1)), np.zeros((ROWS, 1)))
QUANTILE = np.empty((1, ROWS))
DAYS = np.empty((4, BATCH.day_ends.size))

# Calls of the kernel alone: numpy lets go of the interpreter too.
WORK: dict[str, Callable[[], object]] = {
    "simulate": lambda: _kernel.simulate(NATIVE, ITEMS, SETTINGS, WEIGHTS, None, *COLUMNS, False),
    "one of a batch": lambda: BATCH.run(WEIGHTS, DAYS[0]),
    "batch": lambda: BATCH.run_many([WEIGHTS] * 4, DAYS, 1),
    "metrics": lambda: _kernel.metrics.main(RETURNS, 365.0, 0.0, 1),
    "cscv": lambda: _kernel.metrics.cscv(RETURNS, 16, 1),
    "indicators": lambda: _kernel.indicators.rolling_quantile(CLOSE[None, :], 500, 0.3, QUANTILE),
}


@pytest.fixture
def never_switching() -> Iterator[None]:
    """Threads take turns only where one lets go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(3_600.0)
    yield
    sys.setswitchinterval(before)


def while_working(work: Callable[[], object], look: Callable[[], bool]) -> bool:
    """Whether `look()` is true at some instant while another thread does the work."""
    for _ in range(TRIES):
        begun, done = threading.Event(), threading.Event()

        def at_work(begun: threading.Event = begun, done: threading.Event = done) -> None:
            begun.set()
            try:
                work()
            finally:
                done.set()

        worker = threading.Thread(target=at_work)
        worker.start()
        begun.wait()
        seen = False
        while not done.is_set():
            seen = seen or look()
            done.wait(0.0005)
        worker.join()
        if seen:
            return True
    return False


@pytest.mark.parametrize("name", WORK)
@pytest.mark.usefixtures("never_switching")
def test_python_goes_on_while_the_kernel_works(name: str) -> None:
    assert while_working(WORK[name], lambda: True)


@pytest.mark.skipif(sys.platform != "linux", reason="not run: threads are counted in /proc")
@pytest.mark.skipif(os.cpu_count() == 1, reason="not run: this machine has one core")
def test_a_batch_is_spread_over_the_cores() -> None:
    batch = Batch(PANEL, ITEMS, SETTINGS)
    cores = os.cpu_count() or 1
    tasks = Path("/proc/self/task")
    idle = len(list(tasks.iterdir()))

    # One thread a core, of which the one that called is the first.
    assert while_working(
        lambda: batch.run_many([TARGETS] * 2 * cores),
        lambda: len(list(tasks.iterdir())) >= idle + cores,
    )
