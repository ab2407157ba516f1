"""Markets and strategies for tests of sweeps, walk-forwards and checks."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from algotrader.backtest.loading import DataRequest
from algotrader.backtest.market import Coverage, Market, Provenance
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.space import space_of
from algotrader.backtest.sweep import SweepPlan, plan_sweep
from algotrader.core.bars import Bars
from algotrader.core.hashing import array_hash
from algotrader.core.instruments import FeeSchedule, Instrument
from algotrader.core.symbols import Symbol
from algotrader.strategy.base import Features, Strategy, Targets
from algotrader.strategy.loader import LoadedStrategy, load
from algotrader.strategy.parameters import param

TREND_SOURCE = '''
import numpy as np

from algotrader import Strategy, param
from algotrader.features import ema


class Cross(Strategy):
    """Long while the fast average is above the slow one."""

    fast: int = param(4, low=2, high=12, step=2)
    slow: int = param(20, low=15, high=40, step=5)

    def features(self, bars):
        return {"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}

    def targets(self, bars, f):
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)


class CrossByBar(Cross):
    """The same, decided bar by bar."""

    targets = Strategy.targets

    def on_bar(self, ctx):
        wanted = 1.0 if ctx["fast"] > ctx["slow"] else 0.0
        if ctx.state.get("wanted") != wanted:
            ctx.state["wanted"] = wanted
            ctx.target(wanted)
'''


class Hold(Strategy):
    """Always at one weight."""

    weight: float = param(1.0, low=0.0, high=1.0, step=0.5)

    def features(self, bars: Bars) -> Features:
        return {}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.full(bars.close.shape, self.weight)


def an_instrument(symbol: Symbol, *, fee: str = "0.001") -> Instrument:
    quote = symbol.quote or "USD"
    return Instrument(
        symbol=symbol,
        kind=symbol.kind,
        base=symbol.base or symbol.code,
        quote=quote,
        settle=symbol.settle or quote,
        lot=Decimal("1e-8"),
        fees=FeeSchedule(maker=Decimal(fee), taker=Decimal(fee)),
        calendar="24/7",
    )


def a_market(bars: Bars, *, fee: str = "0.001") -> Market:
    """A complete market that never closes; the bars' own numbers are its identity."""
    return Market(
        bars=bars,
        instruments=tuple(an_instrument(symbol, fee=fee) for symbol in bars.symbols),
        currency="USDT",
        periods_per_year=365.0,
        never_closes=True,
        provenance=Provenance(source="a test", data_hash=array_hash(bars.ts, bars.close)),
        coverage=Coverage(expected=len(bars), present=len(bars)),
    )


def from_file(folder: Path, name: str = "Cross", source: str = TREND_SOURCE) -> LoadedStrategy:
    path = folder / "strategies.py"
    path.write_text(source)
    return load(f"{path}:{name}")


def from_class(kind: type[Strategy]) -> LoadedStrategy:
    """A class of a test, as the loader would give it."""
    return LoadedStrategy(
        kind=kind, origin=f"{kind.__module__}:{kind.__name__}", source="", source_hash=kind.__name__
    )


FREE = BacktestSettings(fees="0", slippage_bps=0.0, participation=0.0, execution="market")


def a_plan(
    loaded: LoadedStrategy,
    market: Market,
    *,
    start: int | None = None,
    settings: BacktestSettings | None = None,
    **ranges: str,
) -> SweepPlan:
    return plan_sweep(
        loaded,
        space_of(loaded.kind, {}, ranges),
        market,
        settings or BacktestSettings(),
        request=DataRequest(),
        start=start,
    )
