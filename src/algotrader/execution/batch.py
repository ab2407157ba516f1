"""Many target arrays over one panel, on every core: what sweeps are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from algotrader import _kernel
from algotrader.execution.simulation import (
    Floats,
    Ints,
    Panel,
    SimulatedInstrument,
    SimulationSettings,
)
from algotrader.execution.simulator_input import check_instruments, checked_matrix, checked_panel


@dataclass(frozen=True, slots=True)
class BatchTotals:
    """What one set of a batch came to. Money in the account's currency."""

    final_equity: float
    fees: float
    slippage: float
    funding: float  # received; negative was paid
    trades: int  # closed, flat to flat or to a flip (R32)
    open_trades: int
    fills: int
    ambiguous_bars: int
    liquidations: int
    below_minimum: int


class Batch:
    """Many target arrays over one panel; what they share is prepared once.

    A set costs a few hundred microseconds for 100,000 bars and keeps daily returns alone. `run`
    releases the interpreter lock, and any number of threads may call it.
    """

    def __init__(
        self,
        panel: Panel,
        instruments: Sequence[SimulatedInstrument],
        settings: SimulationSettings,
    ) -> None:
        checked = checked_panel(panel, settings)
        check_instruments(instruments, settings, checked.close.shape[1])
        self._shape = checked.close.shape
        self._native = _kernel.Batch(_kernel.Panel(checked), list(instruments), settings)
        self.day_ends: Ints = self._native.day_ends  # (D,) last row of each day

    def run(self, targets: Floats, returns: Floats | None = None) -> BatchTotals:
        """One set: targets (T,) or (T, N). Daily returns are written to `returns`, shape (D,).

        A day's return is its last equity over that of the day before (the starting cash at
        first), minus one; 0 after the day that ends in ruin.
        """
        out = np.empty(self.day_ends.size) if returns is None else returns
        return BatchTotals(*self._native.run(self._weights(targets), out))

    def run_many(
        self, targets: Sequence[Floats], *, threads: int = 0
    ) -> tuple[list[BatchTotals], Floats]:
        """Several sets on all cores (threads = 0); totals and daily returns (S, D)."""
        returns = np.empty((len(targets), self.day_ends.size))
        sets = [self._weights(weights) for weights in targets]
        rows = self._native.run_many(sets, returns, threads)
        return [BatchTotals(*row) for row in rows], returns

    def _weights(self, targets: Floats) -> Floats:
        return checked_matrix("targets", targets, *self._shape)


def simulate_batch(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    targets: Iterable[Floats],
    *,
    threads: int = 0,
    chunk: int = 16,
) -> tuple[list[BatchTotals], Floats]:
    """Judge each target array that `targets` yields; totals and daily returns (S, D).

    `chunk` sets are held at a time, so memory does not grow with their number but for the daily
    returns. Threads: 0 = all cores.
    """
    batch = Batch(panel, instruments, settings)
    totals: list[BatchTotals] = []
    parts: list[Floats] = []
    sets = iter(targets)
    while held := list(islice(sets, chunk)):
        rows, returns = batch.run_many(held, threads=threads)
        totals.extend(rows)
        parts.append(returns)
    return totals, np.concatenate(parts) if parts else np.empty((0, batch.day_ends.size))
