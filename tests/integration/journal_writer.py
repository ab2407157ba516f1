"""A program that writes a journal until it is stopped: `journal_writer.py FOLDER FIRST [END]`.

Prints the number of each step after it is durable and before the next begins, as a trader sends an
order: whoever reads the lines knows what must be found again. A step that was not written is tried
once more; any other failure ends the program with its code. Now and then it keeps a snapshot and
begins a new file; bodies are large, so that checkpoints come often.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from algotrader.core.errors import AlgotraderError
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.errors import JournalUnwrittenError
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import Journal

PADDING = b"." * 20_000


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def a_large_step(number: int) -> list[Entry]:
    return [
        Entry(time_ms=number, kind="Intent", body=b"%d.%d" % (number, row) + PADDING)
        for row in range(3)
    ]


def twice(act: Callable[[], object]) -> None:
    try:
        act()
    except JournalUnwrittenError as error:
        say(error.code)
        act()


def write(journal: Journal, first: int, end: int | None) -> None:
    number = first
    while end is None or number < end:
        step = a_large_step(number)
        twice(lambda step=step: journal.append(step))  # type: ignore[misc]
        say(str(number))
        if number % 10 == 9:
            twice(lambda: journal.keep_snapshot("engine", b"state" * 1000))
        if number % 40 == 39:
            twice(lambda: journal.rotate(now_ms=0))
        number += 1


def main(folder: Path, first: int, end: int | None) -> int:
    where = JournalFolder(folder)
    try:
        with (
            where.open(from_start=True)
            if where.chain.exists()
            else where.create(entropy=bytes(16), now_ms=0)
        ) as journal:
            say("open")
            write(journal, first, end)
    except AlgotraderError as error:
        say(error.code)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else None))
