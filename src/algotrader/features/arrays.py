"""How a feature reaches the kernel: checks of its arguments, columns in, columns out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algotrader._kernel import indicators as _kernel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Kernel = Callable[..., None]

_MOST = 2**53


def counts(least: int = 1, **named: int) -> None:
    """ValueError, naming the parameter, unless each is a whole number of at least `least`."""
    for name, value in named.items():
        whole = type(value) is int or isinstance(value, np.integer)  # a bool is no count
        if not whole or not least <= value <= _MOST:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def positive(**named: float) -> None:
    """ValueError, naming the parameter, unless each is a finite number above 0."""
    for name, value in named.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be a number above 0, not {value!r}")


def fraction(**named: float) -> None:
    """ValueError, naming the parameter, unless each is from 0 to 1."""
    for name, value in named.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, not {value!r}")


def floats(x: ArrayLike) -> Floats:
    """`x` as float64 of shape (T,) or (T, N); ValueError otherwise."""
    array = np.asarray(x, dtype=np.float64)
    if array.ndim not in (1, 2):
        raise ValueError(f"a series has the shape (T,) or (T, N), not {array.shape}")
    return array


def same_shape(*series: ArrayLike) -> list[Floats]:
    """All as float64 of one shape; ValueError when they differ."""
    arrays = list(map(floats, series))
    shape = arrays[0].shape
    for array in arrays:
        if array.shape != shape:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"the series differ in shape: {shapes}")
    return arrays


def one(kernel: Kernel, series: tuple[ArrayLike, ...], *settings: float) -> Floats:
    """The kernel's single output for `series`, in their shape."""
    arrays = same_shape(*series)
    if arrays[0].ndim == 2:
        return _of_columns(kernel, 1, arrays, *settings)[0]
    result = np.empty(arrays[0].size)
    kernel(*map(np.ascontiguousarray, arrays), *settings, result)
    return result


def several(
    kernel: Kernel, outputs: int, series: tuple[ArrayLike, ...], *settings: float
) -> list[Floats]:
    """The kernel's outputs for `series`, in their shape; each column is a series of its own."""
    arrays = same_shape(*series)
    if arrays[0].ndim == 2:
        return _of_columns(kernel, outputs, arrays, *settings)
    results = list(map(np.empty, repeat(arrays[0].size, outputs)))
    kernel(*map(np.ascontiguousarray, arrays), *settings, *results)
    return results


def _of_columns(
    kernel: Kernel, outputs: int, arrays: list[Floats], *settings: float
) -> list[Floats]:
    rows = [np.ascontiguousarray(array.T) for array in arrays]
    results = [np.empty(rows[0].shape) for _ in range(outputs)]
    kernel(*rows, *settings, *results)
    return [np.ascontiguousarray(result.T) for result in results]


def shifted(x: Floats, rows: int) -> Floats:
    """`x` of `rows` rows ago; NaN where there was none."""
    result = np.full(x.shape, np.nan)
    if rows < len(x):
        result[rows:] = x[: len(x) - rows]
    return result


def unbroken(x: Floats, rows: int) -> Flags:
    """True where the last `rows` rows of `x` are all there and finite."""
    return np.isfinite(one(_kernel.rolling_max, (x,), rows))


def complete(*series: ArrayLike) -> list[Floats]:
    """The series, of one shape, with NaN in all of them where any is not finite."""
    arrays = same_shape(*series)
    whole = np.logical_and.reduce([np.isfinite(array) for array in arrays])
    return arrays if whole.all() else [np.where(whole, array, np.nan) for array in arrays]
