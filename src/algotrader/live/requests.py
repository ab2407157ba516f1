"""What a person may ask of a running trader, each as one small message."""

from __future__ import annotations

from typing import Final

import msgspec

from algotrader.core.events import (
    Event,
    HaltRequested,
    LimitChangeRequested,
    ModeChanged,
    RearmRequested,
    StrategyUnloadRequested,
    TradingMode,
)
from algotrader.core.ids import AccountId, StrategyId

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


Asked = Request | LimitRequest | ReloadRequest | LoadRequest | SetRequest | UnloadRequest
_DECODER: Final = msgspec.json.Decoder(Asked)


def decode_asked(data: bytes) -> Asked:
    """msgspec.DecodeError for what is no request."""
    asked: Asked = _DECODER.decode(data)
    return asked


def event_of(asked: Request | LimitRequest | UnloadRequest, now_ms: int) -> Event:
    """What the engine is told: what a person asked for, with the name and the reason."""
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
