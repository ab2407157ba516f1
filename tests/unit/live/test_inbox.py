"""Requests left in the inbox: each becomes what a person asked for, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.events import HaltRequested, ModeChanged, RearmRequested, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.live.operator import FOLDER, Inbox
from algotrader.live.requests import LoadRequest, Request


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (TradingMode.HALTED, HaltRequested),
        (TradingMode.TRADING, RearmRequested),
        (TradingMode.REDUCE_ONLY, ModeChanged),
    ],
)
def test_a_request_is_told_with_its_name_and_reason_and_then_gone(
    tmp_path: Path, mode: TradingMode, kind: type
) -> None:
    inbox = Inbox(tmp_path)
    inbox.put(Request(account=AccountId("main"), mode=mode, reason="news", by="owner"), 1)

    (event,) = inbox.take(5)

    assert isinstance(event, kind)
    assert isinstance(event, HaltRequested | RearmRequested | ModeChanged)
    assert (event.account, event.by, event.reason, event.ts_known) == ("main", "owner", "news", 5)
    assert list(inbox.take(6)) == []


@pytest.mark.parametrize("text", ["{}", "[", "x" * 5_000])
def test_what_is_no_request_is_put_aside(tmp_path: Path, text: str) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "000000000000001-1-main.json").write_text(text, encoding="utf-8")

    assert list(Inbox(tmp_path).take(5)) == []
    assert [path.suffix for path in folder.iterdir()] == [".refused"]


def test_f71_a_request_that_was_read_is_there_after_a_kill_until_the_journal_has_it(
    tmp_path: Path,
) -> None:
    inbox = Inbox(tmp_path)
    halt = Request(account=AccountId("main"), mode=TradingMode.HALTED, reason="news", flatten=True)
    inbox.put(halt, 1)
    assert len(list(inbox.take(5))) == 1  # in the trader's queue; killed before its commit

    started_again = Inbox(tmp_path)
    assert len(list(started_again.take(6))) == 1
    assert list(started_again.take(7)) == []  # once in one process
    started_again.done()
    assert list(Inbox(tmp_path).take(8)) == []


def test_what_came_after_is_not_gone_with_what_was_read_before(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.put(Request(account=AccountId("main"), mode=TradingMode.HALTED, reason="one"), 1)
    list(inbox.take(5))
    inbox.put(Request(account=AccountId("second"), mode=TradingMode.HALTED, reason="two"), 2)
    inbox.done()

    assert [one.account for one in Inbox(tmp_path).requests() if isinstance(one, Request)] == [
        "second"
    ]


def test_loads_of_two_strategies_at_one_moment_do_not_meet(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    for name in ("a", "b"):
        inbox.put(LoadRequest(strategy=StrategyId(name), reason="x"), 1)

    read = [one.strategy for one in inbox.requests() if isinstance(one, LoadRequest)]
    assert sorted(read) == ["a", "b"]


@pytest.mark.parametrize("second_ms", [2_001, 2_000, 1_000])
def test_requests_are_taken_as_they_were_left_whatever_the_clock_did(
    tmp_path: Path, second_ms: int
) -> None:
    inbox = Inbox(tmp_path)
    go_on = Request(account=AccountId("main"), mode=TradingMode.TRADING, reason="on")
    stop = Request(account=AccountId("main"), mode=TradingMode.HALTED, reason="stop!")
    inbox.put(go_on, 2_000)
    inbox.put(stop, second_ms)
    inbox.put(go_on, second_ms)
    inbox.put(stop, second_ms)

    told = [type(event) for event in Inbox(tmp_path).take(5)]
    assert told == [RearmRequested, HaltRequested, RearmRequested, HaltRequested]


def test_a_name_that_is_no_number_orders_nothing(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "9x-1-main.json").write_text("{}", encoding="utf-8")
    inbox = Inbox(tmp_path)
    left = inbox.put(Request(account=AccountId("main"), mode=TradingMode.HALTED, reason="x"), 7)

    assert left.name.startswith("000000000000007-")
