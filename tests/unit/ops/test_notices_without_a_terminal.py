"""A terminal that is gone, or a full disk behind it, takes no message and ends no trading."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import pytest
import typer

from algotrader.cli.output import Output
from algotrader.core.ports import Notice, Notifier, Severity
from algotrader.ops.role_notices import RoleNotices
from algotrader.ops.trading import Notices

HALTED = Notice(severity=Severity.CRITICAL, title="halted", text="halted", cause="halt")


class Messenger:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def notify(self, notice: Notice) -> None:
        self.told.append(notice.title)


def is_gone(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("made", [Notices, RoleNotices])
def test_f48_the_messenger_is_told_though_the_terminal_takes_nothing(
    made: Callable[..., Notifier],
) -> None:
    messenger = Messenger()

    asyncio.run(made(is_gone, messenger).notify(HALTED))

    assert messenger.told == ["halted"]


def test_f48_a_line_of_progress_that_nobody_takes_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(typer, "echo", is_gone)

    Output().note("the books agree with the venue")
