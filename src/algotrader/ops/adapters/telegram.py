"""Telegram, by python-telegram-bot: letters out, and what people write to the bot in.

The bot's token is part of every address, so the libraries below log nothing under WARNING and no
error of theirs is passed on with its text as it is.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from algotrader.core.errors import UsageError
from algotrader.core.ports import Severity
from algotrader.ops.notification.channels import (
    ChannelBusyError,
    ChannelError,
    ChannelFailedError,
    ChannelRefusedError,
    Letter,
)
from algotrader.ops.observing.redaction import Redactor

if TYPE_CHECKING:
    from telegram import Bot

T = TypeVar("T")
log = logging.getLogger(__name__)
API: Final = "https://api.telegram.org"
TEXT_LENGTH: Final = 4_000  # Telegram takes 4,096
CAPTION_LENGTH: Final = 1_000  # of 1,024
_ANSWER_S: Final = 15.0
_MARKS: Final = {Severity.INFO: "", Severity.IMPORTANT: "△ ", Severity.CRITICAL: "‼ "}


class TelegramClient:
    """A bot and its connections. UsageError without the extra."""

    def __init__(self, token: str, url: str | None = None) -> None:
        try:
            from telegram import Bot
            from telegram.request import HTTPXRequest
        except ImportError as error:
            raise UsageError(
                "notification.extra", "python-telegram-bot is not installed",
                hint='pip install "algotrader[notify]"',
            ) from error  # fmt: skip
        for name in ("httpx", "httpcore", "telegram"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._redactor = Redactor([token])
        self._connections = [_connection(HTTPXRequest, size) for size in (4, 1)]
        self.bot: Bot = Bot(
            token,
            base_url=f"{(url or API).rstrip('/')}/bot",
            request=self._connections[0],
            get_updates_request=self._connections[1],
        )

    async def asked(self, call: Awaitable[T]) -> T:
        """Telegram's answer. ChannelError in our words, without the token and without its trace."""
        from telegram.error import TelegramError

        try:
            return await call
        except TelegramError as error:
            said = _meaning(error, self._redactor.text(error.message))
        raise said

    async def write(
        self, chat: int, text: str, *, bold_first: bool = False, buttons: Any = None
    ) -> None:
        """One message of at most `TEXT_LENGTH` escaped characters; plain if marks are not read."""
        first, _, rest = text.partition("\n")
        marked = f"<b>{_escaped(first)}</b>\n{_escaped(rest)}" if bold_first else _escaped(text)
        send = self.bot.send_message
        try:
            await self.asked(send(chat, marked, parse_mode="HTML", reply_markup=buttons))
        except _UnparsedError:
            await self.asked(send(chat, text, reply_markup=buttons))

    async def close(self) -> None:
        for connection in self._connections:
            await connection.shutdown()


def _connection(kind: Any, size: int) -> Any:
    return kind(
        connection_pool_size=size, connect_timeout=_ANSWER_S, read_timeout=_ANSWER_S,
        write_timeout=_ANSWER_S, pool_timeout=_ANSWER_S,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Somebody who wrote to the bot: the numbers that settings want."""

    user: int
    chat: int
    name: str


async def who_wrote(client: TelegramClient) -> list[Writer]:
    """Who wrote within a day and was not answered yet. ChannelError if Telegram does not say.

    Nothing is taken from who listens, but its connection: it connects again.
    """
    updates = await client.asked(client.bot.get_updates(timeout=0))
    found = [
        Writer(user=update.message.from_user.id, chat=update.message.chat.id,
               name=update.message.from_user.full_name)
        for update in updates
        if update.message is not None and update.message.from_user is not None
    ]  # fmt: skip
    return list(dict.fromkeys(found))


class TelegramChannel:
    """Letters to chats. One that cannot be written to is left out, or followed to where it moved;
    when none is left, the channel refuses."""

    def __init__(self, client: TelegramClient, chats: Sequence[int]) -> None:
        self._client = client
        self._chats = list(chats)
        self._under_way: Letter | None = None
        self._done: set[int] = set()  # chats that have the letter under way

    async def send(self, letter: Letter) -> None:
        if not self._chats:
            raise ChannelRefusedError("no chat is left that can be written to")
        # By its whole: a digest grows under the number of its first, and 0 is any without a disk.
        if self._under_way != letter:
            self._under_way, self._done = letter, set()
        for chat in [chat for chat in self._chats if chat not in self._done]:
            try:
                await self._send_to(chat, letter)
            except _MovedError as moved:
                log.error("chat %s is now %s: write that in notification.channels", chat, moved.to)
                self._chats[self._chats.index(chat)] = moved.to
                await self._send_to(moved.to, letter)
                self._done.add(moved.to)
            except _ForbiddenError as error:
                log.error("chat %s cannot be written to: %s", chat, error)
                self._chats.remove(chat)
                if not self._chats:
                    raise ChannelRefusedError(str(error)) from None
            self._done.add(chat)

    async def _send_to(self, chat: int, letter: Letter) -> None:
        title, text = f"{_MARKS[letter.severity]}{letter.title}", letter.text
        foot = f"#{letter.number}"
        if letter.picture is not None and await self._send_picture(chat, letter, title):
            return
        for page in pages(f"{title}\n{text}\n{foot}", TEXT_LENGTH):
            await self._client.write(chat, page, bold_first=page.startswith(title))

    async def _send_picture(self, chat: int, letter: Letter, title: str) -> bool:
        """Whether the text went with it. A picture that Telegram does not want is left out."""
        whole = f"{title}\n{letter.text}\n#{letter.number}"
        fits = len(whole) <= CAPTION_LENGTH
        send = self._client.bot.send_photo
        try:
            picture = letter.picture or b""
            await self._client.asked(send(chat, picture, caption=whole if fits else title))
        except _UnfitError as error:
            log.warning("a message goes without its picture: %s", error)
            return False
        return fits

    async def close(self) -> None:
        await self._client.close()


class _ForbiddenError(ChannelRefusedError):
    """One chat does not want the bot, or is not there; the others may be."""


class _MovedError(ChannelRefusedError):
    """A group became a supergroup, which has another number."""

    def __init__(self, text: str, to: int) -> None:
        super().__init__(text)
        self.to = to


class _UnfitError(ChannelFailedError):
    """Something about this one message."""


class _UnparsedError(ChannelFailedError):
    """Telegram cannot read our marks."""


def _meaning(error: Any, text: str) -> ChannelError:
    from telegram import error as refusals

    match error:
        case refusals.RetryAfter():
            wait = error._retry_after  # a timedelta; the public name warns of its old type
            return ChannelBusyError(text, wait.total_seconds())
        case refusals.InvalidToken():
            return ChannelRefusedError(f"Telegram does not know this token: {text}")
        case refusals.Forbidden():
            return _ForbiddenError(text)
        case refusals.Conflict():
            return ConflictError(text)
        case refusals.BadRequest() if "parse" in text.lower():
            return _UnparsedError(text)
        case refusals.BadRequest() if "chat" not in text.lower():
            return _UnfitError(text)
        case refusals.BadRequest():
            return _ForbiddenError(text)
        case refusals.ChatMigrated():
            return _MovedError(text, error.new_chat_id)
        case _:
            return ChannelFailedError(text)


class ConflictError(ChannelError):
    """Another program asks for the updates of this bot: two instances run with one token."""


def pages(text: str, length: int) -> Iterator[str]:
    """Cut at line ends so that no page is longer once it is escaped; a long line is cut hard."""
    page, used = "", 0
    for line in _short_lines(text, length):
        size = len(_escaped(line)) + 1
        if used + size > length and page:
            yield page.rstrip("\n")
            page, used = "", 0
        page, used = f"{page}{line}\n", used + size
    if page.strip():
        yield page.rstrip("\n")


def _short_lines(text: str, length: int) -> Iterator[str]:
    piece_length = length // 6  # escaping makes a character at most five
    for line in text.split("\n"):
        if len(_escaped(line)) < length:
            yield line
        else:
            yield from (line[at : at + piece_length] for at in range(0, len(line), piece_length))


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
