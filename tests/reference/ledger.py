"""The ledger identity, from fills alone: no average cost, no wallet."""

from __future__ import annotations

import numpy as np

from algotrader.execution.simulation import (
    Fills,
    Floats,
    InstrumentKind,
    Panel,
    SimulatedInstrument,
    SimulationResult,
)


def last_known(values: Floats) -> Floats:
    """Each column carried forward over NaN."""
    out = values.copy()
    for t in range(1, len(out)):
        missing = np.isnan(out[t])
        out[t, missing] = out[t - 1, missing]
    return out


def equity_from_fills(
    panel: Panel, instruments: list[SimulatedInstrument], cash: float, result: SimulationResult
) -> Floats:
    """Equity after each bar = deposits + realised + unrealised - fees + funding.

    Realised and unrealised profit together are the sum over fills of quantity times (mark - price);
    which part of it is realised does not matter. A fee taken in the coin makes the position smaller.
    """
    closes = last_known(panel.close)
    marks = closes if panel.mark_close is None else panel.mark_close
    marks = np.where(np.isnan(marks), closes, marks)
    total = cash + np.cumsum(result.funding.sum(axis=1))
    for k in range(len(result.fills.row)):
        row, i = int(result.fills.row[k]), int(result.fills.instrument[k])
        prices = closes if instruments[i].kind == InstrumentKind.SPOT else marks
        total[row:] += worth_of_fill(result.fills, k, instruments[i], prices[row:, i])
    return total


def worth_of_fill(fills: Fills, k: int, item: SimulatedInstrument, marks: Floats) -> Floats:
    quantity, price, fee = (float(x[k]) for x in (fills.quantity, fills.price, fills.fee))
    if item.kind == InstrumentKind.INVERSE:
        return quantity * item.multiplier * (1.0 / price - 1.0 / marks) - fee
    if item.kind == InstrumentKind.SPOT and item.fee_in_received and quantity > 0:
        received = quantity - fee / (price * item.multiplier)
        return (received * marks - quantity * price) * item.multiplier
    return quantity * item.multiplier * (marks - price) - fee


def position_from_fills(instruments: list[SimulatedInstrument], rows: int, fills: Fills) -> Floats:
    """Signed quantity after each bar, shape (rows, instruments)."""
    out = np.zeros((rows, len(instruments)))
    for k in range(len(fills.row)):
        i, quantity = int(fills.instrument[k]), float(fills.quantity[k])
        item = instruments[i]
        if item.kind == InstrumentKind.SPOT and item.fee_in_received and quantity > 0:
            quantity -= float(fills.fee[k]) / (float(fills.price[k]) * item.multiplier)
        out[int(fills.row[k]) :, i] += quantity
    return out
