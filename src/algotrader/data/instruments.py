"""Rules of instruments as a venue stated them, kept in the lake beside their series (promise 30)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from algotrader.core.errors import DataError
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import Symbol
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.storage import write_all

FILE = "instrument.json"


def path_of(root: Path, symbol: Symbol) -> Path:
    return SeriesKey.funding(symbol).folder(root, Layer.CURATED).parent / FILE


def save_instrument(root: Path, instrument: Instrument) -> None:
    """Keep what the venue says of an instrument now: tick, lot, minimums, fees, margin."""
    content = msgspec.json.format(msgspec.json.encode(instrument, enc_hook=_text), indent=1)
    path = path_of(root, instrument.symbol)
    if not path.exists() or path.read_bytes() != content:
        write_all({path: content})


def load_instrument(root: Path, symbol: Symbol) -> Instrument | None:
    """The kept rules; `None` if there are none. DataError if the file is damaged."""
    path = path_of(root, symbol)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Instrument, dec_hook=_object)
    except (msgspec.DecodeError, OSError) as error:
        raise DataError(
            "data.instrument_damaged",
            f"{path} cannot be read: {error}",
            hint=f"delete it and fetch it again: algotrader data download {symbol}",
        ) from error


def _text(value: object) -> str:
    if isinstance(value, Symbol):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def _object(kind: type, value: Any) -> Symbol:
    if kind is Symbol:
        return Symbol.parse(str(value))
    raise NotImplementedError(f"{kind.__name__} is not stored")
