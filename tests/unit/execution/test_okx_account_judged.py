"""An account judged fit to trade or not, and rows of it read: pure functions."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.okx_orders import BTC, SWAP

from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.clock import ClockReading
from algotrader.execution.adapters.okx.account import (
    AccountConfiguration,
    ContractTier,
    changed_rules,
    margin_tiers,
    read_balance,
    read_configuration,
    read_fees,
    read_maintenance,
    read_position,
    read_rules,
    read_tier,
)
from algotrader.execution.adapters.okx.examination import judge_account
from algotrader.execution.broker import BrokerUnavailableError

FINE = AccountConfiguration(
    level="2", position_mode="net_mode", permissions=frozenset({"read_only", "trade"}),
    addresses=("10.0.0.1",), fee_level="Lv1", uid="1",
)  # fmt: skip
CLOCK = ClockReading(offset_ms=20, uncertainty_ms=5)


def unfit(clock: ClockReading = CLOCK, *, swaps: bool = True, **changes: Any) -> list[str]:
    checks = judge_account(replace(FINE, **changes), clock, trades_swaps=swaps)
    assert all(one.mend for one in checks if not one.is_fine)
    return [one.subject for one in checks if not one.is_fine]


def test_an_account_that_is_set_up_is_fine() -> None:
    assert unfit() == []
    assert unfit(swaps=False, level="1", position_mode="long_short_mode") == []


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"permissions": frozenset({"read_only", "trade", "withdraw"})}, "withdrawal"),
        ({"permissions": frozenset({"read_only"})}, "permissions"),
        ({"level": "1"}, "account mode"),
        ({"level": "3"}, "account mode"),
        ({"level": ""}, "account mode"),
        ({"position_mode": "long_short_mode"}, "position mode"),
        ({"borrows": True}, "borrowing"),
    ],
)
def test_what_is_not_fit_is_said_with_how_to_mend_it(changes: Any, subject: str) -> None:
    assert unfit(**changes) == [subject]


@pytest.mark.parametrize("offset_ms", [1_001, -40_000])
def test_f30_a_clock_too_far_off_is_not_fit(offset_ms: int) -> None:
    assert unfit(ClockReading(offset_ms=offset_ms, uncertainty_ms=5)) == ["clock"]


def test_a_key_that_works_from_anywhere_is_shown_and_not_refused() -> None:
    checks = judge_account(replace(FINE, addresses=()), CLOCK, trades_swaps=True)
    (check,) = [one for one in checks if one.subject == "addresses"]

    assert check.is_fine
    assert "bind" in check.mend


def test_a_configuration_is_read_with_its_lists() -> None:
    row = {"acctLv": "2", "posMode": "net_mode", "perm": "read_only,withdraw,trade",
           "ip": "1.2.3.4, 5.6.7.8", "level": "Lv2", "uid": "9"}  # fmt: skip
    found = read_configuration(row)
    assert found.permissions == {"read_only", "withdraw", "trade"}
    assert found.addresses == ("1.2.3.4", "5.6.7.8")
    assert read_configuration({"ip": ""}).addresses == ()


@pytest.mark.parametrize(
    ("level", "named", "borrows"),
    [
        ("1", "enableSpotBorrow", True), ("1", "autoLoan", False),
        ("2", "enableSpotBorrow", False), ("2", "autoLoan", False),
        ("3", "autoLoan", True), ("4", "autoLoan", True),
    ],
)  # fmt: skip
def test_an_account_borrows_by_the_setting_that_holds_in_its_mode(
    level: str, named: str, borrows: bool
) -> None:
    for told in (True, "true"):
        assert read_configuration({"acctLv": level, named: told}).borrows is borrows


def test_fees_are_what_is_paid_by_the_field_of_the_kind() -> None:
    row = {"maker": "-0.0008", "taker": "-0.001", "makerU": "-0.0002", "takerU": "-0.0005",
           "makerUSDC": "0.0001", "takerUSDC": "-0.0003", "level": "Lv1"}  # fmt: skip
    fees = {text: read_fees(row, Symbol.parse(text)) for text in
            ("OKX:BTC/USDT", "OKX:BTC/USDT:USDT", "OKX:BTC/USDC:USDC", "OKX:BTC/USD:BTC")}  # fmt: skip
    assert [(str(f.maker), str(f.taker)) for f in fees.values()] == [
        ("0.0008", "0.001"), ("0.0002", "0.0005"), ("-0.0001", "0.0003"), ("0.0008", "0.001"),
    ]  # fmt: skip
    with pytest.raises(BrokerUnavailableError, match="no rates"):
        read_fees({"maker": "", "taker": ""}, BTC)


def test_fees_of_the_group_of_the_one_instrument_asked_for_come_first() -> None:
    row = {"feeGroup": [{"groupId": "2", "maker": "-0.0006", "taker": "-0.0007"}], "level": "Lv1",
           "maker": "-0.0008", "taker": "-0.001", "makerU": "", "takerU": ""}  # fmt: skip
    for text in ("OKX:BTC/USDC", "OKX:BTC/USDT:USDT"):
        fees = read_fees(row, Symbol.parse(text))
        assert (str(fees.maker), str(fees.taker)) == ("0.0006", "0.0007")


@pytest.mark.parametrize(
    ("stops", "demo", "told"),
    [
        (True, False, {"serviceType": "5", "env": "1"}),
        (True, True, {"serviceType": "5", "env": "2"}),
        (True, False, {}),  # it does not say of what
        (False, False, {"serviceType": "5", "env": "1", "state": "scheduled"}),
        (False, False, {"serviceType": "5", "env": "2"}),  # demo trading alone
        (False, False, {"serviceType": "6", "env": "1"}),  # block trades
        (False, False, {"serviceType": "7", "env": "1"}),  # OKX's own bots
        (False, False, {"serviceType": "10", "env": "1"}),  # spreads
        (False, False, {"serviceType": "11", "env": "1"}),  # copy trading
    ],
)
def test_maintenance_of_what_nobody_here_trades_by_stops_nothing(
    stops: bool, demo: bool, told: dict[str, str]
) -> None:
    row = {"title": "upgrade", "state": "ongoing", "begin": "1", "end": "2"} | told
    assert read_maintenance(row).stops_trading(demo=demo) is stops


def test_tiers_of_contracts_become_tiers_of_notional() -> None:
    tier = ContractTier(
        upper_quantity=Decimal(500), maintenance_rate=Decimal("0.004"),
        initial_rate=Decimal("0.01"), max_leverage=Decimal(100),
    )  # fmt: skip
    (made,) = margin_tiers([tier], Decimal(300))  # 0.01 BTC at 30,000
    assert (made.upper_notional, made.maintenance_rate) == (150_000, Decimal("0.004"))


RULES = {
    "instId": "BTC-USDT-SWAP", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01",
    "maxLmtSz": "1000", "maxMktSz": "100", "ctVal": "0.01", "ctMult": "1", "state": "live",
    "expTime": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [("tickSz", "0.5", "tick"), ("lotSz", "1", "lot"), ("minSz", "2", "min_quantity"),
     ("ctVal", "0.1", "contract_value"), ("ctMult", "2", "contract_value"),
     ("state", "suspend", "state"), ("expTime", "1800000000000", "expires_ms")],
)  # fmt: skip
def test_f31_f32_what_changed_of_an_instrument_is_named(field: str, value: str, rule: str) -> None:
    before, now = read_rules(RULES), read_rules(RULES | {field: value})
    assert before is not None
    assert now is not None
    assert changed_rules(before, now) == (rule,)
    assert before.is_tradable
    assert now.is_tradable is (rule != "state")
    assert read_rules({"instId": "BTC-USD-261225"}) is None


def recorded(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / f"data/okx_fixtures/nautilus/{name}.json").read_text())


def test_recorded_rows_of_an_account_can_be_read(shared_data: Path) -> None:
    for row in recorded(shared_data, "http_get_positions")["data"]:
        position = read_position(row)
        assert position is None or position.entry > 0
    for row in recorded(shared_data, "http_get_account_balance")["data"]:
        for detail in row["details"]:
            assert read_balance(detail).equity >= 0
    for row in recorded(shared_data, "http_get_position_tiers")["data"]:
        assert read_tier(row).maintenance_rate > 0
    for row in recorded(shared_data, "http_get_trade_fee_response")["data"]:
        assert read_fees(row, BTC).taker == Decimal("0.001")
    for name in ("spot", "swap"):
        rules = [
            read_rules(row) for row in recorded(shared_data, f"http_get_instruments_{name}")["data"]
        ]
        assert all(one is not None and one.tick > 0 and one.lot > 0 for one in rules)


def test_recorded_lists_of_instruments_can_be_read(shared_data: Path) -> None:
    for kind in ("SPOT", "SWAP"):
        path = shared_data / f"data/okx_fixtures/real_public_instruments_{kind}_2022-05.json"
        rules = [read_rules(row) for row in json.loads(path.read_text())["response"]["data"]]
        assert len(rules) > 50
        assert all(one is not None and one.lot > 0 and one.contract_value > 0 for one in rules)
    assert SWAP.settle == "USDT"
