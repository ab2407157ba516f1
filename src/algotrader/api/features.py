"""Features of running strategies for charts: computed once for each closed bar, then kept."""

from __future__ import annotations

import asyncio
import os
import time
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

_RESTS: Final = 4.0  # so many times as long as it took, before it is done again for newer bars


@dataclass(frozen=True, slots=True)
class Shown:
    """Bars of a chart: their opens, ascending, when the last one ends, and their closes."""

    ts: NDArray[np.int64]
    end: int
    close: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was computed: of which code and parameters, up to which slice (UTC ms), when."""

    columns: FeatureColumns
    code: tuple[str, float]
    closed_ms: int
    made_s: float  # of the monotonic clock
    took_s: float


class StrategyFeatures:
    """One process at a time computes; who asks for the same waits for it.

    Where bars close faster than it computes, the newest ones wait: it takes a fifth of a core.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._kept: dict[str, _Kept] = {}
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
        code = self._code(name, parameters)
        closed_ms = self._closed_ms(name, state) if is_live else 0
        async with self._turn:
            kept = self._kept.get(name)
            if kept is None or kept.code != code or _is_due(kept, closed_ms):
                kept = await self._made(name, parameters, code, closed_ms)
        return kept.columns

    async def _made(
        self, name: str, parameters: dict[str, Any], code: tuple[str, float], closed_ms: int
    ) -> _Kept:
        begun_s = time.monotonic()
        question = Question(
            config=str(self._configuration.file), strategy=name, parameters=parameters
        )
        columns = await feature_columns(
            question, self._configuration.folder, without_secrets(os.environ)
        )
        now_s = time.monotonic()
        self._kept.pop(name, None)
        self._kept[name] = _Kept(columns, code, closed_ms, now_s, now_s - begun_s)
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return self._kept[name]

    def _parameters(self, name: str, state: EngineState | None) -> dict[str, Any]:
        own = dict(self._configuration.settings.strategies[name].parameters)
        by_hand = {} if state is None else state.inforce.by_hand.get(StrategyId(name), {})
        return own | dict(by_hand)

    def _code(self, name: str, parameters: dict[str, Any]) -> tuple[str, float]:
        """The parameters, and when the file was changed last."""
        path, suffix, _ = strategy_file(self._configuration, name).partition(".py")
        file = Path(path + suffix)
        changed = file.stat().st_mtime if suffix and file.is_file() else 0.0
        return repr(sorted(parameters.items())), changed

    def _closed_ms(self, name: str, state: EngineState | None) -> int:
        frame = str(Timeframe.parse(self._configuration.settings.strategies[name].timeframe))
        closed = None if state is None else state.slices.get(frame)
        return 0 if closed is None else closed.decision_ts


def _is_due(kept: _Kept, closed_ms: int) -> bool:
    rested = time.monotonic() - kept.made_s >= _RESTS * kept.took_s
    return kept.closed_ms != closed_ms and rested


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
