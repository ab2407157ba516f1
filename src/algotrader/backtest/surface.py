"""Whether the best parameter set stands on a plateau or on a needle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.metrics import Reason, UndefinedMetric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Setting = float | int | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourStability:
    """The judged set beside those that differ least from it."""

    index: int  # of the judged set
    neighbours: tuple[int, ...]
    score: float  # of the judged set
    median: float  # of its neighbours' scores, which the verdict looks at
    mean: float  # of the same

    @property
    def ratio(self) -> float:
        """Neighbours' median over the judged score: 1 is a plateau, 0 or less a needle."""
        return self.median / self.score


def neighbour_stability(
    parameters: Sequence[Mapping[str, Setting]], scores: Floats, *, index: int | None = None
) -> NeighbourStability:
    """Neighbours of one parameter set (default: the best score) and how they did.

    Numbers are ranked per parameter; neighbours are the sets one rank away in one parameter and
    equal in all others (text and booleans included). Where the sets are no grid and fewer than
    two such exist, the nearest in ranks scaled to [0, 1] are taken, two per numeric parameter.
    Scores that are NaN (a failed trial) count as 0: a neighbour that fails is no plateau.
    UndefinedMetric without a neighbour, or when the judged score is not above 0.
    """
    if len(parameters) != scores.size or not len(parameters):
        raise ValueError("one score per parameter set, at least one")
    if not np.any(np.isfinite(scores)):
        raise UndefinedMetric(Reason.TOO_FEW_TRIALS)
    judged = int(np.nanargmax(scores)) if index is None else index
    if not scores[judged] > 0.0:
        raise UndefinedMetric(Reason.NOT_ABOVE_BENCHMARK)
    ranks, width = _ranks(parameters)
    chosen = _neighbours(parameters, ranks, width, judged)
    if not chosen.size:
        raise UndefinedMetric(Reason.TOO_FEW_TRIALS)
    beside = np.nan_to_num(scores[chosen], nan=0.0)
    return NeighbourStability(
        index=judged,
        neighbours=tuple(int(i) for i in chosen),
        score=float(scores[judged]),
        median=float(np.median(beside)),
        mean=float(np.mean(beside)),
    )


def _is_number(value: Setting) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranks(parameters: Sequence[Mapping[str, Setting]]) -> tuple[Ints, Ints]:
    """Rank of each numeric parameter (sets, parameters), and the number of ranks less one."""
    names = [name for name, value in parameters[0].items() if _is_number(value)]
    columns, width = [], []
    for name in names:
        values = np.array([float(chosen[name]) for chosen in parameters])
        distinct, rank = np.unique(values, return_inverse=True)
        if distinct.size > 1:
            columns.append(rank.astype(np.int64))
            width.append(distinct.size - 1)
    table = np.array(columns, dtype=np.int64).reshape(len(columns), len(parameters)).T
    return table, np.array(width, dtype=np.int64)


def _neighbours(
    parameters: Sequence[Mapping[str, Setting]], ranks: Ints, width: Ints, judged: int
) -> Ints:
    words = [_words(chosen) for chosen in parameters]
    same_words = np.array([other == words[judged] for other in words])
    steps = np.abs(ranks - ranks[judged])
    beside = np.flatnonzero(same_words & (steps.sum(axis=1) == 1))
    if beside.size >= 2 or not width.size:
        return beside
    distance = np.sqrt(np.sum((steps / width) ** 2, axis=1))
    distance[~same_words | (distance == 0.0)] = np.inf
    nearest = np.argsort(distance, kind="stable")[: 2 * width.size]
    return np.asarray(nearest[np.isfinite(distance[nearest])], dtype=np.int64)


def _words(chosen: Mapping[str, Setting]) -> tuple[tuple[str, Setting], ...]:
    return tuple(sorted((name, v) for name, v in chosen.items() if not _is_number(v)))
