"""A book from its changes: what was recorded adds up, what lost a change is found out."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.okx_orders import BTC

from algotrader.core.orders import Side
from algotrader.data.adapters.okx.book import BookBrokenError, OkxBook
from algotrader.data.adapters.okx.market import read_quote, read_trade

SNAPSHOT = {
    "bids": [["99", "1", "0", "1"], ["98", "2", "0", "1"]],
    "asks": [["101", "1.50", "0", "1"], ["102", "3", "0", "2"]],
    "ts": "1", "seqId": 10, "prevSeqId": -1,
}  # fmt: skip


def a_book(**changes: Any) -> OkxBook:
    book = OkxBook()
    book.apply("snapshot", SNAPSHOT | changes)
    return book


def change(**fields: Any) -> dict[str, Any]:
    return {"bids": [], "asks": [], "ts": "2", "seqId": 11, "prevSeqId": 10} | fields


def test_changes_set_and_remove_levels() -> None:
    book = a_book()
    book.apply("update", change(bids=[["99", "0", "0", "0"], ["97", "4", "0", "1"]],
                                asks=[["101", "7", "0", "1"]]))  # fmt: skip
    assert book.best("bids", 5) == ((Decimal(98), Decimal(2)), (Decimal(97), Decimal(4)))
    assert book.best("asks", 1) == ((Decimal(101), Decimal(7)),)
    assert book.ts == 2


@pytest.mark.parametrize("before", [9, 11, 12])
def test_a_change_that_does_not_follow_breaks_the_book(before: int) -> None:
    with pytest.raises(BookBrokenError, match="expected to follow 10"):
        a_book().apply("update", change(prevSeqId=before))


def test_a_sign_of_life_without_a_change_follows_itself() -> None:
    book = a_book()
    book.apply("update", change(seqId=10, prevSeqId=10))
    book.apply("update", change())


@pytest.mark.parametrize(
    "row",
    [{}, {"bids": [["x", "1"]], "asks": [], "ts": "1"}, change(bids=[["99"]]), change(ts=None),
     change(bids=None)],
)  # fmt: skip
def test_f37_what_is_no_change_breaks_the_book_and_nothing_else(row: dict[str, Any]) -> None:
    with pytest.raises(BookBrokenError):
        a_book().apply("update", row)


def test_a_crossed_book_and_a_wrong_checksum_are_found_out() -> None:
    with pytest.raises(BookBrokenError, match="not below"):
        a_book().apply("update", change(bids=[["101", "1", "0", "1"]]))
    with pytest.raises(BookBrokenError, match="checksum"):
        a_book().apply("update", change(checksum=1))
    with pytest.raises(BookBrokenError, match="before the book"):
        OkxBook().apply("update", change())


def recorded(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "data/okx_fixtures/real_ws_public_2022-05.jsonl"
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [line["msg"] for line in lines if isinstance(line["msg"], dict)]


def test_recorded_books_of_the_venue_add_up_to_its_own_checksums(shared_data: Path) -> None:
    books: dict[str, OkxBook] = {}
    checked = 0
    for message in recorded(shared_data):
        if message.get("arg", {}).get("channel") != "books" or "data" not in message:
            continue
        book = books.setdefault(message["arg"]["instId"], OkxBook())
        for row in message["data"]:
            book.apply(message["action"], row)
            assert book.checksum() == row["checksum"]
            checked += 1
    assert len(books) == 3
    assert checked > 100


def test_a_recorded_book_that_misses_a_change_is_found_out(shared_data: Path) -> None:
    rows = [
        (message["action"], row) for message in recorded(shared_data)
        if message.get("arg", {}).get("channel") == "books" and "data" in message
        and message["arg"]["instId"] == "BTC-USDT" for row in message["data"]
    ]  # fmt: skip
    book = OkxBook()
    book.apply(*rows[0])

    with pytest.raises(BookBrokenError, match="checksum"):
        book.apply(*rows[3])


def test_recorded_trades_of_the_venue_can_be_read(shared_data: Path) -> None:
    found = [
        read_trade(row, message["arg"]["instId"], 1) for message in recorded(shared_data)
        if message.get("arg", {}).get("channel") == "trades" and "data" in message
        and message["arg"]["instId"] == "BTC-USDT" for row in message["data"]
    ]  # fmt: skip
    assert found
    assert all(trade is not None and trade.price > 0 for trade in found)


@given(st.integers(0, 2**32))
def test_a_book_is_what_its_changes_say_in_any_number_of_steps(seed: int) -> None:
    draw = random.Random(seed)
    book, bids = a_book(), {Decimal(99): Decimal(1), Decimal(98): Decimal(2)}
    for number in range(30):
        price, size = Decimal(draw.randint(90, 99)), Decimal(draw.choice([0, 1, 2]))
        bids.pop(price, None)
        if size:
            bids[price] = size
        sequence = {"seqId": 11 + number, "prevSeqId": 10 + number}
        book.apply("update", change(bids=[[str(price), str(size), "0", "1"]], **sequence))
    assert dict(book.best("bids", 100)) == bids
    assert [price for price, _ in book.best("bids", 100)] == sorted(bids, reverse=True)


def test_quotes_and_trades_are_read_and_what_is_none_is_left_out() -> None:
    row: dict[str, Any] = {
        "bids": [["99", "1", "0", "1"]],
        "asks": [["101", "2", "0", "1"]],
        "ts": "7",
    }
    quote = read_quote(row, "BTC-USDT", 9)
    assert quote is not None
    assert (quote.instrument, quote.mid, quote.ts, quote.known_ms) == (BTC, 100, 7, 9)
    crossed = {**row, "bids": [["101", "1", "0", "1"]]}
    for bad in ({}, [], {**row, "bids": []}, crossed, {**row, "ts": "x"}):
        assert read_quote(bad, "BTC-USDT", 9) is None
    assert read_quote(row, "BTC-USD-261225", 9) is None
    trade = read_trade({"tradeId": "1", "side": "sell", "px": "5", "sz": "2", "ts": "7"},
                       "BTC-USDT", 9)  # fmt: skip
    assert trade is not None
    assert (trade.side, trade.price) == (Side.SELL, 5)
    for bad in ({}, {"tradeId": "1", "side": "up", "px": "5", "sz": "2", "ts": "7"}):
        assert read_trade(bad, "BTC-USDT", 9) is None
