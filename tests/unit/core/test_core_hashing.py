"""Hashes that name configurations and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec
import numpy as np
import pytest

from algotrader.core.hashing import array_hash, canonical_json, content_hash


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    TWO = 2


@dataclass(frozen=True, slots=True)
class Record:
    a: Decimal
    b: tuple[int, ...]


class Struct(msgspec.Struct):
    a: Decimal
    b: list[int]


def test_canonical_json_is_sorted_and_without_blanks() -> None:
    assert canonical_json({"b": [1, True], "a": {"z": None, "y": "é"}}) == (
        '{"a":{"y":"é","z":null},"b":[1,true]}'.encode()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("0"), Decimal("-0.000")),
        (Decimal("1e3"), Decimal("1000")),
        ((1, 2), [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({3, 1}, frozenset({1, 3})),
        (Colour.RED, "red"),
        (Number.TWO, 2),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (Record(Decimal(1), (1,)), Struct(Decimal(1), [1])),
        (
            datetime(2024, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))),
            datetime(2024, 1, 1, tzinfo=UTC),
        ),
    ],
)
def test_what_means_the_same_hashes_the_same(one: object, other: object) -> None:
    assert content_hash(one) == content_hash(other)


def test_what_differs_hashes_differently() -> None:
    values: list[object] = [
        None, 0, False, 0.0, "", "0", [], {}, set(), Decimal(0), float("nan"), float("inf"),
        float("-inf"), "nan", Decimal("NaN"), [0], [[0]], {"a": None}, {"a": 0}, np.zeros(1),
        np.zeros(2), np.zeros((1, 1)), np.zeros(1, dtype=np.int64),
        datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00",
    ]  # fmt: skip

    assert len({content_hash(value) for value in values}) == len(values)


@pytest.mark.parametrize("value", [object(), {1: 2}, {"$decimal": "1"}, int])
def test_what_has_no_canonical_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        canonical_json(datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_hash_is_the_same_in_every_release() -> None:
    # Written down once: run identities and trial ledgers depend on it.
    assert content_hash({"fast": 20, "slow": Decimal("0.5")}) == (
        "6b65f2ebb4ea7c6719b5728d5fee7eb9"
    )


def test_arrays_are_named_by_type_shape_and_values() -> None:
    base = np.arange(6, dtype=np.float64)
    different = [
        base, base.astype(np.int64), base.reshape(2, 3), base.reshape(3, 2), base[::-1], base[:5]
    ]  # fmt: skip

    assert len({array_hash(array) for array in different}) == len(different)
    assert array_hash(base, base) != array_hash(base)


def test_memory_order_and_the_bits_of_nan_do_not_matter() -> None:
    grid = np.arange(6, dtype=np.float64).reshape(2, 3)
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)

    assert array_hash(np.asfortranarray(grid)) == array_hash(grid)
    assert array_hash(grid.astype(">f8")) == array_hash(grid)
    assert array_hash(other_nan) == array_hash(np.array([np.nan]))
    assert array_hash(np.array(1.0)) != array_hash(np.array([1.0]))


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="objects"):
        array_hash(np.array([object()]))
