"""The daily summary: what each account is worth, how it came there, and a picture of it."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from algotrader.core.errors import UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Severity
from algotrader.ops.notification.commands import Read, account_line, profit_line
from algotrader.ops.notification.equity import Day, days_of
from algotrader.ops.notification.outbox import Outbox
from algotrader.ops.notification.picture import equity_picture
from algotrader.ops.notification.service import PICTURE
from algotrader.ops.notification.texts import Texts

log = logging.getLogger(__name__)
_SHOWN_DAYS: Final = 90
_KEPT: Final = 60  # picture files


async def summaries(
    read: Read,
    outbox: Outbox,
    folder: Path,
    texts: Texts,
    clock: Clock,
    *,
    loudness: Severity | None = Severity.INFO,
) -> list[Notice]:
    """One notice an account, with the file of its picture where there are two days to draw.

    None at all without a loudness.

    UnreadError if the journal cannot be read, sqlite3.Error if the outbox cannot.
    """
    if loudness is None:
        return []
    status = await read("status")
    now = clock.now()
    since = str(now.date() - timedelta(days=_SHOWN_DAYS))
    told = []
    for account in status["accounts"]:
        name = account["account"]
        days = days_of(outbox.equity(name, since))
        told.append(
            Notice(
                severity=loudness,
                title=texts.say("summary_title", day=texts.day(utc_ms(now)), account=name),
                text=_text(account, days, texts, clock),
                cause=f"summary:{name}:{utc_ms(now)}",
                fields=_drawn(account, days, folder, str(now.date())),
            )
        )
    return told


def _text(account: dict[str, Any], days: list[Day], texts: Texts, clock: Clock) -> str:
    return f"{account_line(account, texts)}\n\n{profit_line(account, days, texts, clock)}"


def _drawn(account: dict[str, Any], days: list[Day], folder: Path, today: str) -> dict[str, str]:
    """The picture's file, as the notice names it; nothing where there is nothing to draw."""
    shown = [day for day in days if day.day < today]
    if account["equity"] is not None:  # else something is held without a price
        equity, deposits = Decimal(account["equity"]), Decimal(account["deposits"])
        shown.append(Day(day=today, equity=equity, deposits=deposits))
    if len(shown) < 2:
        return {}
    try:
        png = equity_picture(shown)
    except UsageError as error:
        log.warning("no picture: %s", error)
        return {}
    file = folder / f"equity-{today}-{account['account']}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
        for old in sorted(folder.glob("equity-*.png"))[:-_KEPT]:
            old.unlink()
    except OSError as error:  # a full disk takes the picture, not what is said
        log.warning("no picture: %s", error)
        return {}
    return {PICTURE: str(file)}
