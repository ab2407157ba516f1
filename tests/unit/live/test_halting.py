"""A halt counts from the moment a person left it, wherever it waits by then (F71)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_orders import MAIN, an_order

from algotrader.core.events import HaltRequested, RearmRequested, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Side
from algotrader.live.halting import Halts
from algotrader.live.operator import FOLDER, Inbox
from algotrader.live.requests import Request

TREND, OTHER = StrategyId("trend"), StrategyId("other")
ASKED: dict[str, Any] = {
    "ts_event": 5, "ts_known": 5, "by": "owner", "channel": "file", "reason": "news",
}  # fmt: skip
BUY, EXIT = an_order(), an_order(side=Side.SELL, reduce_only=True)


def halted(account: AccountId | None = MAIN, strategy: StrategyId | None = None) -> HaltRequested:
    return HaltRequested(**ASKED, account=account, strategy=strategy)


def test_f71_a_file_that_nobody_has_read_yet_stops_what_adds(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    halts = Halts(inbox)
    before = halts.stops(BUY)
    inbox.put(Request(account=MAIN, mode=TradingMode.HALTED, reason="news"), 1)

    assert not before
    assert halts.stops(BUY)
    assert not halts.stops(EXIT)


@pytest.mark.parametrize(
    ("account", "strategy", "stops"),
    [
        (MAIN, None, True), (None, None, True), (MAIN, TREND, True),
        (MAIN, OTHER, False), (AccountId("second"), None, False),
    ],
)  # fmt: skip
def test_f71_a_halt_that_waits_behind_other_events_stops_what_it_is_of(
    tmp_path: Path, account: AccountId | None, strategy: StrategyId | None, stops: bool
) -> None:
    halts = Halts(Inbox(tmp_path))
    halts.told(halted(account, strategy))

    assert halts.stops(BUY) is stops


@pytest.mark.parametrize("mode", [TradingMode.TRADING, TradingMode.REDUCE_ONLY])
def test_what_asks_for_something_else_stops_nothing(tmp_path: Path, mode: TradingMode) -> None:
    inbox = Inbox(tmp_path)
    inbox.put(Request(account=MAIN, mode=mode, reason="news"), 1)

    assert not Halts(inbox).stops(BUY)


def test_who_lets_go_is_heard_once_the_engine_has_taken_it(tmp_path: Path) -> None:
    halts = Halts(Inbox(tmp_path))
    let_go = RearmRequested(**ASKED, account=MAIN)
    halts.told(halted())
    halts.told(let_go)
    waits = halts.stops(BUY)
    halts.taken(let_go)

    assert waits
    assert not halts.stops(BUY)


def test_an_inbox_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("no folder")
    inbox = Inbox(tmp_path)

    with pytest.raises(OSError, match="directory"):
        Halts(inbox).stops(BUY)
