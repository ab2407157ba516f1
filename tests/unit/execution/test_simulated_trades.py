"""Round trips from fills (R32), with numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from algotrader.execution.simulated import simulate, trade_columns
from algotrader.execution.simulation import (
    FillReason,
    InstrumentKind,
    OrderRequest,
    Panel,
    Request,
    SimulatedInstrument,
    SimulationSettings,
)

HOUR = 3_600_000
PERP = SimulatedInstrument(
    symbol="X", kind=InstrumentKind.LINEAR, lot=1.0, taker_fee=0.001, participation=0.0
)
SETTINGS = SimulationSettings(cash=10_000.0)


def a_panel(*bars: tuple[float, float, float, float], **more: Any) -> Panel:
    prices = np.array(bars)
    return Panel(
        ts=np.arange(len(bars), dtype=np.int64) * HOUR,
        timeframe_ms=HOUR,
        open=prices[:, 0].copy(),
        high=prices[:, 1].copy(),
        low=prices[:, 2].copy(),
        close=prices[:, 3].copy(),
        volume=np.ones(len(bars)),
        **more,
    )


def order(side: int, quantity: float) -> OrderRequest:
    return OrderRequest(instrument=0, side=side, quantity=quantity)


def trades_of(
    panel: Panel, script: dict[int, list[Request]], *, fifo: bool = False
) -> dict[str, Any]:
    result = simulate(panel, [PERP], SETTINGS, script=script)
    return trade_columns(panel, [PERP], SETTINGS, result, fifo=fifo)


MARKET = a_panel(
    (100, 100, 100, 100),
    (100, 104, 98, 102),  # bought 2 at 100
    (110, 112, 109, 110),  # bought 1 at 110: average (200 + 110) / 3
    (120, 130, 119, 121),  # sold 1 at 120
    (90, 95, 80, 92),  # sold 4 at 90: closes 2, opens a short of 2
    (85, 88, 84, 86),
)
SCRIPT: dict[int, list[Request]] = {
    0: [order(1, 2)],
    1: [order(1, 1)],
    2: [order(-1, 1)],
    3: [order(-1, 4)],
}


def test_a_trade_runs_from_flat_to_the_flip_with_weighted_prices() -> None:
    trades = trades_of(MARKET, SCRIPT)

    # fees 0.1 % of 200 + 110 + 120 + 180 = 0.61; gross 120 + 2 * 90 - 310 = -10
    assert trades["side"].tolist() == [1, -1]
    assert trades["quantity"].tolist() == [3.0, 2.0]
    assert trades["entry_price"].tolist() == pytest.approx([310 / 3, 90.0])
    assert trades["exit_price"].tolist() == pytest.approx([100.0, 86.0])
    assert trades["fees"].tolist() == pytest.approx([0.61, 0.18])
    assert trades["profit"].tolist() == pytest.approx([-10.61, 8 - 0.18])
    assert trades["return_"][0] == pytest.approx(-10.61 / 310)
    assert trades["bars"].tolist() == [3, 1]
    assert trades["entry_ts"].tolist() == [HOUR, 4 * HOUR]
    assert trades["exit_ts"].tolist() == [4 * HOUR, 5 * HOUR]
    assert trades["is_open"].tolist() == [False, True]
    assert trades["exit_reason"][0] == FillReason.ORDER


def test_excursions_are_fractions_of_the_entry_over_the_bars_held() -> None:
    trades = trades_of(MARKET, SCRIPT)

    # the long met 90 (the open at which it ended) and 130; the short 84 to 95 (row 4 and 5)
    assert trades["mae"].tolist() == pytest.approx([90 / (310 / 3) - 1, -(95 / 90 - 1)])
    assert trades["mfe"].tolist() == pytest.approx([130 / (310 / 3) - 1, -(80 / 90 - 1)])


def test_first_in_first_out_matches_lots() -> None:
    trades = trades_of(MARKET, SCRIPT, fifo=True)

    # 1 of the first two at 120, the other one and the third at 90, the short of 2 open
    assert trades["quantity"].tolist() == [1.0, 1.0, 1.0, 2.0]
    assert trades["entry_price"].tolist() == [100.0, 100.0, 110.0, 90.0]
    assert trades["exit_price"].tolist() == [120.0, 90.0, 90.0, 86.0]
    assert trades["profit"].sum() == pytest.approx(-10.61 + 8 - 0.18)


@pytest.mark.parametrize("fifo", [False, True])
def test_profits_of_trades_are_what_the_account_earned(fifo: bool) -> None:
    funding = a_panel(
        *[tuple(row) for row in np.stack([MARKET.open, MARKET.high, MARKET.low, MARKET.close], 1)],
        funding_ts=np.array([2, 4, 5], dtype=np.int64) * HOUR,
        funding_instrument=np.zeros(3, dtype=np.int64),
        funding_rate=np.array([0.01, -0.02, 0.01]),
    )
    result = simulate(funding, [PERP], SETTINGS, script=SCRIPT)
    trades = trade_columns(funding, [PERP], SETTINGS, result, fifo=fifo)

    # row 2: 2 long at 110; row 4: 2 long at 90; row 5: 2 short at 85 (mark = the open)
    assert trades["funding"].sum() == pytest.approx(-2.2 + 3.6 + 1.7)
    assert trades["profit"].sum() == pytest.approx(result.equity[-1] - 10_000.0)


def test_fees_in_the_coin_end_a_trade_at_dust() -> None:
    coin = SimulatedInstrument(
        symbol="X", lot=0.01, taker_fee=0.001, fee_in_received=True, participation=0.0
    )
    panel = a_panel((100,) * 4, (100,) * 4, (110,) * 4, (110,) * 4)
    script: dict[int, list[Request]] = {0: [order(1, 1)], 1: [order(-1, 1)]}
    result = simulate(panel, [coin], SETTINGS, script=script)
    trades = trade_columns(panel, [coin], SETTINGS, result)

    # bought 1, 0.001 taken; 0.99 sold at 110 with a fee of 0.1089; dust of 0.009 is left
    assert result.position[-1, 0] == pytest.approx(0.009)
    assert trades["is_open"].tolist() == [False]
    assert trades["fees"].tolist() == pytest.approx([0.1 + 0.1089])
    assert trades["profit"].tolist() == pytest.approx([0.99 * 110 - 0.1089 - 100])
