"""The context of a bar-by-bar strategy in a backtest: the kernel's, with what Python adds (R36)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from algotrader import _kernel
from algotrader.backtest.market import Market
from algotrader.core.bars import Bars
from algotrader.core.instants import utc_at
from algotrader.execution.simulated import CallbackError, simulate_strategy
from algotrader.execution.simulation import (
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, raised
from algotrader.strategy.parameters import ParameterValue
from algotrader.strategy.session import (
    SessionLog,
    StrategySession,
    begin,
    written_state,
)

HOOKS = ("on_bar", "on_bars", "on_order", "on_fill")


class BoundContext(_kernel.Context):
    """Bound to one instrument; the hot members are the kernel's own."""

    def __init__(
        self, simulation: _kernel.Simulation, column: int, session: StrategySession
    ) -> None:
        super().__init__(simulation, column)
        self._session = session
        self._state = session.state
        self.params = session.params
        self.instrument = session.instruments[column]
        self.symbols: Sequence[str] = tuple(str(symbol) for symbol in session.bars.symbols)
        self.log = SessionLog(session, lambda: self.decided_at_ms)
        self._siblings: dict[str, BoundContext] = {self.symbols[column]: self}

    @property
    def state(self) -> dict[str, Any]:
        """Filled, never replaced: a mapping put in its place would not be kept (R35)."""
        return self._state

    def take_over(self, state: dict[str, Any], params: Mapping[str, ParameterValue]) -> None:
        """Go on with another parameter set's state."""
        self._state, self.params = state, params

    @property
    def now(self) -> datetime:
        return utc_at(self.decided_at_ms)

    def bars(self, timeframe: str | None = None) -> Bars:
        return self._session.history(timeframe, self.column, self.index)

    def of(self, symbol: str) -> BoundContext:
        try:
            return self._siblings[symbol]
        except KeyError:
            known = ", ".join(self._siblings)
            raise KeyError(f"{symbol} is not traded here; these are: {known}") from None

    def join(self, siblings: Mapping[str, BoundContext]) -> None:
        """Make the other instruments of the panel reachable by `of`."""
        self._siblings = dict(siblings)


class PanelContext:
    """What `on_bars` gets: the slice of a decision; `of(symbol)` binds an instrument."""

    def __init__(self, contexts: Sequence[BoundContext], session: StrategySession) -> None:
        self._first = contexts[0]
        self._session = session
        self._by_symbol = {context.symbols[context.column]: context for context in contexts}
        for context in contexts:
            context.join(self._by_symbol)
        self._state = session.state
        self.params = session.params
        self.symbols: Sequence[str] = self._first.symbols
        self.log = SessionLog(session, lambda: self._first.decided_at_ms)

    @property
    def state(self) -> dict[str, Any]:
        """Filled, never replaced: a mapping put in its place would not be kept (R35)."""
        return self._state

    def take_over(self, state: dict[str, Any], params: Mapping[str, ParameterValue]) -> None:
        """Go on with another parameter set's state."""
        self._state, self.params = state, params

    @property
    def now(self) -> datetime:
        return self._first.now

    @property
    def index(self) -> int:
        return self._first.index

    @property
    def equity(self) -> float:
        return self._first.equity

    @property
    def cash(self) -> float:
        return self._first.cash

    def of(self, symbol: str) -> BoundContext:
        return self._first.of(symbol)

    def bars(self, timeframe: str | None = None) -> Bars:
        return self._session.history(timeframe, None, self.index)


class Hooks(Protocol):
    """What is called: a strategy, or what stands before it."""

    def on_bar(self, ctx: Any) -> object: ...
    def on_bars(self, ctx: Any) -> object: ...


MakeContext = Callable[[_kernel.Simulation, int, StrategySession], BoundContext]


def decide_by_bar(
    strategy: Strategy,
    market: Market,
    prepared: Prepared,
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    *,
    first: int,
    orders_from: int = 0,
    state: Mapping[str, Any] | None = None,
    hooks: Hooks | None = None,
    context: MakeContext = BoundContext,
) -> tuple[SimulationResult, StrategySession]:
    """Call `on_bar` or `on_bars` from row `first` on. What it raises names file, line and bar.

    `hooks` are called in the strategy's place, with contexts that `context` makes.
    """
    bars = market.bars.as_panel() if strategy.panel else market.bars
    session = StrategySession(
        bars=bars,
        instruments=market.instruments,
        params=strategy.values,
        allow_incomplete=strategy.allow_incomplete,
        state=dict(state or {}),
    )
    whole = strategy.style is Style.ON_BARS
    # The kernel's context and ours together are the protocol; typing cannot see it through C++.
    called = cast(Hooks, strategy if hooks is None else hooks)
    begin(strategy)
    try:
        result = simulate_strategy(
            panel,
            instruments,
            settings,
            features=prepared.features,
            on_bar=None if whole else called.on_bar,
            on_bars=called.on_bars if whole else None,
            on_order=getattr(called, "on_order", None),
            on_fill=getattr(called, "on_fill", None),
            context=lambda simulation, column: context(simulation, column, session),
            panel_context=(lambda _, made: PanelContext(made, session)) if whole else None,
            first=first,
            orders_from=orders_from,
        )
    except CallbackError as error:
        cause = error.__cause__ or error
        raise raised(strategy, hook_of(cause, strategy.style), error.ts, cause) from cause
    written_state(session.state, type(strategy).__name__)
    return result, session


def hook_of(error: BaseException, style: Style) -> str:
    """The hook in which a strategy raised: the outermost one of its calls."""
    names = (frame.name for frame in traceback.extract_tb(error.__traceback__))
    return next((name for name in names if name in HOOKS), style.value)
