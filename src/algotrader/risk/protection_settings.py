"""Protections: pauses after bad trades, as configuration. `protections.py` judges them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from algotrader.risk.kinds import Change, Count, Duration, Fraction, Section

Scope = Literal["instrument", "strategy", "account"]
_PAUSE = "how long nothing is increased, counted from the last trade, like 4h"
_WITHIN = "how far back trades count, like 1d"
_PER = "what is counted together and paused: instrument, strategy or account"


class Cooldown(Section):
    """A pause after a trade that ended by a stop (or by a loss, or at all)."""

    kind: Literal["cooldown"]
    after: Literal["stop", "loss", "exit"] = Field("stop", description="which trades bring it")
    pause: Duration = Field(description=_PAUSE)
    per: Scope = Field("instrument", description=_PER)


class StopGuard(Section):
    """A pause after several stops in a short time."""

    kind: Literal["stop_guard"]
    stops: Count = Field(description="trades ended by a stop that bring it")
    within: Duration = Field(description=_WITHIN)
    pause: Duration = Field(description=_PAUSE)
    per: Scope = Field("account", description=_PER)


class LowProfit(Section):
    """A pause of what earned too little lately."""

    kind: Literal["low_profit"]
    trades: Count = Field(description="with fewer nothing is judged")
    within: Duration = Field(description=_WITHIN)
    min_profit: Change = Field(description="sum of the trades' returns that must be reached")
    pause: Duration = Field(description=_PAUSE)
    per: Scope = Field("instrument", description=_PER)


class LosingStreak(Section):
    """A pause after several losses in a row."""

    kind: Literal["losing_streak"]
    losses: Count = Field(description="in a row that bring it")
    pause: Duration = Field(description=_PAUSE)
    per: Scope = Field("account", description=_PER)


class TradeDrawdown(Section):
    """A pause after the profit of recent trades fell too far from its peak."""

    kind: Literal["max_drawdown"]
    trades: Count = Field(description="with fewer nothing is judged")
    within: Duration = Field(description=_WITHIN)
    drawdown: Fraction = Field(description="fall of summed profit from its peak, of equity")
    pause: Duration = Field(description=_PAUSE)
    per: Scope = Field("account", description=_PER)


Protection = Annotated[
    Cooldown | StopGuard | LowProfit | LosingStreak | TradeDrawdown, Field(discriminator="kind")
]
