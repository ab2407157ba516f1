"""The context of a bar-by-bar strategy in a backtest: the kernel's, with what Python adds (R36)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from typing import Any, Protocol, cast

import msgspec
import numpy as np

from algotrader import _kernel
from algotrader.backtest.market import Market
from algotrader.core.bars import Bars
from algotrader.core.calendars import load_calendar
from algotrader.core.errors import StrategyError
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.timeframes import Timeframe
from algotrader.execution.simulated import CallbackError, simulate_strategy
from algotrader.execution.simulation import (
    Panel,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import Prepared, guarded, raised
from algotrader.strategy.parameters import ParameterValue

STATE_BYTES = 64 * 1024  # R35
HOOKS = ("on_bar", "on_bars", "on_order", "on_fill")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line a strategy wrote: when it decided, what, and its fields."""

    at_ms: int
    level: str
    event: str
    fields: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class StrategySession:
    """What the contexts of one run share: history, parameters, state, log."""

    bars: Bars
    instruments: tuple[Instrument, ...]
    params: Mapping[str, ParameterValue]
    allow_incomplete: bool
    state: dict[str, Any] = field(default_factory=dict)
    lines: list[LogLine] = field(default_factory=list)
    higher: dict[tuple[str, int | None], Bars] = field(default_factory=dict)

    def history(self, timeframe: str | None, column: int | None, row: int) -> Bars:
        """Closed bars up to `row`; of a higher time frame those completed by then (R6)."""
        base = self.bars if column is None or not self.bars.panel else self._column(column)
        if timeframe is None or Timeframe.parse(timeframe) == base.timeframe:
            return base.rows(0, row + 1)
        key = (timeframe, column)
        if key not in self.higher:
            from algotrader.data.resample import resample  # polars is slow to import

            calendar = load_calendar(self.instruments[column or 0].calendar)
            frame = Timeframe.parse(timeframe)
            built = resample(base, frame, calendar, incomplete=self.allow_incomplete).bars
            # One that lacks its last part is over when the calendar says so, not when the part
            # before came: nobody knew then that no more would.
            over = np.maximum(built.known_at, calendar.known_at(built.ts, frame))
            self.higher[key] = replace(built, known_at=over)
        known = self.higher[key].known_at
        now = int(base.known_at[row])
        return self.higher[key].rows(0, int(np.searchsorted(known, now, side="right")))

    def _column(self, column: int) -> Bars:
        key = ("", column)
        if key not in self.higher:
            self.higher[key] = self.bars.column(column)
        return self.higher[key]


class SessionLog:
    """`ctx.log`: lines for people, kept with the run."""

    def __init__(self, session: StrategySession, now_ms: Callable[[], int]) -> None:
        self._session = session
        self._now_ms = now_ms

    def info(self, event: str, **fields: Any) -> None:
        self._add("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._add("warning", event, fields)

    def _add(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        line = LogLine(at_ms=self._now_ms(), level=level, event=event, fields=fields)
        self._session.lines.append(line)


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


def begin(strategy: Strategy) -> None:
    """Call `on_start`, where a strategy has it, before its first bar and after a restart."""
    if (on_start := getattr(strategy, "on_start", None)) is not None:
        guarded(strategy, "on_start", None, on_start)


def hook_of(error: BaseException, style: Style) -> str:
    """The hook in which a strategy raised: the outermost one of its calls."""
    names = (frame.name for frame in traceback.extract_tb(error.__traceback__))
    return next((name for name in names if name in HOOKS), style.value)


def written_state(state: Mapping[str, Any], owner: str) -> bytes:
    """`ctx.state` as it is kept with a decision. StrategyError unless it comes back as it was."""
    fault = _json_fault(state, "ctx.state")
    if fault is not None:
        raise StrategyError(
            "strategy.state", f"{owner}: {fault}, which is no JSON value",
            hint="keep finite numbers, texts, booleans, None, lists and mappings by text in ctx.state",
        )  # fmt: skip
    written = msgspec.json.encode(state)
    if len(written) > STATE_BYTES:
        raise StrategyError(
            "strategy.state", f"ctx.state of {owner} takes {len(written):,} bytes, 64 kB are allowed",
            hint="keep less; history is in ctx.bars()",
        )  # fmt: skip
    return written


def _json_fault(value: object, place: str) -> str | None:
    """The first part of a state that JSON would lose or change; `None` if there is none."""
    parts: Iterable[tuple[object, str]]
    if isinstance(value, Mapping):
        if (odd := next((key for key in value if type(key) is not str), None)) is not None:
            return f"{place} has the key {odd!r}"
        parts = ((part, f"{place}[{key!r}]") for key, part in value.items())
    elif isinstance(value, list | tuple):
        parts = ((part, f"{place}[{number}]") for number, part in enumerate(value))
    elif type(value) is float:
        return None if isfinite(value) else f"{place} is {value}"
    elif value is None or type(value) in (bool, int, str):
        return None
    else:
        return f"{place} is a {type(value).__name__}"
    return next(filter(None, (_json_fault(part, where) for part, where in parts)), None)
