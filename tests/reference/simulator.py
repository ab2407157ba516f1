"""The reference simulator: the rule book in plain Python, slow and obvious.

It speaks the same contract as `algotrader.execution.simulated.simulate` and was written from the
rules alone, to be a second opinion. Begin reading with `simulate`, then `play_row`, which is R7.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tests.reference import groups, protection
from tests.reference.account import FillRecord, State, book_closing, equity
from tests.reference.funding import settle_funding
from tests.reference.margin import check_at_marks
from tests.reference.market import Market
from tests.reference.opening import execute_open, set_room
from tests.reference.orders import Order, Position, TargetState
from tests.reference.path import count_fallbacks, is_ambiguous, play_path
from tests.reference.requests import expire, handle
from tests.reference.targets import decide_targets

from algotrader.execution.simulation import (
    ExecutionRule,
    FillReason,
    Fills,
    Floats,
    OrderRequest,
    OrderState,
    Panel,
    Script,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)


def simulate(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    *,
    targets: Floats | None = None,
    script: Script | None = None,
) -> SimulationResult:
    """Run the rules over a panel. ValueError for what close-only data cannot do (R38)."""
    items = list(instruments)
    script = script or {}
    if settings.close_only:
        refuse_what_needs_bars(settings, script)
    market = Market(panel, items, settings.close_only)
    state = State(
        market=market,
        settings=settings,
        instruments=items,
        cash=settings.cash,
        positions=[Position() for _ in items],
        targets=[TargetState() for _ in items],
    )
    return Run(state, targets, script).play()


def refuse_what_needs_bars(settings: SimulationSettings, script: Script) -> None:
    """R38: protective exits and any order but market are refused at load."""
    protective = (settings.stop_loss, settings.take_profit, settings.trailing)
    if any(p is not None for p in protective) or settings.execution == ExecutionRule.CAPPED:
        raise ValueError("close-only data has no bars for protective exits or capped orders")
    for requests in script.values():
        for r in requests:
            prices = (
                (r.limit, r.stop, r.trail, r.stop_loss, r.take_profit, r.trailing)
                if isinstance(r, OrderRequest)
                else ()
            )
            if any(p is not None for p in prices):
                raise ValueError("close-only data allows market orders only")


class Run:
    """One pass over the rows, and what it leaves behind."""

    def __init__(self, state: State, targets: Floats | None, script: Script) -> None:
        self.state = state
        self.targets = targets
        self.script = script
        self.orders = 0
        self.fills: list[tuple[FillRecord, bool]] = []
        rows, columns = state.market.rows, state.market.columns
        self.equity = np.zeros(rows)
        self.cash = np.zeros(rows)
        self.position = np.zeros((rows, columns))
        self.funding = np.zeros((rows, columns))

    def play(self) -> SimulationResult:
        for row in range(self.state.market.rows):
            self.play_row(row)
        return self.result()

    def play_row(self, row: int) -> None:
        """R7: what happens inside one bar, in its order; then the decisions."""
        state, market = self.state, self.state.market
        state.row, state.fills = row, []
        set_room(state, row)
        for i in range(market.columns):  # R19: bars since a protective exit
            state.targets[i].blocked_bars += market.has_bar(row, i)
        delist(state, row)  # (1)
        self.funding[row] += settle_funding(state, row, inside=False)  # (2)
        expire(state, row)  # (3)
        ambiguous: set[int] = set()
        if market.close_only:  # R38
            self.funding[row] += settle_funding(state, row, inside=True)
            check_at_marks(state, [market.mark_at_close(row, i) for i in range(market.columns)])
            execute_open(state, row)
        else:
            check_at_marks(
                state, [market.mark_at_open(row, i) for i in range(market.columns)]
            )  # (4)
            execute_open(state, row)  # (5)
            self.funding[row] += settle_funding(state, row, inside=True)  # (2)
            ambiguous = self.travel(row)  # (6)
        state = self.state
        for i in range(market.columns):
            if market.has_bar(row, i):
                bar = market.bar(row, i)
                protection.complete_trails(state, i, bar.high, bar.low, bar.close)
        self.close_row(row, ambiguous)  # (7)
        self.decide(row)  # (8)

    def travel(self, row: int) -> set[int]:
        """The path, and which instruments would have had other fills on the other one."""
        count_fallbacks(self.state, row)
        before, after = self.state, play_path(self.state, row)
        ambiguous = {
            i
            for i in range(before.market.columns)
            if before.market.has_bar(row, i) and is_ambiguous(before, after, row, i)
        }
        after.counters["ambiguous_bars"] += len(ambiguous)
        self.state = after
        return ambiguous

    def close_row(self, row: int, ambiguous: set[int]) -> None:
        state = self.state
        self.fills.extend((f, f.instrument in ambiguous) for f in state.fills)
        self.equity[row] = equity(state, row)
        self.cash[row] = state.cash
        self.position[row] = [p.quantity for p in state.positions]

    def decide(self, row: int) -> None:
        """R1: everything asked for at one decision goes to the book together."""
        state = self.state
        groups.match_legs(state)
        requests = self.script.get(row, ())
        wishes = handle(state, row, requests, self.orders)
        self.orders += sum(isinstance(r, OrderRequest) for r in requests)
        groups.match_legs(state)
        numbers = None if self.targets is None else [float(x) for x in self.targets[row]]
        decide_targets(state, row, numbers, wishes)

    def result(self) -> SimulationResult:
        state = self.state
        by_number: dict[int, Order] = dict(state.ended)
        by_number.update({o.number: o for o in state.orders.values() if o.number >= 0})
        states = [
            by_number[k].state if k in by_number else OrderState.WORKING for k in range(self.orders)
        ]
        return SimulationResult(
            fills=as_arrays(self.fills),
            equity=self.equity,
            cash=self.cash,
            position=self.position,
            funding=self.funding,
            order_state=np.array(states, dtype=np.int8),
            counters=dict(state.counters),
        )


def delist(state: State, row: int) -> None:
    """R7 (1), R29: closed at the last close less the haircut, no fee, listed apart."""
    for i, item in enumerate(state.instruments):
        if item.delisted_at is None or state.market.opens_at(row) < item.delisted_at:
            continue
        protection.cancel_all(state, i, OrderState.CANCELLED)
        quantity = state.positions[i].quantity
        if quantity == 0.0:
            continue
        side = 1 if quantity > 0 else -1
        price = state.market.last_close(row - 1, i) * (1.0 - side * item.delist_haircut)
        book_closing(state, i, -quantity, price, 0.0)
        state.positions[i] = Position()
        state.counters["delisted"] += 1
        state.fills.append(
            FillRecord(
                row=row,
                instrument=i,
                order=-1,
                quantity=-quantity,
                price=price,
                fee=0.0,
                slippage=0.0,
                maker=False,
                reason=FillReason.DELISTED,
                opening=False,
            )
        )


def as_arrays(fills: list[tuple[FillRecord, bool]]) -> Fills:
    records = [f for f, _ in fills]
    return Fills(
        row=np.array([f.row for f in records], dtype=np.int64),
        instrument=np.array([f.instrument for f in records], dtype=np.int64),
        order=np.array([f.order for f in records], dtype=np.int64),
        quantity=np.array([f.quantity for f in records], dtype=np.float64),
        price=np.array([f.price for f in records], dtype=np.float64),
        fee=np.array([f.fee for f in records], dtype=np.float64),
        slippage=np.array([f.slippage for f in records], dtype=np.float64),
        maker=np.array([f.maker for f in records], dtype=np.bool_),
        reason=np.array([int(f.reason) for f in records], dtype=np.int8),
        opening=np.array([f.opening for f in records], dtype=np.bool_),
        ambiguous=np.array([flag for _, flag in fills], dtype=np.bool_),
    )
