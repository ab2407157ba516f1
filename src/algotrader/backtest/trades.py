"""Round trips as columns (R32): what the metrics and attribution of trades read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algotrader.execution.simulation import FillReason

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One round trip, flat to flat or to a flip: a row of `TradeTable`, same names and units."""

    symbol: str
    entry_ts: int
    exit_ts: int
    side: int
    quantity: float
    entry_price: float
    exit_price: float
    fees: float
    funding: float
    slippage: float
    profit: float
    return_: float
    mae: float
    mfe: float
    bars: int
    exit_reason: FillReason
    ambiguous: bool
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTable:
    """All trades of a run, one array of shape (K,) per column, in the order of their exits.

    Money is the account's currency. A trade that is open at the end is marked at the last close
    and counted apart (R32): its `exit_ts` and `exit_price` are those of the mark.
    """

    symbols: tuple[str, ...]  # text of each instrument column
    instrument: Ints  # index into `symbols`
    entry_ts: Ints  # UTC ms
    exit_ts: Ints
    side: NDArray[np.int8]  # +1 long, -1 short
    quantity: Floats  # largest held, positive
    entry_price: Floats  # average, weighted by quantity
    exit_price: Floats
    fees: Floats  # paid; negative is a rebate
    funding: Floats  # received; negative was paid
    slippage: Floats  # paid, inside the prices
    profit: Floats  # net of fees, with funding
    return_: Floats  # profit over the notional at entry, fraction
    mae: Floats  # worst excursion of the price against the entry, fraction <= 0
    mfe: Floats  # best excursion, fraction >= 0
    bars: Ints  # bars held
    exit_reason: NDArray[np.int8]  # FillReason
    ambiguous: Bools  # a bar of its life depends on the path (R17)
    is_open: Bools

    def __post_init__(self) -> None:
        for column in _COLUMNS:
            if getattr(self, column).shape != self.instrument.shape:
                raise ValueError(f"column {column} has another length than `instrument`")
        if self.instrument.size and not 0 <= self.instrument.min() <= self.instrument.max() < len(
            self.symbols
        ):
            raise ValueError("instrument is an index into `symbols`")

    def __len__(self) -> int:
        return int(self.instrument.size)

    def __iter__(self) -> Iterator[Trade]:
        return (self.row(index) for index in range(len(self)))

    def __getitem__(self, index: int) -> Trade:
        if not -len(self) <= index < len(self):
            raise IndexError(f"trade {index} of {len(self)}")
        return self.row(index)

    def __repr__(self) -> str:
        return f"<TradeTable: {len(self)} trades, {int(self.is_open.sum())} open>"

    def frame(self) -> pl.DataFrame:
        """The trades as a polars frame, one row each; times are UTC, sides and reasons are words."""
        import polars as pl

        columns = {name: getattr(self, name) for name in _COLUMNS}
        of, side, reason = (columns.pop(n) for n in ("instrument", "side", "exit_reason"))
        words = {
            "symbol": [self.symbols[one] for one in of],
            "side": ["long" if one > 0 else "short" for one in side],
            "exit_reason": [FillReason(one).name.lower() for one in reason],
        }
        frame = pl.DataFrame({**words, **columns}, schema_overrides=dict.fromkeys(words, pl.String))
        times = [pl.col(name).cast(pl.Datetime("ms", "UTC")) for name in ("entry_ts", "exit_ts")]
        return frame.with_columns(times).rename(
            {"entry_ts": "entry_time", "exit_ts": "exit_time", "return_": "return"}
        )

    def row(self, index: int) -> Trade:
        values = {name: getattr(self, name)[index].item() for name in _COLUMNS}
        symbol = self.symbols[values.pop("instrument")]
        reason = FillReason(values.pop("exit_reason"))
        return Trade(symbol=symbol, exit_reason=reason, **values)

    def where(self, chosen: Bools) -> TradeTable:
        """The rows for which `chosen` of shape (K,) is True."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return TradeTable(symbols=self.symbols, **columns)

    def closed(self) -> TradeTable:
        return self.where(~self.is_open)


_COLUMNS = tuple(f.name for f in fields(TradeTable) if f.name != "symbols")


def no_trades(symbols: tuple[str, ...] = ()) -> TradeTable:
    """A table without rows."""
    kinds: dict[str, type[np.generic]] = {
        "side": np.int8,
        "exit_reason": np.int8,
        "ambiguous": np.bool_,
        "is_open": np.bool_,
        **dict.fromkeys(("instrument", "entry_ts", "exit_ts", "bars"), np.int64),
    }
    columns = {name: np.empty(0, dtype=kinds.get(name, np.float64)) for name in _COLUMNS}
    return TradeTable(symbols=symbols, **columns)
