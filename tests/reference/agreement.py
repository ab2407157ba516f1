"""Where two results of the same example differ, in words; nothing where they agree."""

from __future__ import annotations

import numpy as np
from tests.reference.generator import Case
from tests.reference.ledger import equity_from_fills, position_from_fills

from algotrader.execution.simulation import FillReason, SimulationResult

CLOSE = 1e-9  # relative to the scale of the example
NOT_COMPARED = {"finer_fallback"}  # the kernel counts only bars whose path could matter


def differences(case: Case, one: SimulationResult, two: SimulationResult) -> list[str]:
    """Fills, cash, equity, positions, funding, order states, ambiguity and counters."""
    found = fill_differences(case, one, two)
    scale = max(1.0, case.settings.cash, float(np.abs(one.equity).max()))
    for name in ("equity", "cash", "position", "funding"):
        a, b = getattr(one, name), getattr(two, name)
        if not np.allclose(a, b, rtol=CLOSE, atol=CLOSE * scale):
            row = int(np.argmax(~np.isclose(a, b, rtol=CLOSE, atol=CLOSE * scale)) // a[0].size)
            found.append(f"{name} in row {row}: {a[row]} and {b[row]}")
    if list(one.order_state) != list(two.order_state):
        found.append(f"order states: {list(one.order_state)} and {list(two.order_state)}")
    names = (set(one.counters) | set(two.counters)) - NOT_COMPARED
    for name in sorted(names):
        a, b = one.counters.get(name, 0), two.counters.get(name, 0)
        if a != b:
            found.append(f"counter {name}: {a} and {b}")
    return found


def fills_of(result: SimulationResult, i: int) -> list[tuple[float, ...]]:
    """Row, quantity, price, fee, slippage, then what must be equal to the bit."""
    f = result.fills
    chosen = f.instrument == i
    columns = (f.row, f.quantity, f.price, f.fee, f.slippage)
    exact = (f.reason, f.order, f.maker, f.opening, f.ambiguous)
    return list(zip(*(x[chosen].tolist() for x in (*columns, *exact)), strict=True))


def fill_differences(case: Case, one: SimulationResult, two: SimulationResult) -> list[str]:
    """The first differing fill of each instrument. Sequence between instruments is free."""
    found = []
    for i in range(len(case.instruments)):
        ours, theirs = fills_of(one, i), fills_of(two, i)
        for k in range(max(len(ours), len(theirs))):
            a = ours[k] if k < len(ours) else None
            b = theirs[k] if k < len(theirs) else None
            if a is None or b is None or not is_same_fill(a, b, case.settings.cash):
                found.append(f"instrument {i}, fill {k}: {in_words(a)} and {in_words(b)}")
                break
    return found


def is_same_fill(a: tuple[float, ...], b: tuple[float, ...], cash: float) -> bool:
    near = all(
        abs(x - y) <= CLOSE * max(abs(x), abs(y)) + CLOSE * min(1.0, cash)
        for x, y in zip(a[1:4], b[1:4], strict=True)
    )
    slips = abs(a[4] - b[4]) <= CLOSE * cash
    return near and slips and a[0] == b[0] and a[5:] == b[5:]


def in_words(fill: tuple[float, ...] | None) -> str:
    if fill is None:
        return "nothing"
    row, quantity, price, fee, slippage = fill[:5]
    reason = FillReason(int(fill[5])).name
    return f"row {row:.0f}: {quantity!r} at {price!r}, fee {fee!r}, slipped {slippage!r}, {reason}, {fill[6:]}"


def broken_laws(case: Case, result: SimulationResult) -> list[str]:
    """The ledger identity after every bar, and what a spot account can never do."""
    panel, items, cash = case.panel, case.instruments, case.settings.cash
    found = []
    expected = equity_from_fills(panel, items, cash, result)
    scale = max(1.0, cash, float(np.abs(expected).max()))
    if not np.allclose(result.equity, expected, rtol=0.0, atol=CLOSE * scale):
        found.append("equity is not deposits + realised + unrealised - fees + funding")
    held = position_from_fills(items, len(panel.ts), result.fills)
    if not np.allclose(result.position, held, rtol=0.0, atol=CLOSE * max(1.0, np.abs(held).max())):
        found.append("positions are not the sum of their fills")
    for i, item in enumerate(items):
        if not item.kind and result.position[:, i].min() < -CLOSE:
            found.append(f"spot {item.symbol} is short")
    minimum_fees = sum(item.min_fee for item in items) * len(panel.ts)
    if not any(item.kind for item in items) and result.cash.min() < -CLOSE * scale - minimum_fees:
        found.append("a spot wallet is overdrawn")
    return found
