"""A journal checked whole, beside the trader: in a process of its own that gives way to all others.

A start checks what it stands on: the snapshot it uses, that this stands in the history, and every
row after it, up to the head. The rows before it decide nothing any more, so trading does not wait
for them; that they are whole, and that the snapshot is what they add up to, is found out here. If
they are not, every account is halted, for a person to look.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from algotrader.core.errors import AlgotraderError
from algotrader.core.events import Event, HaltRequested
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.live.journal.chain import Head
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.verifying import verify
from algotrader.live.snapshots import differing_parts

BY: Final = "journal"
EVERY_S: Final = 24 * 3_600.0
ONE_IN: Final = 8
"""Of so many checks one folds all events and compares them with the snapshot."""
_GIVES_WAY: Final = 19


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a journal."""

    code: str
    text: str


def check(folder: JournalFolder, *, with_state: bool) -> Finding | None:
    """Read every row of a journal. None if all holds; writes nothing."""
    with folder.reading() as rows:
        found = verify(rows)
        if found.problem is not None:
            return Finding(code=found.problem.code, text=found.problem.message)
        parts = differing_parts(rows) if with_state else None
    if parts:
        text = f"the snapshot of {folder.path} is not what its rows add up to: {', '.join(parts)}"
        return Finding(code="journal.snapshot_differs", text=text)
    return None


async def checked(folder: Path, *, with_state: bool) -> Finding | None:
    """The same in another process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(folder), str(int(with_state)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    try:
        return msgspec.json.decode(told, type=Finding | None)
    except msgspec.DecodeError:
        text = f"the check of {folder} ended with {process.returncode} and said nothing"
        return Finding(code="journal.not_checked", text=text)


def is_sampled(head: Head) -> bool:
    """Whether this check also compares the state: by the head, so that it can be told again."""
    return head.hash[-1] % ONE_IN == 0


async def keep_checking(
    folder: Path,
    head: Callable[[], Head],
    accounts: Iterable[AccountId],
    tell: Callable[[Event], None],
    notifier: Notifier,
    clock: Clock,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Check at once and once a day, for ever; halt every account if something is wrong (F50)."""
    while True:
        finding = await checked(folder, with_state=is_sampled(head()))
        if finding is not None:
            now_ms = utc_ms(clock.now())
            for account in accounts:
                tell(
                    HaltRequested(
                        ts_event=now_ms, ts_known=now_ms, account=account, by=BY,
                        reason=finding.text, channel=BY,
                    )
                )  # fmt: skip
            await notifier.notify(
                Notice(
                    severity=Severity.CRITICAL, title="the journal is damaged: trading is halted",
                    text=finding.text, cause=finding.code,
                )
            )  # fmt: skip
        await sleep(EVERY_S)


def main() -> None:
    """usage: python -m algotrader.live.checking FOLDER WITH_STATE"""
    os.nice(_GIVES_WAY)
    folder, with_state = JournalFolder(Path(sys.argv[1])), sys.argv[2] == "1"
    try:
        found = check(folder, with_state=with_state)
    except AlgotraderError as error:
        found = Finding(code=error.code, text=error.message)
    with suppress(BrokenPipeError):  # who asked was killed meanwhile
        os.write(sys.stdout.fileno(), msgspec.json.encode(found))


if __name__ == "__main__":
    main()
