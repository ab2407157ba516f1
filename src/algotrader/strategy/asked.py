"""The context of a bar-by-bar strategy that was asked by the engine (R36).

What it sees comes with the question, its bars and features from who runs it; what it wants is
written down and becomes the answer. So it can be asked in another process, and nothing it does is
done before the engine has heard all of it. Sizes are left as they were asked for: whoever judges
them sizes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from algotrader.core.bars import Bars
from algotrader.core.events import Asked, AskedAmend, AskedCancel, AskedOrder, AskedTarget
from algotrader.core.events.questions import HeardEnd, HeardFill, StrategyQuestion
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.strategy.base import Features
from algotrader.strategy.parameters import ParameterValue
from algotrader.strategy.session import SessionLog, StrategySession

_STATES: Final = {
    "filled": 1,
    "cancelled": 2,
    "expired": 3,
    "rejected": 4,
    "absent": 4,
    "denied": 5,
}
_REASONS: Final = {
    "order": 0, "target": 1, "stop_loss": 2, "take_profit": 3, "trailing": 4, "liquidation": 5,
    "slice": 1, "group": 7, "risk": 1, "operator": 1,
}  # fmt: skip
_ENDS: Final = 5_000  # of orders that are remembered; nobody asks after older ones
_SIZED: Final = ("quantity", "weight", "value")
_PRICED: Final = ("limit", "stop", "trail", "stop_loss", "take_profit", "trailing")


@dataclass(frozen=True, slots=True)
class AskedBar:
    """The bar that has just closed."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class AskedPosition:
    """What is held of the instrument."""

    quantity: float = 0.0
    entry: float = math.nan
    unrealised: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class AskedRef:
    """An order that was asked for."""

    number: int
    ledger: AskedDecision

    @property
    def state(self) -> int:
        """0 while it works, then how it ended."""
        return self.ledger.ended.get(self.number, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AskedRef) and other.number == self.number

    def __hash__(self) -> int:
        return self.number


@dataclass(frozen=True, slots=True)
class AskedFill:
    """One execution, as `on_fill` sees it."""

    row: int
    instrument: int
    order: int
    quantity: float
    price: float
    fee: float
    slippage: float
    maker: bool
    reason: int
    opening: bool


@dataclass(slots=True)
class AskedDecision:
    """One decision being made: the question, and what is asked for so far."""

    session: StrategySession
    features: Features
    question: StrategyQuestion | None = None
    row: int = 0
    number: int = 0  # of the next order
    asked: list[Asked] = field(default_factory=list)
    weights: dict[Symbol, float] = field(default_factory=dict)  # of targets, the last one counts
    working: dict[Symbol, list[int]] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)  # as far as this process heard
    held: dict[Symbol, AskedPosition] = field(default_factory=dict)

    def begin(self, question: StrategyQuestion, row: int) -> None:
        """Take a question on. `row` is that of its slice in the bars and features."""
        self.question, self.row, self.number = question, row, question.next_number
        self.asked, self.weights = [], {}
        self.working = {}
        for order in question.working:
            self.working.setdefault(order.instrument, []).append(order.number)
        self.held = {
            one.instrument: AskedPosition(
                one.quantity, math.nan if one.entry is None else one.entry, one.unrealised
            )
            for one in question.positions
        }
        self.session.state.clear()
        self.session.state.update(question.state)
        for heard in question.heard:
            if isinstance(heard, HeardEnd):
                self.ended[heard.number] = _STATES[heard.status]
        if len(self.ended) > 2 * _ENDS:
            self.ended = dict(list(self.ended.items())[-_ENDS:])

    @property
    def present(self) -> StrategyQuestion:
        if self.question is None:
            raise RuntimeError("nothing was asked yet")
        return self.question


class _FeatureView(Mapping[str, float]):
    """Features of the bar by name."""

    def __init__(self, context: AskedContext) -> None:
        self._context = context

    def __getitem__(self, name: str) -> float:
        return self._context[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._context.features)

    def __len__(self) -> int:
        return len(self._context.features)


class AskedContext:
    """Bound to one instrument."""

    def __init__(self, decision: AskedDecision, column: int) -> None:
        session = decision.session
        self._decision = decision
        self.column = column
        self.params: Mapping[str, ParameterValue] = session.params
        self.instrument: Instrument = session.instruments[column]
        self.symbols: Sequence[str] = tuple(str(symbol) for symbol in session.bars.symbols)
        self.log = SessionLog(session, lambda: decision.present.decision_ts)
        self.feature: Mapping[str, float] = _FeatureView(self)
        self._symbol = session.bars.symbols[column]
        self._siblings: Mapping[str, AskedContext] = {self.symbols[column]: self}

    @property
    def _bars(self) -> Bars:
        return self._decision.session.bars

    @property
    def features(self) -> Features:
        return self._decision.features

    def join(self, siblings: Mapping[str, AskedContext]) -> None:
        """Make the other instruments of the panel reachable by `of`."""
        self._siblings = siblings

    @property
    def now(self) -> datetime:
        return utc_at(self._decision.present.decision_ts)

    @property
    def index(self) -> int:
        return self._decision.row

    @property
    def state(self) -> dict[str, Any]:
        """Filled, never replaced: a mapping put in its place would not be kept (R35)."""
        return self._decision.session.state

    @property
    def bar(self) -> AskedBar:
        row = self._decision.row
        return AskedBar(
            int(self._bars.ts[row]),
            *(self._at(getattr(self._bars, name), row) for name in
              ("open", "high", "low", "close", "volume")),
        )  # fmt: skip

    @property
    def position(self) -> AskedPosition:
        return self._decision.held.get(self._symbol, AskedPosition())

    @property
    def orders(self) -> list[AskedRef]:
        numbers = self._decision.working.get(self._symbol, ())
        return [AskedRef(number, self._decision) for number in numbers]

    @property
    def equity(self) -> float:
        return self._decision.present.equity

    @property
    def cash(self) -> float:
        return self._decision.present.cash

    def __getitem__(self, name: str) -> float:
        return self._at(self._feature(name), self._decision.row)

    def of(self, symbol: str) -> AskedContext:
        try:
            return self._siblings[symbol]
        except KeyError:
            known = ", ".join(self._siblings)
            raise KeyError(f"{symbol} is not traded here; these are: {known}") from None

    def bars(self, timeframe: str | None = None) -> Bars:
        return self._decision.session.history(timeframe, self.column, self._decision.row)

    def crossed_above(self, a: str, b: str) -> bool:
        """R35: a[t-1] <= b[t-1] and a[t] > b[t]; NaN is False."""
        before, now = self._pair(a, b)
        return before is not None and before[0] <= before[1] and now[0] > now[1]

    def crossed_below(self, a: str, b: str) -> bool:
        before, now = self._pair(a, b)
        return before is not None and before[0] >= before[1] and now[0] < now[1]

    def buy(self, **wanted: Any) -> AskedRef:
        return self._order(Side.BUY, **wanted)

    def sell(self, **wanted: Any) -> AskedRef:
        return self._order(Side.SELL, **wanted)

    def target(self, weight: float | None = None, *, quantity: float | None = None) -> None:
        if (weight is None) == (quantity is None):
            raise TypeError("give exactly one of weight and quantity")
        number = float(weight if weight is not None else quantity or 0.0)
        if math.isnan(number):
            return  # R4: no opinion
        decision = self._decision
        decision.asked = [
            one
            for one in decision.asked
            if not (isinstance(one, AskedTarget) and one.instrument == self._symbol)
        ]
        decision.weights.pop(self._symbol, None)
        if weight is not None:
            decision.weights[self._symbol] = number
        else:
            decision.asked.append(AskedTarget(instrument=self._symbol, quantity=number))

    def close(self) -> None:
        self.target(quantity=0.0)

    def cancel(self, order: AskedRef) -> None:
        self._decision.asked.append(AskedCancel(number=order.number))
        for numbers in self._decision.working.values():
            if order.number in numbers:
                numbers.remove(order.number)

    def amend(
        self,
        order: AskedRef,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
    ) -> None:
        self._decision.asked.append(
            AskedAmend(
                number=order.number,
                quantity=_positive("quantity", quantity),
                limit=_positive("limit", limit),
                stop=_positive("stop", stop),
            )
        )

    def _order(
        self,
        side: Side,
        *,
        tif: str = "gtc",
        expires_at: datetime | int | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        group: str | None = None,
        tag: str | None = None,
        **numbers: float | None,
    ) -> AskedRef:
        unknown = numbers.keys() - {*_SIZED, *_PRICED}
        if unknown:
            raise TypeError(f"an order has no {', '.join(sorted(unknown))}")
        if sum(numbers.get(name) is not None for name in _SIZED) != 1:
            raise TypeError("give exactly one of quantity, weight and value")  # R36
        given = {name: _positive(name, value) for name, value in numbers.items()}
        if given.get("trail") is not None and (given.get("limit") or given.get("stop")):
            raise TypeError("trail goes with neither limit nor stop")
        if self._bars.close_only and any(given.get(name) for name in _PRICED):
            raise ValueError("only market orders on a panel of closes")  # R38
        decision = self._decision
        number, decision.number = decision.number, decision.number + 1
        decision.asked.append(
            AskedOrder(
                number=number,
                instrument=self._symbol,
                side=side,
                tif=_tif(tif),
                expires_at=_instant(expires_at),
                post_only=post_only,
                reduce_only=reduce_only,
                group=None if group is None else str(group),
                tag=None if tag is None else str(tag),
                **given,
            )
        )
        decision.working.setdefault(self._symbol, []).append(number)
        return AskedRef(number, decision)

    def _feature(self, name: str) -> Any:
        if not isinstance(name, str):
            raise TypeError("the name of a feature is a str")
        try:
            return self.features[name]
        except KeyError:
            raise KeyError(f"no feature named {name}") from None

    def _pair(self, a: str, b: str) -> tuple[tuple[float, float] | None, tuple[float, float]]:
        row, first, second = self._decision.row, self._feature(a), self._feature(b)
        now = (self._at(first, row), self._at(second, row))
        if row == 0:
            return None, now
        return (self._at(first, row - 1), self._at(second, row - 1)), now

    def _at(self, values: Any, row: int) -> float:
        return float(values[row] if values.ndim == 1 else values[row, self.column])


class AskedPanel:
    """What `on_bars` gets: the slice of a decision; `of(symbol)` binds an instrument."""

    def __init__(self, contexts: Sequence[AskedContext], decision: AskedDecision) -> None:
        self._first = contexts[0]
        self._decision = decision
        by_symbol = {context.symbols[context.column]: context for context in contexts}
        for context in contexts:
            context.join(by_symbol)
        self.params = self._first.params
        self.symbols = self._first.symbols
        self.log = self._first.log

    @property
    def now(self) -> datetime:
        return self._first.now

    @property
    def index(self) -> int:
        return self._first.index

    @property
    def state(self) -> dict[str, Any]:
        return self._first.state

    @property
    def equity(self) -> float:
        return self._first.equity

    @property
    def cash(self) -> float:
        return self._first.cash

    def of(self, symbol: str) -> AskedContext:
        return self._first.of(symbol)

    def bars(self, timeframe: str | None = None) -> Bars:
        return self._decision.session.history(timeframe, None, self._decision.row)


def fill_view(heard: HeardFill, row: int, column: int) -> AskedFill:
    """What `on_fill` is called with. What slipped is not known of a fill that a venue told."""
    return AskedFill(
        row=row,
        instrument=column,
        order=heard.number,
        quantity=heard.quantity,
        price=heard.price,
        fee=heard.fee,
        slippage=math.nan,
        maker=heard.is_maker,
        reason=_REASONS[heard.reason],
        opening=heard.is_opening,
    )


def _positive(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if not hasattr(value, "__float__"):
        raise TypeError(f"{name} is a number")
    number = float(value)
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"{name} must be positive and finite")
    return number


def _tif(value: str) -> TimeInForce:
    try:
        return TimeInForce(value)
    except ValueError:
        raise ValueError("tif must be one of gtc, ioc, fok, day, gtd") from None


def _instant(value: datetime | int | None) -> int | None:
    if value is None or isinstance(value, int):
        return value
    if value.tzinfo is None:
        raise ValueError("expires_at needs a time zone")
    return utc_ms(value)
