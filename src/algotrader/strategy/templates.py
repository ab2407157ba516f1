"""Files that a new strategy begins from: each runs as it is."""

from __future__ import annotations

import re
from pathlib import Path

from algotrader.core.errors import UsageError
from algotrader.data.storage import write_all

_TARGETS = '''"""{name}: say here in one sentence why it should earn money."""

import numpy as np

from algotrader import Bars, Features, Strategy, Targets, param
from algotrader.features import ema


class {name}(Strategy):
    """Long while the fast average is above the slow one."""

    fast: int = param(20, low=5, high=60, step=5)
    slow: int = param(100, low=40, high=240, step=20)

    def features(self, bars: Bars) -> Features:
        return {{"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}}

    def targets(self, bars: Bars, f: Features) -> Targets:
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)
'''

_ON_BAR = '''"""{name}: say here in one sentence why it should earn money."""

from algotrader import Bars, Context, Features, Strategy, param
from algotrader.features import ema


class {name}(Strategy):
    """Buy when the fast average crosses above the slow one, with a stop and a target."""

    fast: int = param(20, low=5, high=60, step=5)
    slow: int = param(100, low=40, high=240, step=20)

    def features(self, bars: Bars) -> Features:
        return {{"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}}

    def on_bar(self, ctx: Context) -> None:
        if ctx.position.quantity == 0 and ctx.crossed_above("fast", "slow"):
            ctx.buy(weight=0.5, stop_loss=0.03, take_profit=0.09)
        elif ctx.crossed_below("fast", "slow"):
            ctx.close()
'''

_PANEL = '''"""{name}: say here in one sentence why it should earn money."""

import numpy as np

from algotrader import Bars, Features, Strategy, Targets, param, schedule
from algotrader.features import cross_rank, roc


class {name}(Strategy):
    """Hold the instruments that rose most, in equal parts, looked at once a month."""

    lookback: int = param(126, low=21, high=252, step=21)
    top: float = param(0.25, low=0.1, high=0.5, step=0.05)

    panel = True
    rebalance = schedule("monthly")

    def features(self, bars: Bars) -> Features:
        return {{"rank": cross_rank(roc(bars.close, self.lookback))}}

    def targets(self, bars: Bars, f: Features) -> Targets:
        chosen = f["rank"] > 1.0 - self.top
        return chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
'''

STYLES = {"targets": _TARGETS, "on_bar": _ON_BAR, "panel": _PANEL}


def write_template(name: str, style: str, folder: Path) -> Path:
    """Write `folder/<name in snake case>.py`. UsageError if it exists or the name is no class's."""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,63}", name):
        raise UsageError(
            "strategy.name",
            f"{name!r} is no name for a strategy",
            hint="use letters and digits and begin with a capital: MyTrend",
        )
    if style not in STYLES:
        raise UsageError(
            "strategy.style", f"style {style!r} does not exist", hint=f"use {', '.join(STYLES)}"
        )
    path = folder / (re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() + ".py")
    if path.exists():
        raise UsageError(
            "strategy.exists",
            f"{path} is there already; nothing was changed",
            hint="choose another name",
        )
    write_all({path: STYLES[style].format(name=name).encode()})
    return path
