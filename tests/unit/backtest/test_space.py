"""Search spaces: grids, samples, ranges by hand, and ranges that are none."""

from __future__ import annotations

import pytest

from algotrader.backtest.space import SearchSpace, space_of
from algotrader.core.errors import UsageError
from algotrader.strategy.base import Strategy
from algotrader.strategy.parameters import param


class Some(Strategy):
    fast: int = param(2, low=1, high=3, step=1)
    width: float = param(0.5, low=0.0, high=1.0, step=0.5)
    mode: str = param("a", choices=["a", "b"])
    free: float = param(7.0)


def test_the_grid_has_every_combination_the_last_changing_fastest() -> None:
    space = space_of(Some, {}, {})
    sets = list(space.grid())

    assert space.size == len(sets) == 18
    assert sets[0] == {"free": 7.0, "fast": 1, "width": 0.0, "mode": "a"}
    assert [one["mode"] for one in sets[:4]] == ["a", "b", "a", "b"]
    assert len({str(one) for one in sets}) == 18


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=1:3", (1, 2, 3)),
        ("fast=1:3:2", (1, 3)),
        ("fast=3,1,3", (3, 1)),
        ("fast= 2", (2,)),
        ("width=0.25:0.75:0.25", (0.25, 0.5, 0.75)),
        ("mode=b,a", ("b", "a")),
        ("free=1:2:0.5", (1.0, 1.5, 2.0)),
    ],
)
def test_a_range_by_hand(text: str, values: tuple[object, ...]) -> None:
    name, _, given = text.partition("=")
    space = space_of(Some, {}, {name: given})

    found = space.values.get(name, (space.fixed[name],) if name in space.fixed else ())
    assert found == values


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("fast", "1:4", "4 is above its highest value 3"),
        ("fast", "1:3:0.5", "cannot be read"),
        ("fast", "1.5:3", "cannot be read"),
        ("fast", "1:inf", "cannot be read"),
        ("fast", "nan:3", "cannot be read"),
        ("fast", "1:2:3:4", "cannot be read"),
        ("fast", "1:3:0", "cannot be read"),
        ("fast", "1:3:-1", "cannot be read"),
        ("fast", "3:1", "cannot be read"),
        ("fast", "", "cannot be read"),
        ("fast", "1,two", "cannot be read"),
        ("free", "0:1:1e-9", "cannot be read"),
        ("mode", "a:b", "cannot be read"),
        ("mode", "a,c", "'c' is not one of a, b"),
        ("slow", "1:3", "Some has no parameter 'slow'"),
    ],
)
def test_what_is_no_range_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as told:
        space_of(Some, {}, {name: text})
    assert told.value.hint


def test_fixed_values_are_not_searched_and_nothing_left_is_refused() -> None:
    space = space_of(Some, {"fast": 3, "mode": "b"}, {})
    assert list(space.values) == ["width"]
    assert all(one["fast"] == 3 and one["mode"] == "b" for one in space.grid())

    with pytest.raises(UsageError, match="declares no ranges to search"):
        space_of(Some, {"fast": 3, "mode": "b", "width": 0.5}, {})
    with pytest.raises(UsageError, match="no parameter 'slow'"):
        space_of(Some, {"slow": 3}, {})


def test_a_sample_is_different_sets_of_the_grid_and_the_same_for_a_seed() -> None:
    space = space_of(Some, {}, {})
    grid = list(space.grid())
    sample = space.sample(7, seed=3)

    assert len(sample) == len({str(one) for one in sample}) == 7
    assert [grid.index(one) for one in sample] == sorted(grid.index(one) for one in sample)
    assert sample == space.sample(7, seed=3)
    assert sample != space.sample(7, seed=4)
    assert space.sample(18, seed=1) == space.sample(99, seed=1) == grid


def test_sets_are_drawn_from_a_grid_beyond_machine_numbers() -> None:
    space = SearchSpace(
        values={name: tuple(range(100_000)) for name in ("a", "b", "c", "d")}, fixed={}
    )
    drawn = space.sample(20, seed=3)

    assert drawn == space.sample(20, seed=3)
    assert drawn != space.sample(20, seed=4)
    assert len({tuple(one.items()) for one in drawn}) == 20
    assert drawn == sorted(drawn, key=lambda one: tuple(one.values()))
