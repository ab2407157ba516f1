"""One way to hash configurations, parameters and arrays, the same on every machine.

The hash is taken over canonical JSON: keys sorted, no blanks, exact decimals by value (`1.50` and
`1.5` are one number), floats by their shortest text. What JSON has no word for (decimals, NaN,
infinities, arrays, times) becomes an object with one key that begins with `$`, so that two
different values never share a text.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from json.encoder import encode_basestring as quoted
from typing import Any, Final

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
    return _text(value).encode()


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


def _text(value: Any) -> str:
    """Every order has its state's hash: the texts are made at once, without a tree for `json`."""
    write = _WRITERS.get(type(value))
    return _text_of_rarer(value) if write is None else write(value)


def _list(values: Sequence[object]) -> str:
    return f"[{','.join([_text(one) for one in values])}]"


def _decimal(value: Decimal) -> str:
    return f'{{"$decimal":"{_decimal_text(value)}"}}'


def _text_of_rarer(value: object) -> str:
    match value:
        case Enum():
            return _text(value.value)
        case int():
            return int.__repr__(value)
        case str():
            return quoted(value)
        case np.generic():
            return _text(value.item())
        case float():
            return _float_text(value)
        case Decimal():
            return _decimal(value)
        case datetime():
            return _object({"$time": _time_text(value)})
        case np.ndarray():
            return _object({"$array": array_hash(value)})
        case Mapping():
            return _object(_checked(value))
        case list() | tuple():
            return _list(value)
        case set() | frozenset():
            return f'{{"$set":[{",".join(sorted(map(_text, value), key=str.encode))}]}}'
    return _object(_fields(value))


def _object(fields: Mapping[str, object]) -> str:
    return f"{{{','.join(f'{quoted(name)}:{_text(fields[name])}' for name in sorted(fields))}}}"


def _float_text(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else _object({"$float": str(value)})


def _fields(value: object) -> dict[str, object]:
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical text: {value!r}")


def _checked(mapping: Mapping[Any, object]) -> dict[str, object]:
    for key in mapping:
        if not isinstance(key, str) or key.startswith("$"):
            raise TypeError(f"a key must be text that does not begin with $: {key!r}")
    return {str(key): item for key, item in mapping.items()}


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    return str(value.normalize()) if value else "0"


def _time_text(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time without zone has no canonical text: {value}")
    return value.astimezone(UTC).isoformat()


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    str: quoted,
    Decimal: _decimal,
    int: repr,
    float: _float_text,
    bool: {False: "false", True: "true"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
    list: _list,
    tuple: _list,
}
