from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from algotrader.features import (
    bollinger,
    ema,
    finite_mask,
    first_finite_row,
    memoised,
    rolling_corr,
    sma,
)

Array = np.ndarray[Any, Any]
LARGE = 2**26  # bytes of a cache that keeps its answers side by side


def fixed(rows: int = 100, seed: int = 0) -> Array:
    values = np.random.default_rng(seed).normal(100.0, 1.0, rows)
    values.flags.writeable = False
    return values


def test_the_same_call_on_the_same_array_is_answered_once() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000) as cache:
        first = sma(close, 20)
        second = sma(close, 20)

    assert first is second
    assert (cache.hits, cache.misses) == (1, 1)


def test_a_remembered_answer_is_read_only_and_right() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000):
        known = sma(close, 20)
        with pytest.raises(ValueError, match="read-only"):
            known[0] = 1.0

    np.testing.assert_array_equal(known, sma(close, 20))


def test_features_of_features_are_remembered_too() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000):
        assert ema(sma(close, 5), 3) is ema(sma(close, 5), 3)
        assert bollinger(close, 5).upper is bollinger(close, 5).upper


def test_other_arguments_other_arrays_and_other_functions_are_other_answers() -> None:
    close, other = fixed(), fixed(seed=1)
    with memoised(max_bytes=1_000_000):
        known = sma(close, 20)
        assert sma(close, 21) is not known
        assert sma(other, 20) is not known
        assert ema(close, 20) is not known
        assert rolling_corr(close, other, 20) is not rolling_corr(other, close, 20)


def test_an_array_that_may_change_is_computed_every_time() -> None:
    close = np.array([1.0, 2.0, 3.0])
    with memoised(max_bytes=1_000_000):
        before = sma(close, 1)
        close[1] = 5.0
        after = sma(close, 1)

    assert before.tolist() == [1.0, 2.0, 3.0]
    assert after.tolist() == [1.0, 5.0, 3.0]
    assert after.flags.writeable


def test_a_list_is_computed_every_time() -> None:
    with memoised(max_bytes=1_000_000) as cache:
        sma([1.0, 2.0], 1)

    assert (cache.hits, cache.misses) == (0, 0)


def test_outside_the_block_nothing_is_remembered() -> None:
    close = fixed()

    assert sma(close, 20) is not sma(close, 20)
    assert sma(close, 20).flags.writeable


@pytest.mark.parametrize("skipped", [0, 50])  # the array itself, or a view of it
@pytest.mark.parametrize("max_bytes", [10_000_000, LARGE])
def test_an_address_cannot_come_to_mean_another_array(max_bytes: int, skipped: int) -> None:
    with memoised(max_bytes=max_bytes):
        for seed in range(200):
            close = fixed(seed=seed)[skipped:]
            expected = close[:2].mean()
            assert sma(sma(close, 2), 1)[1] == pytest.approx(expected)
            del close
            gc.collect(0)


def test_answers_of_a_large_cache_lie_side_by_side_each_in_its_own_place() -> None:
    close, panel = fixed(1001), fixed(1002).reshape(501, 2)
    with memoised(max_bytes=LARGE) as cache:
        known = [sma(close, window) for window in (10, 20)] + [sma(panel, 10)]
        owners = {id(answer.base) for answer in known}
        assert sma(close, 20) is known[1]

    assert len(owners) == 1
    assert cache.held_bytes == 8 * (1001 + 1002) + known[0].base.nbytes  # type: ignore[union-attr]
    for answer, fresh in zip(known, (sma(close, 10), sma(close, 20), sma(panel, 10)), strict=True):
        np.testing.assert_array_equal(answer, fresh)
        assert answer.flags.c_contiguous
        assert not answer.flags.writeable


def test_a_large_cache_stays_within_its_bytes_and_its_answers_stay_right() -> None:
    close = fixed(200_000)
    with memoised(max_bytes=LARGE) as cache:
        answers = []
        for window in range(1, 61):
            answers.append(sma(close, window))
            assert cache.held_bytes <= LARGE
        assert sma(close, 60) is answers[-1]
        assert sma(close, 1) is not answers[0]

    for window in (1, 2, 30, 60):
        np.testing.assert_array_equal(answers[window - 1], sma(close, window))


def test_the_cache_stays_within_its_bytes_and_drops_the_longest_unused() -> None:
    close = fixed(1000)  # 8,000 bytes, held once, and 8,000 for each answer
    with memoised(max_bytes=24_000) as cache:
        ten = sma(close, 10)
        twenty = sma(close, 20)
        assert cache.held_bytes == 24_000
        assert sma(close, 10) is ten
        sma(close, 30)

        assert cache.held_bytes == 24_000
        assert sma(close, 10) is ten
        assert sma(close, 20) is not twenty


def test_an_answer_larger_than_the_cache_is_given_and_forgotten() -> None:
    close = fixed(1000)
    with memoised(max_bytes=100) as cache:
        known = sma(close, 10)
        assert sma(close, 10) is not known
        assert cache.held_bytes == 0


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="max_bytes"), memoised(max_bytes=-1):
        pass


def test_a_mistaken_call_fails_the_same_way_and_is_not_remembered() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000):
        for _ in range(2):
            with pytest.raises(ValueError, match="window"):
                sma(close, 0)


def test_one_and_true_and_one_point_zero_are_different_arguments() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000):
        sma(close, 1)
        for wrong in (True, 1.0):
            with pytest.raises(ValueError, match="window"):
                sma(close, wrong)  # type: ignore[arg-type]


def test_an_inner_block_has_a_cache_of_its_own() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000):
        outer = sma(close, 20)
        with memoised(max_bytes=1_000_000):
            assert sma(close, 20) is not outer
        assert sma(close, 20) is outer


def test_a_thread_does_not_see_the_cache_of_another() -> None:
    close = fixed()
    seen: list[Array] = []
    with memoised(max_bytes=1_000_000):
        known = sma(close, 20)
        thread = threading.Thread(target=lambda: seen.append(sma(close, 20)))
        thread.start()
        thread.join()

    assert seen[0] is not known
    assert seen[0].flags.writeable


def test_the_first_finite_row_is_the_first_at_which_every_column_is_finite() -> None:
    panel = np.array([[np.nan, 1.0], [1.0, np.inf], [1.0, 1.0], [np.nan, 1.0]])

    assert first_finite_row(panel) == 2
    assert first_finite_row(panel[:2]) == 2
    assert first_finite_row(panel[:0]) == 0
    assert finite_mask(panel).tolist() == [
        [False, True],
        [True, False],
        [True, True],
        [False, True],
    ]


def test_where_an_array_is_finite_is_remembered() -> None:
    close = fixed()
    with memoised(max_bytes=1_000_000) as cache:
        assert finite_mask(close) is finite_mask(close)
        first_finite_row(close)
        first_finite_row(close)

    assert cache.hits >= 2
