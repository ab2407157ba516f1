"""What is told of events, in both languages."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.builders import events as examples

from algotrader.core import events
from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification import follower
from algotrader.ops.notification.command_texts import Language
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.notification.telling import Memory, Teller
from algotrader.ops.notification.texts import CATALOGUE, Texts

EXAMPLES = {event.kind: event for event in examples.EXAMPLES}


def teller(language: Language = "en", **settings: Any) -> Teller:
    chosen = NotificationSettings(language=language, severities=settings)
    return Teller(chosen, Texts(language=language, zone="UTC"), Memory())


def example(kind: str, **changes: Any) -> Any:
    return msgspec.structs.replace(EXAMPLES[kind], **changes)


def titles(told: list[Notice]) -> list[str]:
    return [notice.title for notice in told]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", CATALOGUE)
def test_a_sentence_is_there_in_both_languages_with_the_same_fields(key: str) -> None:
    english, chinese = CATALOGUE[key]["en"], CATALOGUE[key]["zh"]

    assert fields(english) == fields(chinese)
    assert not re.search(r"[一-鿿]", english)
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}|/\w+", "", chinese))
    assert set(words) <= {"AlgorithmTrader"}
    if re.sub(r"\{\w+\}|[\W\d_]", "", english):
        assert re.search(r"[一-鿿]", chinese)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_event_is_told_or_is_not_without_a_fault(kind: str, language: Language) -> None:
    for notice in teller(language, order="info").tell(EXAMPLES[kind]):
        assert notice.title
        assert "{" not in notice.title + notice.text


def test_a_fill_says_what_was_done_for_how_much_and_at_which_cost() -> None:
    (notice,) = teller().tell(EXAMPLES["OrderFilled"])

    assert notice.title == "Bought 0.25 OKX:BTC/USDT:USDT at 61,999.9"
    assert "fee −0.00012 USDT" in notice.text
    assert notice.severity is Severity.INFO
    assert titles(teller("zh").tell(EXAMPLES["OrderFilled"])) == [
        "已买入 OKX:BTC/USDT:USDT 0.25，价格 61,999.9"
    ]


def test_orders_are_told_only_on_request_and_what_is_off_is_not() -> None:
    assert teller().tell(EXAMPLES["OrderSubmitted"]) == []
    assert titles(teller(order="info").tell(EXAMPLES["OrderSubmitted"])) == [
        "Buy order: 1.25 OKX:BTC/USDT:USDT at 62,000.1 or better"
    ]
    assert teller(fill="off").tell(EXAMPLES["OrderFilled"]) == []
    (louder,) = teller(fill="important").tell(EXAMPLES["OrderFilled"])
    assert louder.severity is Severity.IMPORTANT


def position(quantity: str, realised: str, strategy: str | None = "trend") -> Any:
    return example(
        "PositionChanged", quantity=Decimal(quantity), realised=Decimal(realised),
        entry=Decimal(100) if Decimal(quantity) else None, strategy=strategy,
    )  # fmt: skip


def test_opening_and_closing_are_told_once_each_with_the_profit_between() -> None:
    one = teller()
    told = [
        titles(one.tell(each))
        for each in (
            position("1", "0"), position("2", "0"), position("0.5", "30"), position("0", "50"),
            position("-1", "50"), position("0.5", "45"), position("0.5", "45", None),
        )
    ]  # fmt: skip

    assert told == [
        ["trend opened 1 OKX:BTC/USDT:USDT at 100"],
        [],
        [],
        ["trend closed OKX:BTC/USDT:USDT: +50.00 USDT"],
        ["trend opened -1 OKX:BTC/USDT:USDT at 100"],
        [
            "trend closed OKX:BTC/USDT:USDT: −5.00 USDT",
            "trend opened 0.5 OKX:BTC/USDT:USDT at 100",
        ],
        [],
    ]


def test_a_gap_and_its_repair_and_a_silent_feed_and_its_return_are_told() -> None:
    one = teller()
    bar = example("BarClosed", is_late=False)
    gap = example("SliceClosed", missing=(bar.instrument,), timeframe="1h",
                  decision_ts=bar.ts_event)  # fmt: skip
    silent = example("HeartbeatMissed", component=f"bars:{bar.instrument} 1h")

    (missing,) = titles(one.tell(gap))
    (quiet,) = titles(one.tell(silent))
    again, repaired = titles(one.tell(bar))
    assert missing.startswith("No bar of OKX:BTC/USDT:USDT at 03-01")
    assert quiet == "bars:OKX:BTC/USDT:USDT 1h is silent"
    assert again == "bars:OKX:BTC/USDT:USDT 1h is heard again"
    assert "a late bar came" in repaired
    assert one.tell(bar) == []


def test_a_person_who_throws_the_switch_is_named_and_each_throw_is_told() -> None:
    thrown = example("RiskTripped", rule="kill_switch", by="telegram:7001",
                     action=events.RiskAction.HALT, text="news")  # fmt: skip
    (first,) = teller().tell(thrown)
    (second,) = teller().tell(msgspec.structs.replace(thrown, ts_event=thrown.ts_event + 1))

    assert first.severity is Severity.CRITICAL
    assert "telegram:7001" in first.text
    assert "news" in first.text
    assert first.cause != second.cause


def test_a_rule_that_trips_again_and_again_is_one_cause() -> None:
    tripped = example("RiskTripped", by="risk")
    (first,) = teller().tell(tripped)
    (second,) = teller().tell(msgspec.structs.replace(tripped, ts_event=tripped.ts_event + 1))

    assert first.cause == second.cause


STOPS: dict[str, Any] = {
    "a rule halts": example("RiskTripped", action=events.RiskAction.HALT, by="risk"),
    "a rule flattens": example("RiskTripped", action=events.RiskAction.FLATTEN, by="risk"),
    "a rule reduces": example("RiskTripped", action=events.RiskAction.REDUCE_ONLY, by="risk"),
    "a person halts": example("RiskTripped", action=events.RiskAction.HALT, by="telegram:1"),
    "books differ": example("ModeChanged", mode=events.TradingMode.REDUCE_ONLY, by="recovery",
                            reason="1 here, 2 there"),
    "the venue halts": example("ModeChanged", mode=events.TradingMode.HALTED, by="venue"),
    "a person reduces": example("ModeChanged", mode=events.TradingMode.REDUCE_ONLY, by="operator"),
    "a difference is adopted": EXAMPLES["HoldingLeft"],
    "traded by hand": example(
        "OrderFilled", fill=replace(examples.FILL, order_id=None)
    ),
    "a stop is gone": EXAMPLES["ProtectionMissing"],
    "a strategy fails": example("StrategyAnswered", outcome=events.DecisionOutcome.RAISED),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("what", STOPS)
def test_p20_every_halt_and_adopted_difference_is_told_louder_than_information(
    what: str, language: Language
) -> None:
    (notice,) = teller(language).tell(STOPS[what])

    assert notice.severity in (Severity.IMPORTANT, Severity.CRITICAL)


def test_p20_every_kind_that_is_told_is_read_from_the_journal() -> None:
    one = teller(order="info")
    told = {kind for kind, event in EXAMPLES.items() if one.tell(event)}

    assert told <= follower._TOLD_KINDS
    assert set(EXAMPLES) >= follower._TOLD_KINDS


def test_how_many_messages_were_not_kept_is_told_by_how_bad_they_were() -> None:
    lost = teller().gone({Severity.CRITICAL: 2, Severity.INFO: 3})
    milder = teller("zh").gone({Severity.INFO: 3})

    assert lost.title == "5 messages were not kept: no disk took them"
    assert "2 critical, 0 important, 3 for information" in lost.text
    assert (lost.severity, milder.severity) == (Severity.CRITICAL, Severity.IMPORTANT)
    assert milder.title == "3 条消息未能保留：磁盘无法写入"


def test_what_becomes_of_a_position_without_a_stop_for_too_long_is_told() -> None:
    text = "OKX:BTC/USDT of trend has had no live stop for too long: it is sold"
    alert = Notice(
        severity=Severity.CRITICAL, title=text, text=text, cause="unguarded:trend:OKX:BTC/USDT"
    )

    told = teller("zh").relay(alert)

    assert told == Notice(
        severity=Severity.CRITICAL, title="持仓过久没有有效止损", text=text, cause=alert.cause
    )


def test_an_alert_that_an_event_tells_is_not_told_twice_and_others_are() -> None:
    def alert(cause: str) -> Notice:
        return Notice(severity=Severity.CRITICAL, title="x", text="x is gone", cause=cause)

    assert teller().relay(alert("risk:max_daily_loss:main")) is None
    gone = teller("zh").relay(alert("vanished:at1"))
    assert gone is not None
    assert gone.title == "交易所找不到委托"
    assert gone.text == "x is gone"
