"""Telegram by the real client, against a look-alike of its Bot API: letters, commands, faults."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.builders.bot_api import CHAT, TOKEN, USER, BotApi, bot_api

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Notice, Severity, SystemClock
from algotrader.live.operator import Inbox
from algotrader.ops.notification.channels import (
    ChannelBusyError,
    ChannelFailedError,
    ChannelRefusedError,
    Letter,
)
from algotrader.ops.notification.outbox import FOLDER, Outbox
from algotrader.ops.notification.wiring import OUTBOX, notifying

pytest.importorskip("telegram", reason="not run: python-telegram-bot is not installed")
from algotrader.ops.adapters.telegram import TelegramChannel, TelegramClient, pages
from algotrader.ops.config import load

WORKSPACE = """
strategies:
  trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}
  other: {{use: TrendFollow, account: second, symbols: [US:IBM], timeframe: 1d}}
notification:
  channels:
    phone: {{kind: telegram, chats: [{chat}], users: [{user}], url: "{url}", per_minute: 60}}
    mail: {{kind: telegram, chats: [99], variable: MAIL_TOKEN, least: critical, url: "{other}"}}
"""
LETTER = Letter(
    number=7, severity=Severity.CRITICAL, title="Halted <main> & more", text="a < b\nsecond line"
)


@pytest.fixture
def api() -> Iterator[tuple[BotApi, str]]:
    with bot_api() as served:
        yield served


def sending(url: str, letter: Letter = LETTER, token: str = TOKEN) -> None:
    async def send() -> None:
        channel = TelegramChannel(TelegramClient(token, url), [CHAT])
        try:
            await channel.send(letter)
        finally:
            await channel.close()

    asyncio.run(send())


def test_a_letter_arrives_with_its_number_and_only_our_marks(api: tuple[BotApi, str]) -> None:
    sending(api[1])
    (call,) = api[0].calls

    assert call.fields["text"] == (
        "<b>‼ Halted &lt;main&gt; &amp; more</b>\na &lt; b\nsecond line\n#7"
    )
    assert call.fields["parse_mode"] == "HTML"
    assert int(call.fields["chat_id"]) == CHAT


def test_a_picture_goes_with_its_text(api: tuple[BotApi, str]) -> None:
    sending(api[1], Letter(number=8, severity=Severity.INFO, title="Daily", text="up",
                           picture=b"\x89PNG"))  # fmt: skip
    (call,) = api[0].calls

    assert call.method == "sendPhoto"
    assert call.fields["caption"] == "Daily\nup\n#8"
    assert b"\x89PNG" in call.fields.values()


def test_a_picture_that_telegram_does_not_want_is_left_out(api: tuple[BotApi, str]) -> None:
    api[0].goes_wrong("sendPhoto", 400, description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    sending(api[1], Letter(number=8, severity=Severity.INFO, title="Daily", text="up",
                           picture=b"\x89PNG"))  # fmt: skip

    assert api[0].texts() == ["<b>Daily</b>\nup\n#8"]


def test_what_telegram_cannot_parse_is_sent_again_as_plain_text(api: tuple[BotApi, str]) -> None:
    api[0].goes_wrong("sendMessage", 400, 1, description="Bad Request: can't parse entities")
    sending(api[1])

    assert [call.fields.get("parse_mode") for call in api[0].calls] == [None]
    assert "Halted <main>" in api[0].texts()[0]


def test_a_long_text_is_cut_at_line_ends(api: tuple[BotApi, str]) -> None:
    line = "x & y " * 20
    sending(
        api[1], Letter(number=9, severity=Severity.INFO, title="t", text="\n".join([line] * 90))
    )

    assert len(api[0].texts()) > 2
    assert all(len(text) <= 4_096 for text in api[0].texts())
    assert sum(text.count("&amp;") for text in api[0].texts()) == 20 * 90
    assert "".join(pages("a" * 9_000, 4_000)).replace("\n", "") == "a" * 9_000


def to_chats(url: str, *letters: Letter, chats: tuple[int, ...] = (CHAT, 4_002)) -> list[str]:
    """Send letters one after the other by one channel; what became of each."""

    async def send() -> list[str]:
        channel, became = TelegramChannel(TelegramClient(TOKEN, url), chats), []
        try:
            for letter in letters:
                try:
                    await channel.send(letter)
                    became.append("delivered")
                except (ChannelRefusedError, ChannelFailedError) as error:
                    became.append(type(error).__name__)
        finally:
            await channel.close()
        return became

    return asyncio.run(send())


def refusing(api: BotApi, chat: int, status: int, description: str, **parameters: Any) -> None:
    """The API refuses one chat, and takes the others."""
    answer = api.answer

    def answered(token: str, method: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if int(fields.get("chat_id", 0)) != chat:
            return answer(token, method, fields)
        return status, {"ok": False, "error_code": status, "description": description,
                        "parameters": parameters}  # fmt: skip

    api.answer = answered  # type: ignore[method-assign]


def letter(text: str, number: int = 0) -> Letter:
    return Letter(number=number, severity=Severity.CRITICAL, title=text, text="")


def test_f48_letters_without_a_number_of_their_own_are_letters_of_their_own(
    api: tuple[BotApi, str],
) -> None:
    to_chats(api[1], letter("the disk is full"), letter("trading is halted"), chats=(CHAT,))

    assert [text.partition("</b>")[0] for text in api[0].texts()] == [
        "<b>‼ the disk is full", "<b>‼ trading is halted",
    ]  # fmt: skip


def test_f70_a_digest_reaches_who_was_told_its_first_message_alone(api: tuple[BotApi, str]) -> None:
    refusing(api[0], 4_002, 502, "Bad Gateway")
    became = to_chats(api[1], letter("order 1", 7), letter("order 1", 7), letter("12 messages", 7))

    assert became == ["ChannelFailedError"] * 3
    first_chat = [text.partition("</b>")[0] for text in api[0].texts()]
    assert first_chat == ["<b>‼ order 1", "<b>‼ 12 messages"]


@pytest.mark.parametrize("description", [
    "Bad Request: chat not found", "Bad Request: not enough rights to send text messages to the chat",
])  # fmt: skip
@pytest.mark.parametrize("chats", [(CHAT, 4_002), (4_002, CHAT)])
def test_f70_a_chat_that_is_not_there_takes_no_message_from_the_others(
    api: tuple[BotApi, str], description: str, chats: tuple[int, ...]
) -> None:
    refusing(api[0], 4_002, 400, description)

    became = to_chats(api[1], letter("first", 1), letter("second", 2), chats=chats)
    assert became == ["delivered", "delivered"]
    assert len(api[0].texts()) == 2
    alone = to_chats(api[1], letter("third", 3), letter("fourth", 4), chats=(4_002,))
    assert alone == ["ChannelRefusedError"] * 2


def test_f70_a_group_that_became_a_supergroup_is_followed(api: tuple[BotApi, str]) -> None:
    refusing(api[0], -11, 400, "Bad Request: group chat was upgraded to a supergroup chat",
             migrate_to_chat_id=-100_11)  # fmt: skip

    assert to_chats(api[1], letter("a", 1), letter("b", 2), chats=(-11, CHAT)) == ["delivered"] * 2
    assert [int(call.fields["chat_id"]) for call in api[0].calls] == [-100_11, CHAT, -100_11, CHAT]


@pytest.mark.parametrize(
    ("status", "description", "kind"),
    [
        (401, "Unauthorized", ChannelRefusedError),
        (403, "Forbidden: bot was blocked by the user", ChannelRefusedError),
        (400, "Bad Request: chat not found", ChannelRefusedError),
        (429, "Too Many Requests: retry after 7", ChannelBusyError),
        (500, "Internal Server Error", ChannelFailedError),
        (502, "Bad Gateway", ChannelFailedError),
    ],
)
def test_f69_each_refusal_has_its_meaning_and_no_token(
    api: tuple[BotApi, str], status: int, description: str, kind: type,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    more = {"retry_after": 7} if status == 429 else {}
    api[0].goes_wrong("sendMessage", status, description=description, parameters=more)
    with pytest.raises(kind) as raised:
        sending(api[1])

    if isinstance(raised.value, ChannelBusyError):
        assert raised.value.retry_after_s == 7
    secret = TOKEN.partition(":")[2]
    assert secret not in repr(raised.value) + str(raised.value.__context__)
    assert secret not in caplog.text


def test_f69_a_wrong_token_and_a_dead_server_say_so_without_the_token(
    api: tuple[BotApi, str],
) -> None:
    with pytest.raises(ChannelRefusedError) as wrong:
        sending(api[1], token="99:canary-7f3a")
    with pytest.raises(ChannelFailedError) as dead:
        sending("http://127.0.0.1:9", token="99:canary-7f3a")

    for raised in (wrong, dead):
        chain = [raised.value, raised.value.__cause__, raised.value.__context__]
        assert "canary-7f3a" not in " ".join(map(repr, chain))


@dataclass
class Workspace:
    folder: Path
    phone: BotApi
    mail: BotApi
    notify: Callable[[Notice], None]

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.folder / "journal" / FOLDER / OUTBOX)

    def requests(self) -> list[Any]:
        """What is left for the trader, each once."""
        inbox = Inbox(self.folder / "journal")
        events = list(inbox.take(utc_ms(SystemClock().now())))
        inbox.done()
        return events

    def requests_within(self, seconds: float, count: int = 1) -> list[Any]:
        end_s, found = time.monotonic() + seconds, []
        while time.monotonic() < end_s and len(found) < count:
            found += self.requests()
            time.sleep(0.02)
        return found

    def audited(self, count: int) -> list[str]:
        end_s = time.monotonic() + 60
        while len(rows := self.outbox.audited()) < count and time.monotonic() < end_s:
            time.sleep(0.05)
        return [row.answer for row in rows]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Starts a notifier with two channels: what it gives is a context."""
    with bot_api() as (phone, url), bot_api() as (mail, other):
        file = tmp_path / "algotrader.yaml"
        file.write_text(WORKSPACE.format(chat=CHAT, user=USER, url=url, other=other))
        secrets = {"ALGOTRADER_TELEGRAM_TOKEN": TOKEN, "MAIL_TOKEN": TOKEN}

        @contextmanager
        def started() -> Iterator[Workspace]:
            with notifying(load(file, environment={}), secrets) as thread:
                assert thread is not None
                yield Workspace(
                    tmp_path, phone, mail, lambda notice: asyncio.run(thread.notify(notice))
                )

        yield started


def notice(cause: str, severity: Severity = Severity.IMPORTANT, text: str = "something") -> Notice:
    return Notice(severity=severity, title=text, text=text, cause=cause)


def test_promise_24_five_hundred_equal_errors_are_at_most_three_messages(workspace: Any) -> None:
    with workspace() as here:
        for _ in range(500):
            here.notify(notice("feed:OKX"))
        here.phone.until(1, containing="something")
        time.sleep(1)

    assert len(here.phone.texts()) <= 3


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.IMPORTANT])
def test_promise_24_forty_different_signals_are_a_few_messages_and_none_is_lost(
    workspace: Any, severity: Severity
) -> None:
    with workspace() as here:
        outbox = here.outbox
        outbox.hear_all(
            [
                (
                    Notice(severity=severity, title=f"signal {n:02}", text="", cause=f"{n}"),
                    1,
                    None,
                )
                for n in range(40)
            ]
        )
        here.phone.until(1, containing="signal 39")

    told = "\n".join(here.phone.texts())
    assert len(here.phone.texts()) <= 3
    assert "40 messages" in told
    assert [n for n in range(40) if f"signal {n:02}" not in told] == []


@pytest.mark.parametrize("fault", [401, 403, 500])
def test_f70_a_channel_that_is_down_keeps_its_messages_and_another_tells(
    workspace: Any, fault: int
) -> None:
    with workspace() as here:
        here.phone.goes_wrong("sendMessage", fault)
        started = time.monotonic()
        here.notify(notice("rejected-often:x", text="an order was refused"))
        here.notify(notice("halt:x", Severity.CRITICAL, "the account is halted"))
        assert time.monotonic() - started < 1  # the trader does not wait
        here.mail.until(1, containing="account is halted")
        here.mail.until(1, containing="an order was refused")
        here.mail.until(1, containing="Channel phone does not deliver")
    assert here.phone.texts() == []

    here.phone.is_well()
    with workspace() as again:
        again.phone.until(1, containing="account is halted")
        again.phone.until(1, containing="an order was refused")
    assert len([text for text in here.mail.texts() if "is halted" in text]) == 1


def test_f70_a_busy_channel_is_given_its_time_and_then_told_everything(workspace: Any) -> None:
    with workspace() as here:
        here.phone.goes_wrong("sendMessage", 429, 1, parameters={"retry_after": 2})
        here.notify(notice("halt:x", Severity.CRITICAL, "the account is halted"))
        before = time.monotonic()
        here.phone.until(1, containing="account is halted")

    assert time.monotonic() - before > 1.5
    assert not [text for text in here.mail.texts() if "does not deliver" in text]


def test_f70_a_channel_that_never_answers_holds_up_nobody(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("algotrader.ops.notification.courier._LETTER_S", 0.5)
    with workspace() as here:
        here.phone.goes_wrong("sendMessage", 0)
        here.notify(notice("halt:x", Severity.CRITICAL, "the account is halted"))
        here.mail.until(1, containing="account is halted")
        here.phone.is_well()
        here.phone.until(1, containing="account is halted")


def test_promise_23_f70_what_is_critical_is_told_also_while_no_disk_takes_it(
    workspace: Any,
) -> None:
    with workspace() as here:
        here.outbox.keep("x", b"")
        file = here.folder / "journal" / FOLDER / OUTBOX
        with sqlite3.connect(file, isolation_level=None) as locked:
            locked.execute("BEGIN EXCLUSIVE")
            here.notify(notice("journal:unwritten", Severity.CRITICAL, "the disk is full"))
            here.notify(notice("feed:late", text="this one waits"))
            here.phone.until(1, containing="the disk is full")
            assert not [text for text in here.phone.texts() if "this one waits" in text]
            locked.execute("ROLLBACK")
        here.phone.until(1, containing="this one waits")


def test_f69_a_secret_in_a_notice_is_blotted_out_everywhere(workspace: Any, tmp_path: Path) -> None:
    with workspace() as here:
        here.notify(notice("odd:x", Severity.CRITICAL, f"GET /bot{TOKEN}/getMe failed"))
        (text,) = here.phone.until(1, containing="getMe")

    secret = TOKEN.encode()
    assert "/bot***/getMe" in text
    kept = [file for file in (tmp_path / "journal").rglob("*") if file.is_file()]
    assert len(kept) > 1
    assert not [file for file in kept if secret in file.read_bytes()]


def test_a_halt_by_telegram_becomes_a_request_and_is_audited(workspace: Any) -> None:
    with workspace() as here:
        here.phone.write("/halt second news")
        (halt,) = here.requests_within(10)
        here.phone.until(1, containing="Halt asked: second")
        assert "Halt asked: second" in here.audited(1)[0]

    assert (halt.account, halt.by, halt.channel) == ("second", f"telegram:{USER}", "telegram")
    assert halt.reason == "news"


def test_flatten_by_telegram_is_done_once_its_button_was_pressed(workspace: Any) -> None:
    with workspace() as here:
        here.phone.write("/flatten main")
        here.phone.until(1, containing="Close every position of main")
        here.phone.press("Confirm", user=666)
        assert here.audited(2)[1] == "not let in"
        assert here.requests() == []
        here.phone.press("Confirm")
        (flatten,) = here.requests_within(10)
        here.phone.until(1, containing="Flatten asked: main")

    assert flatten.flatten
    assert [call.method for call in here.phone.calls].count("answerCallbackQuery") == 1


def test_what_was_confirmed_is_said_also_when_its_button_is_too_old(workspace: Any) -> None:
    with workspace() as here:
        here.phone.goes_wrong(
            "answerCallbackQuery", 400, description="Bad Request: query is too old"
        )
        here.phone.write("/flatten main")
        here.phone.until(1, containing="Close every position of main")
        here.phone.press("Confirm")
        here.phone.until(1, wait_s=15, containing="Flatten asked: main")


def test_what_is_no_command_is_answered_to_who_was_let_in_alone(workspace: Any) -> None:
    with workspace() as here:
        here.phone.write("halt!", user=666)
        here.phone.write("halt!")
        here.phone.until(1, wait_s=15, containing="I do not understand halt!")
        assert here.requests() == []

    assert len(here.phone.texts()) == 1


@pytest.mark.parametrize("who", [{"user": 666}, {"chat": 666}], ids=["user", "chat"])
def test_a_stranger_gets_silence_and_a_line_in_the_audit(workspace: Any, who: Any) -> None:
    with workspace() as here:
        here.phone.write("/halt", **who)
        assert here.audited(1) == ["not let in"]
        assert here.requests() == []

    assert here.phone.texts() == []


def test_what_was_written_before_the_restart_is_not_done(workspace: Any) -> None:
    with workspace() as here:
        here.phone.write("/flatten main")
        here.phone.until(1, containing="Close every position of main")
        pressed = here.phone.button("Confirm")
    here.phone.write("/flatten main", age_s=300)
    here.phone._tell({"callback_query": pressed})
    with workspace() as again:
        again.phone.until(1, containing="old and was not done")
        again.phone.until(1, containing="This question has expired")
        assert again.requests() == []


def test_a_halt_is_done_however_old_it_seems(workspace: Any) -> None:
    """It may have been written while we were away; or our clock is fast, and all commands are old."""
    with workspace() as here:
        here.phone.write("/halt main", age_s=300)
        (halt,) = here.requests_within(10)
        here.phone.until(1, containing="Halt asked: main")

    assert halt.account == "main"


def test_when_who_delivers_ends_the_next_goes_on(workspace: Any) -> None:
    with ExitStack() as ending:
        first = ending.enter_context(workspace())
        with workspace() as second:
            second.notify(notice("a:1", text="by way of the first"))
            second.phone.until(1, containing="by way of the first")
            ending.close()
            second.notify(notice("a:2", text="by the second itself"))
            first.phone.until(1, containing="by the second itself")


def test_f65_a_second_listener_with_the_same_bot_is_told_of(workspace: Any) -> None:
    with workspace() as here:
        here.phone.goes_wrong("getUpdates", 409, 2, description="Conflict: terminated by other")
        here.phone.write("/help")
        here.phone.until(1, containing="Another program listens")
        here.phone.until(1, containing="/flatten [account]")


def test_f71_a_halt_by_telegram_is_asked_within_a_second_while_the_database_is_locked(
    workspace: Any,
) -> None:
    with workspace() as here:
        here.outbox.keep("x", b"")
        for n in range(200):
            here.notify(notice(f"event:{n}"))
        with sqlite3.connect(
            here.folder / "journal" / FOLDER / OUTBOX, isolation_level=None
        ) as locked:
            locked.execute("BEGIN EXCLUSIVE")
            here.phone.write("/halt")
            halts = here.requests_within(1.0, 2)
            locked.execute("ROLLBACK")

    assert len(halts) == 2
