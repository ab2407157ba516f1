from __future__ import annotations

import numpy as np
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
