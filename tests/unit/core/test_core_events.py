"""Events: written once, readable for ever, and never guessed at."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from tests.builders.events import BTC, EXAMPLES

from algotrader.core import events
from algotrader.core.errors import UsageError, VersionError
from algotrader.core.events import Event, codec, decode_event, encode_event, upcast

FIXTURES = Path(__file__).parents[2] / "fixtures" / "events"


def name(event: Event) -> str:
    return event.kind


def plain(event: Event) -> dict[str, Any]:
    fields = json.loads(encode_event(event))
    assert isinstance(fields, dict)
    return fields


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(event) for event in EXAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=name)
def test_an_event_is_read_back_as_it_was_written(event: Event) -> None:
    assert decode_event(encode_event(event)) == event
    assert encode_event(decode_event(encode_event(event))) == encode_event(event)


@pytest.mark.parametrize("event", EXAMPLES, ids=name)
def test_the_bytes_of_every_version_ever_written_are_still_read(event: Event) -> None:
    written = {
        version: (FIXTURES / f"{event.kind}.v{version}.json").read_bytes().rstrip(b"\n")
        for version in range(1, event.v + 1)
    }

    assert decode_event(written[event.v]) == event
    assert encode_event(event) == written[event.v]  # a change needs a new version
    for older in range(1, event.v):
        read = decode_event(written[older])
        assert read.v == event.v
        assert decode_event(encode_event(read)) == read


def test_what_an_older_version_did_not_say_was_not_so() -> None:
    def read(kind: str) -> Any:
        return decode_event((FIXTURES / f"{kind}.v1.json").read_bytes())

    assert read("OrderSubmitted").order.intent.protection is None
    assert read("OrderDenied").intent.number is None
    assert read("StrategyAnswered").asked == ()


def test_there_is_a_fixture_for_every_version_and_no_other() -> None:
    expected = {
        f"{kind}.v{version}.json"
        for kind, newest in events.VERSIONS.items()
        for version in range(1, newest + 1)
    }
    assert {path.name for path in FIXTURES.iterdir()} == expected


def test_every_step_between_versions_has_an_upcaster() -> None:
    steps = {(kind, v) for kind, newest in events.VERSIONS.items() for v in range(1, newest)}

    assert set(events.UPCASTERS) == steps


@pytest.mark.parametrize("event", EXAMPLES, ids=name)
def test_events_say_what_they_are_and_cannot_be_changed(event: Event) -> None:
    fields = plain(event)

    assert fields["kind"] == event.kind == type(event).__name__
    assert fields["v"] == event.version
    with pytest.raises(AttributeError):
        event.ts_event = 0  # type: ignore[misc]


def test_decimals_and_symbols_are_text_and_keep_their_zeros() -> None:
    fields = plain(EXAMPLES[5])

    assert fields["order"]["intent"]["terms"]["quantity"] == "1.50"
    assert fields["order"]["terms"]["instrument"] == "OKX:BTC/USDT:USDT"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"kind":"OrderDreamt","v":1}', "'OrderDreamt' is unknown: refusing to trade"),
        (b'{"kind":"CaughtUp","v":2}', "version 2, this build reads up to 1: refusing to trade"),
    ],
)
def test_an_unknown_kind_or_a_newer_version_refuses_to_trade(data: bytes, sentence: str) -> None:
    with pytest.raises(VersionError, match=sentence) as caught:
        decode_event(data)

    assert caught.value.hint is not None


def changed(event: Event, **fields: Any) -> bytes:
    return json.dumps({**plain(event), **fields}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"kind":"CaughtUp"}',
        b'{"kind":"CaughtUp","v":"1"}',
        encode_event(EXAMPLES[0])[:-5],  # cut
        b'{"kind":"CaughtUp","v":1}',  # fields missing
        changed(EXAMPLES[6], instrument="BTC"),  # no symbol
        changed(EXAMPLES[6], instrument=7),
        changed(EXAMPLES[6], colour="red"),  # no such field in this version
        changed(EXAMPLES[6], ts_event=1.5),
        changed(EXAMPLES[8], quantity="many"),
        changed(EXAMPLES[18], action="pray"),
        changed(EXAMPLES[9], fill={**plain(EXAMPLES[9])["fill"], "price": "-1"}),
        changed(EXAMPLES[3], intent={**plain(EXAMPLES[3])["intent"], "leg": -1}),
    ],
)
def test_what_is_no_event_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(UsageError, match="refusing to trade"):
        decode_event(data)


def test_an_old_version_without_upcaster_is_refused() -> None:
    with pytest.raises(VersionError, match="CaughtUp of version 0 has no upcaster"):
        decode_event(changed(EXAMPLES[19], v=0))


def test_old_events_are_brought_up_step_by_step() -> None:
    steps: dict[tuple[str, int], events.Upcaster] = {
        ("Moved", 1): lambda fields: {**fields, "far": fields["distance"] > 5},
        ("Moved", 2): lambda fields: {k: v for k, v in fields.items() if k != "distance"},
    }
    old = {"kind": "Moved", "v": 1, "distance": 9}

    assert upcast(old, 3, steps) == {"kind": "Moved", "v": 3, "far": True}
    assert old == {"kind": "Moved", "v": 1, "distance": 9}  # pure: nothing was changed
    with pytest.raises(VersionError, match="version 3 has no upcaster"):
        upcast(old, 4, steps)


def test_an_event_of_an_older_version_is_decoded_as_todays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "UPCASTERS", {("CaughtUp", 0): lambda fields: {**fields, "bars": 4}})
    old = {key: value for key, value in plain(EXAMPLES[19]).items() if key != "bars"}

    assert decode_event(json.dumps({**old, "v": 0})) == EXAMPLES[19]


@pytest.mark.parametrize("event", EXAMPLES, ids=name)
def test_every_kind_can_be_brought_up_from_an_older_version(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {**codec.UPCASTERS, (event.kind, 0): lambda fields: fields}
    monkeypatch.setattr(codec, "UPCASTERS", every)

    assert decode_event(changed(event, v=0)) == event


def test_an_event_is_written_in_todays_version_only() -> None:
    with pytest.raises(ValueError, match="is at version 1, not 2"):
        events.CaughtUp(
            ts_event=0, ts_known=0, v=2, account="a", strategy="s", first_ts=0, last_ts=0, bars=0
        )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_json_cannot_carry_is_not_put_into_an_event(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        msgspec.structs.replace(EXAMPLES[0], close=value)
    with pytest.raises(ValueError, match="finite"):
        msgspec.structs.replace(EXAMPLES[1], features={"fast": value})
    with pytest.raises(ValueError, match="finite"):
        msgspec.structs.replace(EXAMPLES[1], target=value)
    with pytest.raises(ValueError, match="finite"):
        msgspec.structs.replace(EXAMPLES[2], value=value)


def test_a_signal_needs_no_number() -> None:
    silent = msgspec.structs.replace(EXAMPLES[2], value=None)

    assert decode_event(encode_event(silent)) == silent


def test_an_event_holds_nothing_it_cannot_write() -> None:
    odd = msgspec.structs.replace(EXAMPLES[19], account=object())

    with pytest.raises(NotImplementedError, match="cannot hold a object"):
        encode_event(odd)


def test_the_hash_of_an_events_bytes_does_not_depend_on_who_wrote_them() -> None:
    again = msgspec.structs.replace(EXAMPLES[8], quantity=Decimal("1.2"), instrument=BTC)

    assert encode_event(again) == encode_event(EXAMPLES[8])
