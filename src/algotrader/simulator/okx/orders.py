"""Orders, fills and algo orders as the venue keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from algotrader.core.orders import Side
from algotrader.simulator.okx.numerals import ZERO


class State(StrEnum):
    """Of an order, as the venue writes it."""

    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"


class AlgoState(StrEnum):
    LIVE = "live"
    EFFECTIVE = "effective"
    CANCELED = "canceled"
    FAILED = "order_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A trigger and the order it sends: `price` None is a market order."""

    trigger: Decimal
    by: str = "last"  # last, mark or index
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Take-profit and stop-loss that come to life when their order is done."""

    attach_id: str
    client_id: str = ""
    stop: Exit | None = None
    target: Exit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order asked for, checked for form alone. Sizes are base units or contracts."""

    inst_id: str
    side: Side
    kind: str  # market, limit, post_only, fok, ioc, optimal_limit_ioc
    size: Decimal
    mode: str  # cash, cross, isolated
    price: Decimal | None = None
    client_id: str = ""
    tag: str = ""
    pos_side: str = "net"
    reduce_only: bool = False
    in_quote: bool = False  # a market buy whose size is money
    attached: tuple[Attached, ...] = ()
    stp_mode: str = "cancel_maker"

    @property
    def is_market(self) -> bool:
        return self.kind in ("market", "optimal_limit_ioc")


@dataclass(slots=True, kw_only=True)
class Order:
    """An order the venue took."""

    asked: NewOrder
    order_id: str
    created_ms: int
    updated_ms: int
    size: Decimal
    price: Decimal | None
    lever: Decimal | None
    state: State = State.LIVE
    filled: Decimal = ZERO
    value: Decimal = ZERO  # sum of fill price x quantity
    fee: Decimal = ZERO  # negative is paid
    fee_currency: str = ""
    pnl: Decimal = ZERO
    category: str = "normal"
    cancel_source: str = ""
    source: str = ""
    algo_id: str = ""
    algo_client_id: str = ""
    last: Fill | None = None
    amend_result: str = ""  # "0" in the push that tells of a change
    request_id: str = ""  # the client's, of that change
    is_stuck: bool = False  # a fault: nothing fills it any more

    @property
    def is_open(self) -> bool:
        return self.state in (State.LIVE, State.PARTIALLY_FILLED)

    @property
    def rest(self) -> Decimal:
        return self.size - self.filled

    @property
    def average(self) -> Decimal | None:
        return self.value / self.filled if self.filled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. `fee` is negative when it was paid."""

    trade_id: str
    bill_id: str
    order: Order
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    pnl: Decimal
    maker: bool
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlgo:
    """An algo order asked for, checked for form alone."""

    inst_id: str
    side: Side
    kind: str  # conditional, oco, trigger, move_order_stop
    mode: str
    size: Decimal | None  # None with a close fraction
    client_id: str = ""
    tag: str = ""
    pos_side: str = "net"
    reduce_only: bool = False
    close_fraction: bool = False
    stop: Exit | None = None
    target: Exit | None = None
    entry: Exit | None = None  # of a trigger order
    callback_ratio: Decimal | None = None  # fraction
    callback_spread: Decimal | None = None  # quote currency
    active_price: Decimal | None = None


@dataclass(slots=True, kw_only=True)
class Algo:
    """An algo order the venue took."""

    asked: NewAlgo
    algo_id: str
    created_ms: int
    updated_ms: int
    lever: Decimal | None
    state: AlgoState = AlgoState.LIVE
    size: Decimal | None = None
    stop: Exit | None = None
    target: Exit | None = None
    entry: Exit | None = None
    rises: bool = False  # a trigger order that waits for a higher price
    best: float | None = None  # of a trailing order, once it is active
    order_ids: list[str] = field(default_factory=list)
    actual_side: str = ""
    triggered_ms: int | None = None
    fail_code: str = ""
