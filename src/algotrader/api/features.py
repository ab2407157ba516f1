"""Features of running strategies for charts: computed once for each closed bar, then kept."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from algotrader.api.errors import ApiError, not_found
from algotrader.core.ids import StrategyId
from algotrader.core.timeframes import Timeframe
from algotrader.engine.state import EngineState
from algotrader.ops.config import Configuration
from algotrader.ops.console_process import without_secrets
from algotrader.ops.desk import strategy_file
from algotrader.ops.feature_columns import FeatureColumns, Question, feature_columns

_MOST_KEPT: Final = 8
_NEAR: Final = np.log(2.0)  # within half and twice the price: drawn over it

Key = tuple[str, str, float, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """Bars of a chart: their opens, ascending, when the last one ends, and their closes."""

    ts: NDArray[np.int64]
    end: int
    close: NDArray[np.float64]


class StrategyFeatures:
    """One process at a time computes; who asks for the same waits for it."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._kept: dict[Key, FeatureColumns] = {}
        self._turn = asyncio.Lock()

    async def columns(
        self, name: str, state: EngineState | None, *, is_live: bool
    ) -> FeatureColumns:
        """Of all bars there are. ApiError 404 for no such strategy, 409 where it cannot be."""
        if name not in self._configuration.settings.strategies:
            raise not_found("strategy", name)
        if self._configuration.file is None:
            raise ApiError(409, "strategy.features", "there is no file of settings",
                           hint="algotrader init writes one")  # fmt: skip
        parameters = self._parameters(name, state)
        key = self._key(name, parameters, state, is_live=is_live)
        async with self._turn:
            if key not in self._kept:
                question = Question(
                    config=str(self._configuration.file), strategy=name, parameters=parameters
                )
                found = await feature_columns(
                    question, self._configuration.folder, without_secrets(os.environ)
                )
                self._keep(key, found)
        return self._kept[key]

    def _keep(self, key: Key, found: FeatureColumns) -> None:
        """The newest of each strategy, and few."""
        for other in [one for one in self._kept if one[0] == key[0]]:
            del self._kept[other]
        self._kept[key] = found
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def _parameters(self, name: str, state: EngineState | None) -> dict[str, Any]:
        own = dict(self._configuration.settings.strategies[name].parameters)
        by_hand = {} if state is None else state.inforce.by_hand.get(StrategyId(name), {})
        return own | dict(by_hand)

    def _key(
        self, name: str, parameters: dict[str, Any], state: EngineState | None, *, is_live: bool
    ) -> Key:
        path, suffix, _ = strategy_file(self._configuration, name).partition(".py")
        file = Path(path + suffix)
        changed = file.stat().st_mtime if suffix and file.is_file() else 0.0
        frame = str(Timeframe.parse(self._configuration.settings.strategies[name].timeframe))
        closed = None if state is None or not is_live else state.slices.get(frame)
        return name, repr(sorted(parameters.items())), changed, (
            0 if closed is None else closed.decision_ts
        )  # fmt: skip


def drawn(
    columns: FeatureColumns, symbol: str, frame: Timeframe, shown: Shown
) -> list[dict[str, Any]]:
    """Each feature at the bars of a chart: at a bar's close the newest value known by then.

    Features of longer bars than the chart's stand until the next is known; of what was merged the
    last one counts.
    """
    if symbol not in columns.symbols or not len(columns.ts):
        return []
    column = columns.symbols.index(symbol)
    ends = np.append(shown.ts[1:], shown.end)
    rows = np.searchsorted(columns.ts + frame.ms, ends, side="right") - 1
    found = []
    for name, values in columns.values.items():
        held = np.where(rows >= 0, values[np.maximum(rows, 0), column], np.nan)
        found.append({
            "name": name, "on_price": _is_price(held, shown.close),
            "values": [float(one) if np.isfinite(one) else None for one in held],
        })  # fmt: skip
    return found


def _is_price(values: NDArray[np.float64], close: NDArray[np.float64]) -> bool:
    """Whether it moves where the price does, and so belongs on its axis."""
    known = np.isfinite(values) & np.isfinite(close) & (values > 0) & (close > 0)
    if known.sum() < 0.5 * max(1, np.isfinite(values).sum()):
        return False
    return bool(np.median(np.abs(np.log(values[known] / close[known]))) < _NEAR)
