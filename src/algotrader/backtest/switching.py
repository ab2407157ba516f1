"""Bar-by-bar strategies that hand one account over from parameter set to parameter set (R30)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from algotrader import _kernel
from algotrader.backtest.contexts import BoundContext, PanelContext, decide_by_bar, hook_of
from algotrader.backtest.market import Market
from algotrader.backtest.run import KernelInput
from algotrader.execution.simulated import CallbackError, simulate_strategy
from algotrader.execution.simulation import Panel, SimulationResult
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, end, prepare_all, raised
from algotrader.strategy.session import LogLine, StrategySession, begin, written_state

_PER_ROW = ("ts", "open", "high", "low", "close", "volume", "session", "schedule",
            "mark_open", "mark_high", "mark_low", "mark_close")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One set's turn: it decides from row `start` on, its state is rebuilt from row `train`."""

    strategy: Strategy
    train: int
    start: int


def simulate_turns(
    market: Market, given: KernelInput, turns: Sequence[Turn]
) -> tuple[SimulationResult, tuple[LogLine, ...]]:
    """One account; each strategy decides in its turn, with its own features and its own state.

    The lines they logged in their turns come along; those of the training windows do not.
    """
    prepared = [prepare_all(turn.strategy, market.bars) for turn in turns]
    states = [
        _rebuilt_state(market, given, turn, ready)
        for turn, ready in zip(turns, prepared, strict=True)
    ]
    features = {
        _named(place, name): values
        for place, ready in enumerate(prepared)
        for name, values in ready.features.items()
    }
    first = turns[0].strategy
    panel_bars = market.bars.as_panel() if first.panel else market.bars
    session = StrategySession(
        bars=panel_bars,
        instruments=market.instruments,
        params=first.values,
        allow_incomplete=first.allow_incomplete,
    )
    order = _Order(turns=turns, states=states)
    whole = first.style is Style.ON_BARS
    try:
        result = simulate_strategy(
            given.panel,
            given.instruments,
            given.settings,
            features=features,
            on_bar=None if whole else order.on_bar,
            on_bars=order.on_bars if whole else None,
            on_order=order.on_order if first.defines("on_order") else None,
            on_fill=order.on_fill if first.defines("on_fill") else None,
            context=lambda simulation, column: _InTurn(simulation, column, session, order),
            panel_context=(lambda _, made: PanelContext(made, session)) if whole else None,
            first=turns[0].start,
        )
    except CallbackError as error:
        cause = error.__cause__ or error
        strategy = turns[order.place_at(error.row)].strategy
        raise raised(strategy, hook_of(cause, strategy.style), error.ts, cause) from cause
    for turn, state in zip(turns, states, strict=True):
        written_state(state, type(turn.strategy).__name__)  # R35
        end(turn.strategy)
    return result, tuple(session.lines)


class _Order:
    """Whose turn it is at a row."""

    def __init__(self, *, turns: Sequence[Turn], states: Sequence[dict[str, Any]]) -> None:
        self._turns = turns
        self._states = states
        self._starts = [turn.start for turn in turns]

    def place_at(self, row: int) -> int:
        return max(bisect_right(self._starts, row) - 1, 0)

    def on_bar(self, ctx: _InTurn) -> None:
        self._hand_over(ctx).on_bar(ctx)  # type: ignore[arg-type]  # the kernel's context is the protocol

    def on_bars(self, ctx: PanelContext) -> None:
        self._hand_over(ctx).on_bars(ctx)  # type: ignore[arg-type]

    def on_order(self, ctx: _InTurn, order: Any) -> None:
        self._hand_over(ctx).on_order(ctx, order)  # type: ignore[attr-defined]  # asked for by `defines`

    def on_fill(self, ctx: _InTurn, fill: Any) -> None:
        self._hand_over(ctx).on_fill(ctx, fill)  # type: ignore[attr-defined]

    def _hand_over(self, ctx: _InTurn | PanelContext) -> Strategy:
        place = self.place_at(ctx.index)
        strategy = self._turns[place].strategy
        ctx.take_over(self._states[place], strategy.values)
        return strategy


class _InTurn(BoundContext):
    """Reads the features of the strategy whose turn it is."""

    def __init__(
        self,
        simulation: _kernel.Simulation,
        column: int,
        session: StrategySession,
        order: _Order,
    ) -> None:
        super().__init__(simulation, column, session)
        self._order = order

    def __getitem__(self, name: str) -> float:
        return super().__getitem__(self._own(name))

    def crossed_above(self, a: str, b: str) -> bool:
        return super().crossed_above(self._own(a), self._own(b))

    def crossed_below(self, a: str, b: str) -> bool:
        return super().crossed_below(self._own(a), self._own(b))

    @property
    def feature(self) -> Mapping[str, float]:  # type: ignore[override]  # the kernel's is an attribute
        return _Features(super().__getitem__, self._order.place_at(self.index), super().feature)

    def _own(self, name: str) -> str:
        return _named(self._order.place_at(self.index), name)


class _Features(Mapping[str, float]):
    """The features of one turn under their own names."""

    def __init__(self, read: Callable[[str], float], place: int, all_names: Any) -> None:
        self._read = read
        self._place = place
        self._names = [n.partition(":")[2] for n in all_names if n.startswith(f"{place}:")]

    def __getitem__(self, name: str) -> float:
        return self._read(_named(self._place, name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _named(place: int, name: str) -> str:
    return f"{place}:{name}"


def _rebuilt_state(
    market: Market, given: KernelInput, turn: Turn, prepared: Prepared
) -> dict[str, Any]:
    """`ctx.state` after the training window, begun empty, with every order suppressed (R30)."""
    stop = turn.start
    first = max(turn.train, prepared.warmup_rows)
    if first >= stop:
        begin(turn.strategy)
        return {}
    ready = replace(
        prepared, features={name: values[:stop] for name, values in prepared.features.items()}
    )
    _, session = decide_by_bar(
        turn.strategy,
        replace(market, bars=market.bars.rows(0, stop)),
        ready,
        _until(given.panel, stop),
        given.instruments,
        given.settings,
        first=first,
        orders_from=stop,
    )
    return session.state


def _until(panel: Panel, stop: int) -> Panel:
    """Rows before `stop`; settlements and finer bars after it are never reached."""
    rows = {name: getattr(panel, name) for name in _PER_ROW}
    return replace(panel, **{name: v[:stop] for name, v in rows.items() if v is not None})
