"""What may be asked by messenger: answers, confirmations, and the requests that come of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from algotrader.core.events import HaltRequested, RearmRequested
from algotrader.core.ports import ManualClock
from algotrader.live.operator import Inbox
from algotrader.ops.notification.command_texts import Language
from algotrader.ops.notification.commands import CONFIRM_S, Commands, Reply, UnreadError
from algotrader.ops.notification.equity import days_of, profit_since
from algotrader.ops.notification.outbox import DEPOSITS, WHOLE, DayEquity, Outbox
from algotrader.ops.notification.texts import Texts

ME, OTHER = "telegram:7001", "telegram:666"
STATUS = {
    "accounts": [
        {
            "account": "main", "mode": "halted", "currency": "USDT", "equity": "11000.5",
            "cash": "6000", "deposits": "10000", "positions": 1, "open_orders": 2,
            "last_decision": 1_704_110_400_000, "limits": [],
            "holds": [{"rule": "kill_switch", "action": "halt", "strategy": None,
                       "instrument": None, "by": "operator", "why": "news <b>", "since": 1,
                       "until": None}],
        }
    ],
    "positions": [
        {"account": "main", "strategy": "trend", "instrument": "OKX:BTC/USDT", "quantity": "0.50",
         "entry": "40000", "mark": None, "unrealised": None}
    ],
}  # fmt: skip
ORDERS = [
    {"order": "at1", "account": "main", "strategy": "trend", "instrument": "OKX:BTC/USDT",
     "side": "sell", "kind": "limit", "quantity": "0.5", "filled": "0.2", "limit": "41000",
     "status": "accepted", "decided": 1}
]  # fmt: skip


class Desk:
    """The commands of a workspace with two accounts, whose command line is made up."""

    def __init__(self, folder: Path, language: Language = "en") -> None:
        self.clock = ManualClock(datetime(2024, 1, 10, 12, tzinfo=UTC))
        self.inbox = Inbox(folder)
        self.outbox = Outbox(folder / "outbox.sqlite")
        self.answers: dict[str, Any] = {"status": STATUS, "orders": ORDERS}
        self.commands = Commands(
            accounts=("main", "second"), inbox=self.inbox, outbox=self.outbox, read=self.read,
            texts=Texts(language=language), clock=self.clock,
        )  # fmt: skip

    async def read(self, *words: str) -> Any:
        answer = self.answers[words[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def says(self, text: str, who: str = ME) -> Reply:
        return asyncio.run(self.commands.answer(text, who))

    def asked(self) -> list[Any]:
        """What is left for the trader, each once."""
        events = list(self.inbox.take(1))
        self.inbox.done()
        return events


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_halt_is_asked_at_once_for_every_account_with_who_and_why(desk: Desk) -> None:
    reply = desk.says("/halt big news")
    halts = desk.asked()

    assert reply.buttons == ()
    assert "main, second" in reply.text
    assert [type(halt) for halt in halts] == [HaltRequested, HaltRequested]
    assert {halt.account for halt in halts} == {"main", "second"}
    assert {(halt.by, halt.channel, halt.reason, halt.flatten) for halt in halts} == {
        (ME, "telegram", "big news", False)
    }


def test_f71_a_halt_with_a_long_text_is_taken(desk: Desk) -> None:
    desk.says("/halt " + "消息" * 1_500)

    assert [event.reason[:2] for event in desk.asked()] == ["消息", "消息"]


def test_a_halt_of_one_account_leaves_the_others_alone_and_a_slip_stops_all(desk: Desk) -> None:
    desk.says("/halt second")
    assert [halt.account for halt in desk.asked()] == ["second"]
    desk.says("/halt secnod")
    assert len(desk.asked()) == 2


@pytest.mark.parametrize(
    ("word", "kind", "flatten"),
    [("resume", RearmRequested, None), ("flatten", HaltRequested, True)],
)
def test_what_is_dangerous_is_asked_back_and_done_once_confirmed(
    desk: Desk, word: str, kind: type, flatten: bool | None
) -> None:
    reply = desk.says(f"/{word} main")
    assert desk.asked() == []
    (yes, data), (no, _) = reply.buttons
    assert (yes, no) == ("Confirm", "Cancel")

    desk.commands.pressed(data, ME)
    (asked,) = desk.asked()
    assert isinstance(asked, kind)
    assert getattr(asked, "flatten", None) is flatten
    assert desk.commands.pressed(data, ME).text.startswith("This question has expired")
    assert desk.asked() == []


def test_a_question_is_answered_only_by_who_was_asked_in_time_by_this_process(
    desk: Desk, tmp_path: Path
) -> None:
    (_, data), (_, cancel) = desk.says("/flatten").buttons
    assert "expired" in desk.commands.pressed(data, OTHER).text
    (_, data), (_, cancel) = desk.says("/flatten").buttons
    assert "expired" in Desk(tmp_path).commands.pressed(data, ME).text
    assert desk.commands.pressed(cancel, ME).text == "Nothing was done."
    (_, data), _ = desk.says("/flatten").buttons
    desk.clock.advance(CONFIRM_S + 1)
    assert "expired" in desk.commands.pressed(data, ME).text
    assert desk.asked() == []


def test_f71_a_halt_needs_no_database(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"no database at all" * 100)
    desk.says("/halt")

    assert len(desk.asked()) == 2


def test_a_request_that_cannot_be_left_is_said(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("a file where the folder should be")

    assert "could not be asked" in desk.says("/halt").text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/status", ["main: STOPPED", "11,000.50 USDT", "+10.0", "news <b>"]),
        ("/positions", ["OKX:BTC/USDT 0.5,", "entry 40,000", "–"]),
        ("/orders", ["Sell 0.5 OKX:BTC/USDT", "0.2 filled", "limit 41,000"]),
        ("/balance", ["cash 6,000.00", "deposits 10,000.00"]),
        ("/profit", ["in all +1,000.50 USDT", "today –"]),
        ("/daily", ["no day is over yet"]),
        ("/help", ["/flatten"]),
        ("/status@desk_bot", ["main"]),
        ("/dance", ["do not understand /dance"]),
        ("/resume nowhere", ["No strategy trades on account nowhere"]),
    ],
)
def test_what_is_asked_is_answered(desk: Desk, command: str, words: list[str]) -> None:
    text = desk.says(command).text

    for word in words:
        assert word in text


def test_answers_come_in_chinese(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "zh")

    assert "已停止" in desk.says("/status").text
    assert desk.says("/flatten").buttons[0][0] == "确认"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_menu_lists_each_command_once_and_each_is_understood(
    tmp_path: Path, language: Language
) -> None:
    desk = Desk(tmp_path, language)
    menu = desk.commands.menu()

    assert len(menu) == 9
    assert all(text and "  " not in text for _, text in menu)
    unknown = desk.says("/dance").text.replace("/dance", "")
    assert not [
        name for name, _ in menu if desk.says(f"/{name}").text.replace(f"/{name}", "") == unknown
    ]


def test_what_cannot_be_read_is_said(desk: Desk) -> None:
    desk.answers["status"] = UnreadError("there is no journal in journal")

    assert desk.says("/status").text == "It cannot be read: there is no journal in journal"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_account_without_a_price_is_told_with_what_is_known_of_it(
    tmp_path: Path, language: Language
) -> None:
    desk, why = Desk(tmp_path, language), "no price of OKX:BTC/USDT is known"
    account = STATUS["accounts"][0] | {"equity": None, "no_equity": why}
    desk.answers["status"] = STATUS | {"accounts": [account]}

    status, balance = desk.says("/status").text, desk.says("/balance").text
    assert why in status
    assert "news <b>" in status
    assert "6,000.00" in balance
    assert "–" in balance
    assert desk.says("/profit").text.count("–") == 4


@pytest.mark.parametrize("command", ["/status", "/balance", "/profit", "/daily", "/positions"])
def test_a_desk_without_accounts_and_a_fault_of_ours_are_answered(desk: Desk, command: str) -> None:
    desk.answers["status"] = {"accounts": [], "positions": []}
    assert desk.says(command).text
    desk.answers["status"] = {"accounts": [{}]}
    assert "cannot be read" in desk.says(command).text


def row(part: str, day: str, equity: str) -> DayEquity:
    return DayEquity(account="main", part=part, day=day, equity=equity)


def test_profit_by_day_leaves_out_what_was_paid_in(desk: Desk) -> None:
    rows = [
        row(DEPOSITS, "2024-01-01", "10000"), row(WHOLE, "2024-01-08", "10000"),
        row(WHOLE, "2024-01-09", "10900"), row(DEPOSITS, "2024-01-09", "10500"),
    ]  # fmt: skip
    desk.outbox.follow([], rows, "place", b"")
    desk.answers["status"]["accounts"][0]["deposits"] = "10500"
    text = desk.says("/profit").text
    daily = desk.says("/daily").text
    desk.answers["status"]["accounts"][0]["deposits"] = "10000"

    # 11,000.50 now, 10,900 yesterday; a week ago nothing is known before the 8th.
    assert "today +100.50" in text
    assert "7 days –" in text
    assert "2024-01-09  10,900.00  +400.00" in daily


def test_parts_of_an_account_are_summed_at_their_last_worth() -> None:
    rows = [
        row("a", "2024-01-01", "5"), row("b", "2024-01-01", "7"), row("a", "2024-01-02", "6"),
        row("b", "2024-01-03", "9"),
    ]  # fmt: skip
    days = days_of(rows)

    assert [(day.day[-1], day.equity) for day in days] == [
        ("1", Decimal(12)), ("2", Decimal(13)), ("3", Decimal(15)),
    ]  # fmt: skip
    assert profit_since(days, "2024-01-02", Decimal(20), Decimal(0)) == 7
    assert profit_since(days, "2023-12-31", Decimal(20), Decimal(0)) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["The trader is not running", "waiting: halt of main, by operator: news"]),
        ("zh", ["交易程序未运行", "等待执行：main halt，操作者 operator：news"]),
    ],
)
def test_status_says_whether_anybody_obeys_and_what_still_waits(
    tmp_path: Path, language: Language, words: list[str]
) -> None:
    desk = Desk(tmp_path, language)
    row = {"asked": "halt", "of": "main", "since": 1, "by": "operator", "reason": "news"}
    desk.answers["status"] = STATUS | {
        "trader": {"state": "not running"}, "waiting": [row | {"in_force": "at the next start"}]
    }  # fmt: skip
    told = desk.says("/status").text
    desk.answers["status"] = STATUS | {"trader": {"state": "running"}, "waiting": []}

    assert all(word in told for word in words)
    assert not any(word in desk.says("/status").text for word in words)


def test_an_orders_state_is_a_word_of_the_persons_language(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "zh")
    desk.answers["orders"] = [ORDERS[0] | {"status": "partially_filled"}]

    assert "部分成交" in desk.says("/orders").text
