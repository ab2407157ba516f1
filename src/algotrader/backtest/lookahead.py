"""Does a strategy fool itself? Run it on prefixes of its data and compare (promise of `check`).

A feature or target of row t may depend on rows up to t alone. So its value must not change when
later rows arrive: computed on a prefix that ends at t and on the whole history it is the same
number. Values are compared within 1e-9 of their scale; NaN equals NaN only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import AlgotraderError, StrategyError, StrategyRaisedError
from algotrader.core.instants import utc_at
from algotrader.core.rebalancing import RebalanceKind
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Floats, prepare, targets_of
from algotrader.strategy.outside_data import cut_to, outside_data

TOLERANCE = 1e-9  # of a column's scale
SETTLED = 1e-6  # two starts agree from here on
TARGETS = "targets"
_DENSE_ROWS = (
    64  # prefixes of every length up to here: leaks into the first rows hide from random cuts
)
_MANY_WEIGHTS = 20  # distinct weights above which a target is continuous


class Level(StrEnum):
    ERROR = "error"  # exit 1
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the check found, with the column and the bar that show it."""

    level: Level
    code: str
    column: str
    message: str
    bar_at: int | None = None  # open of the bar, UTC ms
    symbol: str | None = None

    def as_dict(self) -> dict[str, str | int | None]:
        return {
            "level": str(self.level),
            "code": self.code,
            "column": self.column,
            "symbol": self.symbol,
            "bar": self.bar_at,
            "message": self.message,
        }


def check_columns(
    strategy: Strategy, bars: Bars, *, cuts: int = 32, seed: int = 0
) -> list[Finding]:
    """Check features and targets: look-ahead, determinism, warm-up, dependence on the start.

    `cuts` prefixes end at random rows; further ones end at the first rows and where a column
    becomes defined, because leaks that fill leading gaps show only there.
    """
    whole = _columns(strategy, bars)
    findings = list(_nondeterminism(strategy, bars, whole))
    if findings:
        return findings  # a column that is not repeatable would differ on every prefix
    findings += _changed_by_future(strategy, bars, whole, _cut_rows(whole, len(bars), cuts, seed))
    leaking = {finding.column for finding in findings}
    findings += _nan_after_warmup(strategy, bars, whole)
    findings += [
        finding
        for finding in _start_dependence(strategy, bars, whole)
        if finding.column not in leaking
    ]
    findings += _continuous_weights(strategy, whole)
    return findings


def _columns(strategy: Strategy, bars: Bars) -> dict[str, Floats]:
    """Features, and targets where the strategy gives them, each `(rows, instruments)`."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        prepared = prepare(strategy, bars)  # short prefixes divide by nothing; NaN is compared
        columns = dict(prepared.features)
        if strategy.style is Style.TARGETS:
            columns[TARGETS] = targets_of(strategy, bars, prepared)
    return {
        name: values[:, None] if values.ndim == 1 else values for name, values in columns.items()
    }


def _nondeterminism(
    strategy: Strategy, bars: Bars, whole: Mapping[str, Floats]
) -> Iterator[Finding]:
    again = _columns(type(strategy)(**strategy.values), bars)
    for name, values in whole.items():
        place = _first_difference(values, again[name]) if name in again else (0, 0)
        if place is not None:
            yield _finding(
                "check.not_repeatable",
                name,
                place,
                bars,
                "two runs on the same bars give different values",
            )


def _changed_by_future(
    strategy: Strategy, bars: Bars, whole: Mapping[str, Floats], rows: NDArray[np.int64]
) -> Iterator[Finding]:
    earliest: dict[str, tuple[int, int, int]] = {}
    warmup = prepare(strategy, bars).warmup_rows
    for cut in rows:
        made = type(strategy)(**strategy.values)
        try:
            with cut_to(made, len(bars), int(cut)):
                prefix = _columns(made, bars.rows(0, int(cut)))
        except (StrategyRaisedError, StrategyError) as error:
            if cut > max(warmup, _DENSE_ROWS):
                yield _fails(error, bars, int(cut))
                return
            continue  # too short for this strategy; it never decides there
        for name in whole:
            if name not in prefix:
                earliest.setdefault(name, (0, 0, int(cut)))
                continue
            place = _first_difference(whole[name][:cut], prefix[name])
            if place is not None and (name not in earliest or place < earliest[name][:2]):
                earliest[name] = (*place, int(cut))
    for name, (row, column, cut) in earliest.items():
        ahead = cut - 1 - row
        when = (
            "the bars after it are known" if ahead == 0 else f"bars {ahead} or more later are known"
        )
        yield _finding(
            "check.look_ahead", name, (row, column), bars, f"the value changes when {when}"
        )


def _fails(error: AlgotraderError, bars: Bars, cut: int) -> Finding:
    last = int(bars.ts[cut - 1])
    return Finding(
        level=Level.ERROR,
        code="check.look_ahead",
        column="features",
        bar_at=last,
        message=f"features cannot be computed at bar {utc_at(last):%Y-%m-%d %H:%M} UTC before later "
        f"bars are known: {error.message}",
    )


def brought_along(strategy: Strategy, bars: Bars) -> Iterator[Finding]:
    """Numbers that do not come from the bars given: all of them are there at the first bar.

    As many of them as there are bars were computed from these bars, the later ones included.
    """
    for data in outside_data(strategy):
        each = len(data) == len(bars)
        yield Finding(
            level=Level.ERROR if each else Level.NOTE,
            code="check.outside_data",
            column=data.name,
            bar_at=int(bars.ts[0]) if each else None,
            message=f"{data.name} holds a value for each of the {len(bars):,} bars before the first "
            f"one, {utc_at(int(bars.ts[0])):%Y-%m-%d %H:%M} UTC, is decided: compute it in `features`"
            if each
            else f"{data.name} holds {len(data):,} values that do not come from the bars: nobody can "
            "tell which of them were known at which bar",
        )


def _nan_after_warmup(
    strategy: Strategy, bars: Bars, whole: Mapping[str, Floats]
) -> Iterator[Finding]:
    complete = ~np.isnan(bars.as_panel().close)
    for name, values in whole.items():
        if name == TARGETS:
            continue
        for column in range(values.shape[1]):
            finite = np.isfinite(values[:, column])
            if not finite.any():
                continue
            first = max(int(np.argmax(finite)), strategy.warmup_bars)
            listed = int(np.argmax(complete[:, column]))
            bad = np.flatnonzero(~finite[first:] & complete[first:, column]) + first
            if len(bad) and complete[listed:, column].all():
                yield _finding(
                    "check.nan_after_warmup",
                    name,
                    (int(bad[0]), column),
                    bars,
                    f"NaN or infinite on complete bars after the warm-up, {len(bad)} times",
                )
                break


def _start_dependence(
    strategy: Strategy, bars: Bars, whole: Mapping[str, Floats]
) -> Iterator[Finding]:
    """Compare with a later start: abrupt agreement betrays a warm-up that is too short."""
    start = len(bars) // 3
    if start < 2:
        return
    try:
        later = _columns(type(strategy)(**strategy.values), bars.rows(start, len(bars)))
    except (StrategyRaisedError, StrategyError) as failure:
        yield _note("features", "check.start_failed",
                    f"cannot be computed on data that begins later: {failure.message}")  # fmt: skip
        return
    for name, values in whole.items():
        if name == TARGETS or name not in later:
            continue
        error = _relative_error(values[start:], later[name]).max(axis=1)
        defined = np.isfinite(later[name]).any(axis=1)
        if not defined.any():
            continue
        first = int(np.argmax(defined))
        differing = np.flatnonzero(error[first:] > SETTLED) + first
        if not len(differing):
            continue
        last = int(differing[-1])
        if last >= len(error) - 2:
            yield _note(name, "check.start_never", "two start dates never agree to 1e-6")
        elif error[last] > 1e-4 and error[last + 1 :].max() < TOLERANCE:  # abrupt, not fading
            yield _finding(
                "check.warmup_short",
                name,
                (last, 0),
                bars,
                f"given from row {first} on, but right only from row {last + 1} after the start",
            )
        else:
            yield _note(
                name,
                "check.start_dependent",
                f"depends on the start date; two starts agree to 1e-6 after {last + 1} bars",
            )


def _continuous_weights(strategy: Strategy, whole: Mapping[str, Floats]) -> Iterator[Finding]:
    targets = whole.get(TARGETS)
    if targets is None or strategy.rebalance.kind is not RebalanceKind.ON_CHANGE:
        return
    distinct = len(np.unique(targets[np.isfinite(targets)]))
    if distinct > _MANY_WEIGHTS:
        yield _note(
            TARGETS,
            "check.no_band",
            f"{distinct} different weights under on_change trade at nearly every bar; "
            "set rebalance = band(0.1)",
        )


def _cut_rows(whole: Mapping[str, Floats], rows: int, cuts: int, seed: int) -> NDArray[np.int64]:
    """Lengths of the prefixes: random ones, short ones, and where columns become defined."""
    generator = np.random.default_rng(seed)
    chosen = {int(cut) for cut in generator.integers(1, rows, size=cuts)} if rows > 1 else set()
    chosen |= set(range(1, min(_DENSE_ROWS, rows), 3))
    for values in whole.values():
        for column in range(values.shape[1]):
            changes = np.flatnonzero(np.diff(np.isfinite(values[:, column]).astype(np.int8)))
            chosen |= {int(row) + step for row in changes[:3] for step in (1, 2)}
    chosen.add(rows - 1)
    return np.array(sorted(cut for cut in chosen if 0 < cut < rows), dtype=np.int64)


def _first_difference(a: Floats, b: Floats) -> tuple[int, int] | None:
    if a.shape != b.shape:
        return (0, 0)
    places = np.argwhere(_relative_error(a, b) > TOLERANCE)
    return (int(places[0][0]), int(places[0][1])) if len(places) else None


def _relative_error(a: Floats, b: Floats) -> Floats:
    """|a − b| over the scale of its column; infinite where only one of the two is defined."""
    with np.errstate(invalid="ignore"):
        finite = np.abs(np.where(np.isfinite(a), a, np.nan))
        typical = np.array(
            [np.nanmedian(column) if np.isfinite(column).any() else 0.0 for column in finite.T]
        )
        scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.maximum(typical, 1e-300))
        error = np.abs(a - b) / scale
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(error), error, np.inf))


def _finding(code: str, name: str, place: tuple[int, int], bars: Bars, what: str) -> Finding:
    row, column = place
    symbol = str(bars.symbols[column]) if column < len(bars.symbols) else None
    subject = "targets" if name == TARGETS else f"feature {name!r}"
    stamp = int(bars.ts[row])
    return Finding(
        level=Level.ERROR,
        code=code,
        column=name,
        bar_at=stamp,
        symbol=symbol,
        message=f"{subject} at bar {utc_at(stamp):%Y-%m-%d %H:%M} UTC of {symbol}: {what}",
    )


def _note(name: str, code: str, what: str) -> Finding:
    subject = "targets" if name == TARGETS else f"feature {name!r}"
    return Finding(level=Level.NOTE, code=code, column=name, message=f"{subject}: {what}")
