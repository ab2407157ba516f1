from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader._kernel import fixed_sum


def lanes(values: list[float]) -> float:
    lane = [0.0] * 8
    for index, value in enumerate(values):
        lane[index % 8] += value
    a, b, c, d, e, f, g, h = lane
    return ((a + e) + (c + g)) + ((b + f) + (d + h))


@given(st.lists(st.floats(-1e6, 1e6), max_size=100))
def test_a_sum_has_the_same_bits_as_eight_lanes_and_a_fixed_tree(values: list[float]) -> None:
    assert fixed_sum(np.array(values, dtype=np.float64)) == lanes(values)


LARGE = 2.0**53  # LARGE + 1 is not a float64: it rounds to LARGE


@pytest.mark.parametrize(
    ("places", "total"),
    [
        # R34: entries 0 and 8 are one lane and cancel first; 1 is another lane: 1, where adding in
        # order would lose it and give 0
        ({0: LARGE, 1: 1.0, 8: -LARGE}, 1.0),
        # lanes 0 and 4 are added first: they cancel, and the 1 of lane 1 is kept
        ({0: LARGE, 1: 1.0, 4: -LARGE}, 1.0),
        # lanes 0 and 4 first: the 1 is lost in them, then lane 1 cancels: 0
        ({0: LARGE, 4: 1.0, 1: -LARGE}, 0.0),
        # lanes 0 and 2 meet before lane 1 joins: kept
        ({0: LARGE, 1: 1.0, 2: -LARGE}, 1.0),
    ],
)
def test_r34_a_sum_is_taken_in_eight_lanes_and_one_tree(
    places: dict[int, float], total: float
) -> None:
    values = np.zeros(9)
    for place, value in places.items():
        values[place] = value

    assert fixed_sum(values) == total
