"""What a person may ask: halt, re-arm, change a limit; all of it outlives the process."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from tests.builders.risk import (
    HOUR,
    MAIN,
    NOON_MS,
    a_risk,
    allowed,
    an_exposure,
    asked,
    here,
    told,
    wants,
    watched,
)

from algotrader.core.events import (
    Event,
    HaltRequested,
    LimitChanged,
    LimitChangeRefused,
    LimitChangeRequested,
    Rearmed,
    RearmRequested,
    RiskAction,
    RiskTripped,
    TradingMode,
)
from algotrader.core.ids import AccountId
from algotrader.core.orders import Purpose
from algotrader.risk.holds import ALLOWED, KILL_SWITCH, Operation, strictest
from algotrader.risk.limit_changes import changeable

OTHER = AccountId("other")


def halt(account: AccountId | None = MAIN, *, flatten: bool = False) -> Event:
    return HaltRequested(
        ts_event=NOON_MS, ts_known=NOON_MS, account=account, by="owner", channel="telegram",
        reason="news", flatten=flatten,
    )  # fmt: skip


def rearm(account: AccountId | None = MAIN) -> Event:
    return RearmRequested(
        ts_event=NOON_MS, ts_known=NOON_MS, account=account, by="owner", channel="cli",
        reason="checked",
    )  # fmt: skip


def change(key: str, value: str | None) -> Event:
    return LimitChangeRequested(
        ts_event=NOON_MS, ts_known=NOON_MS, by="owner", channel="console", reason="smaller",
        key=key, value=value,
    )  # fmt: skip


def test_a_halt_says_by_whom_why_and_since_when_and_what_is_still_allowed() -> None:
    risk = a_risk()

    (event,) = asked(risk, halt())
    status = risk.status(an_exposure())

    assert isinstance(event, RiskTripped)
    assert (event.rule, event.action, event.by) == (KILL_SWITCH, RiskAction.HALT, "owner")
    (hold,) = status.holds
    assert (hold.by, hold.text, hold.since_ms) == (
        "owner", "halted by owner (telegram): news", NOON_MS,
    )  # fmt: skip
    assert status.mode is TradingMode.HALTED
    assert status.allowed == {
        Operation.PROTECT, Operation.CANCEL, Operation.FLATTEN, Operation.HALT, Operation.REARM,
        Operation.CHANGE_LIMIT,
    }  # fmt: skip


def test_a_halt_stands_after_a_restart_until_a_person_re_arms() -> None:
    before = a_risk()
    journal = asked(before, halt())

    after = told(a_risk(), *journal)
    much_later = an_exposure(here(position="1"), now_ms=NOON_MS + 10_000 * HOUR)
    assert allowed(after.judge(wants("1"), much_later)) == [KILL_SWITCH]
    assert allowed(after.judge(wants("-1"), much_later)) == [KILL_SWITCH]
    assert allowed(after.judge(wants("-1", Purpose.TRAILING), much_later)) == 1
    asked(after, rearm())

    assert allowed(after.judge(wants("1"), much_later)) == 1


def test_a_halt_of_one_account_leaves_others_and_one_of_all_none() -> None:
    risk = a_risk()
    asked(risk, halt(OTHER))
    assert allowed(risk.judge(wants("1"), an_exposure())) == 1

    asked(risk, halt(None))
    assert allowed(risk.judge(wants("1"), an_exposure())) == [KILL_SWITCH]
    asked(risk, rearm(MAIN))
    assert allowed(risk.judge(wants("1"), an_exposure())) == [KILL_SWITCH]
    asked(risk, rearm(None))
    assert allowed(risk.judge(wants("1"), an_exposure())) == 1


def test_a_halt_thrown_twice_is_one_and_a_flatten_is_stronger() -> None:
    risk = a_risk()
    asked(risk, halt())
    asked(risk, halt(flatten=True))

    (hold,) = risk.state.holds.values()
    assert (hold.action, hold.since_ms) == (RiskAction.FLATTEN, NOON_MS)


def test_re_arming_where_nothing_holds_is_kept_and_changes_nothing() -> None:
    (event,) = asked(a_risk(), rearm())

    assert isinstance(event, Rearmed)


def test_each_mode_allows_no_more_than_the_one_before() -> None:
    ladder = [TradingMode.TRADING, TradingMode.REDUCE_ONLY, TradingMode.HALTED]

    assert all(ALLOWED[one] > ALLOWED[next_] for one, next_ in pairwise(ladder))
    assert all(Operation.REARM in ALLOWED[mode] for mode in TradingMode)
    assert strictest(TradingMode.REDUCE_ONLY, TradingMode.TRADING) is TradingMode.REDUCE_ONLY


# Limits


def test_a_limit_changed_while_running_holds_from_then_on_restarts_included() -> None:
    before = a_risk(instrument={"max_quantity": 7})
    journal = asked(before, change("instrument.max_quantity", "5"))

    (event,) = journal
    assert isinstance(event, LimitChanged)
    assert (event.before, event.after, event.by) == ("7", "5", "owner")
    # Also after a restart with a file that would allow more.
    for risk in (before, told(a_risk(instrument={"max_quantity": 9}), *journal)):
        assert allowed(risk.judge(wants("50"), an_exposure())) == 5
        assert risk.status(an_exposure()).changed == {"instrument.max_quantity": "5"}


def test_a_changed_limit_can_be_given_back_to_the_file() -> None:
    risk = a_risk(instrument={"max_quantity": 7})
    asked(risk, change("instrument.max_quantity", "5"))
    (event,) = asked(risk, change("instrument.max_quantity", None))

    assert isinstance(event, LimitChanged)
    assert (event.before, event.after) == ("5", "7")
    assert allowed(risk.judge(wants("50"), an_exposure())) == 7
    assert risk.state.changed == {}


def test_a_limit_can_be_set_for_one_instrument_and_lifted() -> None:
    risk = a_risk(instrument={"max_quantity": 7})
    asked(risk, change("instruments.OKX:BTC/USDT.max_quantity", "2"))
    assert allowed(risk.judge(wants("50"), an_exposure())) == 2

    (event,) = asked(risk, change("instrument.max_quantity", "none"))
    assert isinstance(event, LimitChanged)
    assert (event.before, event.after) == ("7", None)
    assert allowed(risk.judge(wants("50"), an_exposure())) == 2


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("instrument.max_quantty", "5", "is no limit that can be changed"),
        ("rules", "5", "is no limit that can be changed"),
        ("instrument.max_quantity", "much", "'much' is not a number"),
        ("instrument.max_quantity", "-5", "greater than 0"),
        ("account.on_breach", "none", "'warn', 'reduce_only'"),
        ("order.max_per_second", "99", "max_per_second 99 is more than"),
    ],
)
def test_a_wrong_change_is_refused_in_words_and_changes_nothing(
    key: str, value: str, says: str
) -> None:
    risk = a_risk(order={"max_per_minute": 30})

    (event,) = asked(risk, change(key, value))

    assert isinstance(event, LimitChangeRefused)
    assert says in event.reason
    assert risk.state.limits == risk.state.file


def test_giving_one_limit_back_may_contradict_another() -> None:
    risk = a_risk(order={"max_per_minute": 30})
    asked(risk, change("order.max_per_minute", "200"))
    asked(risk, change("order.max_per_second", "99"))

    (event,) = asked(risk, change("order.max_per_minute", None))

    assert isinstance(event, LimitChangeRefused)
    assert risk.state.limits.order.max_per_minute == 200


def test_every_key_that_can_be_changed_is_named() -> None:
    names = list(changeable())

    assert "account.max_daily_loss" in names
    assert "instruments.NAME.max_quantity" in names
    assert len(names) == len(set(names))


def test_a_pause_of_a_limit_is_judged_anew_when_the_limit_is_changed() -> None:
    risk = a_risk(account={"max_daily_loss": "3%", "on_breach": "reduce_only"})
    watched(risk, an_exposure())
    lost = an_exposure(equity=9_600, now_ms=NOON_MS + HOUR)
    watched(risk, lost)
    assert allowed(risk.judge(wants("1"), lost)) == ["account.max_daily_loss"]

    asked(risk, change("account.max_daily_loss", "5%"))
    assert allowed(risk.judge(wants("1"), lost)) == 1
    asked(risk, change("account.max_daily_loss", "2%"))
    watched(risk, lost)

    assert allowed(risk.judge(wants("1"), lost)) == ["account.max_daily_loss"]


def test_what_no_person_asked_is_not_answered() -> None:
    risk = a_risk()

    assert not risk.hear(Rearmed(ts_event=0, ts_known=0, account=MAIN, by="x", reason="y"), print)


def test_headroom_shows_the_fullest_limit_first_and_nothing_that_is_not_set() -> None:
    risk = a_risk(
        account={"max_leverage": 2, "max_daily_loss": "3%"}, instrument={"max_weight": "40%"}
    )
    watched(risk, an_exposure())
    held = an_exposure(here(position="30"), equity=9_900, now_ms=NOON_MS + HOUR)
    watched(risk, held)

    rows = [(row.rule, row.used, row.limit, row.left) for row in risk.headroom(held)]

    # 3,000 of 3,960; 100 of 300; 3,000 of 19,800.
    assert [row[0] for row in rows] == ["max_weight", "account.max_daily_loss", "max_leverage"]
    assert rows[1] == ("account.max_daily_loss", Decimal("0.01"), Decimal("0.03"), Decimal("0.02"))
    assert round(rows[0][1], 4) == Decimal("0.3030")
    assert a_risk().headroom(held) == ()
    assert a_risk(account={"max_leverage": 2}).headroom(an_exposure(equity=0)) == ()
