"""Promise 1: the orders and fills of a paper session are, byte for byte, those of its backtest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from tests.builders.traded_desk import BY_BAR, TARGETS, a_desk, a_market, slices, traded

from algotrader.backtest.full import run_full
from algotrader.core.events import Event, OrderFilled, OrderSubmitted, decode_event, encode_event
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.records import PREFIX
from algotrader.ops.desk import Desk

STOPPED = TARGETS.replace("every_bar", "on_change").replace(
    "    bars: int", "    stop_loss = 0.02\n    reenter_after = 2\n    bars: int"
)


@pytest.mark.parametrize("code", [TARGETS, BY_BAR, STOPPED], ids=["targets", "bar by bar", "stops"])
def test_promise_1_orders_and_fills_of_paper_are_byte_for_byte_those_of_its_backtest(
    tmp_path: Path, code: str
) -> None:
    desk = a_desk(tmp_path, a_market(), code=code)
    folder = JournalFolder(tmp_path / "journal")
    traded(desk, folder, slices(desk))

    on_paper, tested = log(journalled(folder)), log(backtested(desk))

    assert len(on_paper.splitlines()) > 20
    assert on_paper == tested


def journalled(folder: JournalFolder) -> list[Event]:
    with folder.reading() as rows:
        read = rows.page(1, 100_000)
    return [decode_event(row.body) for row in read if not row.kind.startswith(PREFIX)]


def backtested(desk: Desk) -> list[Event]:
    (account,) = desk.accounts
    (own,) = account.strategies
    again = type(own.strategy)(**own.settings.parameters)
    start = int(account.market.bars.ts[account.first])
    return run_full(again, account.market, account.costs, start=start).events


def log(events: Iterable[Event]) -> bytes:
    """A line for each order and fill, whole; what names the run itself is counted instead."""
    lines = []
    for event in events:
        if isinstance(event, OrderSubmitted):
            event = msgspec.structs.replace(event, gate_sequence=0, state_hash="")
        if isinstance(event, OrderSubmitted | OrderFilled):
            lines.append(encode_event(event))
    text = b"\n".join(lines)
    numbers: dict[bytes, bytes] = {}
    for order in re.findall(rb'"order_id":"([^"]+)"', text):
        numbers.setdefault(order, b"#%d" % len(numbers))
    text = re.sub(rb"[^\"]+", lambda word: numbers.get(word[0], word[0]), text)
    return re.sub(rb'"(account|strategy)":"\w+"', rb'"\1":""', text)
