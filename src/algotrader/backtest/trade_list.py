"""The trade list of a run (R32), built by the kernel from its fills."""

from __future__ import annotations

from collections.abc import Sequence

from algotrader.backtest.trades import TradeTable
from algotrader.execution.simulated import trade_columns
from algotrader.execution.simulation import (
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)


def trades_of(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    result: SimulationResult,
    *,
    fifo: bool = False,
) -> TradeTable:
    """Round trips flat to flat or to a flip; `fifo` matches lots, for comparisons."""
    columns = trade_columns(panel, instruments, settings, result, fifo=fifo)
    symbols = tuple(instrument.symbol for instrument in instruments)
    return TradeTable(symbols=symbols, **columns)
