"""Trade lists that other engines published, through our fills, books and trade metrics.

Where a definition differs, the test says how and follows the source's; the differences are listed
in docs/concepts/metrics.md.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.builders.books import NOON, SWAP, USDT, a_fill, cash, funding

from algotrader.backtest import metrics, trade_metrics
from algotrader.backtest.trade_list import trades_of
from algotrader.backtest.trades import TradeTable, no_trades
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import (
    ExecutionRule,
    InstrumentKind,
    OrderRequest,
    Panel,
    SimulatedInstrument,
    SimulationSettings,
    SizeAt,
)
from algotrader.portfolio.ledger import Ledger

Floats = NDArray[np.float64]
DAY_MS = 86_400_000


def golden(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    cases = json.loads((folder / "golden" / "golden.json").read_text())["cases"]
    case = next(case for case in cases if case["id"] == name)
    return case["input"], case["expected"]


def published(folder: Path, name: str) -> list[dict[str, Any]]:
    given, _ = golden(folder, name)
    return json.loads((folder.parent / given["file"]).read_text())["trades"]


def daily(folder: Path, file: str) -> tuple[pl.DataFrame, Panel]:
    frame = pl.read_parquet(folder.parent / file)
    frame = frame.rename({name: name.lower() for name in frame.columns})
    bars = {n: frame[n].cast(pl.Float64).to_numpy() for n in ("open", "high", "low", "close")}
    rows = frame.height
    days = np.arange(rows, dtype=np.int64) * DAY_MS
    return frame, Panel(ts=days, timeframe_ms=DAY_MS, volume=np.full(rows, np.nan), **bars)


def sma(values: Floats, length: int) -> Floats:
    sums = np.cumsum(np.insert(values, 0, 0.0))
    return np.concatenate((np.full(length - 1, np.nan), (sums[length:] - sums[:-length]) / length))


def crossings(above: Floats, below: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where `above` crosses `below` upward and downward; both rows must be defined."""
    distance = above - below
    up, down = np.zeros(above.size, dtype=bool), np.zeros(above.size, dtype=bool)
    up[1:] = (distance[:-1] <= 0) & (distance[1:] > 0)
    down[1:] = (distance[:-1] >= 0) & (distance[1:] < 0)
    return up, down


def test_one_unit_of_a_crossing_agrees_with_backtrader_fill_by_fill(shared_data: Path) -> None:
    given, expected = golden(shared_data, "bt_unopt_stock")
    _, panel = daily(shared_data, given["file"])
    up, down = crossings(panel.close, sma(panel.close, given["period"]))
    script: dict[int, list[OrderRequest]] = {}
    held = False
    for row in np.flatnonzero(up | down):
        if bool(up[row]) != held:
            held = not held
            script[int(row)] = [OrderRequest(instrument=0, side=1 if held else -1, quantity=1.0)]
    item = SimulatedInstrument(symbol="X", lot=1.0, participation=0.0, never_closes=False)

    result = simulate(panel, [item], SimulationSettings(cash=given["cash"]), script=script)

    bought = result.fills.quantity > 0
    near = {"abs": 0.005}
    assert result.fills.price[bought].tolist() == pytest.approx(expected["buy_fills"], **near)
    assert result.fills.price[~bought].tolist() == pytest.approx(expected["sell_fills"], **near)
    assert result.cash[-1] == pytest.approx(expected["cash"], **near)
    assert result.equity[-1] == pytest.approx(expected["value"], **near)


def test_daily_settlement_of_a_future_sums_to_what_it_earned(shared_data: Path) -> None:
    given, expected = golden(shared_data, "RB_mtm")
    frame, panel = daily(shared_data, given["file"])
    settle = frame["settle"].cast(pl.Float64).to_numpy()
    # The mark is the settlement price, so equity moves by each day's settlement.
    marks = {f"mark_{n}": settle for n in ("open", "high", "low", "close")}
    lots, first, last = given["lots"], given["i0"], given["i1"]
    script = {
        first - 1: [OrderRequest(instrument=0, side=1, quantity=lots)],
        last - 1: [OrderRequest(instrument=0, side=-1, quantity=lots)],
    }
    item = SimulatedInstrument(
        symbol="X", kind=InstrumentKind.LINEAR, lot=1.0, multiplier=given["mult"], leverage=10.0,
        participation=0.0,
    )  # fmt: skip

    settings = SimulationSettings(cash=1e6)
    result = simulate(replace(panel, **marks), [item], settings, script=script)

    flows = np.diff(result.equity)[first - 1 : last]
    assert flows.sum() == pytest.approx(expected["total"], abs=1e-6)
    assert flows[0] == pytest.approx(expected["first"], abs=1e-6)
    assert flows[1] == pytest.approx(expected["second"], abs=1e-6)
    assert flows[-1] == pytest.approx(expected["last"], abs=1e-6)
    assert flows.min() == pytest.approx(expected["worst_day"], abs=1e-6)
    assert flows.max() == pytest.approx(expected["best_day"], abs=1e-6)


def test_the_books_earn_each_profit_that_freqtrade_published(shared_data: Path) -> None:
    trades = published(shared_data, "freqtrade_trend")
    _, expected = golden(shared_data, "freqtrade_trend")
    units = replace(SWAP, multiplier=Decimal(1), tick=Decimal(0), lot=Decimal("1e-8"))
    ledger = Ledger.open(USDT, [units]).apply(cash(str(expected["starting_balance"])))
    before = Decimal(expected["starting_balance"])
    for number, trade in enumerate(trades):
        assert not trade["short"]
        for sign, side in ((1, "open"), (-1, "close")):
            quantity, price = Decimal(str(trade["amount"])), Decimal(str(trade[side]))
            fee = quantity * price * Decimal(str(trade[f"fee_{side}"]))
            fill = a_fill(units, str(sign * quantity), str(price), str(fee))
            ledger = ledger.apply(replace(fill, filled_at=NOON))
        if trade["funding"]:
            ledger = ledger.apply(funding(units, str(trade["funding"])))
        after = ledger.statement({}).equity
        assert float(after - before) == pytest.approx(trade["profit_abs"], abs=1e-6), number
        before = after

    assert len(trades) == expected["total_trades"]
    assert float(before) == pytest.approx(expected["final_balance"], abs=1e-6)


def as_table(trades: list[dict[str, Any]], returns: str = "profit_ratio") -> TradeTable:
    """What the metrics read of a published list."""
    profit = np.array([trade["profit_abs"] for trade in trades])
    blank = no_trades()
    columns = {
        name: np.zeros(profit.size, dtype=getattr(blank, name).dtype)
        for name in blank.__dataclass_fields__
        if name != "symbols"
    }
    columns |= {"profit": profit, "return_": np.array([trade[returns] for trade in trades])}
    return TradeTable(symbols=("X",), **columns)


def test_metrics_of_trades_are_those_that_freqtrade_published(shared_data: Path) -> None:
    trades = published(shared_data, "freqtrade_trend")
    _, expected = golden(shared_data, "freqtrade_trend")
    table = as_table(trades)
    start, end = expected["starting_balance"], expected["final_balance"]
    by_close = sorted(trades, key=lambda trade: trade["close_ts"])
    balance = start + np.cumsum([trade["profit_abs"] for trade in by_close])
    fall = metrics.largest_loss_from_peak(balance, initial=start)
    ours = {
        "winrate": trade_metrics.win_rate(table),
        "profit_factor": trade_metrics.profit_factor(table),
        "expectancy": trade_metrics.expectancy(table),
        "expectancy_ratio": trade_metrics.expectancy_ratio(table),
        "profit_mean": trade_metrics.mean_return(table),
        "profit_median": trade_metrics.median_return(table),
        "profit_total_abs": float(table.profit.sum()),
        "cagr": metrics.growth_rate(start, end, days=expected["backtest_days"], year_days=365.0),
        "max_drawdown_abs": fall.amount,
        "max_drawdown_account": fall.share,
    }

    assert ours == pytest.approx({name: expected[name] for name in ours}, rel=1e-6)
    # They round to two or three decimals.
    assert trade_metrics.sqn(table) == pytest.approx(expected["sqn"], abs=0.01)


def test_expectancy_and_ratios_of_the_older_list(shared_data: Path) -> None:
    trades = published(shared_data, "ft2018_expectancy")
    _, expected = golden(shared_data, "ft2018_expectancy")
    table = as_table(trades)

    assert trade_metrics.expectancy(table) == pytest.approx(expected["expectancy"], abs=1e-9)
    ratio = trade_metrics.expectancy_ratio(table)
    assert ratio == pytest.approx(expected["expectancy_ratio"], rel=1e-9)

    # Their Sharpe ratio divides the profit of a day by the deviation of *trades* (ddof 0): ours,
    # of daily equity, is another number. Only the parts are compared.
    given, expected = golden(shared_data, "ft2018_ratios")
    shares = table.profit / given["balance"]
    opened = min(trade["open_date"] for trade in trades)
    closed = max(trade["close_date"] for trade in trades)
    days = int((np.datetime64(closed[:19]) - np.datetime64(opened[:19])) / np.timedelta64(1, "D"))
    theirs = shares.sum() / days / shares.std() * np.sqrt(365.0)
    assert theirs == pytest.approx(expected["sharpe"], rel=1e-4)
    losing = shares[shares < 0.0]
    assert shares.sum() / days / losing.std() * np.sqrt(365.0) == pytest.approx(
        expected["sortino"], rel=1e-4
    )


def test_the_published_run_of_the_readme_is_met_with_its_commission(shared_data: Path) -> None:
    """An older release of backtesting.py took its commission on the price of the entry alone.

    Our fills without a fee, and that commission by hand, give its equity to the cent.
    """
    given, expected = golden(shared_data, "btpy_goog_readme")
    _, panel = daily(shared_data, given["file"])
    up, down = crossings(sma(panel.close, 10), sma(panel.close, 20))
    targets = np.where(up, 1.0, np.where(down, -1.0, np.nan))
    item = SimulatedInstrument(
        symbol="X", kind=InstrumentKind.LINEAR, lot=1.0, participation=0.0, never_closes=False
    )
    settings = SimulationSettings(
        cash=10_000.0, execution=ExecutionRule.MARKET, size_at=SizeAt.FILL
    )

    result = simulate(panel, [item], settings, targets=targets)
    trades = trades_of(panel, [item], settings, result)

    paid = trades.entry_price * (1.0 + 0.002 * trades.side)
    returns = trades.side * (trades.exit_price / paid - 1.0)
    equity = settings.cash
    for price, trade in zip(paid, trades, strict=True):
        equity += trade.side * (equity // price) * (trade.exit_price - price)
    closed = 100.0 * returns[~trades.is_open]
    assert equity == pytest.approx(expected["Equity Final [$]"], abs=0.01)
    assert closed.size == expected["# Trades"]
    assert 100.0 * np.mean(closed > 0.0) == pytest.approx(expected["Win Rate [%]"], abs=0.01)
    assert closed.max() == pytest.approx(expected["Best Trade [%]"], abs=0.01)
    assert closed.min() == pytest.approx(expected["Worst Trade [%]"], abs=0.01)
    held = 100.0 * (panel.close[-1] / panel.close[0] - 1.0)
    assert held == pytest.approx(expected["Buy & Hold Return [%]"], abs=0.01)
