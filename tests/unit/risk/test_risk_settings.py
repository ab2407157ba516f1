"""Limits as they are written: read exactly, refused with a sentence, never guessed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.risk.hours import is_open, parse_hours
from algotrader.risk.settings import RiskSettings

BTC = Symbol.parse("OKX:BTC/USDT")


def settings(**sections: Any) -> RiskSettings:
    return RiskSettings.model_validate(sections)


def test_what_is_absent_limits_nothing() -> None:
    assert settings().beyond_fast_driver() == ()
    assert settings().live_only() == ()
    assert settings().history_bars() == 1


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"account": {"max_drawdwn": "5%"}}, "Extra inputs"),
        ({"account": {"max_drawdown": "150%"}}, "less than or equal to 1"),
        ({"account": {"max_drawdown": 0}}, "greater than 0"),
        ({"account": {"max_drawdown": "nan"}}, "is not a number"),
        ({"account": {"on_breach": "pray"}}, "'warn', 'reduce_only', 'halt' or 'flatten'"),
        (
            {"account": {"max_net": 10, "max_gross": 9}},
            "account.max_net 10 is more than max_gross 9",
        ),
        ({"accounts": {"main": {"max_net": 10, "max_gross": 9}}}, "accounts.main.max_net 10"),
        ({"order": {"max_per_second": 9, "max_per_minute": 5}}, "max_per_second 9 is more than"),
        ({"instrument": {"hours": "noon"}}, "write them like mon-fri"),
        ({"instrument": {"hours": "mon-fun 09:00-10:00"}}, "'fun' is no day"),
        ({"instrument": {"hours": "25:00-26:00"}}, "25:00 is no time"),
        ({"instrument": {"max_quote_age": 60}}, "is not a length of time"),
        ({"instruments": {"BTC": {}}}, "instruments:"),
        ({"rules": [{"name": "a", "when": "drawdwn > 1", "then": "halt"}]}, "column 1: drawdwn"),
        (
            {"rules": [{"name": "a", "when": "drawdown > 1", "then": "stop"}]},
            "use warn, reduce_only",
        ),
        (
            {"rules": [{"name": "a", "when": "drawdown > 1", "then": {"scale": 2}}]},
            "less than or eq",
        ),
        (
            {"rules": [{"name": "a", "when": "drawdown > 1", "then": "halt"}] * 2},
            "2 rules are called",
        ),
        ({"protections": [{"kind": "cooldwn", "pause": "4h"}]}, "cooldown"),
        ({"protections": [{"kind": "cooldown"}]}, "Field required"),
        ({"day": "Mars"}, "is no time zone"),
    ],
)
def test_a_wrong_limit_is_refused_in_words(sections: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(**sections)


def test_what_is_named_replaces_what_holds_for_all_and_nothing_else() -> None:
    risk = settings(
        account={"max_leverage": 2, "max_drawdown": "15%"},
        accounts={"main": {"max_leverage": 1}},
        strategy={"max_positions": 5},
        strategies={"trend": {"max_weight": "30%"}},
        instrument={"max_weight": "40%", "max_quantity": 3},
        instruments={"OKX:BTC/USDT": {"max_weight": "10%"}},
    )

    assert risk.of_account(AccountId("main")).max_leverage == 1
    assert risk.of_account(AccountId("main")).max_drawdown == Decimal("0.15")
    assert risk.of_account(AccountId("other")).max_leverage == 2
    assert risk.of_strategy(StrategyId("trend")).max_positions == 5
    assert risk.of_strategy(StrategyId("trend")).max_weight == Decimal("0.3")
    assert risk.of_instrument(BTC).max_weight == Decimal("0.1")
    assert risk.of_instrument(BTC).max_quantity == 3
    assert risk.of_instrument(Symbol.parse("OKX:ETH/USDT")).max_weight == Decimal("0.4")


def test_the_fast_driver_holds_three_limits_and_names_all_others() -> None:
    fast = settings(
        account={"max_leverage": 2, "on_breach": "halt"},
        instrument={"max_weight": "40%", "max_notional": 5},
    )
    full = settings(
        instruments={"OKX:BTC/USDT": {"max_weight": "10%"}},
        total={"max_gross": 5},
        protections=[{"kind": "cooldown", "pause": "4h"}],
    )

    assert fast.beyond_fast_driver() == ()
    assert full.beyond_fast_driver() == (
        "risk.instruments.OKX:BTC/USDT.max_weight",
        "risk.protections",
        "risk.total.max_gross",
    )


def test_what_needs_prices_between_bars_says_so() -> None:
    risk = settings(
        instrument={"max_quote_age": "60s"},
        instruments={"OKX:BTC/USDT": {"max_quote_age": "5s"}},
        rules=[{"name": "wide", "when": "spread > 20bps", "then": "reduce_only"}],
    )

    assert risk.live_only() == (
        "risk.instrument.max_quote_age",
        "risk.instruments.OKX:BTC/USDT.max_quote_age",
        "risk.rules wide",
    )


def test_without_live_only_nothing_is_left_that_a_backtest_cannot_hold() -> None:
    deep = {"name": "deep", "when": "drawdown > 5%", "then": "halt"}
    risk = settings(
        instrument={"max_quote_age": "60s", "max_quantity": 3},
        instruments={"OKX:BTC/USDT": {"max_quote_age": "5s", "max_quantity": 2}},
        rules=[{"name": "wide", "when": "spread > 20bps", "then": "reduce_only"}, deep],
    ).without_live_only()

    assert risk.live_only() == ()
    assert [rule.name for rule in risk.rules] == ["deep"]
    assert (risk.instrument.max_quantity, risk.of_instrument(BTC).max_quantity) == (3, 2)


def test_rules_say_how_many_bars_they_look_back_at() -> None:
    calm = {"name": "calm", "when": "volatility(20) > 2 * volatility(200)", "then": {"scale": 0.5}}

    assert settings(rules=[calm]).history_bars() == 201
    assert settings(order={"max_volume_share": "5%"}).history_bars() == 20


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        # 2026-03-02 is a Monday.
        ("09:30-16:00", "2026-03-01T09:30", True),
        ("09:30-16:00", "2026-03-01T09:29", False),
        ("09:30-16:00", "2026-03-01T16:00", False),
        ("mon-fri 09:30-16:00", "2026-03-01T12:00", False),
        ("mon-fri 09:30-16:00", "2026-03-02T12:00", True),
        ("sat 10:00-12:00, mon 10:00-12:00", "2026-03-02T11:00", True),
        ("fri-mon 10:00-12:00", "2026-03-01T11:00", True),
        ("fri-mon 10:00-12:00", "2026-03-03T11:00", False),
        # A night session belongs to the day it begins on.
        ("mon-fri 21:00-02:30", "2026-03-02T01:00", False),
        ("mon-fri 21:00-02:30", "2026-03-03T01:00", True),
        ("mon-fri 21:00-02:30", "2026-03-07T02:29", True),
        ("mon-fri 21:00-02:30", "2026-03-07T02:30", False),
        ("00:00-24:00", "2026-03-07T23:59", True),
    ],
)
def test_hours_are_local_and_end_before_their_last_minute(
    hours: str, at: str, expected: bool
) -> None:
    assert is_open(hours, datetime.fromisoformat(f"{at}+00:00")) is expected
    assert parse_hours(hours)


def test_settings_written_as_json_are_read_back_the_same() -> None:
    given = settings()
    written = given.model_dump(mode="json")

    assert type(given).model_validate(written) == given


def test_the_settings_of_the_documentation_can_be_read() -> None:
    page = Path(__file__).parents[3] / "docs" / "concepts" / "risk.md"
    block = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]

    risk = RiskSettings.model_validate(yaml.safe_load(block)["risk"])

    assert [rule.name for rule in risk.rules] == ["calm down", "tail"]
    assert risk.history_bars() == 1_001
