"""Every recorded file is compared with something, or is of what this program does not trade."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_orders import MAIN
from tests.builders.okx_venue import (
    MINUTE,
    a_clock,
    exchange,
    feed,
    listing,
    many_minutes,
    simulator,
)

from algotrader.core.instants import utc_ms
from algotrader.core.symbols import InstrumentKind
from algotrader.data.adapters.okx.names import symbol_of
from algotrader.execution.adapters.okx.account import read_balance, read_rules
from algotrader.execution.adapters.okx.readings import Reader
from algotrader.simulator.okx.account_rows import balance_row, detail_row
from algotrader.simulator.okx.build import SimulatorSettings, build
from algotrader.simulator.okx.listings import Listing
from algotrader.simulator.okx.simulator import Simulator
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Request

COMPARED = "test_okx_fixtures.py"
NOT_TRADED = {  # options, spreads and dated futures
    "http_get_instruments_futures.json", "http_get_instruments_option.json",
    "http_get_option_summary.json", "http_get_spread_orders.json", "http_get_spread_trades.json",
    "http_get_spreads.json", "ws_opt_summary.json", "ws_orders_option.json", "ws_sprd_orders.json",
    "real_public_instruments_FUTURES_2022-05.json",
}  # fmt: skip
NO_ANSWER = {  # of a venue: made up to try a parser with
    "common_optional_string_to_u64.json", "http_transaction_detail_empty_fee.json",
    "http_balance_detail_old_fields.json",  # the venue has renamed these fields since
}  # fmt: skip
HERE = {
    "real_public_instruments_SPOT_2022-05.json", "real_public_instruments_SWAP_2022-05.json",
    "real_ws_public_2022-05.jsonl", "ccxt_markets_parsed.json", "ccxt_responses_parsed.json",
    "http_get_instruments_margin.json", "http_balance_detail_new_fields.json",
    "ws_account_empty.json",
}  # fmt: skip
ELSEWHERE = {"ccxt_error_mapping.json"}  # test_okx_codes.py


@pytest.fixture(scope="module")
def fixtures(shared_data: Path) -> Path:
    return shared_data / "data" / "okx_fixtures"


def load(fixtures: Path, name: str) -> Any:
    folder = fixtures if (fixtures / name).exists() else fixtures / "nautilus"
    return json.loads((folder / name).read_text())


def test_every_recorded_file_is_in_the_catalogue(fixtures: Path) -> None:
    known = NOT_TRADED | NO_ANSWER | HERE | ELSEWHERE
    source = (Path(__file__).parent / COMPARED).read_text()
    files = {path.name for path in fixtures.rglob("*.json*")}

    assert {name for name in files - known if f'"{name}"' not in source} == set()
    assert known <= files
    assert len(files) == 67


def get(venue: Simulator, path: str) -> Any:
    path, _, query = path.partition("?")
    reply = venue.request(
        Request(method="GET", path=f"/api/v5/{path}", query=query, at_ms=utc_ms(a_clock().now()))
    )
    assert reply is not None
    return json.loads(reply.body)


# Instruments: the whole real list


def rows_of(fixtures: Path, kind: str) -> list[dict[str, Any]]:
    document = load(fixtures, f"real_public_instruments_{kind}_2022-05.json")
    rows: list[dict[str, Any]] = document["response"]["data"]
    return rows


def listed_as(row: dict[str, Any]) -> Listing:
    """The look-alike's listing of what a recorded row says."""
    made = listing(row["instId"])
    numbers = {"tick": "tickSz", "lot": "lotSz", "min_quantity": "minSz"}
    changes = {name: Decimal(row[field]) for name, field in numbers.items()}
    if row["ctVal"]:
        changes["multiplier"] = Decimal(row["ctVal"])
    return made.changed(**changes)


TOLD = ("instId", "instType", "baseCcy", "quoteCcy", "settleCcy", "ctType", "ctValCcy", "ctMult",
        "state", "uly")  # fmt: skip
NUMBERS = ("tickSz", "lotSz", "minSz", "ctVal")


@pytest.mark.parametrize("kind", ["SPOT", "SWAP"])
def test_each_recorded_instrument_is_one_the_simulator_could_list(
    fixtures: Path, kind: str
) -> None:
    rows = rows_of(fixtures, kind)
    for row in rows:
        ours = listed_as(row).row()
        assert set(row) <= set(ours), row["instId"]
        assert {name: ours[name] for name in TOLD} == {name: row[name] for name in TOLD}
        for name in NUMBERS:
            assert (ours[name] == "") is (row[name] == ""), (row["instId"], name)
            assert not row[name] or Decimal(ours[name]) == Decimal(row[name]), row["instId"]
    assert len(rows) == (513 if kind == "SPOT" else 166)


@pytest.mark.parametrize("kind", ["SPOT", "SWAP"])
def test_the_adapter_reads_the_rules_of_each_recorded_instrument(fixtures: Path, kind: str) -> None:
    for row in rows_of(fixtures, kind):
        rules = read_rules(row)
        assert rules is not None
        assert rules.tick > 0
        assert rules.lot > 0
        assert rules.is_tradable
        is_spot = rules.instrument.kind is InstrumentKind.SPOT
        assert rules.contract_value == (1 if is_spot else Decimal(row["ctVal"]))
        assert rules.instrument.is_inverse is (row["ctType"] == "inverse")


def test_the_clients_reading_of_each_recorded_market_is_that_of_its_row(fixtures: Path) -> None:
    """What ccxt parsed of the dump: steps, minimums and contract sizes as the rows say them."""
    rows = {row["instId"]: row for kind in ("SPOT", "SWAP") for row in rows_of(fixtures, kind)}
    parsed = load(fixtures, "ccxt_markets_parsed.json")
    for unified, market in parsed.items():
        if market["id"] not in rows:
            continue  # of another day than the dump
        rules = read_rules(rows[market["id"]])
        assert rules is not None
        assert rules.instrument.code == unified
        shown = market["precision"]["price"], market["precision"]["amount"]
        assert shown == (float(rules.tick), float(rules.lot))
        assert market["limits"]["amount"]["min"] == float(rules.min_quantity)
        assert (market["contractSize"] or 1.0) == float(rules.contract_value)
    assert len(set(parsed) & {str(symbol_of(name) or "")[4:] for name in rows}) >= 20


def test_what_the_client_parsed_was_made_of_answers_that_are_compared(fixtures: Path) -> None:
    source = (Path(__file__).parent / COMPARED).read_text()
    for case in load(fixtures, "ccxt_responses_parsed.json")["cases"]:
        name = case["raw_file"].removeprefix("nautilus/")
        assert f'"{name}"' in source or name in HERE, name


# What is not traded


def test_dated_futures_options_and_margin_pairs_are_not_taken_for_what_is_traded(
    fixtures: Path,
) -> None:
    for name in ("http_get_instruments_futures.json", "http_get_instruments_option.json"):
        assert {read_rules(row) for row in load(fixtures, name)["data"]} == {None}
    for row in rows_of(fixtures, "FUTURES"):
        assert read_rules(row) is None
    for pair in load(fixtures, "http_get_instruments_margin.json")["data"]:
        rules = read_rules(pair)  # the same pair under another type: spot is asked for by its type
        assert rules is not None
        assert rules.instrument.kind is InstrumentKind.SPOT


def test_pushes_of_options_and_spreads_tell_nothing(fixtures: Path) -> None:
    reader = Reader(account=MAIN)
    for name in ("ws_orders_option.json", "ws_sprd_orders.json"):
        for row in load(fixtures, name)["data"]:
            assert reader.pushed_order(row, 1) == []


def test_the_simulator_lists_and_streams_nothing_of_what_is_not_traded() -> None:
    venue = simulator(a_clock())
    for kind in ("FUTURES", "OPTION", "MARGIN"):
        said = get(venue, f"public/instruments?instType={kind}")
        assert said["code"] != "0" or said["data"] == [], kind
    for path in ("sprd/spreads", "sprd/orders-pending", "sprd/trades", "public/opt-summary"):
        assert get(venue, path)["code"] != "0", path
    session = venue.connect("public")
    for channel in ("opt-summary", "sprd-orders"):
        asked = json.dumps({"op": "subscribe", "args": [{"channel": channel, "instId": "X"}]})
        (answer,) = session.receive(asked, utc_ms(a_clock().now()))
        assert json.loads(answer)["event"] == "error"


# Balances


def test_balances_are_read_under_new_and_old_names(fixtures: Path) -> None:
    for name in ("http_balance_detail_new_fields.json", "http_balance_detail_old_fields.json"):
        balance = read_balance(load(fixtures, name))
        assert (balance.equity, balance.cash, balance.available) == (100, 100, 100)


def test_a_recorded_balance_has_the_fields_of_ours(fixtures: Path) -> None:
    venue = exchange((listing(), feed(many_minutes(30_000.0), step=MINUTE))).venue
    ours = detail_row(venue, "USDT")
    theirs = load(fixtures, "http_balance_detail_new_fields.json")

    assert set(theirs) - set(ours) == set()
    assert all(isinstance(ours[name], type(value)) for name, value in theirs.items())


# The recorded conversation


def streaming() -> Simulator:
    """A look-alike that lists the instruments of the conversation which it can."""
    at = utc_ms(a_clock().now()) // MINUTE * MINUTE
    listed = [
        (listing(name), feed(many_minutes(level), step=MINUTE))
        for name, level in (("BTC-USDT", 30_000.0), ("UNI-USD-SWAP", 5.0))
    ]
    return build(listed, SimulatorSettings(history_bars=300), at)


def conversation(fixtures: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in (fixtures / "real_ws_public_2022-05.jsonl").read_text().splitlines():
        frame = json.loads(line)
        yield frame["dir"], frame["msg"]


def compared(theirs: Any, ours: Any, name: str) -> None:
    """Their fields are ours and of the same form; what is newer may be there."""
    if isinstance(theirs, dict):
        missing = set(theirs) - set(ours)
        assert not missing, (name, missing)
        for key, value in theirs.items():
            compared(value, ours[key], f"{name}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), name
        for one, two in zip(theirs[:1], ours[:1], strict=False):
            compared(one, two, f"{name}[]")
        if theirs and ours and isinstance(theirs[0], list):
            assert len(theirs[0]) == len(ours[0]), name
    else:
        assert isinstance(ours, type(theirs)), (name, theirs, ours)


def test_the_recorded_conversation_could_have_been_had_with_the_simulator(fixtures: Path) -> None:
    venue = streaming()
    at_ms = utc_ms(a_clock().now())
    session: Session = venue.connect("public")
    answers: dict[str, list[dict[str, Any]]] = {}

    def keep(text: str) -> None:
        message = json.loads(text)
        named = message.get("event") or f"{message['arg']['channel']} {message.get('action', '')}"
        answers.setdefault(named, []).append(message)

    recorded: dict[str, list[dict[str, Any]]] = {}
    for direction, message in conversation(fixtures):
        if direction == "client":
            kept = [one for one in message["args"] if one["instId"] != "BTC-USD-220527"]
            for text in session.receive(json.dumps({**message, "args": kept}), at_ms):
                keep(text)
        elif message["arg"]["instId"] != "BTC-USD-220527":  # a dated future
            named = (
                message.get("event") or f"{message['arg']['channel']} {message.get('action', '')}"
            )
            recorded.setdefault(named, []).append(message)
    for _ in range(10):
        venue.advance_venue(30_000)
        for _, text in venue.pushes(at_ms):
            keep(text)

    assert "error" not in answers
    assert set(recorded) == {"subscribe", "tickers ", "trades ", "books snapshot", "books update"}
    for named, messages in recorded.items():
        for message in messages:
            compared(message, answers[named][0], named)


def test_an_account_without_coins_is_pushed_as_recorded(fixtures: Path) -> None:
    venue = exchange((listing(), feed(many_minutes(30_000.0), step=MINUTE)), balances={}).venue
    ours = balance_row(venue, pushed=True)
    (theirs,) = load(fixtures, "ws_account_empty.json")["data"]

    assert set(theirs) - set(ours) == set()
    assert ours["details"] == theirs["details"] == []


def test_the_catalogue_can_fail() -> None:
    with pytest.raises(AssertionError):
        compared({"a": "1", "b": "2"}, {"a": "1"}, "x")
    with pytest.raises(AssertionError):
        compared([["1", "2"]], [["1"]], "x")
