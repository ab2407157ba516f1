"""Each stop is told with its own end, however many of one kind were in force at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from algotrader.api.trip_ends import trip_ends
from algotrader.api.view import DeskView
from algotrader.core.events import (
    Event,
    HaltRequested,
    Rearmed,
    RiskAction,
    RiskTripped,
    encode_event,
)
from algotrader.core.ids import AccountId

MAIN = AccountId("main")


def at(ms: int) -> dict[str, int]:
    return {"ts_event": ms, "ts_known": ms}


def a_view(events: list[Event]) -> DeskView:
    rows = [
        SimpleNamespace(seq=seq, kind=type(one).__name__, body=encode_event(one))
        for seq, one in enumerate(events, 1)
    ]
    index = SimpleNamespace(newest=lambda *_: [one.seq for one in rows][::-1])
    return cast("DeskView", SimpleNamespace(index=index, picked=lambda _: rows))


def stopped(ms: int, action: RiskAction) -> list[Event]:
    told: dict[str, Any] = {"account": MAIN, "by": "owner"}
    return [
        HaltRequested(
            **at(ms), **told, channel="console", reason="", flatten=action is RiskAction.FLATTEN
        ),
        RiskTripped(
            **at(ms), **told, rule="kill_switch", strategy=None, instrument=None, value=None,
            limit=None, action=action, text="",
        ),
    ]  # fmt: skip


def test_a_flatten_within_a_halt_ends_with_it() -> None:
    events = [
        *stopped(10, RiskAction.HALT), *stopped(20, RiskAction.FLATTEN),
        Rearmed(**at(30), account=MAIN, by="owner", reason=""), *stopped(40, RiskAction.HALT),
    ]  # fmt: skip

    assert trip_ends(a_view(events)) == dict.fromkeys((1, 2, 3, 4), (30, "owner"))
