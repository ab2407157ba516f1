"""What people write to the bot: taken by long polling, from those who were let in, and answered.

Who is not in the list gets no answer, and a line in the audit. A command older than a minute is not
done: what was written while nothing listened must not act when the program comes back.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Severity
from algotrader.core.units import format_duration
from algotrader.ops.adapters.telegram import TEXT_LENGTH, ConflictError, TelegramClient, pages
from algotrader.ops.notification.channels import ChannelError, ChannelRefusedError
from algotrader.ops.notification.commands import Commands, Reply
from algotrader.ops.notification.outbox import AuditRow, Outbox
from algotrader.ops.notification.texts import Texts

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update

log = logging.getLogger(__name__)
_POLL_S: Final = 25
_OLDEST_MS: Final = 60_000
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_AUDITED: Final = 200  # characters of what was written


@dataclass(slots=True, kw_only=True)
class TelegramCommands:
    """Listens with one bot. `run` ends only when it is cancelled, or the token is refused."""

    client: TelegramClient
    users: Collection[int]
    chats: Collection[int]
    commands: Commands
    outbox: Outbox
    texts: Texts
    clock: Clock
    _next: int | None = field(default=None, init=False)  # the first update not seen yet
    _work: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def run(self) -> None:
        wait_s = _FIRST_WAIT_S
        try:
            await self._offer_menu()
            while True:
                try:
                    await self._poll()
                    wait_s = _FIRST_WAIT_S
                except ConflictError:
                    await self._tell_conflict()
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                except ChannelRefusedError as error:
                    log.error("commands are not heard any more: %s", error)
                    await asyncio.Event().wait()
                except ChannelError as error:
                    log.warning("commands are not heard: %s", error)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        finally:
            for task in self._work:
                task.cancel()

    async def _poll(self) -> None:
        call = self.client.bot.get_updates(
            offset=self._next, timeout=_POLL_S, allowed_updates=["message", "callback_query"]
        )
        for update in await self.client.asked(call):
            self._next = update.update_id + 1
            # A task each: a slow answer must not hold up a halt that comes after it.
            task = asyncio.create_task(self._taken(update))
            self._work.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a command failed", exc_info=error)

    async def _offer_menu(self) -> None:
        """What Telegram lists when a person types a slash."""
        try:
            await self.client.asked(self.client.bot.set_my_commands(self.commands.menu()))
        except ChannelError as error:
            log.warning("the menu of commands could not be set: %s", error)

    async def _taken(self, update: Update) -> None:
        try:
            if update.callback_query is not None:
                await self._pressed(update.callback_query)
            elif update.message is not None and update.message.text:
                await self._written(update.message, update.message.text)
        except ChannelError as error:
            log.warning("a command could not be answered: %s", error)

    async def _written(self, message: Message, text: str) -> None:
        user, chat = message.from_user, message.chat.id
        if user is None:
            return
        if not text.startswith("/"):
            # In a group people talk to each other; here somebody may believe to have said halt.
            if message.chat.type == "private" and self._is_let_in(user.id, chat):
                word = text.split()[0][:_AUDITED] if text.split() else text[:_AUDITED]
                await self._send(chat, Reply(text=self.texts.say("not_understood", word=word)))
            return
        who = f"telegram:{user.id}"
        if not self._is_let_in(user.id, chat):
            await self._audit(f"{who} in {chat}", text, "not let in")
            return
        age_ms = utc_ms(self.clock.now()) - utc_ms(message.date)
        if age_ms > _OLDEST_MS and not self.commands.halts(text):
            age = format_duration(age_ms, language=self.texts.language)
            reply = Reply(text=self.texts.say("too_old", age=age))
        else:
            reply = await self.commands.answer(text, who)
        await self._audit(who, text, reply.text)
        await self._send(chat, reply)

    async def _pressed(self, query: CallbackQuery) -> None:
        who = f"telegram:{query.from_user.id}"
        chat = None if query.message is None else query.message.chat.id
        if chat is None or not self._is_let_in(query.from_user.id, chat):
            await self._audit(f"{who} in {chat}", "a button", "not let in")
            return
        reply = self.commands.pressed(query.data or "", who)
        await self._audit(who, "a button", reply.text)
        try:
            await self.client.asked(self.client.bot.answer_callback_query(query.id))
        except ChannelError as error:  # too old, to Telegram: what was done is said all the same
            log.warning("a button could not be answered: %s", error)
        await self._send(chat, reply)

    def _is_let_in(self, user: int, chat: int) -> bool:
        return user in self.users and chat in self.chats

    async def _send(self, chat: int, reply: Reply) -> None:
        *first, last = pages(reply.text, TEXT_LENGTH)
        for page in first:
            await self.client.write(chat, page)
        await self.client.write(chat, last, buttons=_keyboard(reply))

    async def _audit(self, who: str, asked: str, answer: str) -> None:
        row = AuditRow(
            at_ms=utc_ms(self.clock.now()), who=who, asked=asked[:_AUDITED],
            answer=answer[:_AUDITED],
        )  # fmt: skip
        log.info("command: %s asked %r", row.who, row.asked)
        await self._on_disk(self.outbox.audit, row)

    async def _tell_conflict(self) -> None:
        notice = Notice(
            severity=Severity.CRITICAL, title=self.texts.say("conflict"),
            text=self.texts.say("conflict_text"), cause="telegram:conflict",
        )  # fmt: skip
        log.error("another program asks for the updates of this bot")
        await self._on_disk(self.outbox.hear, notice, utc_ms(self.clock.now()))

    async def _on_disk(self, work: Any, *arguments: Any) -> None:
        """What is done was done: a disk that cannot be written takes nothing from it."""
        try:
            await asyncio.to_thread(work, *arguments)
        except sqlite3.Error as error:
            log.error("the outbox cannot be written: %s", error)


def _keyboard(reply: Reply) -> Any:
    if not reply.buttons:
        return None
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    row = [InlineKeyboardButton(label, callback_data=data) for label, data in reply.buttons]
    return InlineKeyboardMarkup([row])
