"""What really went wrong while trading is what `parity` says went wrong, and nothing else is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.traded_desk import (
    ACCOUNT,
    BY_BAR,
    NAME,
    TARGETS,
    InTime,
    a_desk,
    a_market,
    cash,
    changed,
    compared,
    replace_event,
    slices,
    traded,
    without,
)

from algotrader.backtest.settings import BacktestSettings
from algotrader.core.events import (
    Event,
    HaltRequested,
    HandOrderRequested,
    LimitChangeRequested,
    OrderFilled,
    OrderRejected,
    RearmRequested,
    StrategyReloaded,
    StrategyUnloadRequested,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import RunId, TradeId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import Side
from algotrader.engine.slices import Slice
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import last_segment
from algotrader.parity.causes import Cause, Compared, Sameness
from algotrader.parity.comparing import Parity
from algotrader.parity.reading import Step, steps_of
from algotrader.parity.replaying import MOST_DIFFERENCES, Replayer

FORGOTTEN = """
    seen = 0

    def count(self):
        self.seen += 1
"""
FILLED = ["OrderFilled", "PositionChanged"]


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    return JournalFolder(tmp_path / "journal")


def late(slices_: list[Slice], at: int) -> list[Slice]:
    """One bar of a slice comes with the next one."""
    gone_on, lost = without(slices_[at], 0)
    after = slices_[at + 1]
    lost = replace_event(lost, is_late=True, ts_known=after.closed.ts_known)
    return [*slices_[:at], gone_on, Slice(bars=(lost, *after.bars), closed=after.closed),
            *slices_[at + 2 :]]  # fmt: skip


class Rejects(InTime):
    """The venue refuses one order."""

    count = 0

    async def submit(self, approved: Any, deadline_ms: int) -> Any:
        self.count += 1
        if self.count != 20:
            return await super().submit(approved, deadline_ms)
        order = approved.order
        return OrderRejected(
            ts_event=self._now_ms(), ts_known=self._now_ms(), account=order.account,
            order_id=order.order_id, instrument=order.instrument, code="51008",
            reason="insufficient balance",
        )  # fmt: skip


class AtOnce(InTime):
    """An exchange fills as it is asked, from a time on; a backtest does at the next bar."""

    from_ms = 0

    async def submit(self, approved: Any, deadline_ms: int) -> Any:
        order, now_ms = approved.order, self._now_ms()
        if now_ms < self.from_ms:
            return await super().submit(approved, deadline_ms)
        fill = Fill(
            trade_id=TradeId(order.order_id), order_id=order.order_id, account=ACCOUNT,
            instrument=order.instrument, side=order.side, quantity=order.quantity,
            price=order.terms.limit or Decimal(100), fee=Decimal(0),
            fee_currency=Currency("USDT"), filled_at=utc_at(now_ms),
        )  # fmt: skip
        return OrderFilled(ts_event=now_ms, ts_known=now_ms, fill=fill)


class At:
    """Requests of a person, each once its time has come."""

    def __init__(self, *requests: Event) -> None:
        self._waiting = sorted(requests, key=lambda one: one.ts_known)

    def __call__(self, now_ms: int) -> Iterator[Event]:
        while self._waiting and self._waiting[0].ts_known <= now_ms:
            yield self._waiting.pop(0)


def halted(at_ms: int) -> HaltRequested:
    return HaltRequested(
        ts_event=at_ms,
        ts_known=at_ms,
        account=ACCOUNT,
        by="operator",
        channel="cli",
        reason="lunch",
    )


def resumed(at_ms: int) -> RearmRequested:
    return RearmRequested(
        ts_event=at_ms, ts_known=at_ms, account=ACCOUNT, by="operator", channel="cli", reason="back"
    )


def different(found: Parity) -> list[Compared]:
    return [one for one in found.decisions if one.sameness is Sameness.DIFFERENT]


def of_row(desk_market: Any, row: int) -> int:
    """The decision that the bars of a row lead to."""
    return int(desk_market.bars.known_at[row])


def assert_alone(found: Parity, cause: Cause) -> None:
    """One cause, and what followed from it by the money; nothing unknown; the replay equal."""
    assert found.replay.is_equal
    assert found.is_clean
    assert found.counts[Sameness.EQUAL] > 0
    assert {one.cause for one in different(found)} == {cause}
    assert set(found.causes) <= {cause, Cause.PATH}
    by_money = [one for one in found.decisions if one.sameness is Sameness.WEIGHT]
    assert all(one.cause is Cause.PATH and one.gap is not None for one in by_money)
    assert all(abs(one.gap.rest) < Decimal("1e-9") for one in by_money if one.gap is not None)


def test_without_a_fault_every_decision_is_equal(tmp_path: Path, folder: JournalFolder) -> None:
    desk = a_desk(tmp_path, a_market())
    traded(desk, folder, slices(desk))

    found = compared(desk, folder)

    assert found.is_clean
    assert found.counts == {Sameness.EQUAL: 2 * 110}
    assert found.replay.commands > 50
    assert found.replay.equal_commands == found.replay.commands


def test_promise_1_a_bar_that_was_corrected_since_is_a_bar_revised(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    close = float(market.bars.close[40, 0])
    then = a_desk(tmp_path, changed(market, 40, 0, close=close * 1.01, high=close * 1.02))
    traded(then, folder, slices(then))

    found = compared(a_desk(tmp_path, market), folder)

    assert_alone(found, Cause.BAR_REVISED)
    (one,) = different(found)
    assert one.key.decision_ts == of_row(market, 40)
    assert f"close {close * 1.01:.10g} then, {close:.10g} today" in one.text


def test_promise_1_a_bar_that_never_came_is_a_bar_missed(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    told = slices(desk)
    told[40], _ = without(told[40], 0)
    traded(desk, folder, told)

    found = compared(desk, folder)

    assert_alone(found, Cause.BAR_MISSED)
    assert {one.key.decision_ts for one in different(found)} == {of_row(market, 50)}


def test_a_slice_that_never_came_was_missed_and_not_decided(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    gone = np.arange(len(market.bars)) != 50
    then = a_desk(tmp_path, replace(market, bars=market.bars.take(gone)))
    traded(then, folder, slices(then))

    found = compared(a_desk(tmp_path, market), folder)

    assert_alone(found, Cause.BAR_MISSED)
    alone = [one for one in different(found) if one.journal is None]
    assert {one.key.decision_ts for one in alone} == {of_row(market, 50)}
    assert len(alone) == 2


def test_promise_1_a_bar_that_came_after_its_decision_is_a_bar_late(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    traded(desk, folder, late(slices(desk), 40))

    found = compared(desk, folder)

    assert_alone(found, Cause.BAR_LATE)
    assert {one.key.decision_ts for one in different(found)} == {of_row(market, 50)}
    assert "60 min after" in different(found)[0].text


def test_what_our_own_rules_refused_is_denied(tmp_path: Path, folder: JournalFolder) -> None:
    # On an exchange prices must be fresh; this venue quotes nothing.
    tail = "trading: {mode: sandbox}\nrisk: {instrument: {max_quote_age: 60s}}\n"
    desk = a_desk(tmp_path, a_market(), tail=tail)
    traded(desk, folder, slices(desk))

    found = compared(desk, folder)

    assert {one.cause for one in different(found)} == {Cause.DENIED}
    assert found.is_clean
    assert "denied by stale" in different(found)[0].text


def test_promise_1_what_the_venue_refused_is_rejected(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    traded(desk, folder, slices(desk), broker=Rejects)

    found = compared(desk, folder)

    assert_alone(found, Cause.REJECTED)
    (one,) = different(found)
    assert "51008 insufficient balance" in one.text


def test_promise_1_an_order_that_was_not_filled_whole_is_a_partial_fill(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    thin = BacktestSettings(participation=4e-6)
    traded(desk, folder, slices(desk), venue_costs=thin)

    found = compared(desk, folder)

    assert_alone(found, Cause.PARTIAL_FILL)
    first = different(found)[0]
    assert abs(first.came[0].filled) < abs(first.came[0].ordered) == abs(first.came[1].filled)


def test_what_was_not_decided_while_the_trader_was_down_is_a_restart(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    traded(desk, folder, slices(desk, 0, 50))
    down = np.isin(np.arange(len(market.bars)), [60, 61, 62])
    again = a_desk(tmp_path, replace(market, bars=market.bars.take(~down)))
    traded(again, folder, slices(again, 50))

    found = compared(a_desk(tmp_path, market), folder)

    assert found.is_clean
    alone = [one for one in found.decisions if one.journal is None]
    assert {one.cause for one in alone} == {Cause.RESTART}
    assert {one.key.decision_ts for one in alone} == {of_row(market, row) for row in (60, 61, 62)}


def test_a_state_that_a_restart_lost_is_a_restart(tmp_path: Path, folder: JournalFolder) -> None:
    forgetful = BY_BAR.replace('ctx.state["seen"] = ctx.state.get("seen", 0) + 1', "self.count()")
    forgetful = forgetful.replace('ctx.state["seen"] %', "self.seen %") + FORGOTTEN
    desk = a_desk(tmp_path, a_market(), code=forgetful)
    traded(desk, folder, slices(desk, 0, 50))
    traded(desk, folder, slices(desk, 50))

    found = compared(desk, folder)

    assert_alone(found, Cause.RESTART)
    assert "restarted at" in different(found)[0].text


def test_a_restart_that_missed_nothing_changes_nothing(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    traded(desk, folder, slices(desk, 0, 50))
    traded(desk, folder, slices(desk, 50))

    found = compared(desk, folder)

    assert found.counts == {Sameness.EQUAL: 2 * 110}
    assert found.replay.is_equal
    assert len(found.replay.starts) == 2


def test_a_restart_of_paper_forgets_no_stop_that_a_bar_had_reached(
    tmp_path: Path, folder: JournalFolder
) -> None:
    """What a fill led to is asked of the venue after the whole bar, though its slice is told later."""
    guarded = TARGETS.replace("every_bar", "on_change").replace(
        "    bars: int", "    stop_loss = 0.03\n    reenter_after = 2\n    bars: int"
    )
    desk = a_desk(tmp_path, a_market(rows=110, seed=1), code=guarded)
    traded(desk, folder, slices(desk, 0, 68))
    traded(desk, folder, slices(desk, 68))

    found = compared(desk, folder)

    assert found.counts == {Sameness.EQUAL: 2 * 100}
    assert found.replay.is_equal


def test_what_a_person_halted_is_the_operators(tmp_path: Path, folder: JournalFolder) -> None:
    desk = a_desk(tmp_path, a_market())
    told = slices(desk)
    stop, go_on = told[30].closed.ts_known - 1, told[36].closed.ts_known - 1
    traded(desk, folder, told, requests=At(halted(stop), resumed(go_on)))

    found = compared(desk, folder)

    assert_alone(found, Cause.OPERATOR)
    assert {one.key.decision_ts for one in different(found)} <= {
        slice_.closed.decision_ts for slice_ in told[30:36]
    }
    assert "halted by operator (cli): lunch" in different(found)[0].text


def test_what_a_strategy_did_not_decide_while_it_was_unloaded_is_the_operators(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    told = slices(desk)
    asked = {"by": "operator", "channel": "cli", "reason": "mended", "account": ACCOUNT,
             "strategy": NAME}  # fmt: skip

    def at(row: int, more: int = 0) -> dict[str, Any]:
        at_ms = told[row].closed.ts_known - 10 + more
        return {"ts_event": at_ms, "ts_known": at_ms, **asked}

    requests = At(
        HaltRequested(**at(30), flatten=True),
        StrategyUnloadRequested(**at(34)),
        StrategyReloaded(**at(38), parameters={}, source_hash=desk.strategies[0].source_hash),
        RearmRequested(**at(38, more=1)),
    )
    traded(desk, folder, told, requests=requests)

    found = compared(desk, folder)

    assert_alone(found, Cause.OPERATOR)
    away = [one for one in different(found) if one.journal is None]
    assert {one.key.decision_ts for one in away} == {
        slice_.closed.decision_ts for slice_ in told[34:38]
    }
    assert away[0].text == "not decided: a person had unloaded the strategy"


def test_a_limit_that_a_person_changed_is_the_operators(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    told = slices(desk)
    at_ms = told[40].closed.ts_known - 1
    less = LimitChangeRequested(
        ts_event=at_ms, ts_known=at_ms, by="operator", channel="cli", reason="calm",
        key="instrument.max_notional", value="3000",
    )  # fmt: skip
    traded(desk, folder, told, requests=At(less))

    found = compared(desk, folder)

    assert_alone(found, Cause.OPERATOR)
    first = different(found)[0]
    assert "was cut to" in first.text
    assert first.text.endswith("instrument.max_notional 3000 by operator")


@pytest.mark.parametrize("by_hand", ["adopt", "leave"])
def test_what_was_traded_by_hand_is_named_where_it_became_ours(
    tmp_path: Path, folder: JournalFolder, by_hand: str
) -> None:
    desk = a_desk(tmp_path, a_market(), by_hand=by_hand)
    told = slices(desk)
    at_ms = told[40].closed.ts_known - 1
    fill = Fill(
        trade_id=TradeId("x1"), order_id=None, account=ACCOUNT, side=Side.BUY,
        instrument=told[0].bars[0].instrument, quantity=Decimal(5), price=Decimal(100),
        fee=Decimal(0), fee_currency=Currency("USDT"), filled_at=utc_at(at_ms),
    )  # fmt: skip
    seen = OrderFilled(ts_event=at_ms, ts_known=at_ms, fill=fill)
    traded(desk, folder, told, requests=At(seen))

    found = compared(desk, folder)

    assert found.is_clean
    if by_hand == "leave":
        assert found.counts == {Sameness.EQUAL: 2 * 110}
        return
    by_money = next(one for one in found.decisions if one.sameness is Sameness.WEIGHT)
    assert by_money.text.endswith("+5 OKX:AAA/USDT traded by hand")


def test_an_order_by_hand_is_named_as_what_moved_the_money(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    told = slices(desk)
    at_ms = told[40].closed.ts_known - 1
    wish = HandOrderRequested(
        ts_event=at_ms, ts_known=at_ms, by="me", channel="cli", reason="the news", request="one",
        account=ACCOUNT, instrument=told[0].bars[0].instrument, side=Side.BUY, quantity=Decimal(5),
    )  # fmt: skip
    traded(desk, folder, told, requests=At(wish))

    found = compared(desk, folder)

    assert found.is_clean
    by_money = next(one for one in found.decisions if one.sameness is not Sameness.EQUAL)
    assert by_money.text.endswith("+5 OKX:AAA/USDT traded by hand")


def test_orders_still_open_where_the_journal_ends_say_nothing(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market())
    told = slices(desk, 0, 33)

    class AtTheEnd(AtOnce):
        from_ms = told[-1].closed.ts_known

    traded(desk, folder, told, broker=AtTheEnd)

    found = compared(desk, folder)

    assert found.counts == {Sameness.EQUAL: 2 * 33}
    last = [one for one in found.decisions if one.came[1].is_open]
    assert last
    assert all(one.came[0].filled == one.came[0].ordered != 0 for one in last)


def test_what_other_settings_wanted_is_a_configuration_change(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    then = a_desk(tmp_path, market, more=", parameters: {bars: 9}")
    traded(then, folder, slices(then, 0, 50))
    today = a_desk(tmp_path, market)
    traded(today, folder, slices(today, 50))

    found = compared(today, folder)

    assert_alone(found, Cause.CONFIGURATION)
    assert max(one.key.decision_ts for one in different(found)) < of_row(market, 60)
    assert "strategies.swing.parameters.bars 9, not set today" in different(found)[0].text
    assert found.replay.configurations_differ


def test_money_that_moved_makes_decisions_equal_in_weight_with_the_amount(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    told = slices(desk)
    moved = cash(Decimal(-1500), told[40].closed.ts_known - 1, "t1", "transfer")
    traded(desk, folder, told, requests=At(moved))

    found = compared(desk, folder)

    assert found.is_clean
    assert found.counts == {Sameness.EQUAL: 80, Sameness.WEIGHT: 140}
    first = next(one for one in found.decisions if one.gap is not None)
    assert first.key.decision_ts == of_row(market, 50)
    assert first.gap is not None
    assert (first.gap.whole, first.gap.cash, first.gap.fills) == (-1500, -1500, 0)


def test_a_strategy_that_looks_at_its_position_differs_by_what_became_of_its_orders(
    tmp_path: Path, folder: JournalFolder
) -> None:
    desk = a_desk(tmp_path, a_market(), code=BY_BAR)
    traded(desk, folder, slices(desk), broker=Rejects)

    found = compared(desk, folder)

    assert_alone(found, Cause.REJECTED)
    later = different(found)[1]
    assert "wanted 0, 0.5 in the backtest; since" in later.text


def test_a_strategy_whose_code_was_another_is_a_configuration_change(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    traded(desk, folder, slices(desk))

    found = compared(a_desk(tmp_path, market, code=TARGETS.replace("0.2)", "0.3)")), folder)

    assert found.replay.is_equal  # answers are inputs
    assert found.is_clean
    assert {one.cause for one in different(found)} == {Cause.CONFIGURATION}
    assert different(found)[0].text.endswith("; its code was another")


def test_a_target_that_is_no_function_of_history_is_unknown_and_a_finding(
    tmp_path: Path, folder: JournalFolder
) -> None:
    odd = TARGETS.replace("self.weight, 0.2)", "self.weight, 0.1 * (len(bars) % 3))")
    desk = a_desk(tmp_path, a_market(), code=odd)
    traded(desk, folder, slices(desk))

    found = compared(desk, folder)

    assert found.replay.is_equal
    assert not found.is_clean
    assert found.causes[Cause.UNKNOWN] > 50


def test_a_build_that_decides_otherwise_is_found_by_the_replay(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    traded(desk, folder, slices(desk))
    other = a_desk(tmp_path, market, costs=BacktestSettings(max_weight=0.3))

    found = compared(other, folder)

    replay = found.replay
    assert not found.is_clean
    assert len(replay.differences) == MOST_DIFFERENCES
    assert replay.stopped_at is not None
    first = replay.differences[0]
    assert (first.input, first.kind) == ("StrategyAnswered", "Decided")
    assert first.journal != first.replayed
    assert first.error is None


def test_steps_after_a_difference_are_judged_on_what_the_journal_says(
    tmp_path: Path, folder: JournalFolder
) -> None:
    market = a_market()
    desk = a_desk(tmp_path, market)
    told = slices(desk)
    traded(desk, folder, told)
    with folder.reading() as rows:
        settings = desk.engine_settings(RunId(last_segment(rows).run_id))
        steps = list(steps_of(rows))
    filled = next(
        at for at, one in enumerate(steps)
        if isinstance(one, Step) and [row.kind for row in one.rows] == FILLED
    )  # fmt: skip
    whole = steps[filled].rows  # type: ignore[union-attr]
    steps[filled] = Step(whole[:1])  # the journal lacks a row of this step

    replay = Replayer(settings, lambda: iter(steps), lambda _: None).run(lambda _: None)

    (one,) = replay.differences
    assert (one.input, one.kind) == ("OrderFilled", "PositionChanged")
    assert one.journal is None
    assert one.replayed == whole[1].body.decode()
    assert replay.equal == replay.steps - 1
