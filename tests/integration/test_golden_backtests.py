"""The kernel agrees with published and independently computed backtests on real data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from algotrader._kernel import sizing
from algotrader.execution.simulated import simulate, trade_columns
from algotrader.execution.simulation import (
    ExecutionRule,
    InstrumentKind,
    OrderRequest,
    Panel,
    SimulatedInstrument,
    SimulationSettings,
    SizeAt,
)

Floats = NDArray[np.float64]


def golden(folder: Path, name: str) -> dict[str, Any]:
    cases = json.loads((folder / "golden" / "golden.json").read_text())["cases"]
    return next(case for case in cases if case["id"] == name)


def a_frame(folder: Path, file: str) -> pl.DataFrame:
    frame = pl.read_parquet(folder.parent / file if file.startswith("shared/") else folder / file)
    return frame.rename({name: name.lower() for name in frame.columns})


def stamps(frame: pl.DataFrame) -> NDArray[np.int64]:
    first = frame[frame.columns[0]]
    if first.dtype == pl.Date or isinstance(first.dtype, pl.Datetime):
        first = first.cast(pl.Datetime("ms"))
    return first.cast(pl.Int64).to_numpy()


def a_panel(frame: pl.DataFrame, **more: Any) -> Panel:
    ts = stamps(frame)
    bars = {
        name: frame[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close")
    }
    # The golden loops know no volume (R20: a volume that is not known is NaN).
    unknown = np.full(ts.size, np.nan)
    step = int(np.min(np.diff(ts)))
    return Panel(ts=ts, timeframe_ms=step, volume=unknown, **bars, **more)


def sma(values: Floats, length: int) -> Floats:
    sums = np.cumsum(np.insert(values, 0, 0.0))
    result = np.full(values.size, np.nan)
    result[length - 1 :] = (sums[length:] - sums[:-length]) / length
    return result


@pytest.mark.parametrize("name", ["ref_btc_1h", "ref_btc_15m", "ref_btceur_gaps", "ref_spy"])
def test_long_and_flat_agrees_with_a_plain_loop(shared_data: Path, name: str) -> None:
    case = golden(shared_data, name)
    given, expected = case["input"], case["expected"]
    panel = a_panel(a_frame(shared_data, given["file"]))
    fast, slow = sma(panel.close, given["n1"]), sma(panel.close, given["n2"])
    targets = np.where(fast > slow, 1.0, np.where(fast < slow, 0.0, np.nan))
    item = SimulatedInstrument(
        symbol="X",
        lot=1e-12,  # the golden loop's quantities are fractions without a grid
        taker_fee=given["fee"],
        slippage_bps=given["slippage"] * 1e4,
        participation=0.0,
    )
    settings = SimulationSettings(
        cash=given["cash"], execution=ExecutionRule.MARKET, size_at=SizeAt.FILL
    )

    result = simulate(panel, [item], settings, targets=targets)
    trades = trade_columns(panel, [item], settings, result)
    closed = ~trades["is_open"]

    assert result.equity[-1] == pytest.approx(expected["final_equity"], rel=1e-9)
    assert len(trades["side"]) == expected["entries"]
    assert closed.sum() == expected["closed"]
    assert (trades["profit"][closed] > 0).mean() == pytest.approx(expected["win_rate"])
    assert trades["profit"][closed].sum() == pytest.approx(expected["sum_closed_pnl"], rel=1e-7)
    assert result.fills.fee.sum() == pytest.approx(expected["total_fees"], rel=1e-9)
    assert result.fills.row[0] == expected["first_entry_bar"]
    assert result.fills.price[0] == pytest.approx(expected["first_entry_px"], rel=1e-12)
    assert result.position[-1, 0] == pytest.approx(expected["last_eq_open_qty"], rel=1e-9)
    for row, equity in expected["equity_samples"].items():
        assert result.equity[int(row)] == pytest.approx(equity, rel=1e-9)
    peaks = np.maximum.accumulate(result.equity)
    assert (result.equity / peaks - 1).min() == pytest.approx(expected["mdd"], rel=1e-9)
    returns = result.equity[1:] / result.equity[:-1] - 1
    assert returns.mean() == pytest.approx(expected["ret_mean"], rel=1e-2)


@pytest.mark.parametrize("name", ["btpy_goog_10_20", "btpy_goog_10_20_nofee"])
def test_long_and_short_agrees_with_backtesting_py_trade_by_trade(
    shared_data: Path, name: str
) -> None:
    case = golden(shared_data, name)
    expected = case["expected"]
    panel = a_panel(a_frame(shared_data, case["input"]["file"]))
    fast, slow = sma(panel.close, 10), sma(panel.close, 20)
    above = np.zeros(panel.ts.size, dtype=bool)
    below = np.zeros(panel.ts.size, dtype=bool)
    above[1:] = (fast[1:] > slow[1:]) & (fast[:-1] < slow[:-1])
    below[1:] = (fast[1:] < slow[1:]) & (fast[:-1] > slow[:-1])
    targets = np.where(above, 1.0, np.where(below, -1.0, np.nan))
    item = SimulatedInstrument(
        symbol="X",
        kind=InstrumentKind.LINEAR,
        lot=1.0,
        taker_fee=0.002 if "nofee" not in name else 0.0,
        participation=0.0,
        never_closes=False,
    )
    settings = SimulationSettings(cash=10_000.0, size_at=SizeAt.FILL)

    result = simulate(panel, [item], settings, targets=targets)
    trades = trade_columns(panel, [item], settings, result)

    wanted = expected["trades"]
    rows = {int(ts): row for row, ts in enumerate(panel.ts)}
    # backtesting.py closes the last trade at the last close without waiting for an open
    assert len(trades["side"]) == expected["# Trades"] == len(wanted)
    for index, trade in enumerate(wanted):
        assert trades["side"][index] * trades["quantity"][index] == trade["size"]
        assert rows[int(trades["entry_ts"][index])] == trade["entry_bar"]
        assert trades["entry_price"][index] == pytest.approx(trade["entry"])
        if index < len(wanted) - 1:
            assert rows[int(trades["exit_ts"][index])] == trade["exit_bar"]
            assert trades["exit_price"][index] == pytest.approx(trade["exit"])
            assert trades["profit"][index] == pytest.approx(trade["pnl"], abs=1e-6)


@pytest.mark.parametrize("name", ["fund_okx_btc", "fund_binance_eth"])
def test_funding_of_a_short_on_real_rates(shared_data: Path, name: str) -> None:
    case = golden(shared_data, name)
    given, expected = case["input"], case["expected"]
    frame = a_frame(shared_data, given["file"])
    rate = next(
        frame[column] for column in frame.columns if "funding" in column or "rate" in column
    )
    ts = stamps(frame)
    panel = a_panel(
        frame,
        funding_ts=ts,
        funding_instrument=np.zeros(ts.size, dtype=np.int64),
        funding_rate=rate.cast(pl.Float64).to_numpy(),
    )
    perpetual = SimulatedInstrument(
        symbol="X", kind=InstrumentKind.LINEAR, lot=0.5, taker_fee=given["fee"], participation=0.0
    )
    first, last = given["i0"], given["i1"]
    script = {
        first - 1: [OrderRequest(instrument=0, side=-1, quantity=given["q"])],
        last - 1: [OrderRequest(instrument=0, side=1, quantity=given["q"])],
    }

    result = simulate(panel, [perpetual], SimulationSettings(cash=1e6), script=script)

    # The stamp of a row settles on the position before its fills: rows (i0, i1] (R7).
    assert (result.funding != 0).sum() <= expected["n_fundings"]
    assert result.funding.sum() == pytest.approx(expected["funding_received"], rel=1e-9)
    assert result.fills.fee.sum() == pytest.approx(expected["fees"], rel=1e-9)
    assert result.equity[-1] - 1e6 == pytest.approx(expected["net"], rel=1e-9)


def test_carry_of_spot_against_its_perpetual(shared_data: Path) -> None:
    case = golden(shared_data, "carry_okx_btc")
    given, expected = case["input"], case["expected"]
    spot, swap = a_frame(shared_data, given["spot"]), a_frame(shared_data, given["perp"])
    ts = stamps(swap)
    assert np.array_equal(ts, stamps(spot))
    rate = next(swap[column] for column in swap.columns if "funding" in column or "rate" in column)
    bars = {
        name: np.column_stack([frame[name].cast(pl.Float64).to_numpy() for frame in (spot, swap)])
        for name in ("open", "high", "low", "close")
    }
    panel = Panel(
        ts=ts,
        timeframe_ms=int(np.min(np.diff(ts))),
        volume=np.full((ts.size, 2), np.nan),
        funding_ts=ts,
        funding_instrument=np.ones(ts.size, dtype=np.int64),
        funding_rate=rate.cast(pl.Float64).to_numpy(),
        **bars,
    )
    items = [
        SimulatedInstrument(symbol="A", lot=1.0, taker_fee=0.001),
        SimulatedInstrument(symbol="B", kind=InstrumentKind.LINEAR, lot=1.0, taker_fee=0.0005),
    ]
    legs = [(0, 1), (1, -1)]
    script = {
        given["k0"] - 1: [OrderRequest(instrument=i, side=s, quantity=1, group=1) for i, s in legs],
        given["k1"] - 1: [OrderRequest(instrument=i, side=-s, quantity=1) for i, s in legs],
    }

    settings = SimulationSettings(cash=1e6)
    result = simulate(panel, items, settings, script=script)
    trades = trade_columns(panel, items, settings, result)
    by_leg = {int(i): k for k, i in enumerate(trades["instrument"])}

    gross = trades["profit"] + trades["fees"] - trades["funding"]
    assert gross[by_leg[0]] == pytest.approx(expected["spot_pnl"], rel=1e-9)
    assert gross[by_leg[1]] == pytest.approx(expected["perp_pnl"], rel=1e-9)
    assert trades["funding"].sum() == pytest.approx(expected["funding"], rel=1e-9)
    assert result.fills.fee.sum() == pytest.approx(expected["fees"], rel=1e-9)


def test_liquidation_price_of_an_isolated_long(shared_data: Path) -> None:
    case = golden(shared_data, "liq_isolated_long")
    given = case["input"]
    item = SimulatedInstrument(
        symbol="X", kind=InstrumentKind.LINEAR, tiers=((1e12, given["mmr"]),)
    )
    price = sizing.liquidation_price(item, 1.0, given["entry"], given["entry"] / given["lev"])

    assert price == pytest.approx(case["expected"], rel=1e-12)


def test_profit_of_an_inverse_contract(shared_data: Path) -> None:
    case = golden(shared_data, "inverse_pnl")
    given = case["input"]
    item = SimulatedInstrument(
        symbol="X", kind=InstrumentKind.INVERSE, multiplier=float(given["face"])
    )
    profit = sizing.profit(item, given["n"], given["entry"], given["exit"])

    assert profit == pytest.approx(case["expected"], abs=case["tol"])
