"""The books: cash, positions at average cost, fees (R8, R14), and what is free (R11)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from tests.reference.market import Market
from tests.reference.orders import Guard, Order, Position, TargetState, clone
from tests.reference.rounding import whole_lots

from algotrader.execution.simulation import (
    FillReason,
    InstrumentKind,
    MarginMode,
    SimulatedInstrument,
    SimulationSettings,
)


@dataclass(frozen=True, slots=True)
class FillRecord:
    """One row of the result's fills."""

    row: int
    instrument: int
    order: int
    quantity: float
    price: float
    fee: float
    slippage: float
    maker: bool
    reason: FillReason
    opening: bool


@dataclass(slots=True)
class State:
    """Everything that changes while the simulation runs."""

    market: Market
    settings: SimulationSettings
    instruments: list[SimulatedInstrument]
    cash: float
    positions: list[Position]
    targets: list[TargetState]
    orders: dict[int, Order] = field(default_factory=dict)  # live ones, by id
    guards: dict[int, Guard] = field(default_factory=dict)
    ended: dict[int, Order] = field(default_factory=dict)  # explicit orders that ended, by number
    room: list[float] = field(default_factory=list)  # lots left of the bar's participation (R20)
    fills: list[FillRecord] = field(default_factory=list)  # of the present row
    counters: Counter[str] = field(default_factory=Counter)
    next_id: int = 0
    row: int = 0

    def clone(self) -> State:
        """A copy to travel a bar with, so that it can be travelled again."""
        return State(
            market=self.market,
            settings=self.settings,
            instruments=self.instruments,
            cash=self.cash,
            positions=[clone(p) for p in self.positions],
            targets=[clone(t) for t in self.targets],
            orders={k: clone(o) for k, o in self.orders.items()},
            guards={k: clone(g) for k, g in self.guards.items()},
            ended=dict(self.ended),
            room=list(self.room),
            fills=list(self.fills),
            counters=Counter(self.counters),
            next_id=self.next_id,
            row=self.row,
        )

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def by_age(self) -> list[Order]:
        """R7: older orders first."""
        return sorted(self.orders.values(), key=lambda o: o.age)

    def is_derivative(self, i: int) -> bool:
        return self.instruments[i].kind != InstrumentKind.SPOT

    def position_lots(self, i: int) -> int:
        """Whole lots held, signed; less than one lot is dust and counts as flat (R9)."""
        return whole_lots(self.positions[i].quantity / self.instruments[i].lot)

    def side_held(self, i: int) -> int:
        lots = self.position_lots(i)
        return (lots > 0) - (lots < 0)


def notional(item: SimulatedInstrument, quantity: float, price: float) -> float:
    """In the account's currency: quote, or the coin an inverse contract settles in (R8)."""
    if item.kind == InstrumentKind.INVERSE:
        return abs(quantity) * item.multiplier / price
    return abs(quantity) * price * item.multiplier


def quote_notional(item: SimulatedInstrument, quantity: float, price: float) -> float:
    """In quote currency, as the venue's minimum is."""
    if item.kind == InstrumentKind.INVERSE:
        return abs(quantity) * item.multiplier
    return abs(quantity) * price * item.multiplier


def profit(item: SimulatedInstrument, quantity: float, entry: float, price: float) -> float:
    """R8: what a signed quantity has earned between two prices."""
    if quantity == 0.0:
        return 0.0
    if item.kind == InstrumentKind.INVERSE:
        return quantity * item.multiplier * (1.0 / entry - 1.0 / price)
    return quantity * (price - entry) * item.multiplier


def average_entry(
    item: SimulatedInstrument, held: float, entry: float, added: float, price: float
) -> float:
    """R8: average cost. For inverse contracts the average that leaves the profit as it was."""
    if abs(held) < item.lot * (1 - 1e-9):
        return price
    total = held + added
    if item.kind == InstrumentKind.INVERSE:
        return total / (held / entry + added / price)
    return (held * entry + added * price) / total


def is_fee_in_coin(item: SimulatedInstrument, side: int) -> bool:
    """R14: a spot buy whose fee is taken in what was received."""
    return item.kind == InstrumentKind.SPOT and item.fee_in_received and side > 0


def fee_for(
    item: SimulatedInstrument, side: int, value: float, maker: bool, accrued: float, charged: float
) -> tuple[float, float, float]:
    """R14: (fee of this fill, the order's accrued, the order's charged).

    An order's fee is max(minimum, sum over its fills) when its rate is above 0, without a
    minimum on rebates and on fees in the coin.
    """
    rate = item.maker_fee if maker else item.taker_fee
    amount = rate * value
    accrued += amount
    if rate <= 0.0 or is_fee_in_coin(item, side):
        return amount, accrued, charged + amount
    due = max(item.min_fee, accrued)
    return due - charged, accrued, due


def on_lot_grid(quantity: float, lot: float) -> float:
    """Undo what floating point lost when whole lots were added."""
    lots = quantity / lot
    nearest = round(lots)
    return nearest * lot if abs(lots - nearest) < 1e-9 else quantity


def book_opening(state: State, i: int, quantity: float, price: float, fee: float) -> float:
    """R8: increase a position by a signed quantity; what was received, after fees in the coin."""
    item, held = state.instruments[i], state.positions[i]
    side = 1 if quantity > 0 else -1
    received = quantity
    if is_fee_in_coin(item, side):
        received = quantity - fee / (price * item.multiplier)
    else:
        state.cash -= fee
    if item.kind == InstrumentKind.SPOT:
        state.cash -= quantity * price * item.multiplier
    else:
        held.margin += notional(item, quantity, price) / item.leverage  # R11, isolated
    held.entry = average_entry(item, held.quantity, held.entry, received, price)
    held.quantity = on_lot_grid(held.quantity + received, item.lot)
    return received


def book_closing(state: State, i: int, quantity: float, price: float, fee: float) -> None:
    """R8: reduce a position by a signed quantity (of the other sign than the position)."""
    item, held = state.instruments[i], state.positions[i]
    state.cash -= fee
    if item.kind == InstrumentKind.SPOT:
        state.cash -= quantity * price * item.multiplier
    else:
        state.cash += profit(item, -quantity, held.entry, price)
        held.margin *= 1.0 - min(1.0, abs(quantity) / abs(held.quantity))  # released pro rata
    held.quantity = on_lot_grid(held.quantity + quantity, item.lot)
    if held.quantity == 0.0:
        held.entry, held.margin = math.nan, 0.0


def unrealised(state: State, i: int, mark: float) -> float:
    """R8: profit of a derivative position at a mark; 0 for spot."""
    held = state.positions[i]
    if not state.is_derivative(i) or held.quantity == 0.0:
        return 0.0
    return profit(state.instruments[i], held.quantity, held.entry, mark)


def equity(state: State, row: int) -> float:
    """R8: cash + spot at the last close + unrealised profit at the mark's close."""
    total = state.cash
    for i, item in enumerate(state.instruments):
        quantity = state.positions[i].quantity
        if quantity == 0.0:
            continue
        if item.kind == InstrumentKind.SPOT:
            total += quantity * state.market.last_close(row, i) * item.multiplier
        else:
            total += unrealised(state, i, state.market.mark_at_close(row, i))
    return total


def free(state: State, marks: list[float]) -> float:
    """R11: what increases may cost, at the open's marks."""
    total = state.cash
    for i, item in enumerate(state.instruments):
        quantity = state.positions[i].quantity
        if not state.is_derivative(i) or quantity == 0.0:
            continue
        if state.settings.margin_mode == MarginMode.ISOLATED:
            total -= state.positions[i].margin
        else:
            total += unrealised(state, i, marks[i])
            total -= notional(item, quantity, marks[i]) / item.leverage
    return total
