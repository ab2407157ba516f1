"""Quotes, trades and books of others as a stream told them, kept in the lake.

Appended and never changed: each write is a file of its own, whole or not there. Where the stream
was interrupted is kept as well, so that a quiet hour can be told from one nobody heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from algotrader.core.errors import DataError
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS
from algotrader.data.layout import Layer
from algotrader.data.quotes import BookView, PublicTrade, Quote
from algotrader.data.storage import write_all

if TYPE_CHECKING:
    import polars as pl

Record = Quote | PublicTrade | BookView
FILE_ROWS: Final = 50_000  # after which a file is worth writing
_MOST_ROWS: Final = 500_000  # that wait in memory, of one series


class Recorded(StrEnum):
    """What is kept."""

    TRADES = "trades"
    QUOTES = "quotes"
    BOOKS = "books"
    GAPS = "gaps"  # of the other three: `stream` says of which


Batch = Mapping[tuple[Symbol, Recorded], list[dict[str, Any]]]


class Recorder:
    """Rows that wait to be written. `take`, `drain` and `put_back` from one thread."""

    def __init__(self, due: Callable[[], None] = lambda: None) -> None:
        """`due` is called when enough waits for a file of its own."""
        self._due = due
        self._rows: dict[tuple[Symbol, Recorded], list[dict[str, Any]]] = defaultdict(list)

    def take(self, record: Record) -> None:
        kind, row = _row(record)
        self._add(record.instrument, kind, {"ts": record.ts, "known_at": record.known_ms, **row})

    def interrupted(self, symbol: Symbol, kind: Recorded, known_ms: int, reason: str) -> None:
        """The stream of `kind` was lost: what is missing from here on was not heard."""
        row = {"ts": known_ms, "known_at": known_ms, "stream": kind.value, "reason": reason}
        self._add(symbol, Recorded.GAPS, row)

    def _add(self, symbol: Symbol, kind: Recorded, row: dict[str, Any]) -> None:
        rows = self._rows[symbol, kind]
        rows.append(row)
        if len(rows) >= FILE_ROWS:
            self._due()
        if len(rows) >= _MOST_ROWS:  # the disk takes nothing: memory must not run out for it
            del self._rows[symbol, kind]
            self.interrupted(symbol, kind, row["known_at"], f"{len(rows)} rows were not written")

    def drain(self) -> Batch:
        """What waits, now the caller's to `write`."""
        taken, self._rows = self._rows, defaultdict(list)
        return taken

    def put_back(self, batch: Batch) -> None:
        """What could not be written waits again, before what came since."""
        for key, rows in batch.items():
            self._rows[key] = rows + self._rows[key]


def write(lake: Path, batch: Batch) -> int:
    """Each series of a batch as one file, all or none; how many rows. RunError of a full disk."""
    write_all({_file(lake, *key, rows): _parquet(key[1], rows) for key, rows in batch.items()})
    return sum(map(len, batch.values()))


def read_recorded(
    lake: Path,
    symbol: Symbol,
    kind: Recorded,
    start_ms: int | None = None,
    end_ms: int | None = None,
) -> pl.DataFrame:
    """Rows of `[start_ms, end_ms)` by the venue's time, oldest first; columns as `SCHEMAS`.

    A trade that was heard twice, as after a restart, is there once. DataError if nothing was kept.
    """
    import polars as pl

    folder = _folder(lake, symbol, kind)
    days = sorted(one for one in folder.glob("date=*") if _may_hold(one.name, start_ms, end_ms))
    files = [file for day in days for file in sorted(day.glob("[0-9]*.parquet"))]
    if not files:
        raise DataError(
            "data.not_recorded", f"no {kind} of {symbol} are kept in {lake} for that time",
            hint="collect: {record: {" + kind.value + ": true}} keeps them from now on",
        )  # fmt: skip
    frame = pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])
    if start_ms is not None:
        frame = frame.filter(pl.col("ts") >= start_ms)
    if end_ms is not None:
        frame = frame.filter(pl.col("ts") < end_ms)
    if kind is Recorded.TRADES:
        frame = frame.unique("trade_id", keep="first", maintain_order=True)
    return frame.sort("ts", "known_at", maintain_order=True)


def schemas() -> Mapping[Recorded, Mapping[str, Any]]:
    """Columns of each kind, by name, with their polars types."""
    import polars as pl

    stamps = {"ts": pl.Int64, "known_at": pl.Int64}
    side = pl.List(pl.Float64)
    return {
        Recorded.TRADES: stamps
        | {"trade_id": pl.String, "side": pl.String, "price": pl.Float64, "quantity": pl.Float64},
        Recorded.QUOTES: stamps
        | {
            "bid": pl.Float64,
            "bid_quantity": pl.Float64,
            "ask": pl.Float64,
            "ask_quantity": pl.Float64,
        },
        Recorded.BOOKS: stamps
        | {"bids": side, "bid_quantities": side, "asks": side, "ask_quantities": side},
        Recorded.GAPS: stamps | {"stream": pl.String, "reason": pl.String},
    }


def _row(record: Record) -> tuple[Recorded, dict[str, Any]]:
    match record:
        case PublicTrade():
            return Recorded.TRADES, {
                "trade_id": record.trade_id, "side": record.side.value,
                "price": float(record.price), "quantity": float(record.quantity),
            }  # fmt: skip
        case Quote():
            return Recorded.QUOTES, {
                "bid": float(record.bid), "bid_quantity": float(record.bid_quantity),
                "ask": float(record.ask), "ask_quantity": float(record.ask_quantity),
            }  # fmt: skip
        case BookView():
            return Recorded.BOOKS, {
                "bids": [float(price) for price, _ in record.bids],
                "bid_quantities": [float(quantity) for _, quantity in record.bids],
                "asks": [float(price) for price, _ in record.asks],
                "ask_quantities": [float(quantity) for _, quantity in record.asks],
            }  # fmt: skip


def _parquet(kind: Recorded, rows: list[dict[str, Any]]) -> bytes:
    import polars as pl

    buffer = BytesIO()
    pl.DataFrame(rows, schema=schemas()[kind]).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _folder(lake: Path, symbol: Symbol, kind: Recorded) -> Path:
    return (
        lake / f"layer={Layer.RECORDED}" / f"venue={symbol.venue}"
        / f"symbol={quote(symbol.code, safe='')}" / f"kind={kind}"
    )  # fmt: skip


def _file(lake: Path, symbol: Symbol, kind: Recorded, rows: list[dict[str, Any]]) -> Path:
    """By the day on which the first row was heard; no two writes have the same name."""
    first, last = rows[0]["known_at"], rows[-1]["known_at"]
    folder = _folder(lake, symbol, kind) / f"date={utc_at(first):%Y-%m-%d}"
    number = sum(1 for _ in folder.glob(f"{first}-{last}-*")) if folder.is_dir() else 0
    return folder / f"{first}-{last}-{number}.parquet"


def _may_hold(name: str, start_ms: int | None, end_ms: int | None) -> bool:
    """Whether a day's folder may hold rows of the range: heard up to a day after they happened."""
    day = datetime.fromisoformat(name.removeprefix("date=")).replace(tzinfo=UTC)
    first = int(day.timestamp() * 1000)
    late = first + 2 * DAY_MS
    return (end_ms is None or first - DAY_MS < end_ms) and (start_ms is None or start_ms < late)
