"""The daily summary: what each account is worth, from the journal, in a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.ops.config import Configuration
from algotrader.ops.standing import read_state


def daily_summary(
    configuration: Configuration, clock: Clock, notifier: Notifier
) -> Callable[[], Awaitable[str]]:
    """What a job `daily_summary` does: tell the summary, and return its text."""

    async def tell() -> str:
        text = await asyncio.to_thread(summary_text, configuration)
        day = f"{clock.now():%Y-%m-%d}"
        await notifier.notify(
            Notice(
                severity=Severity.INFO, title=f"summary of {day}", text=text,
                cause=f"summary:{utc_ms(clock.now())}",
            )
        )  # fmt: skip
        return text

    return tell


def summary_text(configuration: Configuration) -> str:
    """One line an account. RunError or ConfigurationError if the journal cannot be read."""
    state = read_state(configuration)
    marks = state.marks()
    lines = []
    for account in state.settings.accounts:
        book = state.books[account.account_id].whole
        equity, deposits = book.equity(marks), book.statement(marks).deposits
        change = equity - deposits
        share = f" ({change / deposits:+.2%})" if deposits else ""
        held = sum(book.position(symbol).quantity != 0 for symbol in book.contracts)
        waiting = len(list(state.orders.open(account.account_id)))
        lines.append(
            f"{account.account_id}: equity {equity:.2f} {account.currency}, "
            f"{change:+.2f}{share} since the start, {held} positions, {waiting} open orders"
        )
    return "\n".join(lines)
