"""The books beside the venue's positions: differences stop, are explained, or are left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec
from tests.integration.test_steps_replay import (
    BTC,
    HOUR,
    MAIN,
    T0,
    USDT,
    a_bar,
    a_fill,
    an_answer,
    at,
    one_order,
    opened,
    settings,
)

from algotrader.core.events import Event, HoldingLeft, ModeChanged, OrderFilled, TradingMode
from algotrader.core.fills import Fill
from algotrader.core.ids import OrderId, TradeId
from algotrader.core.instants import utc_at
from algotrader.core.orders import Side
from algotrader.core.ports import Notice, Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Submit
from algotrader.engine.engine import Engine
from algotrader.live.comparing import Comparer, Surroundings
from algotrader.live.journal.journal import begin, resume
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.steps import Steps


@dataclass
class Desk:
    """A trader's surroundings, whose venue shows what the test says, look by look."""

    shown: list[str]
    adopts: bool = False
    notices: list[Notice] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    sleeps_left: int = 100
    storage: MemoryStorage = field(default_factory=MemoryStorage)

    def __post_init__(self) -> None:
        is_new = self.storage.newest() is None
        accounts = tuple(replace(one, adopts=self.adopts) for one in settings().accounts)
        self.steps = Steps(
            Engine(replace(settings(), accounts=accounts)),
            begin(self.storage, entropy=bytes(16), now_ms=T0) if is_new else resume(self.storage),
        )
        if is_new:
            opened(self.steps)
        else:
            self.steps.replay()
        self.comparer = Comparer(
            MAIN,
            Surroundings(
                state=lambda: self.steps.engine.state, positions=self.positions,
                settled=self.settled, tell=self.tell, now_ms=lambda: T0, notifier=self,
                sleep=self.sleep,
            ),
        )  # fmt: skip

    async def positions(self, symbols: tuple[Symbol, ...]) -> Mapping[Symbol, Decimal]:
        shown = self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]
        return dict.fromkeys(symbols, Decimal(shown))

    async def settled(self) -> None:
        return

    async def sleep(self, _: float) -> None:
        self.sleeps_left -= 1
        if self.sleeps_left < 0:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.steps.take(event)

    def reconcile(self, before: TradingMode = TradingMode.TRADING) -> None:
        asyncio.run(self.comparer.reconcile(before))

    def keep(self, sleeps: int) -> None:
        async def for_a_while() -> None:
            self.sleeps_left = sleeps
            keeping = asyncio.ensure_future(self.comparer.keep(1.0))
            while self.sleeps_left >= 0:
                assert not keeping.done(), keeping.exception()
                await asyncio.sleep(0)
            keeping.cancel()

        asyncio.run(for_a_while())

    @property
    def mode(self) -> TradingMode:
        return self.steps.engine.state.modes[MAIN]


def by_hand(quantity: str, trade: str = "hand", fee: str = "0") -> OrderFilled:
    return OrderFilled(
        **at(T0 + HOUR),
        fill=Fill(
            trade_id=TradeId(trade), order_id=None, account=MAIN, instrument=BTC, side=Side.BUY,
            quantity=Decimal(quantity), price=Decimal(100), fee=Decimal(fee),
            fee_currency=USDT, filled_at=utc_at(T0),
        ),
    )  # fmt: skip


def test_what_agrees_lets_trading_begin_and_a_halt_stays() -> None:
    for before, after in [
        (TradingMode.TRADING, TradingMode.TRADING),
        (TradingMode.HALTED, TradingMode.HALTED),
        (TradingMode.REDUCE_ONLY, TradingMode.REDUCE_ONLY),
    ]:
        desk = Desk(["0"])
        desk.reconcile(before)
        assert desk.mode is after
        assert not desk.notices


def test_f38_a_report_that_lacks_a_position_once_changes_nothing() -> None:
    desk = Desk(["1"])
    desk.steps.engine.state.left_alone.told(MAIN, BTC, Decimal(1))
    desk.shown = ["1", "0", "1", "1"]
    desk.keep(sleeps=4)

    assert desk.told == []
    assert desk.mode is TradingMode.TRADING


def test_f38_a_position_that_is_missing_again_and_again_lets_nothing_increase() -> None:
    desk = Desk(["0"])
    desk.steps.engine.state.left_alone.told(MAIN, BTC, Decimal(1))
    desk.keep(sleeps=20)

    assert desk.mode is TradingMode.REDUCE_ONLY
    (notice,) = desk.notices
    assert "1 here, 0 there" in notice.text


def test_a_difference_that_goes_lets_trading_go_on() -> None:
    desk = Desk(["3", "3", "3", "3", "3", "0"])
    desk.keep(sleeps=12)

    modes = [event.mode for event in desk.told if isinstance(event, ModeChanged)]
    assert modes == [TradingMode.REDUCE_ONLY, TradingMode.TRADING]
    assert len(desk.notices) == 1


def test_a_halted_account_that_differs_stays_halted() -> None:
    desk = Desk(["3"])
    desk.reconcile(TradingMode.HALTED)

    assert desk.mode is TradingMode.HALTED
    assert len(desk.notices) == 1


def test_f36_who_resumes_with_a_difference_in_sight_leaves_it_alone() -> None:
    desk = Desk(["3"])
    desk.reconcile()
    assert desk.mode is TradingMode.REDUCE_ONLY
    desk.tell(
        ModeChanged(**at(T0), account=MAIN, mode=TradingMode.TRADING, reason="", by="operator")
    )
    desk.keep(sleeps=15)

    assert [e.quantity for e in desk.told if isinstance(e, HoldingLeft)] == [3]
    assert desk.mode is TradingMode.TRADING
    assert desk.steps.engine.state.books[MAIN].whole.position(BTC).quantity == 0


def test_f36_a_trade_by_hand_is_left_alone_and_explains_the_position() -> None:
    desk = Desk(["2"])
    desk.steps.take(by_hand("2"))
    desk.steps.take(by_hand("2"))  # told twice
    desk.reconcile()

    state = desk.steps.engine.state
    assert desk.mode is TradingMode.TRADING
    assert state.left_alone.of(MAIN) == {BTC: Decimal(2)}
    assert state.books[MAIN].whole.cash() == 10_000
    assert one_order(desk.steps).approved.order.quantity == 50  # sized as if it were not there


def test_f36_a_trade_by_hand_is_adopted_where_that_is_asked_for() -> None:
    desk = Desk(["2"], adopts=True)
    desk.steps.take(by_hand("2"))
    desk.reconcile()

    state = desk.steps.engine.state
    assert desk.mode is TradingMode.TRADING
    assert state.left_alone.of(MAIN) == {}
    assert state.books[MAIN].whole.position(BTC).quantity == 2
    assert state.books[MAIN].whole.cash() == 9_800


def test_our_own_fills_are_booked_where_those_of_others_are_left_alone() -> None:
    desk = Desk(["50"])
    submit = one_order(desk.steps)
    desk.steps.take(a_fill(submit, "50", T0 + HOUR + 1))
    desk.reconcile()

    assert desk.mode is TradingMode.TRADING
    assert desk.steps.engine.state.books[MAIN].whole.position(BTC).quantity == 50


def test_f49_a_fill_of_an_order_that_the_journal_lost_is_ours_all_the_same() -> None:
    desk = Desk(["2"])
    lost = by_hand("2")
    desk.steps.take(msgspec.structs.replace(lost, fill=replace(lost.fill, order_id=OrderId("atx"))))
    desk.reconcile()

    assert desk.mode is TradingMode.TRADING
    assert desk.steps.engine.state.books[MAIN].whole.position(BTC).quantity == 2


def test_promise_8_a_position_of_400_days_ago_agrees_though_no_fill_of_it_is_listed_any_more() -> (
    None
):
    before = Desk(["50"])
    submit = one_order(before.steps)
    before.steps.take(a_fill(submit, "50", T0 + HOUR + 1))
    before.storage.crash()

    later = T0 + 400 * 24 * HOUR
    desk = Desk(["50"], storage=before.storage)
    desk.reconcile()
    for event in a_bar(100.0, later):
        desk.steps.take(event)
    (sale,) = (c for c in desk.steps.take(an_answer(0.0, later)) if isinstance(c, Submit))

    assert desk.mode is TradingMode.TRADING
    assert not desk.notices
    assert (sale.approved.order.terms.side, sale.approved.order.quantity) == (Side.SELL, 50)


def test_promise_8_what_no_fill_explains_is_told_once_and_blocks_entries_until_a_person_resumes() -> (
    None
):
    desk = Desk(["3"])  # the venue holds three; its history of trades says nothing of them
    desk.reconcile()
    desk.keep(sleeps=20)

    (notice,) = desk.notices
    assert notice.severity is Severity.CRITICAL
    assert f"{BTC} 0 here, 3 there" in notice.text
    assert entered(desk, T0) == []

    desk.tell(
        ModeChanged(**at(T0), account=MAIN, mode=TradingMode.TRADING, reason="", by="operator")
    )
    desk.keep(sleeps=15)

    assert [e.quantity for e in desk.told if isinstance(e, HoldingLeft)] == [3]
    assert entered(desk, T0 + HOUR) == [50]  # sized by what is ours
    assert len(desk.notices) == 1


def entered(desk: Desk, ts: int) -> list[Decimal]:
    """What goes out for a target of half the equity at the bar from `ts`."""
    for event in a_bar(100.0, ts):
        desk.steps.take(event)
    done = desk.steps.take(an_answer(0.5, ts))
    return [c.approved.order.quantity for c in done if isinstance(c, Submit)]


def test_a_venue_that_does_not_answer_lets_nothing_increase_until_it_does() -> None:
    desk = Desk(["0"])

    async def silent() -> None:
        for tries in range(1, 9):
            await desk.comparer.unanswered(tries)

    asyncio.run(silent())
    assert desk.mode is TradingMode.REDUCE_ONLY
    assert [notice.cause for notice in desk.notices] == ["silence:main"]

    desk.keep(sleeps=3)
    assert desk.mode is TradingMode.TRADING


def test_what_a_person_or_the_venue_stopped_meanwhile_stays_stopped() -> None:
    for mode in (TradingMode.REDUCE_ONLY, TradingMode.HALTED):
        desk = Desk(["0"])
        asyncio.run(desk.comparer.unanswered(5))
        desk.tell(ModeChanged(**at(T0), account=MAIN, mode=mode, reason="seen", by="venue"))
        desk.keep(sleeps=3)

        assert desk.mode is mode


def test_a_short_silence_is_no_reason_to_stop() -> None:
    desk = Desk(["0"])
    asyncio.run(desk.comparer.unanswered(4))

    assert desk.mode is TradingMode.TRADING
    assert not desk.notices
