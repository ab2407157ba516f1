"""The output bus: who is told what, in which order, and what becomes of slow listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import get_args

import pytest

from algotrader.core.events import (
    Event,
    HeartbeatMissed,
    ModeChanged,
    RiskAction,
    RiskTripped,
    SliceClosed,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId
from algotrader.core.symbols import Symbol
from algotrader.data.quotes import Quote
from algotrader.live.bus import Bus
from algotrader.live.subscription import Message, Missed, Trouble
from algotrader.live.topics import PRIORITIES, TOPICS, is_asked_for, priority_of, topic_of

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")


def timer(number: int) -> TimerFired:
    return TimerFired(ts_event=number, ts_known=number, name=f"timer {number}")


def closed(number: int) -> SliceClosed:
    return SliceClosed(
        ts_event=number, ts_known=number, timeframe="1h", decision_ts=number, instruments=(BTC,)
    )


def tripped() -> RiskTripped:
    return RiskTripped(
        ts_event=0, ts_known=0, rule="max_drawdown", value=None, limit=None,
        action=RiskAction.HALT, text="too deep",
    )  # fmt: skip


def quote(instrument: Symbol, bid: int) -> Quote:
    one = Decimal(1)
    return Quote(
        instrument=instrument, bid=Decimal(bid), bid_quantity=one, ask=Decimal(bid + 1),
        ask_quantity=one, ts=bid, known_ms=bid,
    )  # fmt: skip


def within(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story, however it ends within ten seconds."""
    asyncio.run(asyncio.wait_for(story(), 10))


def test_every_event_has_a_topic_whose_family_has_a_priority() -> None:
    assert set(TOPICS) == set(get_args(Event))
    assert {topic.partition(".")[0] for topic in TOPICS.values()} == set(PRIORITIES)
    assert len(set(TOPICS.values())) == len(TOPICS)
    assert all(0 <= priority_of(topic) <= 9 for topic in TOPICS.values())


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [("*", True), ("order.*", True), ("order.filled", True), ("order", False),
     ("order.fill", False), ("market.*", False), ("ord*", False)],
)  # fmt: skip
def test_a_topic_is_asked_for_by_its_name_its_family_or_everything(
    asked: str, is_told: bool
) -> None:
    assert is_asked_for("order.filled", asked) is is_told


def test_listeners_get_the_topics_they_asked_for_whether_they_wait_or_not() -> None:
    told: dict[str, list[str]] = {"plain": [], "awaited": [], "quick": []}

    async def awaited(message: Message) -> None:
        await asyncio.sleep(0)
        told["awaited"].append(message.topic)

    async def story() -> None:
        bus = Bus()
        bus.subscribe("plain", lambda m: told["plain"].append(m.topic), topics=["risk.*"])
        bus.subscribe("awaited", awaited, topics=["system.timer_fired", "market.*"])
        bus.subscribe("quick", lambda m: told["quick"].append(m.topic), quick=True)
        bus.publish([closed(1), timer(1), tripped()])
        await bus.close()

    within(story)
    assert told == {
        "plain": ["risk.tripped"],
        "awaited": ["system.timer_fired", "market.slice_closed"],
        "quick": ["risk.tripped", "system.timer_fired", "market.slice_closed"],
    }


def test_what_is_urgent_is_told_first_and_events_of_one_family_in_their_order() -> None:
    told: list[Event | Quote | Missed] = []
    mode = ModeChanged(
        ts_event=0, ts_known=0, account=AccountId("main"), mode=TradingMode.HALTED, reason="",
        by="risk",
    )  # fmt: skip

    async def story() -> None:
        bus = Bus()
        bus.subscribe("console", lambda m: told.append(m.body), quick=True)
        bus.quote(quote(BTC, 5))
        bus.publish([closed(1), timer(1), closed(2), tripped(), mode])
        await bus.close()

    within(story)
    assert told == [tripped(), timer(1), mode, closed(1), closed(2), quote(BTC, 5)]


def test_of_the_quotes_that_wait_the_newest_of_each_instrument_is_told() -> None:
    told: list[object] = []

    async def story() -> None:
        bus = Bus()
        console = bus.subscribe("console", lambda m: told.append(m.body), quick=True)
        for bid in range(100):
            bus.quote(quote(BTC, bid))
            bus.quote(quote(ETH, 1000 + bid))
        await bus.close()
        assert (console.statistics().coalesced, console.statistics().delivered) == (198, 2)
        assert bus.published()["market.quote"] == 200

    within(story)
    assert told == [quote(BTC, 99), quote(ETH, 1099)]


def test_a_full_queue_drops_what_is_oldest_of_the_least_urgent_and_the_listener_is_told() -> None:
    told: list[object] = []
    troubles: list[Trouble] = []

    async def story() -> None:
        bus = Bus()
        bus.monitor(troubles.append)
        slow = bus.subscribe("slow", lambda m: told.append(m.body), quick=True, capacity=3)
        bus.publish([closed(1), closed(2), closed(3), timer(1), timer(2), closed(4)])
        await bus.close()
        statistics = slow.statistics()
        assert (statistics.offered, statistics.dropped, statistics.depth) == (6, 3, 0)

    within(story)
    assert told == [Missed(listener="slow", count=3), timer(1), timer(2), closed(4)]
    assert [trouble.what for trouble in troubles] == ["dropped"]


def test_what_is_less_urgent_than_all_that_waits_is_itself_dropped() -> None:
    told: list[object] = []

    async def story() -> None:
        bus = Bus()
        bus.subscribe("slow", lambda m: told.append(m.body), quick=True, capacity=2)
        bus.publish([timer(1), timer(2), closed(1)])
        await bus.close()

    within(story)
    assert told == [Missed(listener="slow", count=1), timer(1), timer(2)]


def test_a_listener_that_never_ends_holds_up_neither_the_publisher_nor_the_others() -> None:
    told: list[object] = []

    async def stuck(_: Message) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        bus = Bus()
        sleeper = bus.subscribe("sleeper", stuck, capacity=10)
        bus.subscribe("awake", lambda m: told.append(m.body), quick=True)
        for number in range(200):
            bus.publish([timer(number)])
            await asyncio.sleep(0)
        await bus.close(timeout_s=0.05)
        assert sleeper.statistics().dropped >= 189

    within(story)
    assert told == [timer(number) for number in range(200)]


def test_a_listener_that_raises_is_counted_and_named_once_and_the_rest_go_on() -> None:
    told: list[object] = []
    troubles: list[Trouble] = []

    def failing(message: Message) -> None:
        raise KeyError(message.topic)

    async def failing_too(message: Message) -> None:
        raise KeyError(message.topic)

    async def story() -> None:
        bus = Bus()
        bus.monitor(troubles.append)
        counted = [
            bus.subscribe("in a thread", failing),
            bus.subscribe("quick", failing, quick=True),
            bus.subscribe("awaited", failing_too),
        ]
        bus.subscribe("fine", lambda m: told.append(m.body), quick=True)
        bus.publish([timer(1), timer(2)])
        await bus.close()
        assert [each.statistics().failed for each in counted] == [2, 2, 2]

    within(story)
    assert told == [timer(1), timer(2)]
    assert sorted(trouble.listener for trouble in troubles) == ["awaited", "in a thread", "quick"]


def test_a_listener_that_left_is_told_nothing_more() -> None:
    told: list[object] = []

    async def story() -> None:
        bus = Bus()
        leaving = bus.subscribe("leaving", lambda m: told.append(m.body), quick=True)
        bus.publish([timer(1)])
        await bus.unsubscribe(leaving, timeout_s=1)
        bus.publish([timer(2)])
        await bus.close()
        assert bus.statistics() == []

    within(story)
    assert told == [timer(1)]


def test_a_closed_bus_tells_nobody_and_takes_no_listener() -> None:
    told: list[object] = []

    async def story() -> None:
        bus = Bus()
        bus.subscribe("console", lambda m: told.append(m.body), quick=True)
        await bus.close()
        bus.publish([timer(1)])
        bus.quote(quote(BTC, 1))
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="closed"):
            bus.subscribe("late", lambda _: None)

    within(story)
    assert told == []


@pytest.mark.parametrize(
    ("listener", "topics", "capacity", "says"),
    [("a", ["order.eaten"], 1, "no topic 'order.eaten'"), ("a", ["*"], 0, "at least one"),
     ("taken", ["*"], 1, "listens already")],
)  # fmt: skip
def test_a_listener_that_cannot_be_is_refused(
    listener: str, topics: list[str], capacity: int, says: str
) -> None:
    async def story() -> None:
        bus = Bus()
        bus.subscribe("taken", lambda _: None, quick=True)
        with pytest.raises(ValueError, match=says):
            bus.subscribe(listener, lambda _: None, topics=topics, capacity=capacity)
        await bus.close()

    within(story)


def test_an_event_knows_its_topic() -> None:
    missed = HeartbeatMissed(
        ts_event=0, ts_known=0, component="feed:OKX", last_seen_ms=None, allowed_ms=1
    )
    assert topic_of(missed) == "system.heartbeat_missed"


def test_quotes_are_told_while_they_flow_and_a_slow_listener_gets_the_newest() -> None:
    quick: list[Quote] = []
    slow: list[Quote] = []
    may_go_on = asyncio.Event()

    async def taking_its_time(message: Message) -> None:
        assert isinstance(message.body, Quote)
        slow.append(message.body)
        await may_go_on.wait()

    async def story() -> None:
        bus = Bus()
        bus.subscribe("quick", lambda m: quick.append(m.body), topics=["market.*"], quick=True)
        bus.subscribe("slow", taking_its_time, topics=["market.quote"])
        for bid in range(1, 6):
            bus.quote(quote(BTC, bid))
            while not quick or quick[-1].bid < bid:
                await asyncio.sleep(0.001)
        may_go_on.set()
        await bus.close()

    within(story)
    assert [one.bid for one in quick] == [1, 2, 3, 4, 5]
    assert [one.bid for one in slow] == [1, 5]


def test_quotes_in_quick_succession_are_told_as_one() -> None:
    told: list[Quote] = []

    async def story() -> None:
        bus = Bus()
        listening = bus.subscribe("console", lambda m: told.append(m.body), quick=True)
        for bid in range(1_000):
            bus.quote(quote(BTC, bid))
            await asyncio.sleep(0)
        await bus.close()
        statistics = listening.statistics()
        assert statistics.offered == 1_000
        assert statistics.delivered + statistics.coalesced == 1_000
        assert statistics.coalesced > 500

    within(story)
    assert told[-1].bid == 999


def test_who_listens_later_gets_only_later_quotes() -> None:
    told: list[object] = []

    async def story() -> None:
        bus = Bus()
        bus.quote(quote(BTC, 1))
        bus.subscribe("console", lambda m: told.append(m.body), quick=True)
        bus.quote(quote(ETH, 2))
        await bus.close()

    within(story)
    assert told == [quote(ETH, 2)]
