"""AlgorithmTrader: from raw market data to live orders in one code base.

Start reading at `algotrader.strategy.base` (what a strategy is) and `algotrader.backtest.run`
(what happens to it). The names below are loaded on first use, so `import algotrader` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algotrader.backtest.api import backtest as backtest
    from algotrader.core.bars import Bars as Bars
    from algotrader.strategy.base import Features as Features
    from algotrader.strategy.base import Strategy as Strategy
    from algotrader.strategy.base import Targets as Targets
    from algotrader.strategy.context import Context as Context
    from algotrader.strategy.parameters import param as param
    from algotrader.strategy.rebalance import band as band
    from algotrader.strategy.rebalance import every_bar as every_bar
    from algotrader.strategy.rebalance import on_change as on_change
    from algotrader.strategy.rebalance import schedule as schedule

__version__ = "0.1.0"

_HOMES = {
    "Bars": "core.bars",
    "Context": "strategy.context",
    "Features": "strategy.base",
    "Strategy": "strategy.base",
    "Targets": "strategy.base",
    "band": "strategy.rebalance",
    "every_bar": "strategy.rebalance",
    "on_change": "strategy.rebalance",
    "param": "strategy.parameters",
    "schedule": "strategy.rebalance",
}

__all__ = ["__version__", "backtest", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name == "backtest":  # a package that can be called, see its end
        return import_module("algotrader.backtest")
    if name not in _HOMES:
        raise AttributeError(f"module 'algotrader' has no attribute {name!r}")
    value = getattr(import_module(f"algotrader.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
