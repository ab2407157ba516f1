"""Quotes reach the engine before what is decided on them, and nothing is sent on stale ones (F20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.builders.engines import BTC, MAIN, T0, TREND, Desk, at, bar_events

from algotrader.core.events import (
    BarClosed,
    Decided,
    DecisionOutcome,
    Event,
    HeartbeatMissed,
    OrderDenied,
    QuoteSeen,
    StrategyAnswered,
    TargetWanted,
    TimerFired,
    decode_event,
    encode_event,
)
from algotrader.core.orders import Protection
from algotrader.data.quotes import Interrupted, Quote
from algotrader.engine.commands import Alert, Submit
from algotrader.engine.engine import Engine
from algotrader.live.journal import journal as journals
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.records import PREFIX
from algotrader.live.quoting import QUOTE_AGE_MS, QuoteBook, follow_quotes
from algotrader.live.steps import Steps
from algotrader.portfolio.intents import Execution
from algotrader.risk.settings import InstrumentLimits, RiskSettings

SYMBOL = BTC.symbol
HOUR = 3_600_000


def a_quote(known_ms: int, bid: str = "99.9", ask: str = "100.1", ts: int | None = None) -> Quote:
    return Quote(
        instrument=SYMBOL, bid=Decimal(bid), bid_quantity=Decimal(1), ask=Decimal(ask),
        ask_quantity=Decimal(1), ts=known_ms if ts is None else ts, known_ms=known_ms,
    )  # fmt: skip


def answered(ms: int) -> StrategyAnswered:
    return StrategyAnswered(
        **at(ms), account=MAIN, strategy=TREND, decision_ts=T0 + HOUR,
        outcome=DecisionOutcome.DECIDED,
        wanted=(TargetWanted(instrument=SYMBOL, target=0.5, features={}),),
    )  # fmt: skip


def denials(desk: Desk) -> list[str]:
    return [r.rule for one in desk.events if isinstance(one, OrderDenied) for r in one.reasons]


def test_a_quote_of_61_seconds_prices_nothing_and_one_of_60_does() -> None:
    for age_ms, wanted in ((60_000, []), (60_001, ["stale"])):
        desk = Desk(engine={"max_quote_age_ms": QUOTE_AGE_MS}, execution=Execution.CAPPED)
        desk.bar(1)
        ms = T0 + HOUR
        desk.tell(
            QuoteSeen(**at(ms - age_ms), instrument=SYMBOL, bid=Decimal(99), ask=Decimal(101))
        )
        orders = desk.answer(1, 0.5)

        assert denials(desk) == wanted
        assert len(orders) == 1 - len(wanted)


def test_the_quote_that_was_used_stands_in_the_decisions_row() -> None:
    desk = Desk(engine={"max_quote_age_ms": QUOTE_AGE_MS})
    desk.tell(QuoteSeen(**at(T0 + HOUR), instrument=SYMBOL, bid=Decimal("99.8"), ask=Decimal(100)))
    desk.bar(1)
    desk.answer(1, 0.5)

    [decided] = [one for one in desk.events if isinstance(one, Decided)]
    assert decided.quote == 99.9
    assert decided.price == 100.0


def test_a_limit_on_the_age_of_quotes_is_held() -> None:
    risk = RiskSettings(instrument=InstrumentLimits(max_quote_age="5s"))
    desk = Desk(engine={"max_quote_age_ms": QUOTE_AGE_MS, "risk": risk})
    desk.bar(1)
    desk.tell(
        QuoteSeen(**at(T0 + HOUR - 5_001), instrument=SYMBOL, bid=Decimal(9), ask=Decimal(10))
    )

    assert desk.answer(1, 0.5) == []
    assert denials(desk) == ["stale"]


def test_f20_a_silent_symbol_is_frozen_with_an_alert_until_a_bar_comes() -> None:
    desk = Desk()
    desk.bar(1)
    silent = HeartbeatMissed(
        **at(T0 + HOUR + 1), component=f"bars:{SYMBOL} 1h", last_seen_ms=None, allowed_ms=7_200_000
    )
    commands = desk.tell(silent)
    frozen = desk.answer(1, 0.5)
    desk.bar(2)
    free = desk.answer(2, 0.6)

    assert [one.cause for one in commands if isinstance(one, Alert)] == [f"silent:{SYMBOL}"]
    assert (len(frozen), denials(desk)) == (0, ["stale"])
    assert len(free) == 1


def test_f20_a_late_bar_ends_no_silence() -> None:
    desk = Desk()
    desk.bar(1)
    desk.tell(
        HeartbeatMissed(**at(T0 + HOUR), component=f"bars:{SYMBOL} 1h", last_seen_ms=None,
                        allowed_ms=1),
    )  # fmt: skip
    late = next(one for one in bar_events(1) if isinstance(one, BarClosed))
    desk.tell(
        BarClosed(**{f: getattr(late, f) for f in late.__struct_fields__} | {"is_late": True})
    )

    assert desk.answer(1, 0.5) == []


def test_a_stop_is_placed_though_the_price_is_stale() -> None:
    """What was bought on a fresh price is guarded on a stale one: the level is its entry's."""
    desk = Desk(engine={"max_quote_age_ms": QUOTE_AGE_MS}, protection=Protection(stop_loss=0.02))
    desk.bar(1)
    desk.tell(QuoteSeen(**at(T0 + HOUR), instrument=SYMBOL, bid=Decimal(99), ask=Decimal(101)))
    [entry] = desk.answer(1, 0.5)
    guards = [one for one in desk.fill(entry, 5_000, T0 + HOUR + 90_000) if isinstance(one, Submit)]

    assert [one.approved.order.terms.stop for one in guards] == [Decimal(98)]


def test_the_newest_quote_is_written_before_what_is_decided_on_it_and_replays_the_same() -> None:
    storage = MemoryStorage(lambda _: None)
    journals.begin(storage, entropy=bytes(range(16)), now_ms=T0)
    desk = Desk(engine={"max_quote_age_ms": QUOTE_AGE_MS})
    book = QuoteBook([SYMBOL])
    steps = Steps(desk.engine, journals.resume(storage), before=book.before)
    for event in bar_events(1):
        steps.take(event)
    book.hear(a_quote(T0 + HOUR + 5))
    book.hear(a_quote(T0 + HOUR + 9, bid="99.8"))
    book.hear(a_quote(T0 + HOUR + 12, bid="99.7", ts=T0 + HOUR + 8))  # overtaken on its way
    commands = steps.take(answered(T0 + HOUR + 20))
    steps.take(TimerFired(**at(T0 + HOUR + 30), name="lookup:x"))
    steps.take(TimerFired(**at(T0 + HOUR + 40), name="other"))

    rows = [
        decode_event(row.body) for row in storage.page(1, 99) if not row.kind.startswith(PREFIX)
    ]
    kinds = [row.kind for row in rows]
    again = Engine(desk.settings)
    for event in desk.events:
        again.apply(event)
    inputs = [row for row in rows if isinstance(row, QuoteSeen | StrategyAnswered | BarClosed)
              or row.kind in ("SliceClosed", "TimerFired")]  # fmt: skip
    told = [encode_event(each) for one in inputs for each in again.handle(one).events]

    assert kinds.count("QuoteSeen") == 1  # told once: nothing newer came
    assert kinds.index("QuoteSeen") == kinds.index("StrategyAnswered") - 1
    assert next(row for row in rows if isinstance(row, QuoteSeen)).bid == Decimal("99.8")
    assert any(isinstance(one, Submit) for one in commands)
    assert told == [encode_event(row) for row in rows]


class Clock:
    def __init__(self) -> None:
        self.ms = T0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def monotonic_s(self) -> float:
        return self.ms / 1000


class Source:
    """Quotes once, then neither tells nor answers."""

    def __init__(self, answers: dict[int, Quote]) -> None:
        self.answers = answers
        self.clock: Any = None
        self.asked: list[int] = []

    async def quotes(self, instruments: Sequence[Any]) -> AsyncIterator[Quote | Interrupted]:
        assert list(instruments) == [SYMBOL]
        yield a_quote(T0)
        yield Interrupted(reason="lost")
        await asyncio.Event().wait()

    async def ask_quote(self, instrument: Any) -> Quote | None:
        assert instrument == SYMBOL
        self.asked.append(self.clock.ms - T0)
        return self.answers.get(self.clock.ms - T0)


def watched(answers: dict[int, Quote], until_ms: int) -> tuple[list[Event], Source]:
    """What is told of a source that quotes once, and how often it was asked."""
    clock, source, told = Clock(), Source(answers), list[Event]()
    source.clock = clock
    over = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)
        clock.ms += round(seconds * 1000)
        if clock.ms - T0 > until_ms:
            over.set()
            await asyncio.Event().wait()

    async def run() -> None:
        book = QuoteBook([SYMBOL])
        task = asyncio.ensure_future(follow_quotes(book, source, clock, told.append, sleep))
        await over.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    return told, source


def test_f20_a_stream_that_says_nothing_is_asked_and_then_told_once() -> None:
    told, source = watched({}, 100_000)

    assert source.asked[0] == 22_000
    assert [
        (one.component, one.last_seen_ms) for one in told if isinstance(one, HeartbeatMissed)
    ] == [(f"quotes:{SYMBOL}", T0)]
    assert [one.ts_known - T0 for one in told] == [62_000]


def test_a_quiet_market_is_kept_fresh_by_asking() -> None:
    answers = {ms: a_quote(T0 + ms) for ms in range(22_000, 100_000, 2_000)}
    told, source = watched(answers, 100_000)

    assert told == []
    assert source.asked == [22_000, 44_000, 66_000, 88_000]


def test_an_instrument_that_was_never_quoted_is_told_after_the_same_time() -> None:
    book = QuoteBook([SYMBOL])

    assert book.silent(T0 + QUOTE_AGE_MS, T0) == []
    assert [one.last_seen_ms for one in book.silent(T0 + QUOTE_AGE_MS + 1, T0)] == [None]
    book.hear(replace(a_quote(T0 + QUOTE_AGE_MS + 2), bid=Decimal(1)))
    assert book.silent(T0 + QUOTE_AGE_MS + 3, T0) == []
    assert book.is_complete()


def test_each_quote_that_is_kept_is_published_and_one_that_was_overtaken_is_not() -> None:
    published: list[Quote] = []
    book = QuoteBook([SYMBOL], published.append)
    first, second = a_quote(T0 + 5), a_quote(T0 + 9, bid="99.8")
    for one in (first, second, a_quote(T0 + 12, bid="99.7", ts=T0 + 6)):
        book.hear(one)

    assert published == [first, second]
