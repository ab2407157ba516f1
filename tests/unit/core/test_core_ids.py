"""Client order ids: the same decision, the same id."""

from __future__ import annotations

import re

import pytest

from algotrader.core.ids import (
    AccountId,
    OrderId,
    RunId,
    StrategyId,
    client_order_id,
    mint_run_id,
    order_memo,
    run_tag,
    run_tag_of,
)
from algotrader.core.money import parse_currency

PARTS = {
    "run_id": RunId("run"),
    "account": AccountId("main"),
    "strategy": StrategyId("trend"),
    "decided_ms": 1_700_000_000_000,
    "instrument": "OKX:BTC/USDT",
    "leg": 0,
    "attempt": 0,
}


def an_id(**changes: object) -> OrderId:
    return client_order_id(**{**PARTS, **changes})  # type: ignore[arg-type]


def test_the_same_decision_has_the_same_id_in_every_release() -> None:
    # Written down once: after an upgrade a restart must find the orders of before.
    assert an_id() == "atvtx762ykmgx3tkv7pwfcjn2e"


def test_an_id_is_26_small_letters_and_digits() -> None:
    assert re.fullmatch(r"at[a-z2-7]{24}", an_id())


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "run2"},
        {"account": "other"},
        {"strategy": "mean"},
        {"decided_ms": 1_700_000_000_001},
        {"instrument": "OKX:ETH/USDT"},
        {"leg": 1},
        {"attempt": 1},
    ],
)
def test_every_part_of_a_decision_changes_the_id(change: dict[str, object]) -> None:
    assert an_id(**change) != an_id()


def test_parts_cannot_run_into_each_other() -> None:
    assert an_id(account="a", strategy="bc") != an_id(account="ab", strategy="c")


@pytest.mark.parametrize("change", [{"leg": -1}, {"attempt": -1}])
def test_counts_begin_at_zero(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="count from 0"):
        an_id(**change)


def test_our_own_orders_are_known_by_their_tag() -> None:
    assert run_tag_of(an_id()) == run_tag(RunId("run"))
    assert run_tag_of(an_id(run_id="other")) != run_tag(RunId("run"))


@pytest.mark.parametrize("foreign", ["", "at", "x" + "a" * 25, "AT" + "a" * 24, "at" + "1" * 24])
def test_orders_of_others_have_no_tag(foreign: str) -> None:
    assert run_tag_of(foreign) is None


def test_venues_with_short_memos_carry_the_last_twelve() -> None:
    assert order_memo(an_id()) == an_id()[-12:]


def test_a_run_id_is_minted_from_randomness_that_is_given() -> None:
    assert mint_run_id(bytes(16)) == "a" * 26
    assert mint_run_id(bytes(range(16))) != mint_run_id(bytes(16))
    with pytest.raises(ValueError, match="16 random bytes"):
        mint_run_id(b"short")


def test_two_spellings_are_never_one_currency() -> None:
    assert parse_currency("USDT") != parse_currency("USD")
    for wrong in ("usdt", "", "BTC/USDT", "A" * 21, "US D"):
        with pytest.raises(ValueError, match="no currency code"):
            parse_currency(wrong)
