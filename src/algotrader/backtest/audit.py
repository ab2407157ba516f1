"""`backtest --audit`: a run's fills booked again in `Decimal`, and compared with the run's books.

The kernel keeps cash and equity in float64; the ledger knows nothing of the kernel. Both must tell
the same story after every bar, to 1e-9 of its scale (P16).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol
from algotrader.execution.simulation import (
    FillReason,
    InstrumentKind,
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.portfolio.ledger import Ledger, Statement
from algotrader.portfolio.positions import Booking, Contract
from algotrader.portfolio.postings import CashKind, CashMovement

Floats = NDArray[np.float64]

TOLERANCE: Final = 1e-9  # of the largest of cash, equity and what was held so far

_ACCOUNT: Final = Currency("ACCOUNT")
_BOOKINGS: Final = {
    InstrumentKind.SPOT: Booking.SPOT,
    InstrumentKind.LINEAR: Booking.LINEAR,
    InstrumentKind.INVERSE: Booking.INVERSE,
}
_WHOLE: Final = (FillReason.LIQUIDATION, FillReason.DELISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """How far the run's books are from the ledger's. Gaps are fractions of the scale."""

    rows: int
    fills: int
    cash_gap: float
    equity_gap: float
    worst_row: int  # where the larger of the two is largest
    statement: Statement  # the ledger's, at the last bar

    @property
    def largest_gap(self) -> float:
        return max(self.cash_gap, self.equity_gap)

    @property
    def agrees(self) -> bool:
        """True if both books tell the same story, and the ledger explains its equity."""
        return self.largest_gap <= TOLERANCE and self.statement.gap == 0

    def __str__(self) -> str:
        verdict = "agree" if self.agrees else "DISAGREE"
        return (
            f"the run's books and the Decimal ledger {verdict}: {self.fills:,} fills, "
            f"{self.rows:,} bars, largest difference {self.largest_gap:.1e} of scale "
            f"at bar {self.worst_row}"
        )


def audit(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    result: SimulationResult,
) -> AuditResult:
    """Book the fills and funding of a run in `Decimal` and compare cash and equity bar by bar.

    `panel`, `instruments` and `settings` are those the run was simulated with. Panel arrays may
    be (T,) for one instrument.
    """
    books = _Books(panel, instruments, settings)
    gaps = np.zeros((panel.ts.size, 2))
    scale = settings.cash
    statement = books.statement(0)
    for row, moves in enumerate(_moves(panel, result)):
        for index in moves.fills:
            books.fill(result, index)
        for column in moves.funded:
            books.fund(row, column, float(moves.funding[column]))
        statement = books.statement(row)
        scale = max(scale, abs(result.cash[row]), abs(result.equity[row]), books.held(row))
        gaps[row, 0] = abs(float(statement.cash) - result.cash[row])
        gaps[row, 1] = abs(float(statement.equity) - result.equity[row])
        gaps[row] /= scale if scale > 0.0 else 1.0
    return AuditResult(
        rows=panel.ts.size,
        fills=result.fills.row.size,
        cash_gap=float(gaps[:, 0].max()),
        equity_gap=float(gaps[:, 1].max()),
        worst_row=int(gaps.max(axis=1).argmax()),
        statement=statement,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """What moved money in one bar."""

    fills: range
    funding: Floats  # (N,)
    funded: NDArray[np.int64]  # columns with funding


def _moves(panel: Panel, result: SimulationResult) -> Iterator[_Moves]:
    ends = np.searchsorted(result.fills.row, np.arange(panel.ts.size), side="right").tolist()
    first = 0
    for row, end in enumerate(ends):
        funding = result.funding[row]
        yield _Moves(fills=range(first, end), funding=funding, funded=np.flatnonzero(funding))
        first = end


class _Books:
    """The ledger of a run and the marks it is read at."""

    def __init__(
        self,
        panel: Panel,
        instruments: Sequence[SimulatedInstrument],
        settings: SimulationSettings,
    ) -> None:
        self._ts = panel.ts
        self._instruments = instruments
        self._symbols = [Symbol(instrument.symbol) for instrument in instruments]
        contracts = {
            symbol: _contract(k, instrument)
            for k, (symbol, instrument) in enumerate(zip(self._symbols, instruments, strict=True))
        }
        empty = Ledger(currency=_ACCOUNT, contracts=contracts, positions={}, balances={})
        self._ledger = empty.apply(self._cash(0, CashKind.DEPOSIT, settings.cash))
        self._marks = _marks(panel, instruments)

    def fill(self, result: SimulationResult, index: int) -> None:
        fills = result.fills
        column = int(fills.instrument[index])
        symbol, instrument = self._symbols[column], self._instruments[column]
        contract = self._ledger.contracts[symbol]
        quantity = round(float(fills.quantity[index]) / instrument.lot) * contract.lot
        if FillReason(int(fills.reason[index])) in _WHOLE:
            quantity = -self._ledger.position(symbol).quantity  # to the last bit, dust included
        price = _decimal(fills.price[index])
        fee, currency = _decimal(fills.fee[index]), _ACCOUNT
        if contract.is_spot and instrument.fee_in_received and quantity > 0:
            fee, currency = fee / (price * contract.multiplier), contract.base
        self._ledger = self._ledger.trade(symbol, quantity, price, fee, currency)

    def fund(self, row: int, column: int, amount: float) -> None:
        movement = self._cash(row, CashKind.FUNDING, amount, self._symbols[column])
        self._ledger = self._ledger.apply(movement)

    def statement(self, row: int) -> Statement:
        return self._ledger.statement(self._marked(row))

    def held(self, row: int) -> float:
        """Gross worth of what is held: the scale of the products that rounding is of."""
        marks = self._marked(row)
        contracts = self._ledger.contracts
        positions = self._ledger.positions
        return float(
            sum(abs(contracts[s].worth(positions[s].quantity, mark)) for s, mark in marks.items())
        )

    def _marked(self, row: int) -> dict[Symbol, Decimal]:
        return {
            symbol: _decimal(self._marks[row, column])
            for column, symbol in enumerate(self._symbols)
            if (position := self._ledger.positions.get(symbol)) and position.quantity
        }

    def _cash(
        self, row: int, kind: CashKind, amount: float, symbol: Symbol | None = None
    ) -> CashMovement:
        return CashMovement(
            kind=kind,
            currency=_ACCOUNT,
            amount=Decimal(amount),
            moved_at=utc_at(int(self._ts[row])),
            instrument=symbol,
        )


def _contract(column: int, instrument: SimulatedInstrument) -> Contract:
    return Contract(
        booking=_BOOKINGS[instrument.kind],
        base=Currency(f"BASE{column}"),
        settle=_ACCOUNT,
        multiplier=_decimal(instrument.multiplier),
        lot=_decimal(instrument.lot),
    )


def _marks(panel: Panel, instruments: Sequence[SimulatedInstrument]) -> Floats:
    """(T, N) what positions are marked at: spot at the last close, others at the mark's (R8)."""
    shape = (panel.ts.size, len(instruments))
    closes = np.reshape(panel.close, shape)
    rows = np.maximum.accumulate(
        np.where(np.isnan(closes), 0, np.arange(shape[0])[:, None]), axis=0
    )
    marks = np.take_along_axis(closes, rows, axis=0)
    if panel.mark_close is None:
        return marks
    given = np.reshape(panel.mark_close, shape)
    derivative = np.array([item.kind is not InstrumentKind.SPOT for item in instruments])
    return np.where(derivative & ~np.isnan(given), given, marks)


def _decimal(value: float) -> Decimal:
    """The number a float was written as: its shortest text."""
    return Decimal(repr(float(value)))
