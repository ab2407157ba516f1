"""Faults injected at random places of real, clean files: how many are found, how many invented.

Everyday with twenty seeds, in `make test-all` with 200; the table is printed (pytest -s).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from algotrader.core.calendars import load_calendar
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Finding, Level
from algotrader.data.tables import BarTable, read_tables

ROWS = 5000
CRYPTO = (
    ("crypto_spot/binance_BTCUSDT_1h_2024-2026", "1h"),
    ("crypto_spot/binance_BTCUSDT_15m_2024-2026", "15m"),
    ("crypto_spot/binance_BTCUSDT_5m_2025-06_2026-01", "5m"),
    ("crypto_spot/binance_BTCUSDT_1d_2017-2026", "1d"),
    ("crypto_spot/binance_ADAUSDT_1d_2017-2023", "1d"),
    ("crypto_perp/binance_ETHUSDT_perp_15m_2023-2024", "15m"),
    ("crypto_perp/binance_BTCUSDT_perp_1h_2023-2024", "1h"),
    ("crypto_perp/binance_ETHUSDT_perp_1m_2025", "1m"),
    ("crypto_perp/okx_BTCUSDT_perp_1m_2026-01", "1m"),
    ("crypto_spot/okx_BTCUSDT_8h", "8h"),
)
SHARES = (
    ("us_equity/bokeh_GOOG_1d", "1d"),
    ("us_equity/bokeh_IBM_1d", "1d"),
    ("us_equity/bokeh_MSFT_1d", "1d"),
    ("us_equity/backtesting_GOOG_1d", "1d"),
    ("us_equity/lean_SPY_1d_raw", "1d"),
    ("us_equity/arch_sp500_1d", "1d"),
    ("us_equity/mplfinance_INTC_1d", "1d"),
    ("cn_futures/RB_main_1d_2023-2026", "1d"),
)
# Clean for the count of false alarms: everything above and what the audit found nothing in.
MORE_CLEAN = (
    ("crypto_spot/binance_BTCUSDT_1m_2025-12_2026-01", "1m"),
    ("crypto_perp/binance_BTCUSDT_perp_15m_2023-2024", "15m"),
    ("crypto_perp/binance_ETHUSDT_perp_1h_2023-2024", "1h"),
    ("crypto_perp/binance_BTCUSDT_perp_1m_2025", "1m"),
    ("crypto_spot/binance_BTCUSDT_1d_2017-2023", "1d"),
    ("crypto_spot/binance_LTCUSDT_1d_2017-2023", "1d"),
    ("crypto_spot/binance_DOGEUSDT_1d_2017-2023", "1d"),
    ("crypto_spot/freqtrade_ETHBTC_5m_2018", "5m"),
    ("crypto_spot/freqtrade_LTCBTC_5m_2018", "5m"),
    ("crypto_perp/binance_LAYERUSDT_perp_30m_2025", "30m"),
    ("crypto_spot/binance_ETHUSDT_8h", "8h"),
)


TWENTY_NAMES = "us_equity/skfolio_sp500_20names_adjclose_1d"  # closes alone


@dataclass
class Rows:
    """Rows that a fault is written into."""

    ts: np.ndarray
    columns: dict[str, np.ndarray]

    @classmethod
    def of(cls, table: BarTable, first: int, count: int) -> Rows:
        part = slice(first, first + count)
        names = ("open", "high", "low", "close", "volume")
        return cls(table.ts[part].copy(), {n: table.columns[n][part].copy() for n in names})

    def scale(self, part: slice | int, by: float, *names: str) -> None:
        for name in names or ("open", "high", "low", "close"):
            self.columns[name][part] *= by

    def drop(self, part: slice) -> None:
        keep = np.ones(len(self.ts), dtype=bool)
        keep[part] = False
        self.ts = self.ts[keep]
        self.columns = {name: values[keep] for name, values in self.columns.items()}

    def order(self, rows: np.ndarray) -> None:
        self.ts = self.ts[rows]
        self.columns = {name: values[rows] for name, values in self.columns.items()}

    def table(self) -> BarTable:
        return BarTable(ts=self.ts, columns=self.columns, source="injected")


Fault = Callable[[Rows, int, np.random.Generator, Timeframe], None]


def gap(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    rows.drop(slice(at, at + int(draw.integers(1, 20))))


def duplicate(rows: Rows, at: int, *_: object) -> None:
    rows.order(np.sort(np.append(np.arange(len(rows.ts)), at)))


def disorder(rows: Rows, at: int, *_: object) -> None:
    order = np.arange(len(rows.ts))
    order[[at, at + 1]] = order[[at + 1, at]]
    rows.order(order)


def missing_price(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    rows.columns[str(draw.choice(["open", "high", "low", "close"]))][at] = np.nan


def zero_price(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    rows.columns[str(draw.choice(["open", "low", "close"]))][at] = draw.choice([0.0, -1.0])


def crossed(rows: Rows, at: int, *_: object) -> None:
    high, low = rows.columns["high"], rows.columns["low"]
    high[at], low[at] = low[at] * 0.999, high[at]


def ten_times(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    by = float(draw.choice([10.0, 0.1]))
    whole = draw.random() < 0.5
    rows.scale(at, by, *(() if whole else ("high", "close") if by > 1 else ("low", "close")))


def hanging_feed(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    for values in rows.columns.values():
        values[at : at + int(draw.integers(4, 21))] = values[at - 1]


def drawn_line(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    count = int(draw.integers(4, 41))
    for name in ("open", "close", "volume"):
        values = rows.columns[name]
        values[at : at + count] = np.linspace(values[at - 1], values[at + count], count + 2)[1:-1]
    part = slice(at, at + count)
    body = np.stack([rows.columns["open"][part], rows.columns["close"][part]])
    rows.columns["high"][part], rows.columns["low"][part] = body.max(axis=0), body.min(axis=0)


def clock_change(rows: Rows, at: int, draw: np.random.Generator, frame: Timeframe) -> None:
    rows.ts[at:] += int(draw.choice([1, -1])) * HOUR_MS


def other_zone(rows: Rows, at: int, draw: np.random.Generator, frame: Timeframe) -> None:
    rows.ts += int(draw.integers(1, frame.ms // HOUR_MS)) * HOUR_MS


def unit_switch(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    by = float(draw.choice([rows.columns["close"][at], 1000.0, 100.0]))
    rows.columns["volume"][at:] *= max(by, 100.0)


def no_volume(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    rows.columns["volume"][at : at + int(draw.integers(3, 50))] = 0.0


def split(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    by = float(draw.choice([2, 3, 4, 5, 7, 10]))
    rows.scale(slice(0, at), by)
    rows.columns["volume"][:at] /= by


def another_company(rows: Rows, at: int, draw: np.random.Generator, _: Timeframe) -> None:
    rows.scale(slice(0, at), float(draw.choice([0.02, 0.08, 17.0, 60.0])))
    rows.drop(slice(at, at + 40))


FAULTS: dict[str, tuple[Fault, set[str], tuple[tuple[str, str], ...]]] = {
    "gap": (gap, {"gap"}, CRYPTO + SHARES[:6]),
    "duplicate": (duplicate, {"duplicate"}, CRYPTO + SHARES),
    "disorder": (disorder, {"disorder"}, CRYPTO + SHARES),
    "missing price": (missing_price, {"price_missing"}, CRYPTO + SHARES),
    "zero or negative price": (zero_price, {"price_not_positive"}, CRYPTO + SHARES),
    "high below low": (crossed, {"high_below_low"}, CRYPTO + SHARES),
    "ten times or a tenth": (ten_times, {"bad_print"}, CRYPTO + SHARES),
    "hanging feed": (hanging_feed, {"stale"}, CRYPTO + SHARES),
    "drawn line": (drawn_line, {"interpolated"}, CRYPTO + SHARES),
    "clock change": (clock_change, {"clock_change", "gap", "duplicate", "disorder"}, CRYPTO),
    "another zone": (other_zone, {"wrong_time_zone"}, tuple(f for f in CRYPTO if f[1] in ("8h", "1d"))),
    "unit switch in volume": (unit_switch, {"volume_unit"}, CRYPTO + SHARES),
    "no volume": (no_volume, {"zero_volume_run", "volume_hole"}, CRYPTO + SHARES),
    "split without factor": (split, {"unexplained_split"}, SHARES[:7]),
    "another company": (another_company, {"other_company"}, SHARES[:7]),
}  # fmt: skip


def judged(rows: BarTable, timeframe: str, name: str) -> list[Finding]:
    calendar = load_calendar(
        "24/7" if name.startswith("crypto") else "XNYS" if name.startswith("us") else "XSHG"
    )
    return check_table(rows, Timeframe.parse(timeframe), calendar, name)


def found(folder: Path, fault: str, seed: int) -> bool:
    inject, rules, files = FAULTS[fault]
    draw = np.random.default_rng([seed, sum(fault.encode())])
    name, timeframe = files[int(draw.integers(len(files)))]
    table = read_tables(folder / f"{name}.parquet")[0]
    first = int(draw.integers(0, max(1, len(table) - ROWS)))
    rows = Rows.of(table, first, ROWS)
    at = int(draw.integers(60, len(rows.ts) - 120))
    place = int(rows.ts[at])
    inject(rows, at, draw, Timeframe.parse(timeframe))
    near = 60 * Timeframe.parse(timeframe).ms if timeframe != "1d" else 90 * DAY_MS
    return any(
        finding.rule in rules
        and finding.level != Level.NOTE
        and finding.first_ts - near <= place <= finding.last_ts + near
        for finding in judged(rows.table(), timeframe, name)
    )  # fmt: skip


def recall_table(folder: Path, seeds: int) -> dict[str, float]:
    shares = {}
    for fault in FAULTS:
        hits = [found(folder, fault, seed) for seed in range(seeds)]
        shares[fault] = sum(hits) / seeds
        print(f"{fault:26} {sum(hits)}/{seeds} found")  # noqa: T201
    return shares


def test_at_least_95_percent_of_each_kind_are_found(shared_data: Path) -> None:
    shares = recall_table(shared_data / "data", seeds=20)

    assert min(shares.values()) >= 0.95, shares


@pytest.mark.slow
def test_other_seeds_find_as_many(shared_data: Path) -> None:
    shares = recall_table(shared_data / "data", seeds=200)

    assert min(shares.values()) >= 0.95, shares


def test_at_most_one_alarm_in_100_000_clean_bars(shared_data: Path) -> None:
    bars, alarms = 0, []
    for name, timeframe in CRYPTO + SHARES[:7] + MORE_CLEAN:
        table = read_tables(shared_data / "data" / f"{name}.parquet")[0]
        bars += len(table)
        alarms += [
            f"{name} {finding.rule} {finding.month}"
            for finding in judged(table, timeframe, name)
            if finding.level != Level.NOTE
        ]
    names = read_tables(shared_data / "data" / f"{TWENTY_NAMES}.parquet")
    bars += sum(len(table) for table in names)
    alarms += [
        f"{table.symbol_text} {finding.rule} {finding.month}"
        for table in names
        for finding in judged(table, "1d", TWENTY_NAMES)
        if finding.level != Level.NOTE
    ]
    print(f"{len(alarms)} alarms in {bars} clean bars: {alarms}")  # noqa: T201

    assert bars > 500_000
    assert len(alarms) <= bars / 100_000, alarms
