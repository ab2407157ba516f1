"""Events: what happened, as the journal keeps it and everybody else hears it.

One tagged union. Each event has its `kind` (the class name), a version `v`, `ts_event` (when it
happened) and `ts_known` (when we learnt it), both UTC ms. Events are immutable and told in the
past tense. `encode_event` writes JSON with decimals as text; `decode_event` reads any version
ever written, and refuses what it does not know rather than trading on a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, cast, get_args

import msgspec

from algotrader.core.errors import UsageError, VersionError
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, OrderId, StrategyId, TradeId, VenueOrderId
from algotrader.core.money import Currency
from algotrader.core.orders import DenialReason, Intent, Order
from algotrader.core.symbols import Symbol


class _Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag=True,
    forbid_unknown_fields=True,
):
    """What every event has. A change of fields raises `version` and adds an upcaster."""

    version: ClassVar[int] = 1

    ts_event: int  # UTC ms, by the clock of where it happened
    ts_known: int  # UTC ms, by ours; may be earlier than ts_event by the skew of the clocks
    v: int = 1

    def __post_init__(self) -> None:
        if self.v != self.version:
            raise ValueError(f"{type(self).__name__} is at version {self.version}, not {self.v}")

    @property
    def kind(self) -> str:
        return type(self).__name__


class BarClosed(_Event, frozen=True, kw_only=True):
    """A bar as it was known when it was used. `ts_known` is its `known_at`."""

    instrument: Symbol
    timeframe: str
    ts: int  # open of the bar, UTC ms
    open: float
    high: float
    low: float
    close: float
    volume: float
    source: str  # which feed delivered it
    revision: int = 0  # rises when the venue corrects a bar (R25)
    is_late: bool = False  # came after its step (R25)
    coverage: float = 1.0  # share of the base bars that were there (R6)

    def __post_init__(self) -> None:
        _Event.__post_init__(self)
        for name in ("open", "high", "low", "close", "volume", "coverage"):
            _require_finite(f"{self.instrument} {name}", getattr(self, name))


class DecisionOutcome(StrEnum):
    """What came back from a strategy in the time it had."""

    DECIDED = "decided"
    RAISED = "raised"
    TIMED_OUT = "timed_out"


class RuleEffect(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that changed what was wanted, and from what to what (in lots)."""

    rule: str
    before: Decimal
    after: Decimal
    reason: str


class Decided(_Event, frozen=True, kw_only=True):
    """One strategy's answer for one instrument: what "why did it buy?" is answered from."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    decision_ts: int  # the step's time, UTC ms
    outcome: DecisionOutcome
    features: Mapping[str, float | None]  # last row; None where not a number
    target: float | None  # weight of equity; None is no opinion (R4)
    latched_quantity: Decimal | None  # what is worked towards (R10)
    equity: Decimal
    price: float  # the close it was sized at
    quote: float | None = None  # the quote a rule used, if one did
    lots: int | None = None
    rules: tuple[RuleEffect, ...] = ()
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)  # `ctx.state` (R35)
    error: str | None = None  # for outcomes other than `decided`
    configuration_hash: str

    def __post_init__(self) -> None:
        _Event.__post_init__(self)
        for name, value in {**self.features, "target": self.target, "price": self.price}.items():
            if value is not None:
                _require_finite(f"{self.instrument} {name}", value)


class SignalRaised(_Event, frozen=True, kw_only=True):
    """A strategy wants a person to know, for example an order to be traded by hand."""

    account: AccountId
    strategy: StrategyId
    instrument: Symbol
    name: str
    value: float | None
    text: str

    def __post_init__(self) -> None:
        _Event.__post_init__(self)
        if self.value is not None:
            _require_finite(f"{self.instrument} {self.name}", self.value)


class IntentRaised(_Event, frozen=True, kw_only=True):
    """An order is wanted; nothing has been judged yet."""

    intent: Intent


class OrderDenied(_Event, frozen=True, kw_only=True):
    """Our own rules refused an intent."""

    intent: Intent
    reasons: tuple[DenialReason, ...]
    gate_sequence: int
    state_hash: str


class OrderSubmitted(_Event, frozen=True, kw_only=True):
    """The gate let an order through and it may be sent: written before it is sent."""

    order: Order
    gate_sequence: int
    state_hash: str
    deadline_ms: int  # UTC ms after which the venue must refuse it


class _OrderNews(_Event, frozen=True, kw_only=True):
    """What every event about an order on its way names."""

    account: AccountId
    order_id: OrderId
    instrument: Symbol


class OrderAccepted(_OrderNews, frozen=True, kw_only=True):
    """The venue has the order."""

    venue_order_id: VenueOrderId


class OrderRejected(_OrderNews, frozen=True, kw_only=True):
    """The venue definitely refused it."""

    code: str  # the venue's
    reason: str


class OrderAmended(_OrderNews, frozen=True, kw_only=True):
    """The venue changed the order; these are the terms that hold now."""

    quantity: Decimal  # of the whole order, filled part included
    limit: Decimal | None
    stop: Decimal | None


class OrderFilled(_Event, frozen=True, kw_only=True):
    """One execution. Booked once per (account, instrument, trade id)."""

    fill: Fill


class OrderCancelled(_OrderNews, frozen=True, kw_only=True):
    """The order is off the book; all its trades are known."""

    filled_quantity: Decimal
    reason: str


class OrderExpired(_OrderNews, frozen=True, kw_only=True):
    """Its time in force ended; all its trades are known."""

    filled_quantity: Decimal


class OrderUnknown(_OrderNews, frozen=True, kw_only=True):
    """No definite answer came. Its full size counts until a look-up settles it."""

    deadline_ms: int  # UTC ms; absence can be proved only by a question asked after it
    reason: str


class OrderAbsent(_OrderNews, frozen=True, kw_only=True):
    """Proved never to have reached the venue."""

    asked_ms: int  # UTC ms, when the question was asked that found nothing


class StopTriggered(_OrderNews, frozen=True, kw_only=True):
    """A stop became a live order. The child's fills are booked under this stop."""

    child_order_id: VenueOrderId | None
    trigger_price: Decimal


class PositionChanged(_Event, frozen=True, kw_only=True):
    """The ledger's position after a booking."""

    account: AccountId
    strategy: StrategyId | None  # None: the account's whole position
    instrument: Symbol
    quantity: Decimal  # signed
    entry: Decimal | None  # average entry price; None when flat
    realised: Decimal  # profit of this booking, settlement currency, before fees
    currency: Currency


class FundingPaid(_Event, frozen=True, kw_only=True):
    """Funding was settled on a perpetual (R7)."""

    account: AccountId
    instrument: Symbol
    settlement_id: str  # the venue's; booked once per account, instrument and this
    amount: Decimal  # positive was received, negative was paid
    currency: Currency
    rate: Decimal
    quantity: Decimal  # signed position it was settled on
    mark: Decimal | None


class Liquidated(_Event, frozen=True, kw_only=True):
    """The venue closed a position for want of margin (R23)."""

    account: AccountId
    instrument: Symbol
    trade_id: TradeId
    quantity: Decimal  # signed, of the closing execution
    price: Decimal
    fee: Decimal
    fee_currency: Currency


class RiskAction(StrEnum):
    """What a tripped rule does."""

    WARN = "warn"
    SCALE = "scale"
    REDUCE_ONLY = "reduce_only"
    HALT = "halt"
    FLATTEN = "flatten"


class RiskTripped(_Event, frozen=True, kw_only=True):
    """A rule was broken while trading, and what was done about it."""

    account: AccountId | None  # None: all of them together
    rule: str
    value: Decimal
    limit: Decimal
    action: RiskAction
    text: str


class CaughtUp(_Event, frozen=True, kw_only=True):
    """A strategy was fed the bars it had missed, with its orders suppressed (R24)."""

    account: AccountId
    strategy: StrategyId
    first_ts: int  # open of the first missed bar, UTC ms
    last_ts: int
    bars: int


class HeartbeatMissed(_Event, frozen=True, kw_only=True):
    """A part of the system or a feed has been silent for longer than it may."""

    component: str  # `feed:OKX`, `worker:1`
    last_seen_ms: int | None  # UTC ms; None if it was never heard of
    allowed_ms: int


Event = (
    BarClosed
    | Decided
    | SignalRaised
    | IntentRaised
    | OrderDenied
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderAmended
    | OrderFilled
    | OrderCancelled
    | OrderExpired
    | OrderUnknown
    | OrderAbsent
    | StopTriggered
    | PositionChanged
    | FundingPaid
    | Liquidated
    | RiskTripped
    | CaughtUp
    | HeartbeatMissed
)

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {event.__name__: event.version for event in get_args(Event)}
)
"""The version each kind is written in."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""A pure function from the plain fields of version v to those of version v + 1."""

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = MappingProxyType({})
"""By kind and the version they read. `tests/fixtures/events` keeps one example per version."""


def encode_event(event: Event) -> bytes:
    """One line of JSON, decimals and symbols as text, fields in the order they are declared."""
    return _ENCODER.encode(event)


def decode_event(data: bytes | str) -> Event:
    """The event in `data`, brought up to today's version.

    VersionError for a kind or version this build does not know; UsageError for what is no event
    at all. In both cases the caller must not trade on.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError):
        # Nearly all events are of today's version, so only the others are looked at twice.
        return _decode_older(data)


def _decode_older(data: bytes | str) -> Event:
    try:
        header = _HEADER.decode(data)
        fields = upcast(msgspec.json.decode(data), _newest_version(header), UPCASTERS)
        return cast(Event, msgspec.convert(fields, Event, dec_hook=_decode_symbol))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UsageError(
            "event.malformed",
            f"this is no event: {error}; refusing to trade on it",
            hint="run `algotrader journal verify` to find where the journal is damaged",
        ) from error


def upcast(
    fields: dict[str, Any], newest: int, upcasters: Mapping[tuple[str, int], Upcaster]
) -> dict[str, Any]:
    """`fields` of an old version as those of version `newest`, one step at a time."""
    kind, version = fields["kind"], fields["v"]
    while version < newest:
        step = upcasters.get((kind, version))
        if step is None:
            raise _unreadable(f"event {kind} of version {version} has no upcaster")
        version += 1
        fields = {**step(dict(fields)), "kind": kind, "v": version}
    return fields


class _Header(msgspec.Struct, frozen=True):
    """What is read first of every event."""

    kind: str
    v: int
    ts_known: int = 0


def _newest_version(header: _Header) -> int:
    newest = VERSIONS.get(header.kind)
    if newest is None:
        raise _unreadable(f"event kind {header.kind!r} is unknown")
    if header.v > newest:
        raise _unreadable(
            f"event {header.kind} has version {header.v}, this build reads up to {newest}"
        )
    return newest


def _unreadable(what: str) -> VersionError:
    return VersionError(
        "event.unknown_version",
        f"{what}: refusing to trade",
        hint="it was written by another version of algotrader; run that one, or a newer one",
    )


def _encode_symbol(value: object) -> str:
    if isinstance(value, Symbol):
        return str(value)
    raise NotImplementedError(f"an event cannot hold a {type(value).__name__}")


def _decode_symbol(wanted: type, value: object) -> Symbol:
    if wanted is not Symbol or not isinstance(value, str):
        raise ValueError(f"expected the text of a symbol, got {value!r}")
    try:
        return Symbol.parse(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


def _require_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number in an event, got {value}")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_encode_symbol, decimal_format="string")
_HEADER: Final = msgspec.json.Decoder(_Header)
_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event, dec_hook=_decode_symbol)
