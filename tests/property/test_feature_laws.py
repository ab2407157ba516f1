"""Laws that every public feature obeys; a new one is found by itself and needs no entry here.

Arguments are made from parameter names: a feature whose parameter has a new name fails here until
`SERIES` or `SETTINGS` says what it is.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrader import _kernel, features
from algotrader.features.catalogue import described
from algotrader.features.registry import declared

Array = np.ndarray[Any, Any]
ALL = declared()
pytestmark = pytest.mark.filterwarnings("error")  # numpy's warnings reach nobody's terminal
ROWS = 90


def bars(seed: int, rows: int = ROWS, columns: int | None = None) -> dict[str, Array]:
    """A market that walks, with every series that a feature may ask for."""
    random = np.random.default_rng(seed)
    shape = (rows,) if columns is None else (rows, columns)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, shape), axis=0))
    open_ = close * np.exp(random.normal(0.0, 0.005, shape))
    high = np.maximum(open_, close) * (1.0 + random.uniform(0.0, 0.01, shape))
    low = np.minimum(open_, close) * (1.0 - random.uniform(0.0, 0.01, shape))
    volume = random.uniform(10.0, 1000.0, shape)
    session = np.broadcast_to(
        (np.arange(rows) // 7).reshape((-1,) + (1,) * (len(shape) - 1)), shape
    )
    return {
        "open_": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "x": close.copy(),
        "y": open_.copy(),
        "session": session.astype(np.float64),
        "condition": (close > open_).astype(np.float64),
        "groups": np.arange(columns or 1) % 2,
        "factors": random.normal(0.0, 1.0, (*shape, 2)),
    }


SERIES = frozenset(bars(0))
WHOLE_ROWS = ("groups",)  # not a history: the same at every row
SETTINGS: dict[str, Any] = {
    "window": 8,
    "fast": 3,
    "middle": 5,
    "slow": 7,
    "signal": 4,
    "slowing": 2,
    "quantile": 0.3,
    "rows": 3,
    "anchor": 11,
    "value": 100.0,
    "lag": 3,
    "skip": 2,
    "conversion": 4,
    "base": 6,
    "span": 9,
    "count": 2,
    "atr_window": 6,
}


def settings_of(function: Callable[..., object]) -> dict[str, Any]:
    """Values for the settings that are known by name; the others keep their defaults."""
    names = inspect.signature(function).parameters
    return {name: SETTINGS[name] for name in names if name in SETTINGS}


def series_of(function: Callable[..., object], market: dict[str, Array]) -> dict[str, Array]:
    return {name: market[name] for name in inspect.signature(function).parameters if name in market}


def first_row(name: str, chosen: dict[str, Any]) -> int:
    """The first defined row by the docstring's expression."""
    defaults = {p.name: p.default for p in inspect.signature(ALL[name]).parameters.values()}
    known = {"max": max, "min": min, "isqrt": math.isqrt} | defaults | chosen
    return int(eval(described(name).first, {"__builtins__": {}}, known))


def outputs(answer: object) -> list[Array]:
    return list(answer) if isinstance(answer, tuple) else [answer]  # type: ignore[list-item]


def cut(series: dict[str, Array], rows: slice) -> dict[str, Array]:
    return {k: v if k in WHOLE_ROWS else v[rows] for k, v in series.items()}


def columns_of(name: str) -> int | None:
    """Cross-sectional features need columns; all others are tried on one series too."""
    return 5 if described(name).gaps == "row" else None


def same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=True))


def test_at_least_ninety_features_are_declared() -> None:
    assert len(ALL) >= 90


def test_every_feature_is_exported_under_its_name() -> None:
    assert {name for name in ALL if getattr(features, name, None) is not ALL[name]} == set()
    assert set(ALL) <= set(features.__all__)


def test_every_exported_function_of_arrays_is_declared() -> None:
    functions = {n for n in features.__all__ if inspect.isfunction(getattr(features, n))}

    undeclared = {n for n in functions if getattr(features, n) not in ALL.values()}
    assert undeclared == {"memoised", "finite_mask", "first_finite_row"}


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_has_a_value_to_try(name: str) -> None:
    known = SERIES | set(SETTINGS)
    parameters = inspect.signature(ALL[name]).parameters.values()

    assert [p.name for p in parameters if p.default is p.empty and p.name not in known] == []


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), end=st.integers(0, ROWS), columns=st.sampled_from([None, 3]))
def test_no_value_changes_when_later_rows_arrive(
    name: str, seed: int, end: int, columns: Any
) -> None:
    series = series_of(ALL[name], bars(seed, columns=columns or columns_of(name)))
    for array in series.values():
        if array.dtype == np.float64:
            array.reshape(len(array), -1)[seed % ROWS % len(array)] = np.nan
    whole = ALL[name](**series, **settings_of(ALL[name]))
    known = ALL[name](**cut(series, slice(end)), **settings_of(ALL[name]))

    for all_rows, first_rows in zip(outputs(whole), outputs(known), strict=True):
        assert same(all_rows[:end], first_rows)


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_left_as_they_were_and_may_be_read_only(name: str) -> None:
    series = series_of(ALL[name], bars(1, columns=columns_of(name)))
    before = {k: v.copy() for k, v in series.items()}
    for array in series.values():
        array.flags.writeable = False
    ALL[name](**series, **settings_of(ALL[name]))

    assert all(same(before[k], series[k]) for k in series)


@pytest.mark.parametrize("name", ALL)
def test_outputs_share_no_memory_with_inputs(name: str) -> None:
    series = series_of(ALL[name], bars(1, columns=columns_of(name)))

    for output in outputs(ALL[name](**series, **settings_of(ALL[name]))):
        assert not any(np.shares_memory(output, array) for array in series.values())


@pytest.mark.parametrize("name", ALL)
def test_every_instruction_set_gives_the_same_bits(name: str, every_level: list[str]) -> None:
    """R34, over more rows than are worked on at a time."""
    series = series_of(ALL[name], bars(5, rows=1_300, columns=columns_of(name)))
    seen = set()
    for level in every_level:
        _kernel.set_simd_level(level)
        answers = outputs(ALL[name](**series, **settings_of(ALL[name])))
        seen.add(b"".join(answer.tobytes() for answer in answers))

    assert len(seen) == 1


@pytest.mark.parametrize("name", ALL)
def test_any_memory_layout_gives_the_same_answer(name: str) -> None:
    plain = series_of(ALL[name], bars(2, columns=columns_of(name)))
    strided = {
        k: v if k in WHOLE_ROWS else np.asarray(np.repeat(v, 2, axis=0)[::2])
        for k, v in plain.items()
    }
    chosen = settings_of(ALL[name])

    for a, b in zip(
        outputs(ALL[name](**plain, **chosen)), outputs(ALL[name](**strided, **chosen)), strict=True
    ):
        assert same(a, b)


@pytest.mark.parametrize("name", [n for n in ALL if described(n).gaps != "row"])
def test_each_column_of_a_panel_is_a_series_of_its_own(name: str) -> None:
    panel = series_of(ALL[name], bars(3, columns=3))
    chosen = settings_of(ALL[name])
    whole = outputs(ALL[name](**panel, **chosen))

    for column in range(3):
        alone = outputs(ALL[name](**{k: v[:, column] for k, v in panel.items()}, **chosen))
        for a, b in zip(whole, alone, strict=True):
            assert a.flags.c_contiguous
            assert same(a[:, column], b)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_rows_give_undefined_rows_of_the_same_length(name: str, rows: int) -> None:
    series = series_of(ALL[name], bars(4, rows=rows, columns=columns_of(name)))
    first = first_row(name, settings_of(ALL[name]))

    for output in outputs(ALL[name](**series, **settings_of(ALL[name]))):
        assert len(output) == rows
        if output.dtype == np.float64:
            assert np.isnan(output[:first]).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("window", [4, 5, 8, 13])
def test_the_first_defined_row_is_the_documented_one(name: str, window: int) -> None:
    chosen = settings_of(ALL[name])
    if "window" in chosen:
        chosen["window"] = window
    series = series_of(ALL[name], bars(5, columns=columns_of(name)))
    first = first_row(name, chosen)
    answers = outputs(ALL[name](**series, **chosen))

    if all(answer.dtype == np.float64 for answer in answers):
        defined = [np.isfinite(a).reshape(ROWS, -1).all(axis=1) for a in answers]
        assert int(np.argmax(np.logical_and.reduce(defined))) == first
        assert np.logical_and.reduce(defined)[first:].all()


@pytest.mark.parametrize("name", [n for n in ALL if described(n).gaps == "restart"])
@pytest.mark.parametrize("gap", [(np.nan, np.inf), (-np.inf, np.nan), (np.inf, -np.inf)])
@pytest.mark.parametrize("column", range(4))
def test_after_a_gap_a_feature_begins_anew(name: str, column: int, gap: tuple[float, ...]) -> None:
    series = series_of(ALL[name], bars(6))
    hit = list(series)[column % len(series)]
    series[hit][30:32] = gap
    chosen = settings_of(ALL[name])
    whole = outputs(ALL[name](**series, **chosen))
    before = outputs(ALL[name](**cut(series, slice(30)), **chosen))
    after = outputs(ALL[name](**cut(series, slice(32, None)), **chosen))

    for all_rows, first_rows, last_rows in zip(whole, before, after, strict=True):
        assert same(all_rows[:30], first_rows)
        assert np.isnan(all_rows[30:32]).all()
        assert same(all_rows[32:], last_rows)


@pytest.mark.parametrize("name", [n for n in ALL if described(n).gaps == "carry"])
def test_a_running_total_goes_on_as_if_the_gap_were_not_there(name: str) -> None:
    series = series_of(ALL[name], bars(7))
    whole = outputs(ALL[name](**series, **settings_of(ALL[name])))
    gapped = {k: np.insert(v, 30, np.nan, axis=0) for k, v in series.items()}
    answers = outputs(ALL[name](**gapped, **settings_of(ALL[name])))

    for full, with_gap in zip(whole, answers, strict=True):
        assert np.isnan(with_gap[30])
        assert same(np.delete(with_gap, 30), full)


@pytest.mark.parametrize("name", ALL)
def test_a_window_under_one_is_refused_by_name(name: str) -> None:
    parameters = inspect.signature(ALL[name]).parameters
    series = series_of(ALL[name], bars(8, columns=columns_of(name)))
    for setting in {"window", "fast", "slow", "signal", "rows"} & set(parameters):
        for wrong in (0, -1, 2.5, True):
            chosen = {**settings_of(ALL[name]), setting: wrong}
            with pytest.raises(ValueError, match=setting):
                ALL[name](**series, **chosen)


@pytest.mark.parametrize("name", [n for n in ALL if len(series_of(ALL[n], bars(0))) > 1])
def test_series_of_different_lengths_are_refused(name: str) -> None:
    series = series_of(ALL[name], bars(9, columns=columns_of(name)))
    last = [k for k in series if k not in WHOLE_ROWS][-1]
    series[last] = series[last][:-1]
    if last in WHOLE_ROWS or len([k for k in series if k not in WHOLE_ROWS]) < 2:
        return

    with pytest.raises(ValueError, match="shape"):
        ALL[name](**series, **settings_of(ALL[name]))


@pytest.mark.parametrize("name", [n for n in ALL if described(n).gaps != "row"])
def test_a_feature_reads_nothing_but_one_or_two_dimensions(name: str) -> None:
    series = {k: np.ones((3, 2, 2)) for k in series_of(ALL[name], bars(0))}

    with pytest.raises(ValueError, match="shape"):
        ALL[name](**series, **settings_of(ALL[name]))
