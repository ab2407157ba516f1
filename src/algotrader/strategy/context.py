"""The context: all that a bar-by-bar strategy sees and may ask for (R36). Frozen.

The same protocol is served by the kernel in backtests and sweeps and by the live engine, so a
strategy cannot tell them apart. Numbers are floats of one bar; `bars(...)` and features are the
only history, and both hold closed bars alone.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from algotrader.core.bars import Bars
from algotrader.core.instruments import Instrument
from algotrader.strategy.parameters import ParameterValue


class BarView(Protocol):
    """The bar that has just closed."""

    @property
    def ts(self) -> int: ...  # its open, UTC ms
    @property
    def open(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def close(self) -> float: ...
    @property
    def volume(self) -> float: ...


class PositionView(Protocol):
    """What is held of the instrument."""

    @property
    def quantity(self) -> float: ...  # signed base units or contracts
    @property
    def entry(self) -> float: ...  # average entry price; NaN when flat
    @property
    def unrealised(self) -> float: ...  # account currency, at the last close


class OrderRef(Protocol):
    """An order the strategy asked for; give it back to `cancel` and `amend`."""

    @property
    def number(self) -> int: ...  # 0 for the first order of the run, then 1, 2, ...


class StrategyLog(Protocol):
    """Lines for people, kept with the run: `ctx.log.info("...", key=value)`."""

    def info(self, event: str, **fields: Any) -> None: ...
    def warning(self, event: str, **fields: Any) -> None: ...


class Context(Protocol):
    """Bound to one instrument in `on_bar`; in `on_bars` use `of(symbol)` to bind it."""

    @property
    def now(self) -> datetime: ...  # the decision time, aware UTC
    @property
    def index(self) -> int: ...  # row of the bar in the run's history
    @property
    def symbols(self) -> Sequence[str]: ...
    @property
    def instrument(self) -> Instrument: ...
    @property
    def bar(self) -> BarView: ...
    @property
    def feature(self) -> Mapping[str, float]: ...
    @property
    def position(self) -> PositionView: ...
    @property
    def orders(self) -> Sequence[OrderRef]: ...  # working orders of the instrument
    @property
    def equity(self) -> float: ...
    @property
    def cash(self) -> float: ...
    @property
    def state(self) -> MutableMapping[str, Any]: ...  # JSON values up to 64 kB (R35)
    @property
    def log(self) -> StrategyLog: ...
    @property
    def params(self) -> Mapping[str, ParameterValue]: ...

    def __getitem__(self, feature: str) -> float: ...

    def of(self, symbol: str) -> Context:
        """The same decision, bound to one instrument of the panel."""
        ...

    def bars(self, timeframe: str | None = None) -> Bars:
        """Closed bars up to now; of a higher time frame, completed ones only (R6)."""
        ...

    def crossed_above(self, a: str, b: str) -> bool:
        """a[t−1] ≤ b[t−1] and a[t] > b[t]; NaN is False (R35)."""
        ...

    def crossed_below(self, a: str, b: str) -> bool: ...

    def buy(
        self,
        *,
        quantity: float | None = None,
        weight: float | None = None,
        value: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trailing: float | None = None,
        tif: str = "gtc",
        expires_at: datetime | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        group: str | None = None,
        tag: str | None = None,
    ) -> OrderRef:
        """Add to the position by one of quantity, weight or value. Two sizes or none: TypeError."""
        ...

    def sell(
        self,
        *,
        quantity: float | None = None,
        weight: float | None = None,
        value: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trailing: float | None = None,
        tif: str = "gtc",
        expires_at: datetime | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        group: str | None = None,
        tag: str | None = None,
    ) -> OrderRef: ...

    def target(self, weight: float | None = None, *, quantity: float | None = None) -> None:
        """Set the position: a weight of equity, or a signed quantity."""
        ...

    def close(self) -> None:
        """Go flat."""
        ...

    def cancel(self, order: OrderRef) -> None: ...

    def amend(
        self,
        order: OrderRef,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
    ) -> None: ...
