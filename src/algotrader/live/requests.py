"""What a person may ask of a running trader, each as one small message."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

import msgspec

from algotrader.core.events import (
    Event,
    HaltRequested,
    HandAmendRequested,
    HandCancelRequested,
    HandOrderRequested,
    LimitChangeRequested,
    ModeChanged,
    RearmRequested,
    StrategyUnloadRequested,
    TradingMode,
)
from algotrader.core.events.codec import decode_symbol, encode_symbol
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.orders import Side, TimeInForce
from algotrader.core.symbols import Symbol

OPERATOR: Final = "operator"
CHANNEL: Final = "file"


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="mode"):
    """A change of what an account may do, or of what one of its strategies may."""

    account: AccountId
    mode: TradingMode
    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through
    flatten: bool = False  # a halt that first goes flat (R28)
    strategy: StrategyId | None = None  # this one alone is stopped or started


class LimitRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="limit"):
    """A limit shall be another."""

    key: str  # `account.max_daily_loss`
    value: str | None  # None: as the file has it
    reason: str
    before: str | None = None  # what held when it was asked for; it is not done to anything else
    until_ms: int | None = None  # UTC ms; later it must be asked for again (F72)
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class ReloadRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="reload"):
    """The settings file shall be read again."""

    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class LoadRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="load"):
    """A strategy's file shall be read again."""

    strategy: StrategyId
    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class SetRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="set"):
    """Parameters of a strategy shall be others."""

    strategy: StrategyId
    values: dict[str, str | None]  # as typed; None: as the file has it
    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class UnloadRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="unload"):
    """A strategy shall be put away until it is loaded again."""

    account: AccountId
    strategy: StrategyId
    reason: str
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class HandRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What every request about an order has."""

    request: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]  # its own name
    account: AccountId
    reason: str
    until_ms: int | None = None  # UTC ms; later it must be asked for again
    by: str = OPERATOR
    channel: str = CHANNEL  # the door it came through


class HandOrder(HandRequest, frozen=True, kw_only=True, tag_field="kind", tag="order"):
    """An order shall be sent."""

    instrument: Symbol
    side: Side
    quantity: Decimal | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    tif: TimeInForce = TimeInForce.GTC
    expires_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False


class HandAmend(HandRequest, frozen=True, kw_only=True, tag_field="kind", tag="amend"):
    """A resting order shall be another."""

    order: OrderId
    quantity: Decimal | None = None
    limit: Decimal | None = None
    stop: Decimal | None = None


class HandCancel(HandRequest, frozen=True, kw_only=True, tag_field="kind", tag="cancel"):
    """An order shall end."""

    order: OrderId


Hand = HandOrder | HandAmend | HandCancel
Told = Request | LimitRequest | UnloadRequest | Hand
"""What the engine alone acts on."""
Asked = Told | ReloadRequest | LoadRequest | SetRequest
_DECODER: Final = msgspec.json.Decoder(Asked, dec_hook=decode_symbol)


def encode_asked(asked: Asked) -> bytes:
    return msgspec.json.encode(asked, enc_hook=encode_symbol)


def decode_asked(data: bytes) -> Asked:
    """msgspec.DecodeError for what is no request."""
    asked: Asked = _DECODER.decode(data)
    return asked


def event_of(asked: Told, now_ms: int) -> Event:
    """What the engine is told: what a person asked for, with the name and the reason."""
    if isinstance(asked, Hand):
        return _event_by_hand(asked, now_ms)
    if isinstance(asked, UnloadRequest):
        return StrategyUnloadRequested(
            ts_event=now_ms, ts_known=now_ms, account=asked.account, strategy=asked.strategy,
            by=asked.by, channel=asked.channel, reason=asked.reason,
        )  # fmt: skip
    if isinstance(asked, LimitRequest):
        return LimitChangeRequested(
            ts_event=now_ms, ts_known=now_ms, key=asked.key, value=asked.value, by=asked.by,
            channel=asked.channel, reason=asked.reason,
        )  # fmt: skip
    account, by, reason = asked.account, asked.by, asked.reason
    if asked.mode is TradingMode.HALTED:
        return HaltRequested(
            ts_event=now_ms, ts_known=now_ms, account=account, by=by, reason=reason,
            channel=asked.channel, flatten=asked.flatten, strategy=asked.strategy,
        )  # fmt: skip
    if asked.mode is TradingMode.TRADING:
        return RearmRequested(
            ts_event=now_ms, ts_known=now_ms, account=account, by=by, reason=reason,
            channel=asked.channel, strategy=asked.strategy,
        )  # fmt: skip
    return ModeChanged(
        ts_event=now_ms, ts_known=now_ms, account=account, by=by, reason=reason, mode=asked.mode
    )


def _event_by_hand(asked: Hand, now_ms: int) -> Event:
    fields = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "until_ms"}
    match asked:
        case HandOrder():
            return HandOrderRequested(ts_event=now_ms, ts_known=now_ms, **fields)
        case HandAmend():
            return HandAmendRequested(ts_event=now_ms, ts_known=now_ms, **fields)
        case HandCancel():
            return HandCancelRequested(ts_event=now_ms, ts_known=now_ms, **fields)
