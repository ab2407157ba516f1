"""The port of a way to a person, and what may go wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from algotrader.core.ports import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as it is sent: plain text, in the person's language."""

    number: int  # ours: delivery is at least once, and a repeat shows the same number
    severity: Severity
    title: str
    text: str
    picture: bytes | None = None  # PNG


class ChannelError(Exception):
    """A letter was not delivered. The text names no secret."""


class ChannelBusyError(ChannelError):
    """Too many messages: not before `retry_after_s` seconds are over."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class ChannelFailedError(ChannelError):
    """No answer, or an answer that may be another one later: try again."""


class ChannelRefusedError(ChannelError):
    """Wrong secret, or forbidden: trying again helps only after the settings are mended."""


class Channel(Protocol):
    """Sends letters, one at a time, in the loop of the courier."""

    async def send(self, letter: Letter) -> None:
        """Delivered when this returns, at least once. ChannelError otherwise."""
        ...

    async def close(self) -> None: ...
