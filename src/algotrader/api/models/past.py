"""The desk as it was, and conditions tried on it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from algotrader.api.models.common import AccountName, Amount, Ms, Shape, StrategyName, SymbolText
from algotrader.api.models.desk import Hold, Limit


class AccountThen(Shape):
    account: AccountName
    mode: str = Field(description="`starting`, `trading`, `reduce_only`, `halted`")
    currency: str
    equity: Amount | None = Field(description="null while something was held without a price")
    no_equity: str | None = Field(description="why `equity` is null, the instrument named")
    cash: Amount
    positions: int
    open_orders: int
    last_decision: Ms | None
    limits: list[Limit]
    holds: list[Hold]


class PositionThen(Shape):
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    quantity: Amount = Field(description="signed")
    entry: Amount | None
    mark: Amount | None
    unrealised: Amount | None


class OrderThen(Shape):
    order: str = Field(examples=["at3kq7mcb2n5x4"])
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    side: str = Field(examples=["buy"])
    kind: str = Field(examples=["limit"])
    quantity: Amount
    filled: Amount
    limit: Amount | None
    status: str
    decided: Ms


class StateThen(Shape):
    """What the desk knew after a row of its journal."""

    seq: int
    at: Ms
    kind: str = Field(description="of that row", examples=["OrderFilled"])
    accounts: list[AccountThen]
    positions: list[PositionThen]
    orders: list[OrderThen] = Field(description="that were open")


class LimitCourse(Shape):
    """How much of a limit was used. Columns of equal length, every extreme among them."""

    account: AccountName
    rule: str = Field(examples=["account.max_drawdown"])
    subject: str = Field(examples=["account main"])
    unit: str
    action: str | None
    ts: list[int]
    used: list[float]
    limit: list[float]
    peak: float = Field(description="the largest share of the limit that was used, 1 is all")
    peak_used: float
    peak_at: Ms


class Problem(Shape):
    """Why a condition cannot be read."""

    column: int = Field(description="from 1", examples=[12])
    message: str
    hint: str


class TripThen(Shape):
    account: AccountName
    instrument: SymbolText | None
    begin: Ms
    end: Ms | None = Field(description="null: it lasted to the end")


class FiguresNow(Shape):
    """A condition now: true, false, or null where a figure is not known."""

    account: AccountName
    instrument: SymbolText | None
    truth: bool | None
    figures: dict[str, float | None] = Field(examples=[{"drawdown": 0.031}])


class DryRun(Shape):
    """A condition judged at every decision of some days: as the account went, without the rule."""

    of: str = Field(description="`account` or `instrument`: for each")
    live_only: list[str] = Field(description="names that need prices between bars: not judged here")
    begin: Ms
    until: Ms
    whole: bool = Field(description="false: the days are too many to be judged in one answer")
    judged: int
    unknown: int = Field(description="judged with a figure missing: nothing may be increased then")
    count: int = Field(description="how often it would have tripped")
    trips: list[TripThen] = Field(description="the newest first, a hundred at most")
    now: list[FiguresNow]


class ConditionTried(Shape):
    """Either what is wrong with a condition, or what it would have done."""

    when: str = Field(examples=["drawdown > 10%"])
    problem: Problem | None
    run: DryRun | None = Field(description="null with a problem, and before the first decision")


class RuleInForce(Shape):
    """A rule of one's own."""

    name: str
    when: str
    then: Any = Field(description="an action, or `{scale: 0.5}`", examples=["reduce_only"])
    now: list[FiguresNow]


class Word(Shape):
    """What a condition may name."""

    name: str = Field(examples=["volatility(bars)"])
    of: str
    kind: str
    meaning: str
    live_only: bool
