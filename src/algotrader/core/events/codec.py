"""Events to JSON and back, whatever version they were written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast, get_args

import msgspec

from algotrader.core.errors import UsageError, VersionError
from algotrader.core.events.union import Event
from algotrader.core.symbols import Symbol

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {event.__name__: event.version for event in get_args(Event)}
)
"""The version each kind is written in."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""A pure function from the plain fields of version v to those of version v + 1."""


def _has_more_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The next version only added fields, each with a default that says what was so before."""
    return fields


UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = MappingProxyType(
    {
        (kind, 1): _has_more_fields
        for kind in (
            "HaltRequested",
            "IntentRaised",
            "OrderDenied",
            "OrderSeen",
            "OrderSubmitted",
            "RearmRequested",
            "RunStarted",
            "StrategyAnswered",
        )
    }
)
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
        return cast(Event, msgspec.convert(fields, Event, dec_hook=decode_symbol))
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


def encode_symbol(value: object) -> str:
    """The hook by which msgspec writes a symbol. NotImplementedError for anything else."""
    if isinstance(value, Symbol):
        return str(value)
    raise NotImplementedError(f"an event cannot hold a {type(value).__name__}")


def decode_symbol(wanted: type, value: object) -> Symbol:
    """The hook by which msgspec reads one. ValueError for what is no symbol."""
    if wanted is not Symbol or not isinstance(value, str):
        raise ValueError(f"expected the text of a symbol, got {value!r}")
    try:
        return Symbol.parse(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


_ENCODER: Final = msgspec.json.Encoder(enc_hook=encode_symbol, decimal_format="string")
_HEADER: Final = msgspec.json.Decoder(_Header)
_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event, dec_hook=decode_symbol)
