"""A desk: accounts, positions, orders, fills, strategies, risk."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from algotrader.api.models.common import (
    AccountName,
    Amount,
    Ms,
    Reason,
    Shape,
    StrategyName,
    SymbolText,
    Wish,
)


class Queue(Shape):
    depth: int
    dropped: int
    lag_ms: float


class Latency(Shape):
    p50_ms: float | None
    p99_ms: float | None
    count: int


class Trader(Shape):
    """One look at the trader's process, which writes it every few seconds."""

    state: str = Field(description="`running`, `silent`, `not running`", examples=["running"])
    pid: int
    mode: str
    run: str
    started_ms: int
    written_ms: int
    every_s: float
    ended: bool
    reasons: list[str] = Field(description="why it would not trade; empty if it would")
    events: int
    events_per_s: float
    decide: Latency = Field(description="bars complete to order durable")
    accept: Latency = Field(description="sent to accepted by the venue")
    memory_mb: float
    worker_memory_mb: float | None
    cpu: float
    loop_lag_ms: float
    queues: dict[str, Queue]
    last_decision_ms: int | None
    log_lines_lost: int
    offsets_ms: dict[str, float] = Field(description="clocks of venues less ours, by venue")


class JournalPlace(Shape):
    seq: int = Field(description="the last row that is shown")
    rows: int


class NextBar(Shape):
    timeframe: str = Field(examples=["4h"])
    at: Ms


class System(Shape):
    """The machine and the mode: what the frame of every page shows."""

    mode: str = Field(description="`paper`, `sandbox` or `live`, as configured", examples=["paper"])
    execution: str | None = Field(
        description="as the trader that wrote the journal runs; null before its first start"
    )
    data: str = Field(description="`replay` or `live`")
    machine: str
    version: str
    versions: dict[str, str]
    workspace: str = Field(description="its folder's name")
    now: Ms
    halted: bool = Field(description="whether any account is halted")
    trader: Trader | None = Field(description="null where none ever ran here")
    journal: JournalPlace | None = Field(description="null where there is none")
    next_bar: NextBar | None = Field(
        description="when the next bar closes that a strategy decides on; null of a replay, and "
        "while no trader runs"
    )
    api: dict[str, Any] = Field(description="of this process: memory, listeners, uptime")


class Lamp(Shape):
    """One thing that must be well. `reason` is a stable word; what it means stands in the console."""

    lamp: str = Field(
        description="`trader`, `feed`, `clock`, `journal`, `reconciled`, `stops`, `disk`, "
        "`notifier`, `venue`", examples=["feed"],
    )  # fmt: skip
    subject: str | None = Field(None, description="which of them", examples=["OKX"])
    state: Literal["well", "wrong", "unknown"]
    reason: str = Field(description="why it is so", examples=["stale"])
    value: float | None = Field(None, description="ms, bytes or a count, by lamp")
    of: float | None = Field(None, description="what `value`, or the age of `at`, is held against")
    at: Ms | None = Field(None, description="since when, or when last")
    says: str | None = Field(None, description="the words of what found it")


class Limit(Shape):
    """How much of a limit is used. Numbers as text in `unit`."""

    rule: str = Field(examples=["max_drawdown"])
    subject: str = Field(examples=["main"])
    used: Amount
    limit: Amount
    left: Amount
    unit: str = Field(examples=["fraction"])
    action: str | None = Field(
        description="what happens then; null where an order is denied or cut", examples=["halt"]
    )


class Hold(Shape):
    """What a rule or a person has stopped."""

    rule: str
    action: str
    strategy: str | None
    instrument: str | None
    by: str
    why: str
    since: Ms
    until: Ms | None


class Account(Shape):
    account: AccountName
    mode: str = Field(description="`starting`, `trading`, `reduce_only`, `halted`")
    currency: str
    equity: Amount | None = Field(description="null while something is held without a price")
    no_equity: str | None = Field(
        description="why `equity` is null, the instrument named; null where it is known",
        examples=["OKX:BTC/USDT is held and has no price to mark it at"],
    )
    cash: Amount
    deposits: Amount
    day_profit: Amount | None = Field(
        description="since 00:00 UTC, or since it began that day; null without equity, and before "
        "the first decision"
    )
    positions: int
    open_orders: int
    to_cancel: int | None = Field(
        description="open orders that a halt or a rule has still to end, those on their way to it "
        "included: 0 once that is done; null while a price is missing or the books are compared"
    )
    to_close: int | None = Field(
        description="positions that a flatten or a rule has still to close or to make smaller; as "
        "`to_cancel`"
    )
    last_decision: Ms | None
    limits: list[Limit] = Field(description="the fullest first")
    holds: list[Hold]
    left_alone: dict[str, str] = Field(description="what the venue holds that is not ours")


class EquitySeries(Shape):
    """Columns of equal length."""

    account: AccountName
    strategy: str | None = Field(description="null: the whole account")
    currency: str
    ts: list[int]
    equity: list[float]
    deposits: list[float]
    drawdown: list[float] = Field(description="fraction below the highest profit so far")
    hold: list[float] = Field(
        description="its instruments bought in equal parts at the first of these instants and held, "
        "before costs; empty where that is not known"
    )
    total: int = Field(description="points there are; fewer are sent, every extreme among them")


class Position(Shape):
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    quantity: Amount = Field(description="signed")
    entry: Amount | None
    mark: Amount | None = Field(description="last close")
    unrealised: Amount | None
    notional: Amount | None = Field(description="what it stands for at the mark, signed")
    currency: str = Field(description="of `unrealised` and `notional`", examples=["USDT"])
    stop: Amount | None = Field(
        description="trigger of its nearest stop that rests; null without one, and of a trail"
    )
    stop_distance: float | None = Field(
        description="how far the last price has to go against it to that stop, a fraction of the "
        "last price; negative once past it", examples=[0.031],
    )  # fmt: skip
    trail: float | None = Field(
        description="of a trailing stop that rests: fraction of the best price; the level itself "
        "is the venue's"
    )
    take_profit: Amount | None = Field(description="price of its nearest target that rests")
    liquidation: Amount | None = Field(
        description="the mark at which its margin is used up while all other prices stand; null of "
        "spot, of isolated margin, where no price does it, and where another price is missing"
    )
    liquidation_distance: float | None = Field(
        description="to that, as `stop_distance`", examples=[0.42]
    )
    since: Ms | None = Field(
        description="the first fill after it was flat, or on the other side; null where the fills "
        "do not come to it"
    )


class Order(Shape):
    order: str = Field(description="our id", examples=["at3kq7mcb2n5x4"])
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    side: str = Field(examples=["buy"])
    kind: str = Field(examples=["limit"])
    quantity: Amount
    filled: Amount
    average: Amount | None = Field(description="what it was filled at")
    limit: Amount | None
    stop: Amount | None
    status: str = Field(examples=["accepted"])
    purpose: str = Field(examples=["target"])
    decided: Ms
    submitted: Ms
    ended: Ms | None
    venue_order: str | None


class Denial(Shape):
    """An order that our own rules refused."""

    seq: int
    at: Ms
    account: AccountName
    strategy: StrategyName
    instrument: SymbolText
    side: str
    quantity: Amount
    reasons: list[dict[str, str]] = Field(description="every rule that refused, with its sentence")


class OrderEvent(Shape):
    """One step of an order's life."""

    seq: int
    at: Ms
    since_first_ms: int
    kind: str
    data: Any


class OrderLife(Shape):
    order: Order
    events: list[OrderEvent]


class Fill(Shape):
    seq: int
    time: Ms
    account: AccountName
    strategy: StrategyName | None
    instrument: SymbolText
    side: str
    quantity: Amount
    price: Amount
    fee: Amount
    fee_currency: str
    liquidity: str | None
    order: str | None
    trade: str


class Strategy(Shape):
    """A configured strategy, and how it stands."""

    strategy: StrategyName
    account: AccountName
    use: str = Field(description="a file, FILE:Class, or a registered name")
    symbols: list[str]
    timeframe: str
    share: float
    parameters: dict[str, Any] = Field(description="those in force")
    status: str = Field(
        description="`trading`, `reduce_only`, `halted`, `stopped`, `unloaded`, `starting`, `not running`"
    )
    holds: list[Hold]
    equity: Amount | None
    profit: Amount | None = Field(description="equity less its share of the deposits")
    realised: Amount | None
    unrealised: Amount | None
    fees: Amount | None
    day_profit: Amount | None
    month_profit: Amount | None = Field(description="of 30 days, or since its start if shorter")
    exposure: float | None = Field(description="signed, fraction of the account's equity")
    spark: list[float] = Field(description="profit of the same 30 days, down-sampled")
    last_decision: Ms | None
    positions: int
    open_orders: int


class Trip(Shape):
    """A rule that tripped, or ended."""

    seq: int
    at: Ms
    kind: str = Field(description="RiskTripped, RiskCleared, HaltRequested, Rearmed, …")
    account: str | None
    strategy: str | None
    instrument: str | None
    rule: str | None
    value: str | None
    limit: str | None
    action: str | None
    by: str | None
    text: str | None
    ended: Ms | None = Field(
        description="of a trip or a halt: when it was over; null while it lasts"
    )
    ended_by: str | None = Field(description="`risk`, or who re-armed")


class LimitInForce(Shape):
    key: str = Field(examples=["account.max_daily_loss"])
    value: str = Field(examples=["0.03"])
    origin: str = Field(description="`the settings` or `changed by hand`")


class VenueExposure(Shape):
    """What is held on a venue at last prices, in the account's currency."""

    account: AccountName
    venue: str = Field(examples=["OKX"])
    currency: str
    long: Amount
    short: Amount = Field(description="positive")
    open_orders: int


class Risk(Shape):
    modes: dict[str, str] = Field(description="by account")
    halted: bool
    limits: list[LimitInForce]
    used: dict[str, list[Limit]] = Field(description="by account, the fullest first")
    holds: dict[str, list[Hold]]
    exposure: list[VenueExposure] = Field(description="none of an account that lacks a price")


class ModeWish(Wish):
    """Accounts to halt, flatten or let go on; absent: every one."""

    accounts: list[str] | None = Field(None, max_length=100, examples=[["main"]])
    reason: Reason


class Asked(Shape):
    """What was left for the trader."""

    asked: str = Field(examples=["halt"])
    accounts: list[str]
    running: bool = Field(description="false: the next start of the trader does it first")
