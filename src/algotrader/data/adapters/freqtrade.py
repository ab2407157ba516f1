"""Files of freqtrade: `BTC_USDT-1h.feather`, `BTC_USDT_USDT-1h-futures.feather`, mark, funding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from algotrader.core.errors import DataError
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.layout import SeriesKey
from algotrader.data.tables import BarTable, read_tables

Kind = Literal["spot", "futures", "mark", "funding_rate"]

_NAME = re.compile(
    r"(?P<base>[A-Za-z0-9]+)_(?P<quote>[A-Za-z0-9]+)(_(?P<settle>[A-Za-z0-9]+))?"
    r"-(?P<timeframe>[0-9]+[mhdw])(-(?P<kind>futures|mark|funding_rate))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What freqtrade writes into a file's name."""

    pair: str
    timeframe: Timeframe
    kind: Kind


def parse_name(path: Path) -> Named | None:
    """`None` if the name is not one of freqtrade's."""
    match = _NAME.fullmatch(path.name.split(".")[0])
    if match is None or path.suffix.lower() not in (".feather", ".parquet"):
        return None
    settle = f":{match['settle']}" if match["settle"] else ""
    return Named(
        pair=f"{match['base']}/{match['quote']}{settle}",
        timeframe=Timeframe.parse(match["timeframe"]),
        kind=cast(Kind, match["kind"] or "spot"),
    )


def key_of(path: Path, named: Named, venue: str | None) -> SeriesKey:
    """The series of a file. The venue is stated, or the folder's as freqtrade lays them out."""
    folder = path.parent.name if path.parent.name != "futures" else path.parent.parent.name
    place = venue or folder.upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,15}", place):
        raise DataError(
            "data.venue_missing",
            f"{path}: which venue is it from? The folder {folder!r} names none",
            hint="say it: --venue BINANCE",
        )
    symbol = Symbol.parse(f"{place}:{named.pair}")
    match named.kind:
        case "funding_rate":
            return SeriesKey.funding(symbol)
        case "mark":
            return SeriesKey.mark(symbol, named.timeframe)
        case _:
            return SeriesKey.bars(symbol, named.timeframe)


def read_series(path: Path, key: SeriesKey) -> BarTable:
    """Its rows. Funding files hold the rate in `open`; marks have no volume."""
    [table] = read_tables(path)
    columns = dict(table.columns)
    if key.timeframe is None:
        rate = columns.get("funding_rate", columns.get("open"))
        if rate is None:
            raise DataError("data.column_missing", f"{path} has no column 'open' with the rate",
                            hint="download it again with freqtrade")  # fmt: skip
        columns = {"funding_rate": rate}
    elif key.name.startswith("mark"):
        columns.pop("volume", None)
    return BarTable(ts=table.ts, columns=columns, source=table.source)
