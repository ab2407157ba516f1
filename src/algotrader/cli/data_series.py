"""Which series of the lake a `data` command is about, and what its options say."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algotrader.cli.output import Output
from algotrader.core.errors import DataError, UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

if TYPE_CHECKING:
    from algotrader.data.lake import Lake
    from algotrader.data.layout import SeriesKey
    from algotrader.data.source import HistorySource


def about_empty(lake: Lake) -> str:
    """What to do with a lake of nothing, and that the bundled sample is not in it."""
    from algotrader.data import sample

    bundled = ", ".join(str(symbol) for symbol in sample.files())
    return (
        f"{lake.root} is empty; `algotrader data import` or `download` fills it\n"
        f"bundled with the program, always there for backtests: {bundled}"
    )


def bar_keys(lake: Lake, symbol: str, timeframe: str | None) -> list[SeriesKey]:
    """Series of bars alone; DataError if the symbol has none."""
    keys = [key for key in series_keys(lake, symbol, timeframe) if key.timeframe is not None]
    bars = [key for key in keys if key.name == str(key.timeframe)]
    if not bars:
        raise DataError("data.symbol_missing", f"there are no bars of {symbol} in {lake.root}",
                        hint="`algotrader data ls` lists what is there")  # fmt: skip
    return bars


def lake_of(out: Output, folder: Path | None) -> Lake:
    from algotrader.data.lake import Lake
    from algotrader.ops.config import load

    if folder is not None:
        return Lake(folder)
    configuration = load(out.config, environment=os.environ)
    return Lake(configuration.path(configuration.settings.workspace.lake))


def source_of(venue: str, base_url: str | None) -> HistorySource:
    from algotrader.data.adapters.ccxt_source import CcxtSource

    return CcxtSource(venue, base_url, pause=time.sleep)


def columns_of(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, separator, header = pair.partition("=")
        if not separator:
            raise UsageError("usage.map", f"--map {pair!r} has no =", hint="write --map close=Last")
        mapping[name] = header
    return mapping


def instant_of(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError("usage.date", f"{option} {text!r} is not a date",
                         hint="write 2024-01-31, or 2024-01-31T08:00 (UTC)") from error  # fmt: skip
    return utc_ms(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def series_keys(lake: Lake, symbol: str, timeframe: str | None) -> list[SeriesKey]:
    """Series of a symbol, of one time frame if named. DataError if there is none."""
    wanted = Symbol.parse(symbol)
    frame = None if timeframe is None else str(Timeframe.parse(timeframe))
    keys = [k for k in lake.series() if k.symbol == wanted and frame in (None, k.name)]
    if not keys:
        raise no_series(lake, wanted, frame)
    return keys


def no_series(lake: Lake, symbol: Symbol, frame: str | None) -> DataError:
    from algotrader.core.spelling import hint_among_symbols
    from algotrader.data import sample

    hint = hint_among_symbols(
        str(symbol), [str(k.symbol) for k in lake.series() if k.symbol != symbol],
        "`algotrader data ls` lists what is there",
    )  # fmt: skip
    if symbol in sample.files() and not lake.timeframes(symbol):
        file = sample.files()[symbol]
        hint = (
            f"{symbol} is bundled with the program, outside of the lake; "
            f"look at its file: algotrader data check {file}"
        )
    return DataError(
        "data.symbol_missing",
        f"there is no {f'{frame} ' if frame else ''}series of {symbol} in {lake.root}",
        hint=hint,
    )


def judged(
    out: Output,
    target: str | None,
    timeframe: str | None,
    calendar: str | None,
    folder: Path | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[DataError]]:
    """Findings and one summary a series, of a bare file or of the lake, and what is unreadable."""
    from algotrader.data.checking import check_file, check_lake

    if target is not None and Path(target).is_file():
        return *check_file(Path(target), timeframe, calendar), []
    if target is not None and ":" not in target:
        raise DataError(
            "data.file_missing", f"there is no file {target}",
            hint="check the path, or name a series of the lake: OKX:BTC/USDT",
        )  # fmt: skip
    lake = lake_of(out, folder)
    keys = lake.series() if target is None else series_keys(lake, target, timeframe)
    return check_lake(lake, keys)
