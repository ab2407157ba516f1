"""From a strategy and bars to features, warm-up and targets the simulator can act on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import AlgotraderError, StrategyError, StrategyRaisedError
from algotrader.core.timeframes import DAY_MS
from algotrader.features.finite import finite_mask
from algotrader.features.memo import remembered
from algotrader.strategy.base import Strategy

Floats = NDArray[np.float64]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Features of a run and the first row at which it may decide."""

    features: Mapping[str, Floats]  # each (T,) or (T, N), as the strategy gave them
    shape: tuple[int, int]  # rows, instruments
    warmup_rows: int  # rows before the first decision (R5)
    solid_from: int | None  # row from which every feature of every instrument is finite

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(T, N): every feature of the instrument is finite."""
        known = np.ones(self.shape, dtype=np.bool_)
        for values in self.features.values():
            finite = finite_mask(values)
            known &= finite[:, None] if finite.ndim == 1 else finite
        return known


def prepare(strategy: Strategy, bars: Bars) -> Prepared:
    """Compute the features once over all rows and measure the warm-up (R5).

    The warm-up ends at the first row at which all features of at least one instrument are
    finite, or where the strategy's own `warmup_bars` says, whichever is later.
    """
    raw = guarded(strategy, "features", None, lambda: strategy.features(bars))
    if not isinstance(raw, Mapping):
        raise StrategyError(
            "strategy.features_kind",
            f"features of {type(strategy).__name__} returned {_described(raw)}, not a dictionary",
            hint='return the features by name: return {"fast": ema(bars.close, 20)}',
        )
    features = {name: _checked(strategy, name, value, bars) for name, value in raw.items()}
    return _measured(strategy, features, (len(bars), len(bars.symbols)))


def _measured(
    strategy: Strategy, features: Mapping[str, Floats], shape: tuple[int, int]
) -> Prepared:
    rows = [solid_row(values) for values in features.values()]
    solid = None if any(row is None for row in rows) else max((r or 0 for r in rows), default=0)
    if solid is not None and shape[1] == 1:
        measured = solid
    else:
        anything = Prepared(features=features, shape=shape, warmup_rows=0, solid_from=None)
        ready = np.flatnonzero(anything.known.any(axis=1))
        measured = int(ready[0]) if len(ready) else shape[0]
        if solid != measured:  # some instruments are known before others are listed (R29)
            solid = None
    return Prepared(
        features=features,
        shape=shape,
        warmup_rows=max(measured, strategy.warmup_bars),
        solid_from=solid,
    )


@remembered
def solid_row(values: Floats) -> int | None:
    """First row from which on a feature is finite to the end; `None` if it has gaps."""
    finite = finite_mask(values)
    rows = finite if finite.ndim == 1 else np.asarray(finite.all(axis=1))
    rows = np.atleast_1d(rows)
    first = int(rows.argmax())
    return first if len(rows) and rows[first:].all() else None


def targets_of(strategy: Strategy, bars: Bars, prepared: Prepared) -> Floats:
    """Targets `(T, N)`: what `targets` returned, NaN wherever a feature is NaN (R4)."""
    given = guarded(strategy, "targets", None, lambda: strategy.targets(bars, prepared.features))
    targets = _checked(strategy, "targets", given, bars)
    wide = targets[:, None] if targets.ndim == 1 else targets
    if prepared.solid_from is None:
        return np.where(prepared.known, wide, np.nan)
    own = (
        wide if wide.flags.writeable and wide.base is targets and targets is given else wide.copy()
    )
    own[: prepared.solid_from] = np.nan
    return own


def prepare_all(strategy: Strategy, bars: Bars) -> Prepared:
    """Like `prepare`, for any strategy and any bars (R2).

    A panel strategy sees `(T, N)`, also for N = 1. A single-instrument strategy given several
    instruments is computed on each one's own rows, and its arrays are laid side by side.
    """
    if strategy.panel:
        return prepare(strategy, bars.as_panel())
    if not bars.panel:
        return prepare(strategy, bars)
    parts = [(rows, prepare(strategy, own)) for rows, own in _own_rows(bars)]
    features = {name: np.full(bars.close.shape, np.nan) for name in parts[0][1].features}
    for column, (rows, part) in enumerate(parts):
        for name, values in part.features.items():
            features[name][rows, column] = values
    return _measured(strategy, features, (len(bars), len(bars.symbols)))


def all_targets(strategy: Strategy, bars: Bars, prepared: Prepared) -> Floats:
    """Like `targets_of`, for any strategy and any bars; always `(T, N)`."""
    if strategy.panel:
        return targets_of(strategy, bars.as_panel(), prepared)
    if not bars.panel:
        return targets_of(strategy, bars, prepared)
    targets = np.full(bars.close.shape, np.nan)
    for column, (rows, own) in enumerate(_own_rows(bars)):
        features = {name: values[rows, column] for name, values in prepared.features.items()}
        part = _measured(strategy, features, (len(own), 1))
        targets[rows, column] = targets_of(strategy, own, part)[:, 0]
    return targets


def _own_rows(bars: Bars) -> Iterator[tuple[NDArray[np.bool_], Bars]]:
    """Of each instrument of a panel: which rows it has, and its bars on them alone."""
    for column in range(len(bars.symbols)):
        rows = np.isfinite(bars.close[:, column])
        yield rows, bars.column(column).take(rows)


def first_decision(strategy: Strategy, bars: Bars, prepared: Prepared, start: int | None) -> int:
    """Row of the first decision: the end of the warm-up, or `start` (UTC ms) if it is later.

    StrategyError if the data ends before the warm-up does, or if `start` was asked for and too
    few earlier rows exist: the sentence names the number missing (R5).
    """
    warmup = prepared.warmup_rows
    name = type(strategy).__name__
    if warmup >= len(bars):
        declared = strategy.warmup_bars >= len(bars)
        raise StrategyError(
            "strategy.warmup",
            f"{name} needs {warmup + 1} bars to decide once, the data has {len(bars)}"
            if declared
            else f"{name} is still warming up after all {len(bars)} bars: no row has every feature",
            hint="give more data, or parameters with a shorter memory",
        )
    if start is None:
        return warmup
    row = int(np.searchsorted(bars.ts, start))
    if row < warmup:
        raise StrategyError(
            "strategy.warmup",
            f"{name} needs {warmup} bars before --start, there are {row}: {warmup - row} missing",
            hint=f"--start {_moment(bars, warmup)} or later, or give earlier data",
        )
    return row


def guarded(
    strategy: Strategy, method: str, bar_at: int | None, work: Callable[[], Result]
) -> Result:
    """Run a strategy's code; what it raises becomes a sentence with file, line and bar."""
    try:
        return work()
    except AlgotraderError:
        raise
    except (Exception, SystemExit) as error:  # a strategy that calls exit() has failed
        raise raised(strategy, method, bar_at, error) from error


def end(strategy: Strategy) -> None:
    """Call `on_stop`, where a strategy has it, after its last bar (R36)."""
    if (on_stop := getattr(strategy, "on_stop", None)) is not None:
        guarded(strategy, "on_stop", None, on_stop)


def raised(
    strategy: Strategy, method: str, bar_at: int | None, error: BaseException
) -> StrategyRaisedError:
    """The error of a strategy that raised. `bar_at` is the open of the bar, UTC ms."""
    inside = _own_frame(strategy, method, traceback.extract_tb(error.__traceback__))
    place = f"{inside.filename}:{inside.lineno}" if inside else type(strategy).__name__
    when = "" if bar_at is None else f" at bar {_stamp(bar_at)}"
    return StrategyRaisedError(
        "strategy.raised",
        f"{place}: {method} of {type(strategy).__name__} raised {type(error).__name__}: "
        f"{error}{when}",
        hint="mend that line; no result of this run was kept",
    )


def _own_frame(
    strategy: Strategy, method: str, frames: traceback.StackSummary
) -> traceback.FrameSummary | None:
    """The last line of the strategy's own file, be it in the method or in a helper it called."""
    code = getattr(getattr(strategy, method, None), "__code__", None)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    inside = own or [frame for frame in frames if frame.name == method] or frames[-1:]
    return inside[-1] if inside else None


def _checked(strategy: Strategy, name: str, value: object, bars: Bars) -> Floats:
    what = "targets" if name == "targets" else f"feature {name!r}"
    array = np.asarray(value)
    if array.dtype.kind not in "bifu":
        raise StrategyError(
            "strategy.kind",
            f"{what} of {type(strategy).__name__} is {_described(value)}, not an array of numbers",
            hint="return one number a bar, NaN where there is none",
        )
    if array.shape != bars.close.shape:
        raise StrategyError(
            "strategy.shape",
            f"{what} of {type(strategy).__name__} has shape {array.shape}, the bars have "
            f"{bars.close.shape}",
            hint="return one value a bar (and, with panel = True, a column for each instrument)",
        )
    return array.astype(np.float64, copy=False)


def _described(value: object) -> str:
    """What a strategy returned, in words: `None`, `an array of str`, `a list`."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype.name}"
    return "None" if value is None else f"a {type(value).__name__}"


def _moment(bars: Bars, row: int) -> str:
    form = "%Y-%m-%d" if bars.timeframe.ms >= DAY_MS else "%Y-%m-%dT%H:%M"
    return datetime.fromtimestamp(int(bars.ts[row]) / 1000, tz=UTC).strftime(form)


def _stamp(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
