"""Runs a bar-by-bar strategy on questions: hooks for what was heard, then its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import Asked, StrategyLine, TargetWanted
from algotrader.core.events.questions import HeardFill, StrategyQuestion
from algotrader.core.instruments import Instrument
from algotrader.strategy.asked import (
    AskedContext,
    AskedDecision,
    AskedPanel,
    AskedRef,
    fill_view,
)
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, raised
from algotrader.strategy.newest import number
from algotrader.strategy.session import StrategySession, begin, written_state


@dataclass(frozen=True, slots=True, kw_only=True)
class BarAnswer:
    """What a strategy asked for at one decision."""

    asked: tuple[Asked, ...]
    wanted: tuple[TargetWanted, ...]  # weights of `ctx.target`, with the row of features
    state: Mapping[str, Any]
    lines: tuple[StrategyLine, ...]


class BarByBar:
    """One strategy with its bars and features. They may grow between questions."""

    def __init__(
        self,
        strategy: Strategy,
        bars: Bars,
        instruments: tuple[Instrument, ...],
        prepared: Prepared,
    ) -> None:
        self._strategy = strategy
        self._session = StrategySession(
            bars=bars.as_panel() if strategy.panel else bars,
            instruments=instruments,
            params=strategy.values,
            allow_incomplete=strategy.allow_incomplete,
        )
        self._decision = AskedDecision(session=self._session, features=prepared.features)
        self._columns = {symbol: column for column, symbol in enumerate(bars.symbols)}
        self._contexts = [AskedContext(self._decision, k) for k in range(len(instruments))]
        self._panel = AskedPanel(self._contexts, self._decision)
        self._whole = strategy.style is Style.ON_BARS
        begin(strategy)

    def grow(self, bars: Bars, prepared: Prepared) -> None:
        """Go on with more rows of the same history, and the features over all of them."""
        self._session.bars = bars.as_panel() if self._strategy.panel else bars
        self._session.higher.clear()
        self._decision.features = prepared.features

    def answer(self, question: StrategyQuestion, row: int, *, decides: bool = True) -> BarAnswer:
        """What the strategy asks for at `row` of its bars. What it raises names file and line.

        `decides`: else it is only told what was heard.
        """
        decision, session = self._decision, self._session
        session.lines.clear()
        decision.begin(question, row)
        self._hooks(question, row)
        if decides:
            self._decide(question, row)
        owner = type(self._strategy).__name__
        # What is kept is what JSON makes of it: later changes of the strategy's do not reach it.
        state = msgspec.json.decode(written_state(session.state, owner)) if session.state else {}
        return BarAnswer(
            asked=tuple(decision.asked),
            wanted=tuple(
                [
                    TargetWanted(
                        instrument=symbol,
                        target=decision.weights.get(symbol),
                        features=self._row(row, column),
                    )
                    for symbol, column in self._columns.items()
                ]
            ),
            state=state,
            lines=tuple(
                [
                    StrategyLine(level=line.level, event=line.event, fields=line.fields)
                    for line in session.lines
                ]
            ),
        )

    def _hooks(self, question: StrategyQuestion, row: int) -> None:
        """R36: fills first, then orders that ended."""
        if not question.heard:
            return
        strategy = cast(Any, self._strategy)
        fills = [one for one in question.heard if isinstance(one, HeardFill)]
        ends = [one for one in question.heard if not isinstance(one, HeardFill)]
        if fills and self._strategy.defines("on_fill"):
            for heard in fills:
                column = self._columns[heard.instrument]
                view = fill_view(heard, row, column)
                self._call("on_fill", row, strategy.on_fill, self._contexts[column], view)
        if ends and self._strategy.defines("on_order"):
            for end in ends:
                ref = AskedRef(end.number, self._decision)
                context = self._contexts[self._columns[end.instrument]]
                self._call("on_order", row, strategy.on_order, context, ref)

    def _decide(self, question: StrategyQuestion, row: int) -> None:
        strategy = cast(Any, self._strategy)
        if self._whole:
            self._call("on_bars", row, strategy.on_bars, self._panel)
            return
        for symbol in question.instruments:  # R2: only those with a bar
            column = self._columns.get(symbol)
            if column is not None:
                self._call("on_bar", row, strategy.on_bar, self._contexts[column])

    def _call(self, method: str, row: int, work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except AlgotraderError:
            raise
        except (Exception, SystemExit) as error:  # a strategy that calls exit() has failed
            at = int(self._session.bars.ts[row])
            raise raised(self._strategy, method, at, error) from error

    def _row(self, row: int, column: int) -> dict[str, float | None]:
        return {
            name: number(_at(values, row, column))
            for name, values in self._decision.features.items()
        }


def _at(values: NDArray[np.float64], row: int, column: int) -> float:
    return float(values[row] if values.ndim == 1 else values[row, column])
