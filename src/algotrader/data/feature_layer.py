"""Features kept beside the bars they were made of, with the hash of the code and of the inputs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import DataError, UsageError
from algotrader.data.lake import Lake, parquet_bytes
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.storage import locked, write_all
from algotrader.data.tables import Floats

_STAMP = "features.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStamp:
    """What a file of features was made of. Equal hashes mean that nothing has to be made again."""

    code: str  # hash of the source that computed them
    inputs: str  # sha256 of the bars, from their manifest
    columns: tuple[str, ...]
    rows: int


def write_features(
    lake: Lake,
    key: SeriesKey,
    name: str,
    ts: NDArray[np.int64],
    columns: Mapping[str, Floats],
    code: str,
) -> FeatureStamp:
    """Keep feature columns, each of shape (T,) on the bars' rows `ts`; the same again writes nothing.

    `name` tells sets of features apart: the class of a strategy. UsageError for a wrong shape.
    """
    import polars as pl

    for column, values in columns.items():
        if values.shape != ts.shape:
            raise UsageError(
                "data.feature_shape", f"feature {column!r} has shape {values.shape}, not {ts.shape}",
                hint="a stored feature has one value a bar",
            )  # fmt: skip
    made = FeatureStamp(
        code=code, inputs=lake.manifest(key).sha256, columns=tuple(columns), rows=len(ts)
    )
    folder = _folder(lake, key, name)
    with locked(folder):
        if _kept(folder) != made:
            frame = pl.DataFrame({"ts": ts, **columns})
            stamp = msgspec.json.format(msgspec.json.encode(made), indent=1)
            write_all({folder / "all.parquet": parquet_bytes(frame), folder / _STAMP: stamp})
    return made


def read_features(
    lake: Lake, key: SeriesKey, name: str, code: str | None = None
) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """Stamps and columns. DataError if there are none, or they are of other bars or other code."""
    import polars as pl

    folder = _folder(lake, key, name)
    made = _kept(folder)
    if made is None:
        raise DataError("data.features_missing", f"there are no features {name!r} of {key}",
                        hint=f"algotrader data features FILE --symbol {key.symbol}")  # fmt: skip
    if made.inputs != lake.manifest(key).sha256 or code not in (None, made.code):
        raise DataError(
            "data.features_stale",
            f"features {name!r} of {key} were made of other {'code' if code else 'bars'}",
            hint=f"make them again: algotrader data features FILE --symbol {key.symbol}",
        )
    frame = pl.read_parquet(io.BytesIO((folder / "all.parquet").read_bytes()))
    return frame["ts"].to_numpy(), {column: frame[column].to_numpy() for column in made.columns}


def _folder(lake: Lake, key: SeriesKey, name: str) -> Path:
    return key.folder(lake.root, Layer.FEATURES) / f"set={name}"


def _kept(folder: Path) -> FeatureStamp | None:
    path = folder / _STAMP
    return msgspec.json.decode(path.read_bytes(), type=FeatureStamp) if path.exists() else None
