"""Random markets for both drivers of one rule book, and their fills side by side (P16)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.full import FullRun, run_full
from algotrader.backtest.market import Coverage, Market, Provenance
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.events import OrderFilled
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument, SlippageModel
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.strategy.base import Strategy

START = 1_700_006_400_000
HOUR = 3_600_000

FillRow = tuple[int, int, float, float, float]
"""Open of its bar, column, signed quantity, price, fee in quote currency."""


def spot(name: str, *, in_coin: bool = False, slippage_bps: int = 2) -> Instrument:
    return Instrument(
        symbol=Symbol.parse(f"OKX:{name}/USDT"),
        kind=InstrumentKind.SPOT, base=name, quote="USDT", settle="USDT",
        tick=Decimal("0.01"), lot=Decimal("0.001"), min_notional=Decimal(5),
        fees=FeeSchedule(
            maker=Decimal("0.0008"), taker=Decimal("0.001"),
            fee_in=FeeCurrency.RECEIVED if in_coin else FeeCurrency.QUOTE,
        ),
        slippage=SlippageModel(bps=Decimal(slippage_bps)),
    )  # fmt: skip


def swap(name: str, *, slippage_bps: int = 2) -> Instrument:
    return Instrument(
        symbol=Symbol.parse(f"OKX:{name}/USDT:USDT"),
        kind=InstrumentKind.PERPETUAL, base=name, quote="USDT", settle="USDT",
        tick=Decimal("0.01"), lot=Decimal(1), multiplier=Decimal("0.01"),
        fees=FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.0005")),
        slippage=SlippageModel(bps=Decimal(slippage_bps)),
    )  # fmt: skip


def random_market(
    instruments: tuple[Instrument, ...],
    rows: int,
    seed: int,
    *,
    step: float = 0.01,
    gap: float = 0.003,
    thin: bool = False,
    missing: float = 0.0,
) -> Market:
    """Walks that gap between bars. `thin` volume fills orders in part; `missing` of bars are not."""
    rng = np.random.default_rng(seed)
    shape = (rows, len(instruments))
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, step, shape), axis=0))
    before = np.vstack([np.full((1, shape[1]), 100.0), close[:-1]])
    opening = before * np.exp(rng.normal(0.0, gap, shape))
    high = np.maximum(opening, close) * (1.0 + np.abs(rng.normal(0.0, step / 2, shape)))
    low = np.minimum(opening, close) * (1.0 - np.abs(rng.normal(0.0, step / 2, shape)))
    values = {"open": opening, "high": high, "low": low, "close": close}
    values = {name: np.round(array, 2) for name, array in values.items()}
    values["volume"] = np.round(rng.uniform(0.0, 300.0 if thin else 1e7, shape), 3)
    gone = rng.random(shape) < missing
    gone[:, 0] = False  # a row has a bar of something
    for name, array in values.items():
        array[gone] = 0.0 if name == "volume" else np.nan
    ts = START + HOUR * np.arange(rows, dtype=np.int64)
    bars = Bars(
        ts=ts, known_at=ts + HOUR, session=None, timeframe=Timeframe.parse("1h"),
        symbols=tuple(one.symbol for one in instruments), panel=True, **values,
    )  # fmt: skip
    if len(instruments) == 1:
        bars = bars.column(0)
    return Market(
        bars=bars, instruments=instruments, currency="USDT", periods_per_year=365.0,
        never_closes=True, provenance=Provenance(source="random", data_hash=str(seed)),
        coverage=Coverage(expected=rows, present=rows),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """One run by each driver."""

    fast: RunResult
    full: FullRun

    @property
    def fast_fills(self) -> list[FillRow]:
        fills = self.fast.simulation.fills
        ts = self.fast.market.bars.ts
        return [
            (int(ts[fills.row[k]]), int(fills.instrument[k]), float(fills.quantity[k]),
             float(fills.price[k]), float(fills.fee[k]))
            for k in range(len(fills.row))
        ]  # fmt: skip

    @property
    def full_fills(self) -> list[FillRow]:
        columns = {one.symbol: k for k, one in enumerate(self.fast.market.instruments)}
        rows = []
        for event in self.full.events:
            if isinstance(event, OrderFilled):
                fill = event.fill
                in_coin = fill.fee_currency != "USDT"
                fee = fill.fee * fill.price if in_coin else fill.fee
                rows.append(
                    (utc_ms(fill.filled_at), columns[fill.instrument],
                     float(fill.signed_quantity), float(fill.price), float(fee))
                )  # fmt: skip
        return rows


def run_both(strategy: Strategy, market: Market, settings: BacktestSettings | None = None) -> Both:
    chosen = settings or BacktestSettings()
    return Both(
        fast=run_backtest(strategy, market, chosen), full=run_full(strategy, market, chosen)
    )


def merged(rows: list[FillRow]) -> NDArray[np.float64]:
    """Fills of one instrument, bar and price taken together: a flip is one order or two (R13)."""
    sums: dict[tuple[int, int, float, int], list[float]] = {}
    for ts, column, quantity, price, fee in rows:
        at = sums.setdefault((ts, column, price, 1 if quantity > 0 else -1), [0.0, 0.0])
        at[0] += quantity
        at[1] += fee
    return np.array([(*key[:3], *sums[key]) for key in sorted(sums)]).reshape(-1, 5)


def assert_same_fills(both: Both) -> None:
    fast, full = merged(both.fast_fills), merged(both.full_fills)
    assert len(fast) == len(full)
    np.testing.assert_allclose(full, fast, rtol=1e-9, atol=1e-9)
