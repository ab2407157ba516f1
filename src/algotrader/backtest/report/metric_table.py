"""The order, unit and wording of metrics: `All figures`, comparisons and tables of sets.

Definitions stand with the functions that compute them; here is only how each is written. A metric
this table does not know is shown last, under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape

from algotrader.backtest.report import figures
from algotrader.backtest.report.layout import absent
from algotrader.backtest.report.words import Part, amount, both, known, lasting, pct, say

_WRITE: Mapping[str, Callable[[float], Part]] = {
    "change": lambda v: pct(v, profit=True),
    "change2": lambda v: pct(v, 2, profit=True),
    "share": lambda v: pct(v),
    "share2": lambda v: pct(v, 2),
    "ratio": lambda v: figures.number(v, 2),
    "profit": lambda v: amount(v),
    "cost": lambda v: figures.money(v),
    "count": lambda v: figures.number(v),
    "bps": lambda v: figures.bps(v),
    "times": lambda v: figures.times(v, 1),
    "days": lambda v: lasting(v * 86_400),
    "seconds": lambda v: lasting(v),
    "bars": lambda v: say("n_bars", n=figures.number(v, 1 if v % 1 else 0)),
}

# In the order people paste them: returns and risk, days, trades, costs, then what luck explains.
KINDS: Mapping[str, str] = {
    "total_return": "change",
    "annual_return": "change",
    "volatility": "share",
    "downside_risk": "share",
    "sharpe": "ratio",
    "sharpe_low": "ratio",
    "sharpe_high": "ratio",
    "sortino": "ratio",
    "calmar": "ratio",
    "omega": "ratio",
    "max_drawdown": "change",
    "max_drawdown_days": "days",
    "var_95": "share2",
    "es_95": "share2",
    "var_99": "share2",
    "es_99": "share2",
    "skew": "ratio",
    "kurtosis": "ratio",
    "best_day": "change",
    "worst_day": "change",
    "best_month": "change",
    "worst_month": "change",
    "positive_days": "share",
    "time_in_market": "share",
    "gross_exposure": "times",
    "turnover": "times",
    "trades": "count",
    "win_rate": "share",
    "profit_factor": "ratio",
    "payoff_ratio": "ratio",
    "expectancy": "profit",
    "average_trade_return": "change2",
    "average_win": "profit",
    "average_loss": "profit",
    "best_trade": "profit",
    "worst_trade": "profit",
    "winning_streak": "count",
    "losing_streak": "count",
    "average_holding_seconds": "seconds",
    "longest_holding_seconds": "seconds",
    "mae": "change2",
    "mfe": "change2",
    "longs": "count",
    "shorts": "count",
    "long_profit": "profit",
    "short_profit": "profit",
    "net_profit": "profit",
    "fees": "cost",
    "slippage": "cost",
    "funding": "cost",
    "borrow": "cost",
    "break_even_bps": "bps",
    "benchmark_return": "change",
    "benchmark_annual_return": "change",
    "benchmark_max_drawdown": "change",
    "benchmark_sharpe": "ratio",
    "alpha": "change",
    "beta": "ratio",
    "correlation": "ratio",
    "information_ratio": "ratio",
    "denied": "count",
    "rejected": "count",
    "liquidations": "count",
    "ambiguous_trades": "count",
}

# Less is better: for the weight of the best in a comparison. Sign decides for drawdowns and losses.
LESS_IS_BETTER = frozenset(
    {"volatility", "downside_risk", "max_drawdown_days", "var_95", "var_99", "es_95", "es_99",
     "fees", "slippage", "funding", "borrow", "denied", "rejected", "liquidations",
     "ambiguous_trades", "losing_streak"}
)  # fmt: skip
NEITHER_IS_BETTER = frozenset(
    {"trades", "time_in_market", "gross_exposure", "turnover", "longs", "shorts", "beta", "skew",
     "kurtosis", "correlation", "average_holding_seconds", "longest_holding_seconds",
     "benchmark_return", "benchmark_annual_return", "benchmark_max_drawdown", "benchmark_sharpe"}
)  # fmt: skip


def ordered(names: Iterable[str]) -> list[str]:
    """Known metrics in the order of the table, then the others by name."""
    given = set(names)
    return [n for n in KINDS if n in given] + sorted(given - KINDS.keys())


def metric_name(name: str) -> str:
    """HTML of a metric's name in both languages; an unknown one in its own words."""
    key = f"metric.{name}"
    return both(say(key)) if known(key) else escape(name.replace("_", " "))


def metric_value(name: str, value: float | int | None, reason: str | None = None) -> str:
    """HTML of a metric's value, absent with the reason where there is one."""
    if value is None:
        return absent(reason)
    kind = KINDS.get(name)
    if kind is not None:
        return both(_WRITE[kind](value))
    return figures.number(value, 0 if isinstance(value, int) else 4)
