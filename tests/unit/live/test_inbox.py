"""Requests left in the inbox: each becomes what a person asked for, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.events import HaltRequested, ModeChanged, RearmRequested, TradingMode
from algotrader.core.ids import AccountId
from algotrader.live.operator import FOLDER, Inbox, Request


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
