"""The real US data that comes with the package, reachable by symbol."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from algotrader.core.bars import Bars
from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.adjustment import Adjust
from algotrader.data.files import table_to_bars
from algotrader.data.tables import BarTable, read_tables

DAILY = Timeframe(DAY_MS)
_SINGLES = ("AAPL", "GOOG", "IBM", "MSFT")
_INDEX = {"SPX": "us_SP500_index_1d.parquet"}
_PANEL = "us_20names_adjclose_1d.parquet"
VENUE = "US"


def folder() -> Path:
    """Where the sample lies in the installed package."""
    return Path(str(resources.files("algotrader") / "sample_data"))


def files() -> dict[Symbol, Path]:
    """Symbol → file of every single-instrument series: four shares and the S&P 500 index."""
    named = {code: f"us_{code}_1d.parquet" for code in _SINGLES} | _INDEX
    return {Symbol.parse(f"{VENUE}:{code}"): folder() / name for code, name in named.items()}


def sample_table(symbol: Symbol) -> BarTable:
    """Raw daily rows with the adjustment column, as they came. DataError if it is none of ours."""
    known = files()
    if symbol not in known:
        raise DataError(
            "data.symbol_missing",
            f"{symbol} is not in the bundled sample",
            hint="it has " + ", ".join(str(s) for s in known) + " and the panel of twenty names",
        )
    return read_tables(known[symbol])[0]


def sample_bars(symbol: Symbol | str, adjust: Adjust = "auto") -> Bars:
    """Daily bars of one bundled instrument, adjusted on read unless `adjust="none"`."""
    symbol = Symbol.parse(symbol) if isinstance(symbol, str) else symbol
    return table_to_bars(sample_table(symbol), symbol, DAILY, adjust)


def sample_panel() -> Bars:
    """Adjusted daily closes of twenty large US companies, 2013 to 2022: close-only (R38)."""
    tables = read_tables(folder() / _PANEL)
    return Bars.stack(
        [table_to_bars(t, Symbol.parse(f"{VENUE}:{t.symbol_text}"), DAILY) for t in tables]
    )
