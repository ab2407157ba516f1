"""The base class of every strategy, and the few types its methods speak."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyError
from algotrader.strategy.parameters import Parameter, ParameterValue, resolve
from algotrader.strategy.rebalance import Rebalance, on_change

if TYPE_CHECKING:
    from algotrader.strategy.context import Context

Features = Mapping[str, NDArray[np.float64]]
"""Named arrays of shape `(T,)`, or `(T, N)` with `panel = True`; NaN where undefined."""

Targets = NDArray[np.float64]
"""Wanted weights of equity, same shape; NaN means no opinion: keep position and orders (R4)."""


class Style(StrEnum):
    """The way a strategy decides."""

    TARGETS = "targets"  # whole history at once
    ON_BAR = "on_bar"  # bar by bar, one instrument at a time
    ON_BARS = "on_bars"  # bar by bar, the whole panel at once


class Strategy:
    """A pure answer to closed bars. Define `targets`, or `on_bar` (with `panel`: `on_bars`).

    Parameters are declared with `param`, features once in `features`; both ways to decide work
    in sweeps, backtests, paper and live. Keep state of your own in `ctx.state` (R35).
    """

    parameters: ClassVar[Mapping[str, Parameter]] = {}

    panel: ClassVar[bool] = False  # arrays are (T, N) and decisions see the cross-section (R2)
    short: ClassVar[bool] = False  # negative targets are meant (R12)
    warmup_bars: ClassVar[int] = 0  # more than the features need by themselves (R5)
    history_bars: ClassVar[int | None] = None  # re-anchor at month starts to bound the history
    allow_incomplete: ClassVar[bool] = False  # features on incomplete higher bars (R6)
    rebalance: ClassVar[Rebalance] = on_change()  # when a target is looked at (R10)
    stop_loss: float | None = None  # fractions of the average entry (R19)
    take_profit: float | None = None
    trailing: float | None = None
    reenter_after: int | None = None  # bars; None waits for the target to leave its sign

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Parameter)}
        kept = {name: value for name, value in cls.parameters.items() if name not in vars(cls)}
        cls.parameters = {**kept, **own}  # a plain value in a subclass fixes the parameter

    def __init__(self, **parameters: ParameterValue) -> None:
        """Parameters by name. StrategyError if one is unknown or out of its range."""
        for name, value in resolve(type(self).__name__, self.parameters, parameters).items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{type(self).__name__}({given})"

    @property
    def values(self) -> dict[str, ParameterValue]:
        """The value of each declared parameter, in the order of declaration."""
        return {name: getattr(self, name) for name in self.parameters}

    @property
    def style(self) -> Style:
        """Which way of deciding the class defines. StrategyError if none or several."""
        kind = type(self)
        defined = [style for style in Style if getattr(kind, style) is not getattr(Strategy, style)]
        wanted = {Style.TARGETS, Style.ON_BARS if self.panel else Style.ON_BAR}
        if len(defined) != 1 or defined[0] not in wanted:
            choice = "`targets` or `on_bars`" if self.panel else "`targets` or `on_bar`"
            raise StrategyError(
                "strategy.no_decision" if not defined else "strategy.two_decisions",
                f"strategy {kind.__name__} must define exactly one of {choice}",
                hint="see `algotrader strategy new --help` for one to start from",
            )
        return defined[0]

    def features(self, bars: Bars) -> Features:
        """Pure functions of history, by name. Called once over all rows, live on the same rows."""
        return {}

    def targets(self, bars: Bars, f: Features) -> Targets:
        """Wanted weight of equity at the decision of each row."""
        raise NotImplementedError

    def on_bar(self, ctx: Context) -> None:
        """Decide on one closed bar of one instrument (R2)."""
        raise NotImplementedError

    def on_bars(self, ctx: Context) -> None:
        """Decide on one slice of closed bars; for `panel = True`."""
        raise NotImplementedError

    def defines(self, hook: str) -> bool:
        """True if the class itself defines a hook: `on_start, on_order, on_fill, on_stop`."""
        return callable(getattr(type(self), hook, None))


def source_of(kind: type[Strategy]) -> str:
    """The text of a strategy's class and of its strategy ancestors, as its trials are told apart."""
    own = [ancestor for ancestor in kind.__mro__ if issubclass(ancestor, Strategy)]
    return "\n".join(inspect.getsource(ancestor) for ancestor in own if ancestor is not Strategy)
