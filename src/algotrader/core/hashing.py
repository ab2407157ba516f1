"""One way to hash configurations, parameters and arrays, the same on every machine.

The hash is taken over canonical JSON: keys sorted, no blanks, exact decimals by value (`1.50` and
`1.5` are one number), floats by their shortest text. What JSON has no word for (decimals, NaN,
infinities, arrays, times) becomes an object with one key that begins with `$`, so that two
different values never share a text.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = 16


def canonical_json(value: object) -> bytes:
    """`value` as canonical JSON, UTF-8.

    Takes None, bool, int, float, str, `Decimal`, `Enum`, aware `datetime`, numpy scalars and
    arrays, mappings with text keys, lists, tuples, sets, dataclasses and `msgspec` structs.
    TypeError for anything else, ValueError for a naive time.

    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def content_hash(value: object) -> str:
    """32 hexadecimal digits that name `value`: BLAKE2b of its canonical JSON."""
    return blake2b(canonical_json(value), digest_size=_DIGEST_BYTES).hexdigest()


def array_hash(*arrays: NDArray[Any]) -> str:
    """32 hexadecimal digits that name these arrays: their types, shapes and values, in order.

    All NaN count as one value, because which bits a NaN carries depends on how it was made.
    TypeError for arrays of objects.
    """
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for array in arrays:
        little = _little_endian(array)
        digest.update(f"{little.dtype.str}{little.shape};".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.hasobject:
        raise TypeError("an array of objects has no stable hash")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if little.dtype.kind == "f":
        little = np.where(np.isnan(little), np.array(np.nan, dtype=little.dtype), little)
    return little.reshape(array.shape)


def _plain(value: object) -> object:
    """`value` out of what `json` can print, without losing what tells two values apart."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | str():
            return value
        case np.generic():
            return _plain(value.item())
        case float():
            return value if math.isfinite(value) else {"$float": str(value)}
        case Decimal():
            return {"$decimal": _decimal_text(value)}
        case datetime():
            return {"$time": _time_text(value)}
        case np.ndarray():
            return {"$array": array_hash(value)}
        case Mapping():
            return _plain_mapping(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return {"$set": sorted((_plain(item) for item in value), key=canonical_json)}
    return _plain_record(value)


def _plain_record(value: object) -> dict[str, object]:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical text: {value!r}")


def _plain_mapping(mapping: Mapping[Any, object]) -> dict[str, object]:
    for key in mapping:
        if not isinstance(key, str) or key.startswith("$"):
            raise TypeError(f"a key must be text that does not begin with $: {key!r}")
    return {str(key): _plain(item) for key, item in mapping.items()}


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    return "0" if value == 0 else str(value.normalize())


def _time_text(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time without zone has no canonical text: {value}")
    return value.astimezone(UTC).isoformat()
