"""One function per metric of closed trades (R32); definitions in docs/concepts/metrics.md.

A trade wins when its profit, net of fees and with funding, is above 0; 0 is a draw. Functions
take the whole table or a part of it and look at its closed trades; UndefinedMetric without any.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.metrics import Reason, UndefinedMetric
from algotrader.backtest.trades import TradeTable

Floats = NDArray[np.float64]

HOUR_MS = 3_600_000


def win_rate(trades: TradeTable) -> float:
    """Share of closed trades with a profit above 0; draws are in the denominator."""
    return float(np.mean(_profits(trades) > 0.0))


def gross_profit(trades: TradeTable) -> float:
    """Sum of the profits of winners."""
    profit = trades.closed().profit
    return float(np.sum(profit[profit > 0.0]))


def gross_loss(trades: TradeTable) -> float:
    """Sum of the profits of losers: at most 0."""
    profit = trades.closed().profit
    return float(np.sum(profit[profit < 0.0]))


def profit_factor(trades: TradeTable) -> float:
    """Gross profit over the size of the gross loss."""
    if not np.any(_profits(trades) < 0.0):
        raise UndefinedMetric(Reason.NO_LOSERS)
    return gross_profit(trades) / -gross_loss(trades)


def expectancy(trades: TradeTable) -> float:
    """Mean profit of a trade, account currency."""
    return float(np.mean(_profits(trades)))


def payoff_ratio(trades: TradeTable) -> float:
    """Mean profit of winners over the size of the mean profit of losers."""
    profit = _profits(trades)
    if not np.any(profit > 0.0):
        raise UndefinedMetric(Reason.NO_WINNERS)
    if not np.any(profit < 0.0):
        raise UndefinedMetric(Reason.NO_LOSERS)
    return float(np.mean(profit[profit > 0.0]) / -np.mean(profit[profit < 0.0]))


def expectancy_ratio(trades: TradeTable) -> float:
    """Mean profit in units of the mean loss: win rate x payoff ratio - share of losers."""
    profit = _profits(trades)
    if not np.any(profit < 0.0):
        raise UndefinedMetric(Reason.NO_LOSERS)
    return float(np.mean(profit) / -np.mean(profit[profit < 0.0]))


def kelly(trades: TradeTable) -> float:
    """Fraction of equity that maximises growth if trades repeat: W - (1 - W) / payoff.

    W is the win rate, the payoff ratio that of returns. Kelly (1956). Negative: do not trade.
    """
    returns = _closed(trades).return_
    wins, losses = returns[returns > 0.0], returns[returns < 0.0]
    if not wins.size:
        raise UndefinedMetric(Reason.NO_WINNERS)
    if not losses.size:
        raise UndefinedMetric(Reason.NO_LOSERS)
    rate = wins.size / returns.size
    return float(rate - (1.0 - rate) / (np.mean(wins) / -np.mean(losses)))


def sqn(trades: TradeTable) -> float:
    """System quality number: sqrt(trades) x mean profit / its standard deviation (ddof 1).

    Tharp (2008). The t statistic of the mean profit.
    """
    profit = _profits(trades)
    if profit.size < 2:
        raise UndefinedMetric(Reason.TOO_FEW_TRADES)
    if profit.min() == profit.max():
        raise UndefinedMetric(Reason.ZERO_VARIANCE)
    return float(np.sqrt(profit.size) * np.mean(profit) / np.std(profit, ddof=1))


def mean_return(trades: TradeTable) -> float:
    """Mean of profit over notional at entry."""
    return float(np.mean(_closed(trades).return_))


def median_return(trades: TradeTable) -> float:
    return float(np.median(_closed(trades).return_))


def best_trade(trades: TradeTable) -> float:
    """Largest return of a trade."""
    return float(np.max(_closed(trades).return_))


def worst_trade(trades: TradeTable) -> float:
    """Smallest return of a trade."""
    return float(np.min(_closed(trades).return_))


def hours(trades: TradeTable) -> Floats:
    """Time from entry to exit of each closed trade, in hours."""
    closed = _closed(trades)
    return np.asarray((closed.exit_ts - closed.entry_ts) / HOUR_MS, dtype=np.float64)


def winner_hours(trades: TradeTable) -> float:
    """Mean duration of winners, hours."""
    won = _profits(trades) > 0.0
    if not np.any(won):
        raise UndefinedMetric(Reason.NO_WINNERS)
    return float(np.mean(hours(trades)[won]))


def loser_hours(trades: TradeTable) -> float:
    """Mean duration of losers, hours."""
    lost = _profits(trades) < 0.0
    if not np.any(lost):
        raise UndefinedMetric(Reason.NO_LOSERS)
    return float(np.mean(hours(trades)[lost]))


def longest_streak(trades: TradeTable, *, won: bool) -> int:
    """Most winners (or losers) in a row, in the order of exits; a draw ends both."""
    profit = trades.closed().profit
    hit = np.concatenate(([False], profit > 0.0 if won else profit < 0.0, [False]))
    breaks = np.flatnonzero(~hit)
    return int(np.max(np.diff(breaks) - 1, initial=0))


def mean_adverse_excursion(trades: TradeTable) -> float:
    """Mean of the worst excursion against each trade, fraction of its entry price (MAE)."""
    return float(np.mean(_closed(trades).mae))


def mean_favourable_excursion(trades: TradeTable) -> float:
    """Mean of the best excursion in favour of each trade, fraction of its entry price (MFE)."""
    return float(np.mean(_closed(trades).mfe))


def _closed(trades: TradeTable) -> TradeTable:
    closed = trades.closed()
    if not len(closed):
        raise UndefinedMetric(Reason.NO_TRADES)
    return closed


def _profits(trades: TradeTable) -> Floats:
    return _closed(trades).profit
