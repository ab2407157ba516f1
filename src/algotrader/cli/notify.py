"""`algotrader notify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app(
    """Try the ways by which you are told.

\b
algotrader notify test
algotrader notify chats
"""
)


@app.callback()
def _notify() -> None:
    """Try the ways by which you are told."""


@app.command("test")
@with_output
def test(out: Output) -> None:
    """Send a test message by each channel of algotrader.yaml, and say what came of it.

    Touches no account, no journal, and not what waits to be sent. Ends with 3 if a channel did not
    deliver.

    \b
    algotrader notify test
    algotrader notify test --json
    """
    import asyncio

    from algotrader.ops.config import load
    from algotrader.ops.notification.trying import try_channels

    tries = asyncio.run(try_channels(load(out.config, environment=os.environ), os.environ))

    def lines(console: Console) -> None:
        for one in tries:
            said = "delivered" if one.trouble is None else f"not delivered: {one.trouble}"
            console.print(f"{one.channel} ({one.kind}): {said}", markup=False)

    out.show([one.as_dict() for one in tries], lines)
    if any(one.trouble is not None for one in tries):
        raise typer.Exit(3)


@app.command("chats")
@with_output
def chats(out: Output) -> None:
    """List who wrote to your Telegram bot: the numbers for `chats` and `users` of the settings.

    Write something to the bot first. Answers nobody; a trader that listens is interrupted for a
    moment.

    \b
    algotrader notify chats
    algotrader notify chats --json
    """
    import asyncio

    from algotrader.ops.config import load
    from algotrader.ops.notification.trying import writers

    found = asyncio.run(writers(load(out.config, environment=os.environ), os.environ))

    def lines(console: Console) -> None:
        for one in found:
            text = f"chats: [{one.chat}], users: [{one.user}]  # {one.name}"
            console.print(text, markup=False)
        if not found:
            console.print("nobody wrote to the bot within a day: write to it, then ask again")

    out.show([{"chat": one.chat, "user": one.user, "name": one.name} for one in found], lines)
