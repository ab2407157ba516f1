"""Accounts, universes, clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from algotrader.core.accounts import Account, MarginMode, PositionMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.money import Currency
from algotrader.core.ports import Clock, ManualClock, Notice, Severity, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.universes import Membership, Universe

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
AAPL = Symbol.parse("US:AAPL")


def an_account(**changes: Any) -> Account:
    given: dict[str, Any] = {
        "account_id": AccountId("main"),
        "venue": "OKX",
        "currency": Currency("USDT"),
        "margin_mode": MarginMode.CASH,
        "instruments": (ETH, BTC),
        "strategies": (StrategyId("trend"),),
    }
    return Account(**(given | changes))


def test_the_instruments_of_an_account_stand_in_the_order_of_their_text() -> None:
    assert an_account().instruments == (BTC, ETH)
    assert an_account().position_mode is PositionMode.NET


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"instruments": (AAPL,)}, "is at OKX, not US:AAPL"),
        ({"instruments": (BTC, BTC)}, "instrument twice"),
        ({"strategies": (StrategyId("a"), StrategyId("a"))}, "strategy twice"),
    ],
)
def test_an_account_that_contradicts_itself_cannot_be_written(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        an_account(**changes)


def test_a_fixed_universe_has_the_same_members_at_all_times() -> None:
    universe = Universe.fixed([ETH, BTC])

    assert universe.symbols == universe.members(-(10**15)) == universe.members(0) == (BTC, ETH)
    assert universe.mask(np.array([0, 1])).all()


SPANS = [
    Membership(symbol=ETH, start_ms=20),
    Membership(symbol=BTC, start_ms=30, end_ms=40),
    Membership(symbol=BTC, start_ms=10, end_ms=20),
]


@pytest.mark.parametrize(
    ("at", "members"),
    [(9, ()), (10, (BTC,)), (19, (BTC,)), (20, (ETH,)), (30, (BTC, ETH)), (40, (ETH,))],
)
def test_membership_begins_at_its_start_and_ends_before_its_end(
    at: int, members: tuple[Symbol, ...]
) -> None:
    assert Universe.from_spans(SPANS).members(at) == members


def test_the_mask_says_for_every_row_who_belongs() -> None:
    mask = Universe.from_spans(SPANS).mask(np.array([0, 10, 20, 35, 40]))

    assert mask.T.tolist() == [
        [False, True, False, True, False],  # BTC
        [False, False, True, True, True],  # ETH
    ]


def test_columns_of_the_mask_follow_the_symbols_that_are_asked_for() -> None:
    mask = Universe.from_spans(SPANS).mask(np.array([20]), [AAPL, ETH])

    assert mask.tolist() == [[False, True]]


def test_spans_of_one_symbol_may_touch_and_may_not_overlap() -> None:
    touching = [Membership(symbol=BTC, start_ms=0, end_ms=5), Membership(symbol=BTC, start_ms=5)]

    assert Universe.from_spans(touching).members(5) == (BTC,)
    with pytest.raises(ValueError, match="overlap"):
        Universe.from_spans([*touching, Membership(symbol=BTC, start_ms=9)])
    with pytest.raises(ValueError, match="overlap"):
        Universe.fixed([BTC, BTC])


def test_a_membership_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before"):
        Membership(symbol=BTC, start_ms=5, end_ms=5)


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def test_a_manual_clock_moves_only_when_it_is_told() -> None:
    clock = ManualClock(NOON)
    clock.advance(90.5)

    assert clock.now() == NOON + timedelta(seconds=90.5)
    assert clock.monotonic_s() == 90.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_setting_the_time_of_day_does_not_touch_deadlines() -> None:
    clock = ManualClock(NOON)
    clock.advance(5)
    clock.set(NOON - timedelta(hours=1))

    assert clock.now() == NOON - timedelta(hours=1)
    assert clock.monotonic_s() == 5.0


def test_clocks_name_their_zone() -> None:
    clock: Clock = SystemClock()

    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic_s() <= clock.monotonic_s()
    with pytest.raises(ValueError, match="zone"):
        ManualClock(datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_notice_carries_no_fields_unless_given() -> None:
    notice = Notice(severity=Severity.CRITICAL, title="Halted", text="by hand", cause="halt")

    assert notice.fields == {}
