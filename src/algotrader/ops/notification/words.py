"""What every part of a teller has: sentences in a language, and how loud a topic is."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification.settings import NotificationSettings, Topic
from algotrader.ops.notification.texts import Texts

_FOR_PEOPLE: Final = Context(prec=15)
"""Fees taken in coins leave quantities of 18 digits, the last of which nobody can trade."""

INFO, IMPORTANT, CRITICAL = Severity.INFO, Severity.IMPORTANT, Severity.CRITICAL


class Words:
    """Sentences and notices, in the language and as loud as the settings say."""

    def __init__(self, settings: NotificationSettings, texts: Texts) -> None:
        self.renew(settings, texts)

    def renew(self, settings: NotificationSettings, texts: Texts) -> None:
        """Tell by other settings from here on."""
        self._settings, self.texts, self.say = settings, texts, texts.say

    def notice(
        self, topic: Topic, severity: Severity, cause: str, title: str, text: str
    ) -> Notice | None:
        """None where the settings say that nothing is told of it."""
        loudness = self._settings.loudness(topic, severity)
        if loudness is None:
            return None
        return Notice(severity=loudness, title=title, text=text or title, cause=cause)


def plain(quantity: Decimal) -> str:
    """A quantity in a sentence, to 15 significant digits."""
    return f"{_FOR_PEOPLE.plus(quantity).normalize():,f}"
