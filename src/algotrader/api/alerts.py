"""What a person is told of, in the words of the messages that go out, for a page instead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from algotrader.core.events import Event
from algotrader.live.journal.chain import Row
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.notification.telling import Memory, Teller
from algotrader.ops.notification.texts import Texts

KEPT: Final = 1_000
LANGUAGES: Final = ("en", "zh")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One notice, by language."""

    seq: int
    at: int  # UTC ms
    severity: str
    cause: str
    title: dict[str, str]
    text: dict[str, str]


class Alerts:
    """The newest so many, from the events as they are taken in."""

    def __init__(
        self, settings: NotificationSettings, on_alert: Callable[[Alert], None] = lambda _: None
    ) -> None:
        self._tellers = {
            language: Teller(settings, Texts(language=language, zone="UTC"), Memory())
            for language in ("en", "zh")
        }
        self._kept: deque[Alert] = deque(maxlen=KEPT)
        self._on_alert = on_alert

    def hear(self, row: Row, event: Event) -> None:
        """Take an event in, and tell of it."""
        for alert in self._of(row, event):
            self._kept.append(alert)
            self._on_alert(alert)

    def recall(self, row: Row, event: Event) -> None:
        """Take in an event of before: it is listed, and told to nobody as if it were new."""
        self._kept.extend(self._of(row, event))

    def newest(self, before: int | None, limit: int, severities: Iterable[str]) -> list[Alert]:
        """The newest first, of rows before a number."""
        wanted = set(severities)
        found = [
            one
            for one in reversed(self._kept)
            if (before is None or one.seq < before) and (not wanted or one.severity in wanted)
        ]
        return found[:limit]

    def forget(self) -> None:
        self._kept.clear()
        for teller in self._tellers.values():
            teller.memory = Memory()

    def _of(self, row: Row, event: Event) -> list[Alert]:
        told = {language: one.tell(event) for language, one in self._tellers.items()}
        return [
            Alert(
                seq=row.seq, at=row.time_ms, severity=english.severity.value, cause=english.cause,
                title={"en": english.title, "zh": chinese.title},
                text={"en": english.text, "zh": chinese.text},
            )
            for english, chinese in zip(told["en"], told["zh"], strict=True)
        ]  # fmt: skip
