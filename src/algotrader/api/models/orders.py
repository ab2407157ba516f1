"""Orders by hand: what a client asks for, what would come of it, what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

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

Number = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$",
        description="decimal text above 0",
        examples=["0.25"],
    ),
]
RequestName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="the client's own name of it: asked again by one name, it is done once",
        examples=["3f0c5a9e"],
    ),
]
Confirm = Annotated[
    str | None,
    Field(
        None,
        max_length=100,
        description="where orders are real: the account, typed again",
        examples=["main"],
    ),
]


class OrderTermsWish(Wish):
    """An order. Its kind follows from its prices: none is a market order."""

    instrument: SymbolText
    side: Literal["buy", "sell"] = Field(examples=["buy"])
    account: AccountName | None = Field(
        None, description="where strategies of several accounts trade it"
    )
    quantity: Number | None = Field(None, description="base units; contracts for derivatives")
    value: Number | None = Field(None, description="in place of it: quote currency")
    limit: Number | None = Field(None, description="quote currency per unit")
    stop: Number | None = Field(None, description="quote currency per unit")
    trail: Number | None = Field(None, description="fraction of the best price, below 1")
    tif: Literal["gtc", "ioc", "fok", "day", "gtd"] = "gtc"
    expires: Ms | None = Field(None, ge=0, le=4_102_444_800_000, description="UTC ms, for gtd")
    post_only: bool = False
    reduce_only: bool = Field(False, description="never adds to a position")


class OrderWish(OrderTermsWish):
    """An order to be sent."""

    request: RequestName | None = None
    reason: Reason
    confirm: Confirm


class ChangeTermsWish(Wish):
    """What an order is to be; what is absent stays."""

    quantity: Number | None = Field(None, description="of the whole order, filled part included")
    limit: Number | None = None
    stop: Number | None = None


class AmendWish(ChangeTermsWish):
    """A change that is to be asked of the venue."""

    request: RequestName | None = None
    reason: Reason
    confirm: Confirm


class DenialReason(Shape):
    rule: str = Field(examples=["max_weight"])
    message: str = Field(examples=["OKX:BTC/USDT would be 31% of equity, max_weight allows 25%"])


class RuleLook(Shape):
    """One limit as the order would leave it."""

    rule: str = Field(examples=["max_leverage"])
    subject: str = Field(examples=["account main"])
    used: Amount
    after: Amount
    limit: Amount
    unit: str = Field(description="`money`, `fraction` (of equity), `quantity`, `count`")
    allows: bool


class OrderPreview(Shape):
    """What every rule says of an order, as things stand. Nothing is sent."""

    account: AccountName
    strategy: StrategyName | None = Field(description="whose position it becomes")
    instrument: SymbolText
    side: str
    kind: str | None = Field(description="null where no order could be made", examples=["limit"])
    quantity: Amount | None = Field(
        description="whole lots; of a change what would be left to trade"
    )
    limit: Amount | None
    stop: Amount | None
    reduce_only: bool
    price: Amount | None = Field(description="its own, or the last")
    notional: Amount | None = Field(description="quote currency")
    fee: Amount | None = Field(description="as a taker")
    free: Amount = Field(
        description="money that may be spent; of a change with what the order holds now"
    )
    position: Amount
    after: Amount = Field(description="the position, once it is filled in whole")
    rebalance: str | None = Field(
        description="when that strategy looks at its targets: `on_change`, `every_bar`, `schedule`, "
        "`band`, `by_bar`; null if it decides nothing by itself"
    )
    guarded: bool = Field(description="whether its stop guards what is held")
    allowed: bool
    reasons: list[DenialReason] = Field(description="every rule that refuses")
    rules: list[RuleLook] = Field(description="every limit it uses; what only reduces uses none")


class OrderAsked(Shape):
    """What the trader made of a request."""

    request: str = Field(description="its name; ask again by it, and it is not done twice")
    action: Literal["place", "amend", "cancel"]
    account: AccountName
    order: str | None = Field(description="our id of the order; null where none was made")
    outcome: Literal["accepted", "denied", "unanswered"] = Field(
        description="accepted: on its way to the venue; unanswered: not known yet"
    )
    reasons: list[DenialReason] = Field(description="of a denial: every rule that refused")
    follow: str | None = Field(
        description="where what becomes of it is told; also the topic `order.*` of the WebSocket",
        examples=["/api/v1/orders/at3kq7mcb2n5x4"],
    )
