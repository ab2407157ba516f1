"""Every figure of the summary: its JSON name, labels, unit and place in the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """How a figure is shown. Stored values are fractions, money, hours and plain numbers."""

    FRACTION = "fraction"  # shown as percent
    MONEY = "money"  # account currency
    RATIO = "ratio"
    COUNT = "count"
    DAYS = "days"
    HOURS = "hours"
    BPS = "bps"


class Group(StrEnum):
    RESULT = "result"
    RISK_ADJUSTED = "risk_adjusted"
    TRADES = "trades"
    DAYS = "days"
    DRAWDOWN = "drawdown"
    TAIL = "tail"
    COSTS = "costs"
    BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True)
class MetricName:
    """`name` is the key of `Summary.values` and of `--json`."""

    name: str
    en: str
    zh: str
    unit: Unit
    group: Group


_ROWS: dict[Group, tuple[tuple[str, str, str, Unit], ...]] = {
    Group.RESULT: (
        ("initial_equity", "Starting balance", "初始资金", Unit.MONEY),
        ("final_equity", "Final balance", "期末权益", Unit.MONEY),
        ("net_profit", "Absolute profit", "净利润", Unit.MONEY),
        ("total_return", "Total profit", "总收益率", Unit.FRACTION),
        ("annual_return", "CAGR", "年化收益率", Unit.FRACTION),
        ("best_month", "Best month", "最佳月份", Unit.FRACTION),
        ("worst_month", "Worst month", "最差月份", Unit.FRACTION),
        ("exposure", "Time in market", "持仓时间占比", Unit.FRACTION),
        ("average_leverage", "Average leverage", "平均杠杆", Unit.RATIO),
        ("max_leverage", "Max leverage", "最大杠杆", Unit.RATIO),
    ),
    Group.RISK_ADJUSTED: (
        ("sortino", "Sortino", "索提诺比率", Unit.RATIO),
        ("sharpe", "Sharpe", "夏普比率", Unit.RATIO),
        ("calmar", "Calmar", "卡玛比率", Unit.RATIO),
        ("volatility", "Volatility (ann.)", "年化波动率", Unit.FRACTION),
        ("omega", "Omega", "欧米伽比率", Unit.RATIO),
        ("stability", "Stability", "稳定性", Unit.RATIO),
    ),
    Group.TRADES: (
        ("trades", "Trades", "交易笔数", Unit.COUNT),
        ("open_trades", "Open trades", "未平仓笔数", Unit.COUNT),
        ("ambiguous_trades", "Trades that hang on a guess", "取决于路径假设的笔数", Unit.COUNT),
        ("win_rate", "Win rate", "胜率", Unit.FRACTION),
        ("wins", "Wins", "盈利笔数", Unit.COUNT),
        ("draws", "Draws", "持平笔数", Unit.COUNT),
        ("losses", "Losses", "亏损笔数", Unit.COUNT),
        ("profit_factor", "Profit factor", "盈亏因子", Unit.RATIO),
        ("expectancy", "Expectancy", "每笔期望", Unit.MONEY),
        ("expectancy_ratio", "Expectancy ratio", "期望比率", Unit.RATIO),
        ("payoff_ratio", "Payoff ratio", "盈亏比", Unit.RATIO),
        ("sqn", "SQN", "系统质量数", Unit.RATIO),
        ("kelly", "Kelly criterion", "凯利比例", Unit.FRACTION),
        ("gross_profit", "Gross profit of winners", "盈利总额", Unit.MONEY),
        ("gross_loss", "Gross loss of losers", "亏损总额", Unit.MONEY),
        ("average_trade", "Avg. trade", "平均每笔收益率", Unit.FRACTION),
        ("median_trade", "Median trade", "每笔收益率中位数", Unit.FRACTION),
        ("best_trade", "Best trade", "最佳交易", Unit.FRACTION),
        ("worst_trade", "Worst trade", "最差交易", Unit.FRACTION),
        ("average_trade_hours", "Avg. duration", "平均持仓时间", Unit.HOURS),
        ("median_trade_hours", "Median duration", "持仓时间中位数", Unit.HOURS),
        ("longest_trade_hours", "Longest trade", "最长持仓", Unit.HOURS),
        ("winner_hours", "Avg. duration winners", "盈利单平均持仓", Unit.HOURS),
        ("loser_hours", "Avg. duration losers", "亏损单平均持仓", Unit.HOURS),
        ("max_consecutive_wins", "Max consecutive wins", "最多连续盈利", Unit.COUNT),
        ("max_consecutive_losses", "Max consecutive losses", "最多连续亏损", Unit.COUNT),
        ("mae", "Avg. MAE", "平均最大不利变动", Unit.FRACTION),
        ("mfe", "Avg. MFE", "平均最大有利变动", Unit.FRACTION),
        ("long_trades", "Long trades", "做多笔数", Unit.COUNT),
        ("short_trades", "Short trades", "做空笔数", Unit.COUNT),
        ("long_profit", "Absolute profit long", "做多利润", Unit.MONEY),
        ("short_profit", "Absolute profit short", "做空利润", Unit.MONEY),
        ("long_win_rate", "Win rate long", "做多胜率", Unit.FRACTION),
        ("short_win_rate", "Win rate short", "做空胜率", Unit.FRACTION),
    ),
    Group.DAYS: (
        ("days", "Days", "天数", Unit.COUNT),
        ("best_day", "Best day", "最佳单日", Unit.FRACTION),
        ("worst_day", "Worst day", "最差单日", Unit.FRACTION),
        ("average_daily_profit", "Avg. daily profit", "日均利润", Unit.MONEY),
        ("win_days", "Days win", "盈利天数", Unit.COUNT),
        ("draw_days", "Days draw", "持平天数", Unit.COUNT),
        ("lose_days", "Days lose", "亏损天数", Unit.COUNT),
    ),
    Group.DRAWDOWN: (
        ("min_equity", "Min balance", "最低权益", Unit.MONEY),
        ("max_equity", "Max balance", "最高权益", Unit.MONEY),
        ("max_drawdown", "Max drawdown", "最大回撤", Unit.FRACTION),
        ("max_drawdown_amount", "Absolute drawdown", "最大回撤金额", Unit.MONEY),
        ("max_drawdown_days", "Longest drawdown", "最长水下天数", Unit.DAYS),
        ("max_drawdown_bars", "Max drawdown on bars", "逐根 K 线最大回撤", Unit.FRACTION),
        ("ulcer_index", "Ulcer index", "溃疡指数", Unit.FRACTION),
        ("recovery_factor", "Recovery factor", "恢复因子", Unit.RATIO),
    ),
    Group.TAIL: (
        ("var_95", "Daily value-at-risk 95 %", "日度 VaR 95%", Unit.FRACTION),
        ("es_95", "Expected shortfall 95 %", "预期亏损 ES 95%", Unit.FRACTION),
        ("var_99", "Daily value-at-risk 99 %", "日度 VaR 99%", Unit.FRACTION),
        ("es_99", "Expected shortfall 99 %", "预期亏损 ES 99%", Unit.FRACTION),
        ("skew", "Skew", "偏度", Unit.RATIO),
        ("kurtosis", "Kurtosis", "峰度", Unit.RATIO),
        ("tail_ratio", "Tail ratio", "尾部比率", Unit.RATIO),
    ),
    Group.COSTS: (
        ("gross", "Gross profit before costs", "毛利", Unit.MONEY),
        ("fees", "Fees", "手续费", Unit.MONEY),
        ("slippage", "Slippage", "滑点", Unit.MONEY),
        ("funding", "Funding received", "资金费收入", Unit.MONEY),
        ("borrow", "Borrow cost", "融券及利息", Unit.MONEY),
        ("traded_notional", "Total trade volume", "总成交额", Unit.MONEY),
        ("turnover", "Turnover a year", "年换手", Unit.RATIO),
        ("cost_bps", "Cost paid a side", "单边成本", Unit.BPS),
        ("break_even_bps", "Break-even cost a side", "盈亏平衡单边成本", Unit.BPS),
    ),
    Group.BENCHMARK: (
        ("benchmark_return", "Buy and hold", "买入持有", Unit.FRACTION),
        ("benchmark_annual_return", "Buy and hold a year", "买入持有年化", Unit.FRACTION),
        ("benchmark_sharpe", "Buy and hold Sharpe", "买入持有夏普", Unit.RATIO),
        ("benchmark_max_drawdown", "Buy and hold drawdown", "买入持有最大回撤", Unit.FRACTION),
        ("alpha", "Alpha", "阿尔法", Unit.FRACTION),
        ("beta", "Beta", "贝塔", Unit.RATIO),
        ("correlation", "Correlation", "相关系数", Unit.RATIO),
        ("information_ratio", "Information ratio", "信息比率", Unit.RATIO),
    ),
}

METRICS: dict[str, MetricName] = {
    row[0]: MetricName(*row, group) for group, rows in _ROWS.items() for row in rows
}

OF_LONG_BARS: dict[str, tuple[str, str]] = {
    "days": ("Bars", "K 线根数"),
    "best_day": ("Best bar", "最佳单根 K 线"),
    "worst_day": ("Worst bar", "最差单根 K 线"),
    "average_daily_profit": ("Avg. profit of a bar", "每根 K 线平均利润"),
    "win_days": ("Bars win", "盈利 K 线根数"),
    "draw_days": ("Bars draw", "持平 K 线根数"),
    "lose_days": ("Bars lose", "亏损 K 线根数"),
    "var_95": ("Value-at-risk of a bar 95 %", "单根 K 线 VaR 95%"),
    "var_99": ("Value-at-risk of a bar 99 %", "单根 K 线 VaR 99%"),
}
"""Labels, English and Chinese, where bars are longer than a day and each gives one return."""
