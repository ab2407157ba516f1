"""How metrics are written: `All figures`, comparisons and tables of sets.

Names, units and order are those of `metric_names.METRICS`; here is only sign, colour and precision.
A metric the table does not know is shown last, under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from algotrader.backtest.metric_names import METRICS, OF_LONG_BARS, Group, Unit
from algotrader.backtest.report import figures
from algotrader.backtest.report.layout import absent, spoken
from algotrader.backtest.report.words import Part, Value, amount, both, lasting, pct, say

# Fractions and money that are a profit or a loss: sign and profit colour.
CHANGES = frozenset({
    "total_return", "annual_return", "best_month", "worst_month", "average_trade", "median_trade",
    "best_trade", "worst_trade", "best_day", "worst_day", "max_drawdown", "max_drawdown_bars",
    "benchmark_return", "benchmark_annual_return", "benchmark_max_drawdown", "alpha", "mae", "mfe",
    "net_profit", "expectancy", "long_profit", "short_profit", "average_daily_profit", "gross",
    "funding",
})  # fmt: skip
FINE = frozenset(
    {"average_trade", "median_trade", "mae", "mfe", "var_95", "es_95", "var_99", "es_99"}
)
TIMES = frozenset({"turnover", "average_leverage", "max_leverage"})
LESS_IS_BETTER = frozenset({
    "volatility", "max_drawdown_days", "fees", "slippage",
    "borrow", "ambiguous_trades", "max_consecutive_losses", "cost_bps", "ulcer_index", "lose_days",
    "losses", "max_drawdown_amount",
})  # fmt: skip
BETTER_IS_UNKNOWN = frozenset({
    "trades", "open_trades", "exposure", "average_leverage", "max_leverage", "turnover", "draws",
    "traded_notional", "long_trades", "short_trades", "beta", "correlation", "days", "draw_days",
    "skew", "kurtosis", "average_trade_hours", "median_trade_hours", "longest_trade_hours",
    "winner_hours", "loser_hours", "benchmark_return", "benchmark_annual_return", "initial_equity",
    "benchmark_sharpe", "benchmark_max_drawdown", "wins", "win_days", "gross_loss",
})  # fmt: skip

_WRITE: Mapping[Unit, Callable[[float], Part]] = {
    Unit.RATIO: lambda v: figures.number(v, 2),
    Unit.COUNT: lambda v: figures.number(v),
    Unit.DAYS: lambda v: say("n_days", n=figures.number(v)),
    Unit.HOURS: lambda v: lasting(v * 3600),
    Unit.BPS: lambda v: figures.bps(v),
}


def ordered(names: Iterable[str]) -> list[str]:
    """Known metrics in the order of the table, then the others by name."""
    given = set(names)
    return [n for n in METRICS if n in given] + sorted(given - METRICS.keys())


def group_of(name: str) -> str:
    """The key of a metric's group; `other` where the table does not know it."""
    known = METRICS.get(name)
    return known.group.value if known else "other"


def metric_name(name: str, *, long_bars: bool = False) -> Part:
    """A metric's name in both languages; an unknown one in its own words.

    With `long_bars` a return is of a bar and not of a day, and is called so.
    """
    if long_bars and (own := OF_LONG_BARS.get(name)) is not None:
        return spoken(*own)
    known = METRICS.get(name)
    if known is None:
        return name.replace("_", " ")
    return Value(lambda lang: known.zh if lang == "zh" else known.en)


def metric_part(name: str, value: float | int) -> Part:
    """A metric's value with sign, colour and precision."""
    known = METRICS.get(name)
    if known is None:
        return figures.number(value, 0 if isinstance(value, int) else 4)
    if name in TIMES:
        return figures.times(value, 2 if value < 100 else 0)
    if known.unit is Unit.FRACTION:
        return pct(value, 2 if name in FINE else 1, profit=name in CHANGES)
    if known.unit is Unit.MONEY:
        return amount(value) if name in CHANGES else figures.money(value)
    return _WRITE[known.unit](value)


def metric_value(name: str, value: float | int | None, reason: str | None = None) -> str:
    """HTML of a metric's value; absent with the reason where there is one."""
    return absent(reason) if value is None else both(metric_part(name, value))


def metric_list(
    metrics: Mapping[str, float | int | None],
    reasons: Mapping[str, str],
    *,
    long_bars: bool = False,
) -> str:
    """All of them in columns, each group under its title."""
    cells, group = [], None
    for name in ordered(metrics):
        own = group_of(name)
        if own != group:
            title = "group.bars" if long_bars and own == Group.DAYS else f"group.{own}"
            cells.append(f"<div class=group><dt>{both(say(title))}</dt><dd></dd></div>")
            group = own
        value = metric_value(name, metrics[name], reasons.get(name))
        label = both(metric_name(name, long_bars=long_bars))
        cells.append(f"<div><dt>{label}</dt><dd>{value}</dd></div>")
    return f'<dl class="facts">{"".join(cells)}</dl>'
