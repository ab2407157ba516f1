"""Promises 14, 17 and 31: sizes that a venue takes, real funding, a rebalance, all by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.builders.small_market import Simulate, buy, fills, sell, settings, spot

from algotrader import _kernel
from algotrader.execution.simulated import simulate as native
from algotrader.execution.simulation import InstrumentKind, Panel, RebalanceRule

EIGHT_HOURS = 8 * 3_600_000
PERP = "data/crypto_perp/okx_BTCUSDT_perp_8h_funding.parquet"


def perpetual_with_funding(frame: pl.DataFrame) -> Panel:
    """Bars of eight hours and the rate that is stamped at each of their opens."""
    columns = {name: frame[name].to_numpy()[:, None] for name in ("open", "high", "low", "close")}
    return Panel(
        ts=frame["ts"].to_numpy(),
        timeframe_ms=EIGHT_HOURS,
        volume=frame["volume"].to_numpy()[:, None],
        funding_ts=frame["ts"].to_numpy(),
        funding_instrument=np.zeros(frame.height, dtype=np.int64),
        funding_rate=frame["funding_rate"].to_numpy(),
        **columns,
    )


def held_perpetual(simulate: Simulate, frame: pl.DataFrame, quantity: float, bars: int):
    """Opened at the open of row 1, closed at the open of row 1 + bars."""
    item = spot(kind=InstrumentKind.LINEAR, tick=0.1, lot=0.01, taker_fee=0.0005)
    first, last = (buy, sell) if quantity > 0 else (sell, buy)
    script = {0: [first(abs(quantity))], bars: [last(abs(quantity))]}
    panel = perpetual_with_funding(frame)
    return simulate(panel, [item], settings(cash=1_000_000.0), script=script)


@pytest.mark.parametrize("quantity", [1.5, -1.5])
def test_promise_17_thirty_days_of_real_funding_by_hand(
    simulate: Simulate, shared_data: Path, quantity: float
) -> None:
    # 30 days are 90 stamps of 8 hours. A stamp at the open settles on what is held before the
    # fills: the one of row 1 finds nothing, the one of row 91 finds the position that is closed
    # there. Longs pay quantity * open * rate (no marks in the file: the open).
    frame = pl.read_parquet(shared_data / PERP)[99:195]
    result = held_perpetual(simulate, frame, quantity, 90)
    opens, rates = frame["open"].to_list(), frame["funding_rate"].to_list()
    by_hand = [-quantity * opens[k] * rates[k] for k in range(2, 92)]

    assert len(by_hand) == 90
    assert result.funding[2:92, 0].tolist() == pytest.approx(by_hand, rel=1e-12)
    assert result.funding.sum() == pytest.approx(sum(by_hand), rel=1e-12)
    assert result.cash[-1] == pytest.approx(
        1_000_000
        + quantity * (opens[91] - opens[1])
        - 1.5 * (opens[1] + opens[91]) * 0.0005
        + sum(by_hand)
    )


def test_promise_17_the_published_funding_of_400_days(shared_data: Path) -> None:
    # short 1.5 from the open of row 100 to that of row 1300: 1,200 stamps
    cases = json.loads((shared_data / "golden/golden.json").read_text())["cases"]
    expected = next(c for c in cases if c["id"] == "fund_okx_btc")["expected"]
    frame = pl.read_parquet(shared_data / PERP)[99:1302]
    result = held_perpetual(native, frame, -1.5, 1_200)

    assert result.funding.sum() == pytest.approx(expected["funding_received"], rel=1e-9)
    assert result.fills.fee.sum() == pytest.approx(expected["fees"], rel=1e-9)
    assert result.cash[-1] - 1_000_000 == pytest.approx(expected["net"], rel=1e-9)


TEN = ["AAPL", "BAC", "CVX", "GE", "HD", "JNJ", "KO", "MRK", "PG", "XOM"]


def rebalance_by_hand(
    closes: list[list[float]], scheduled: list[bool], cash: float, fee: float
) -> tuple[list[tuple[int, int, int]], float]:
    """Whole shares of a tenth of 98 % of equity each; decided at a close, filled at the next.

    Returns (row, column, shares) of each fill and the last equity. Sales before purchases.
    """
    held = [0] * 10
    wanted: list[int] | None = None
    trades: list[tuple[int, int, int]] = []
    for row, prices in enumerate(closes):
        if wanted is not None:
            changes = [w - h for w, h in zip(wanted, held, strict=True)]
            for column in sorted(range(10), key=lambda k: (changes[k] > 0, k)):
                if changes[column]:
                    trades.append((row, column, changes[column]))
                    cash -= changes[column] * prices[column]
                    cash -= abs(changes[column]) * prices[column] * fee
                    held[column] += changes[column]
            wanted = None
        if scheduled[row]:
            equity = cash + sum(h * p for h, p in zip(held, prices, strict=True))
            wanted = [int(0.1 * 0.98 * equity / p) for p in prices]
    return trades, cash + sum(h * p for h, p in zip(held, closes[-1], strict=True))


def test_promise_31_a_monthly_rebalance_of_ten_stocks_by_hand(
    simulate: Simulate, shared_data: Path
) -> None:
    path = shared_data / "data/us_equity/skfolio_sp500_20names_adjclose_1d.parquet"
    frame = pl.read_parquet(path).tail(510)
    months = pl.from_epoch(frame["ts"], time_unit="ms").dt.month().to_list()
    scheduled = [a != b for a, b in zip(months, [*months[1:], months[-1]], strict=True)]
    closes = frame.select(TEN).to_numpy()
    panel = Panel(
        ts=frame["ts"].to_numpy(),
        timeframe_ms=24 * 3_600_000,
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=np.full(closes.shape, np.nan),
        schedule=np.array(scheduled),
    )
    items = [
        spot(symbol=name, tick=0.0, lot=1.0, taker_fee=0.001, never_closes=False) for name in TEN
    ]
    result = simulate(
        panel,
        items,
        settings(
            cash=100_000.0,
            cash_buffer=0.02,
            rebalance=RebalanceRule.SCHEDULE,
            close_only=True,
        ),
        targets=np.full(closes.shape, 0.1),
    )
    trades, equity = rebalance_by_hand(closes.tolist(), scheduled, 100_000.0, 0.001)
    columns = result.fills.instrument.tolist()

    assert len(trades) > 150
    assert [
        (row, column, round(quantity))
        for (row, quantity, _), column in zip(fills(result), columns, strict=True)
    ] == trades
    assert result.equity[-1] == pytest.approx(equity, rel=1e-12)


def decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def test_promise_14_a_rounded_order_is_valid_or_refused_before_it_is_sent() -> None:
    # 100,000 random (price, quantity, rules): what is not refused is whole lots of at least the
    # minimum quantity and notional, at a price on the tick that is never worse than asked for
    rng = np.random.default_rng(14)
    sizing = _kernel.sizing
    sent = 0
    for _ in range(2_000):
        lot = float(rng.choice([1e-8, 1e-5, 0.001, 0.01, 0.1, 1.0, 100.0]))
        tick = float(rng.choice([1e-8, 0.0001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]))
        item = spot(
            lot=lot,
            tick=tick,
            min_quantity=float(rng.choice([0.0, 1.0, 10.0])) * lot,
            min_notional=float(rng.choice([0.0, 5.0, 10.0])),
        )
        for _ in range(50):
            sent += check_order(rng, sizing, item)

    assert 30_000 < sent < 95_000  # both happen often


def check_order(rng: np.random.Generator, sizing: Any, item: Any) -> bool:
    """One random order; was it sent?"""
    asked = float(rng.lognormal(0.0, 4.0)) * item.lot * 10.0
    wish, side = float(rng.lognormal(3.0, 3.0)), int(rng.choice([-1, 1]))
    lots = sizing.whole_lots(asked / item.lot)
    price = sizing.round_limit(wish, item.tick, side)
    if lots <= 0 or price <= 0 or sizing.below_minimum(item, lots * item.lot, price):
        return False
    quantity = Decimal(int(lots)) * decimal(item.lot)
    ticks = decimal(price) / decimal(item.tick)
    on_tick = Decimal(round(ticks)) * decimal(item.tick)
    assert lots == int(lots)
    assert quantity <= decimal(asked) * (1 + Decimal("1e-8")) + decimal(item.lot) * Decimal("1e-8")
    assert abs(decimal(price) - on_tick) <= decimal(price) * Decimal("1e-12")
    assert (on_tick - decimal(wish)) * side <= decimal(item.tick) * Decimal("1e-8")
    assert abs(on_tick - decimal(wish)) < decimal(item.tick) * (1 + Decimal("1e-8"))
    assert quantity >= decimal(item.min_quantity) * (1 - Decimal("1e-9"))
    assert quantity * on_tick >= decimal(item.min_notional) * (1 - Decimal("1e-9"))
    return True
