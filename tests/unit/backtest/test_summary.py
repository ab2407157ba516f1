"""The summary of a small run, every number worked out by hand."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from algotrader.backtest.attribution import UNATTRIBUTED, attribution
from algotrader.backtest.metric_names import METRICS
from algotrader.backtest.metrics import Reason
from algotrader.backtest.returns import (
    DAY_MS,
    EquityCurve,
    daily_returns,
    monthly_returns,
    yearly_returns,
)
from algotrader.backtest.summary import Activity, Summary, buy_and_hold, summary
from algotrader.backtest.trades import Trade, TradeTable, no_trades
from algotrader.backtest.waterfall import Costs, waterfall
from algotrader.execution.simulation import FillReason

HOUR = 3_600_000
START = 1_767_225_600_000  # 2026-01-01 00:00 UTC
PRICES = {"entry_price": 100.0, "exit_price": 100.0, "fees": 1.0, "funding": 0.0, "slippage": 0.5}


def table(**columns: list[object]) -> TradeTable:
    """Trades with plain values in the columns that the test is not about."""
    count = len(columns["profit"])
    plain: dict[str, object] = dict(
        instrument=0, entry_ts=START, exit_ts=START + HOUR, side=1, quantity=1.0, return_=0.0,
        mae=-0.01, mfe=0.02, bars=1, exit_reason=FillReason.TARGET, ambiguous=False,
        is_open=False, **PRICES,
    )  # fmt: skip
    kinds = no_trades()
    arrays = {
        name: np.array(columns.get(name, [value] * count), dtype=getattr(kinds, name).dtype)
        for name, value in (plain | {"profit": 0.0}).items()
    }
    return TradeTable(symbols=("US:AAPL", "US:IBM"), **arrays)


def curve(equity: list[float], *, step: int = DAY_MS, initial: float = 100.0) -> EquityCurve:
    return EquityCurve(
        ts=START + step * np.arange(len(equity)),
        equity=np.array(equity),
        initial=initial,
        timeframe_ms=step,
    )


def summarised(equity: EquityCurve, trades: TradeTable | None = None, **more: object) -> Summary:
    settings: dict[str, object] = {"periods_per_year": 365.0, "costs": Costs()}
    return summary(equity, trades or no_trades(), **(settings | more))  # type: ignore[arg-type]


def test_a_day_returns_its_last_equity_over_that_of_the_day_before() -> None:
    hourly = curve([101.0] * 23 + [110.0] + [120.0] * 23 + [99.0], step=HOUR)

    daily = daily_returns(hourly)

    assert daily.returns == pytest.approx([0.1, -0.1])  # 110 / 100, 99 / 110
    assert daily.ts.tolist() == [START + 23 * HOUR, START + 47 * HOUR]
    assert hourly.years == pytest.approx(2 / 365.25)


def test_a_session_that_spans_midnight_is_one_day() -> None:
    night = EquityCurve(
        ts=START + HOUR * np.array([21, 23, 25, 45]),
        equity=np.array([100.0, 104.0, 102.0, 51.0]),
        initial=100.0,
        timeframe_ms=HOUR,
        session=np.array([1, 1, 1, 2]),
    )

    assert daily_returns(night).returns == pytest.approx([0.02, -0.5])


def test_months_and_years_compound_from_the_starting_cash() -> None:
    equity = [110.0] * 31 + [99.0] * 28 + [198.0] * 306 + [99.0]

    daily = daily_returns(curve(equity))
    months, years = monthly_returns(daily), yearly_returns(daily)

    assert months.returns[:4] == pytest.approx([0.1, -0.1, 1.0, 0.0])
    assert (months.year[0], months.month[:3].tolist()) == (2026, [1, 2, 3])
    assert years.year.tolist() == [2026, 2027]
    assert years.returns == pytest.approx([0.98, -0.5])
    assert np.prod(1 + months.returns) == pytest.approx(0.99)


def test_returns_end_on_the_day_that_equity_is_gone() -> None:
    found = summarised(curve([50.0, -10.0, 30.0]))

    assert found["days"] == 2
    assert found["worst_day"] == pytest.approx(-1.2)  # -10 / 50 - 1
    assert found["max_drawdown"] == pytest.approx(-1.1)  # -10 / 100 - 1
    assert found["annual_return"] == -1.0
    assert found["total_return"] == pytest.approx(-0.7)  # the account's, whatever it did then
    assert found.undefined["max_leverage"] is Reason.NO_EXPOSURE_DATA


def test_every_figure_has_a_value_or_a_reason() -> None:
    for equity in ([100.0], [100.0, 100.0, 100.0], [101.0, 99.0, 104.0]):
        found = summarised(curve(equity))
        assert list(found.values) == list(METRICS)
        assert {name for name, value in found.values.items() if value is None} == set(
            found.undefined
        )
        assert all(value is None or np.isfinite(value) for value in found.values.values())


@pytest.mark.parametrize(
    ("equity", "name", "reason"),
    [
        ([100.0], "sharpe", Reason.TOO_FEW_DAYS),
        ([100.0], "annual_return", Reason.TOO_FEW_DAYS),
        ([100.0, 100.0, 100.0], "sharpe", Reason.ZERO_VARIANCE),
        ([100.0, 100.0, 100.0], "sortino", Reason.NO_LOSING_DAYS),
        ([101.0, 102.0, 104.0], "calmar", Reason.NO_DRAWDOWN),
        ([101.0, 102.0, 104.0], "win_rate", Reason.NO_TRADES),
        ([101.0, 102.0, 104.0], "alpha", Reason.NO_BENCHMARK),
        ([101.0, 102.0, 104.0], "turnover", Reason.NO_EXPOSURE_DATA),
    ],
)
def test_an_undefined_figure_says_why(equity: list[float], name: str, reason: Reason) -> None:
    found = summarised(curve(equity))

    assert found[name] is None
    assert found.undefined[name] is reason


def test_a_run_of_a_few_days_has_no_figure_of_a_year() -> None:
    of_a_year = ("annual_return", "calmar", "benchmark_annual_return", "alpha", "turnover")
    equity = [101.0 + day + 3 * (day % 2) for day in range(90)]
    activity = Activity(gross=np.ones(90), held=np.ones(90, dtype=np.bool_), traded_notional=50.0)

    def found(days: int) -> Summary:
        some = Activity(
            gross=activity.gross[:days], held=activity.held[:days], traded_notional=50.0
        )
        own = curve(equity[:days])
        market = curve([100.0 + day % 3 for day in range(days)])
        return summarised(own, activity=some, benchmark=market)

    short, long = found(89), found(90)
    assert [short[name] for name in of_a_year] == [None] * 5
    assert {short.undefined[name] for name in of_a_year} == {Reason.TOO_SHORT_FOR_A_YEAR}
    assert all(long[name] is not None for name in of_a_year)
    assert short["sharpe"] is not None  # it ranks; the run says how few days it rests on


@pytest.mark.parametrize(
    ("equity", "days"),
    [
        ([101.0, 102.0], 0),
        ([99.0, 98.0, 101.0], 3),  # from the start, the day before the first, to the third day
        ([110.0, 100.0, 105.0, 110.0, 90.0], 3),  # day 1 to day 4
        ([110.0, 100.0, 105.0], 2),  # not recovered: to the last day
    ],
)
def test_the_longest_drawdown_runs_from_a_peak_until_equity_is_back(
    equity: list[float], days: int
) -> None:
    assert summarised(curve(equity))["max_drawdown_days"] == days


def test_trades_are_counted_as_a_trader_would() -> None:
    trades = table(
        profit=[30.0, 10.0, -20.0, 0.0, -10.0, 5.0],
        return_=[0.3, 0.1, -0.2, 0.0, -0.1, 0.05],
        side=[1, 1, -1, -1, 1, 1],
        exit_ts=[START + h * HOUR for h in (1, 2, 3, 4, 10, 5)],
        is_open=[False, False, False, False, False, True],
    )

    found = summarised(curve([100.0, 101.0]), trades)

    assert (found["trades"], found["open_trades"]) == (5, 1)
    assert (found["wins"], found["draws"], found["losses"]) == (2, 1, 2)
    assert found["win_rate"] == pytest.approx(0.4)
    assert found["profit_factor"] == pytest.approx(40 / 30)
    assert found["expectancy"] == pytest.approx(2.0)
    assert found["payoff_ratio"] == pytest.approx(20 / 15)
    assert found["expectancy_ratio"] == pytest.approx(0.4 * 20 / 15 - 0.4)
    assert found["kelly"] == pytest.approx(0.4 - 0.6 / (0.2 / 0.15))
    # deviations 28, 8, -22, -2, -12: squares sum to 1480; ddof 1: 370
    assert found["sqn"] == pytest.approx(5**0.5 * 2.0 / 370**0.5)
    assert (found["max_consecutive_wins"], found["max_consecutive_losses"]) == (2, 1)
    assert found["longest_trade_hours"] == 10.0
    assert found["average_trade_hours"] == 4.0
    assert (found["winner_hours"], found["loser_hours"]) == (1.5, 6.5)
    assert (found["long_profit"], found["short_profit"]) == (30.0, -20.0)
    assert (found["best_trade"], found["worst_trade"]) == (0.3, -0.2)


def test_a_row_of_the_table_reads_like_a_trade() -> None:
    first = table(profit=[3.0], instrument=[1], exit_reason=[FillReason.STOP_LOSS]).row(0)

    assert isinstance(first, Trade)
    assert (first.symbol, first.exit_reason) == ("US:IBM", FillReason.STOP_LOSS)
    assert (first.profit, first.is_open) == (3.0, False)


def test_the_waterfall_goes_from_gross_to_net() -> None:
    steps = waterfall(100.0, Costs(fees=20.0, slippage=10.0, funding=-5.0, borrow=2.0))

    assert [(step.key, step.amount) for step in steps] == [
        ("gross", 137.0), ("fees", -20.0), ("slippage", -10.0), ("funding", -5.0),
        ("borrow", -2.0), ("net", 100.0),
    ]  # fmt: skip


def test_break_even_is_the_cost_a_side_that_leaves_nothing() -> None:
    found = summarised(
        curve([100.0, 110.0], step=100 * DAY_MS),
        costs=Costs(fees=4.0, slippage=2.0),
        activity=Activity(
            gross=np.array([0.5, 55.0]), held=np.array([False, True]), traded_notional=2000.0
        ),
    )

    assert found["cost_bps"] == pytest.approx(30.0)  # 6 / 2000
    assert found["break_even_bps"] == pytest.approx(80.0)  # (10 + 6) / 2000
    assert found["exposure"] == 0.5
    assert found["max_leverage"] == pytest.approx(0.5)
    assert found["turnover"] == pytest.approx(2000 / 105 / (200 / 365.25))


def test_attribution_sums_to_the_net_profit_and_hides_no_rest() -> None:
    trades = table(
        profit=[30.0, -10.0, 5.0],
        instrument=[0, 1, 0],
        side=[1, -1, 1],
        exit_ts=[START, START + 31 * DAY_MS, START + 32 * DAY_MS],
        exit_reason=[FillReason.TAKE_PROFIT, FillReason.STOP_LOSS, FillReason.ORDER],
        is_open=[False, False, True],
    )

    found = attribution(trades, net_profit=26.0, costs=Costs(fees=3.0))

    keys = {
        "by_instrument": {"US:AAPL": 35.0, "US:IBM": -10.0},
        "by_side": {"long": 35.0, "short": -10.0},
        "by_month": {"2026-01": 30.0, "2026-02": -5.0},
        "by_exit_reason": {"open": 5.0, "stop_loss": -10.0, "take_profit": 30.0},
    }
    for view, expected in keys.items():
        slices = {part.key: part.profit for part in getattr(found, view)}
        assert slices == expected | {UNATTRIBUTED: 1.0}
        assert fsum(slices.values()) == pytest.approx(26.0)
    assert [step.amount for step in found.by_cost if step.key in ("gross", "net")] == [29.0, 26.0]


def test_buying_and_holding_starts_each_instrument_at_its_first_close() -> None:
    close = np.array([[10.0, np.nan], [np.nan, 50.0], [20.0, 25.0]])

    held = buy_and_hold(curve([100.0, 100.0, 100.0]), close)

    assert held.equity == pytest.approx([100.0, 100.0, 125.0])  # (2.0 + 0.5) / 2


def test_buying_and_holding_an_inverse_contract_earns_in_its_coin() -> None:
    """1 - 10 / 20 of the coin when the price doubles, all of it when it halves, and no more then."""
    close = np.array([[10.0, 10.0], [20.0, 5.0], [40.0, 20.0]])

    held = buy_and_hold(curve([100.0, 100.0, 100.0]), close, inverse=(True, True))
    mixed = buy_and_hold(curve([100.0, 100.0, 100.0]), close, inverse=(True, False))

    assert held.equity == pytest.approx([100.0, 75.0, 87.5])  # (1.5 + 0) / 2, (1.75 + 0) / 2
    assert mixed.equity == pytest.approx([100.0, 100.0, 187.5])  # (1.5 + 0.5) / 2, (1.75 + 2) / 2


def test_against_itself_a_run_has_beta_one_and_no_alpha() -> None:
    run = curve([101.0, 99.0, 104.0, 103.0], step=30 * DAY_MS)

    found = summarised(run, benchmark=run)

    assert found["beta"] == pytest.approx(1.0)
    assert found["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert found["correlation"] == pytest.approx(1.0)
    assert found.undefined["information_ratio"] is Reason.ZERO_VARIANCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"ts": np.array([1, 1])},
        {"equity": np.array([1.0, np.nan])},
        {"initial": 0.0},
        {"session": np.array([2, 1])},
        {"equity": np.array([1.0])},
    ],
)
def test_an_equity_curve_refuses_what_cannot_be(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {
        "ts": np.array([1, 2]), "equity": np.array([1.0, 2.0]), "initial": 1.0, "timeframe_ms": 1,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"\w"):
        EquityCurve(**(right | wrong))  # type: ignore[arg-type]
