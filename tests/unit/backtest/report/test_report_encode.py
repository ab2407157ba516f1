"""Series in few bytes: what is decoded is what was coded, and no extreme is lost."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from algotrader.backtest.report import encode
from algotrader.backtest.report.model import PriceSeries
from algotrader.backtest.report.payload import prices


def decoded(coded: dict[str, Any]) -> list[float]:
    """The decoder of the page, written again from its description."""
    values, total, code, place = [], 0, 0, 1
    for byte in base64.b64decode(coded["b"]):
        code += (byte & 127) * place
        place *= 128
        if byte & 128:
            continue
        if code == 0:
            values.append(float("nan"))
        else:
            zigzag = code - 1
            step = -(zigzag + 1) // 2 if zigzag % 2 else zigzag // 2
            total = total + step if coded["d"] else step
            values.append(total / coded["k"])
        code, place = 0, 1
    assert len(values) == coded["n"]
    return values


def test_three_prices_and_a_gap_become_these_bytes() -> None:
    # 1.5, gap, 1.4 at scale 10: 15, none, 14 -> +15, none, -1 -> zigzag 30, -, 1 -> codes 31, 0, 2
    coded = encode.column(np.array([1.5, np.nan, 1.4]), 10.0)

    assert base64.b64decode(str(coded["b"])) == bytes([31, 0, 2])


numbers = st.one_of(st.just(float("nan")), st.integers(-(10**9), 10**9).map(float))


@given(arrays(np.float64, st.integers(0, 60), elements=numbers), st.booleans())
def test_a_column_is_decoded_to_what_it_was(values: np.ndarray, delta: bool) -> None:
    np.testing.assert_array_equal(decoded(encode.column(values, delta=delta)), values)


@given(
    arrays(np.float64, (2, 3_000), elements=st.floats(-1e6, 1e6, width=32)),
    st.integers(40, 400),
)
def test_downsampling_keeps_every_extreme_and_both_ends(columns: np.ndarray, limit: int) -> None:
    rows = encode.bucket_extremes(list(columns), limit)

    assert len(rows) <= limit + 2
    assert rows[0] == 0
    assert rows[-1] == columns.shape[1] - 1
    for column in columns:
        assert column[rows].min() == column.min()
        assert column[rows].max() == column.max()


def test_merged_candles_have_first_open_greatest_high_least_low_and_last_close() -> None:
    ts = np.arange(5, dtype=np.int64) * 10
    o, h = np.array([1.0, 2, 3, 4, 5]), np.array([9.0, 3, 4, 8, 6])
    low, c = np.array([0.5, 0.2, 2, 3, 4]), np.array([2.0, 3, 4, 5, 5.5])

    merged = encode.merge_bars(2, ts, o, h, low, c)

    for got, wanted in zip(
        merged,
        ([0, 20, 40], [1, 3, 5], [9, 8, 6], [0.2, 2, 4], [3, 5, 5.5]),
        strict=True,
    ):
        assert got.tolist() == wanted


def test_bars_are_merged_by_round_factors_that_fit() -> None:
    assert [encode.merge_factor(rows, 10_000) for rows in (1, 10_000, 10_001, 43_800, 69_000)] == [
        1, 1, 2, 6, 8]  # fmt: skip
    assert encode.merge_factor(2_600_000, 10_000) == 260


def test_a_chart_never_shows_digits_that_were_not_kept() -> None:
    price = PriceSeries(
        symbol="X:Y", ts=np.arange(2, dtype=np.int64), close=np.array([253_251.1, 9.0]), tick=0.1
    )
    coded = prices([price], 0)[0]

    assert coded["k"] == 1.0
    assert coded["digits"] == 0
