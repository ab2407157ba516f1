"""What the job `daily_summary` does."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

from algotrader.core.errors import RunError
from algotrader.core.ports import Clock, Notifier, Severity
from algotrader.ops.config import Configuration
from algotrader.ops.notification.commands import UnreadError
from algotrader.ops.notification.reading import CommandReader
from algotrader.ops.notification.summary import summaries
from algotrader.ops.notification.wiring import notification_folder, outbox_of, texts_of


def daily_summary(
    configuration: Configuration, clock: Clock, notifier: Notifier
) -> Callable[[], Awaitable[str]]:
    """Tells one summary an account, and returns their text. RunError if nothing can be read."""
    read = CommandReader(folder=configuration.folder, file=configuration.file)
    settings = configuration.settings.notification
    texts, loudness = texts_of(settings), settings.loudness("summary", Severity.INFO)

    async def tell() -> str:
        folder = notification_folder(configuration)
        try:
            told = await summaries(
                read, outbox_of(configuration), folder, texts, clock, loudness=loudness
            )
        except (UnreadError, sqlite3.Error, OSError) as error:
            raise RunError("job.summary", f"there is nothing to sum up: {error}") from error
        for notice in told:
            await notifier.notify(notice)
        return "\n\n".join(notice.text for notice in told)

    return tell
