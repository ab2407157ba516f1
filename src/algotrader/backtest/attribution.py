"""Where the profit came from: by instrument, side, month, exit reason and cost.

Every view sums to the net profit of the run. What equity earned outside any trade (dust that was
marked, a settlement) is a slice of its own, never spread over the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.trades import TradeTable
from algotrader.backtest.waterfall import Costs, Step, waterfall
from algotrader.execution.simulation import FillReason

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Trades with one key, open ones included: their number and profit, account currency."""

    key: str
    trades: int
    wins: int
    profit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    by_instrument: tuple[Slice, ...]  # key: symbol, in the order of its text
    by_side: tuple[Slice, ...]  # long, short
    by_month: tuple[Slice, ...]  # 2026-01, of the exit (an open trade: of the last bar), UTC
    by_exit_reason: tuple[Slice, ...]  # names of FillReason in lower case, `open` for open trades
    by_cost: tuple[Step, ...]  # gross, fees, slippage, funding, borrow, net


def attribution(trades: TradeTable, *, net_profit: float, costs: Costs) -> Attribution:
    """All five views of a run whose equity gained `net_profit`."""
    months = np.datetime_as_string(trades.exit_ts.astype("datetime64[ms]"), unit="M")
    sides = np.where(trades.side > 0, "long", "short")
    reasons = np.array([reason.name.lower() for reason in FillReason])[trades.exit_reason]
    symbols = np.array(trades.symbols or ("",))[trades.instrument]
    views = (symbols, sides, months, np.where(trades.is_open, "open", reasons))
    parts = [_slices(trades, keys, net_profit) for keys in views]
    return Attribution(
        by_instrument=parts[0],
        by_side=parts[1],
        by_month=parts[2],
        by_exit_reason=parts[3],
        by_cost=waterfall(net_profit, costs),
    )


def _slices(trades: TradeTable, keys: NDArray[np.str_], net_profit: float) -> tuple[Slice, ...]:
    slices = [_slice(trades, str(key), keys == key) for key in np.unique(keys)]
    rest = fsum((net_profit, *(-part.profit for part in slices)))
    if abs(rest) > 1e-9 * _scale(trades.profit.tolist(), net_profit):
        slices.append(Slice(key=UNATTRIBUTED, trades=0, wins=0, profit=rest))
    return tuple(slices)


def _slice(trades: TradeTable, key: str, chosen: NDArray[np.bool_]) -> Slice:
    profit = trades.profit[chosen]
    return Slice(
        key=key,
        trades=int(profit.size),
        wins=int(np.sum(profit > 0.0)),
        profit=fsum(profit.tolist()),
    )


def _scale(profits: Sequence[float], net_profit: float) -> float:
    return max(1.0, abs(net_profit), fsum(abs(profit) for profit in profits))
