"""What a bar-by-bar strategy asks for, request by request: `check` compares such records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any

import msgspec

from algotrader import _kernel
from algotrader.backtest.contexts import BoundContext, PanelContext, decide_by_bar
from algotrader.backtest.market import Market
from algotrader.backtest.run import kernel_input
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.errors import StrategyError, StrategyRaisedError
from algotrader.strategy.base import Strategy
from algotrader.strategy.decide import first_decision, prepare_all
from algotrader.strategy.session import StrategySession, begin, written_state

SAME = 1e-9  # numbers of two requests that differ by less than this part are the same
Remake = Callable[[], Strategy]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a verb of the context."""

    row: int
    column: int
    verb: str
    arguments: Mapping[str, Any]

    def same_as(self, other: Request) -> bool:
        return (
            (self.row, self.column, self.verb) == (other.row, other.column, other.verb)
            and self.arguments.keys() == other.arguments.keys()
            and all(_same(value, other.arguments[name]) for name, value in self.arguments.items())
        )


def _same(a: object, b: object) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return a == b or isclose(a, b, rel_tol=SAME) or (a != a and b != b)
    return a == b


@dataclass(slots=True)
class Record:
    """The requests of a run in order, and the strategy that ended it."""

    first: int = 0  # row of the first decision
    requests: list[Request] = field(default_factory=list)
    row: int = 0  # the last one decided on
    strategy: Strategy | None = None
    before: Mapping[str, str] | None = None  # attributes, after `on_start`
    error: StrategyRaisedError | StrategyError | None = None  # what ended it, or its last state


def record_run(
    remake: Remake,
    market: Market,
    settings: BacktestSettings,
    start: int | None,
    *,
    restarts: Sequence[int] = (),
) -> Record:
    """Run what `remake` makes and note its requests.

    At each row of `restarts` it is made anew, given its `ctx.state` as JSON brings it back, and
    nothing else (R35). What the strategy raises is kept in the record.
    """
    strategy = remake()
    record = Record(strategy=strategy)
    prepared = prepare_all(strategy, market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    given = kernel_input(strategy, market, settings, first)
    record.first = first
    hooks = _Hooks(strategy, record, remake, market, sorted(restarts))

    def context(
        simulation: _kernel.Simulation, column: int, session: StrategySession
    ) -> BoundContext:
        return _RecordingContext(simulation, column, session, record)

    try:
        decide_by_bar(
            strategy, market, prepared, given.panel, given.instruments, given.settings,
            first=first, hooks=hooks, context=context,
        )  # fmt: skip
    except (StrategyRaisedError, StrategyError) as error:
        record.error = error
    return record


def seen_attributes(strategy: Strategy) -> dict[str, str]:
    """What the attributes of a strategy look like, to see which of them a run changes."""
    return {name: repr(value) for name, value in vars(strategy).items()}


def changed_attributes(record: Record) -> list[str]:
    """Attributes that the run of one instance changed."""
    if record.strategy is None or record.before is None:
        return []
    after = seen_attributes(record.strategy)
    return [name for name, look in after.items() if record.before.get(name) != look]


def first_difference(whole: Record, other: Record, rows: int) -> int | None:
    """First row before `rows` at which the two ask for different things."""
    ours = [request for request in whole.requests if request.row < rows]
    theirs = [request for request in other.requests if request.row < rows]
    for a, b in zip(ours, theirs, strict=False):
        if not a.same_as(b):
            return min(a.row, b.row)
    if len(ours) != len(theirs):
        longer = ours if len(ours) > len(theirs) else theirs
        return longer[min(len(ours), len(theirs))].row
    return None


class _Hooks:
    """Stands before the strategy, so that another instance can take over in the middle."""

    def __init__(
        self,
        strategy: Strategy,
        record: Record,
        remake: Remake,
        market: Market,
        restarts: Sequence[int],
    ) -> None:
        self._strategy: Any = strategy
        self._record = record
        self._remake = remake
        self._market = market
        self._restarts = list(restarts)
        for name in ("on_order", "on_fill"):
            if not strategy.defines(name):
                setattr(self, name, None)

    def on_bar(self, ctx: BoundContext) -> None:
        self._at(ctx).on_bar(ctx)

    def on_bars(self, ctx: PanelContext) -> None:
        self._at(ctx).on_bars(ctx)

    def on_order(self, ctx: BoundContext, order: Any) -> None:
        self._at(ctx).on_order(ctx, order)

    def on_fill(self, ctx: BoundContext, fill: Any) -> None:
        self._at(ctx).on_fill(ctx, fill)

    def _at(self, ctx: BoundContext | PanelContext) -> Any:
        self._record.row = ctx.index
        if self._record.before is None:
            self._record.before = seen_attributes(self._strategy)
        if self._restarts and ctx.index >= self._restarts[0]:
            self._restarts.pop(0)
            kept = msgspec.json.decode(written_state(ctx.state, type(self._strategy).__name__))
            ctx.state.clear()
            ctx.state.update(kept)
            self._strategy = self._remake()
            prepare_all(self._strategy, self._market.bars)  # `features` may set attributes
            begin(self._strategy)
            self._record.strategy = self._strategy
        return self._strategy


class _RecordingContext(BoundContext):
    """Notes each request, then makes it."""

    def __init__(
        self,
        simulation: _kernel.Simulation,
        column: int,
        session: StrategySession,
        record: Record,
    ) -> None:
        super().__init__(simulation, column, session)
        self._record = record

    def buy(self, **arguments: Any) -> _kernel.OrderRef:
        self._note("buy", arguments)
        return super().buy(**arguments)

    def sell(self, **arguments: Any) -> _kernel.OrderRef:
        self._note("sell", arguments)
        return super().sell(**arguments)

    def target(self, weight: float | None = None, *, quantity: float | None = None) -> None:
        self._note("target", {"weight": weight, "quantity": quantity})
        super().target(weight, quantity=quantity)

    def close(self) -> None:
        self._note("close", {})
        super().close()

    def cancel(self, order: _kernel.OrderRef) -> None:
        self._note("cancel", {"order": order.number})
        super().cancel(order)

    def amend(self, order: _kernel.OrderRef, **changes: Any) -> None:
        self._note("amend", {"order": order.number, **changes})
        super().amend(order, **changes)

    def _note(self, verb: str, arguments: Mapping[str, Any]) -> None:
        given = {name: value for name, value in arguments.items() if value is not None}
        self._record.requests.append(Request(self.index, self.column, verb, given))
