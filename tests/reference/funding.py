"""R7 (2): funding settles at its stamps."""

from __future__ import annotations

import math

from tests.reference.account import State, notional


def settle_funding(state: State, row: int, inside: bool) -> list[float]:
    """Money received or paid per instrument for the stamps of a row.

    `inside` False: stamps at the open and between the rows, before the fills. True: stamps inside
    the row, on the position after the open's fills, whether or not the instrument has a bar.
    """
    market, panel = state.market, state.market.panel
    paid = [0.0] * market.columns
    if panel.funding_ts is None:
        return paid
    assert panel.funding_instrument is not None
    assert panel.funding_rate is not None
    last = market.closes_at(row - 1) if row > 0 else -(2**62)
    for k, stamp in enumerate(int(x) for x in panel.funding_ts):
        i = int(panel.funding_instrument[k])
        is_inside = market.opens_at(row) < stamp < market.closes_at(row)
        is_before = last <= stamp <= market.opens_at(row)
        if (is_inside if inside else is_before) and state.is_derivative(i):
            paid[i] += settle_one(state, row, i, float(panel.funding_rate[k]))
    return paid


def settle_one(state: State, row: int, i: int, rate: float) -> float:
    """Signed quantity * multiplier * mark * rate; longs pay a positive rate."""
    held, market = state.positions[i], state.market
    if held.quantity == 0.0:
        return 0.0
    if math.isnan(market.mark_bar(row, i).open):
        state.counters["funding_without_mark"] += 1
    value = notional(state.instruments[i], held.quantity, market.mark_at_open(row, i))
    side = 1 if held.quantity > 0 else -1
    amount = -side * value * rate
    state.cash += amount
    held.margin += amount  # R11: isolated margins are moved by funding
    return amount
