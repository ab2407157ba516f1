"""Adjustment and aggregation agree with published numbers on real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from algotrader.core.timeframes import Timeframe
from algotrader.data.adjustment import explained_jumps
from algotrader.data.files import read_bars
from algotrader.data.tables import read_tables
from algotrader.data.trades import bars_of_trades

FRIDAY, MONDAY = 1402012800000, 1402272000000  # 2014-06-06, 2014-06-09: seven for one


def test_f46_a_split_is_explained_and_the_adjusted_series_equals_the_reference(
    shared_data: Path,
) -> None:
    path = shared_data / "data" / "us_equity" / "lean_AAPL_1d_raw.parquet"
    raw, adjusted = read_bars(path, "US:AAPL", adjust="none"), read_bars(path, "US:AAPL")
    rows = np.searchsorted(raw.ts, [FRIDAY, MONDAY])

    assert raw.close[rows].tolist() == [645.57, 93.7]  # golden aapl_2014_split
    np.testing.assert_allclose(adjusted.close[rows], [20.77772026201335, 21.110183665], rtol=1e-6)
    growth = adjusted.close[-1] / adjusted.close[0] - 1
    assert growth == pytest.approx(976.3961504604464, rel=1e-6)
    assert MONDAY in explained_jumps(read_tables(path)[0]).tolist()


def test_trades_make_the_five_minute_bars_that_were_published(shared_data: Path) -> None:
    folder = shared_data / "data" / "ticks"
    trades = pl.read_parquet(folder / "freqtrade_XRPETH_trades.parquet")
    published = read_bars(folder / "freqtrade_XRPETH_5m.parquet", on_error="quarantine")

    made = bars_of_trades(
        trades["ts"].to_numpy(), trades["price"].to_numpy(), trades["amount"].to_numpy(),
        Timeframe.parse("5m"), "trades",
    )  # fmt: skip

    assert np.array_equal(made.ts, published.ts)  # golden xrpeth_trades_5m: 706 of 706
    assert len(made) == 706
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(made.columns[name], getattr(published, name)), name
    np.testing.assert_allclose(made.columns["volume"], published.volume, rtol=1e-9)
