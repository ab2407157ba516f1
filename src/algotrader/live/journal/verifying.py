"""Reading with the chain checked, and the check of a whole journal against its head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from algotrader.live.journal.chain import GENESIS, Head, Row, damaged, followed, head_of
from algotrader.live.journal.errors import JournalDamagedError
from algotrader.live.journal.port import Rows

PAGE_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of the rows after `after` found."""

    after: int  # rows up to this one were taken on trust; 0: none
    rows: int  # that were read and hold
    kept: Head  # end of the last whole step that holds
    head: Head | None  # what was kept aside
    problem: JournalDamagedError | None


def read(source: Rows, from_seq: int = 1) -> Iterator[Row]:
    """Rows from `from_seq` on, each checked against the one before it.

    JournalDamagedError at the first that does not hold. What is appended while reading is read too.
    """
    after = source.newest(at_most=from_seq - 1) if from_seq > 1 else None
    return followed(_rows(source, from_seq), after)


def verify(source: Rows, *, after: int = 0) -> Verification:
    """Check every row after number `after`, and the end against the head. Never raises damage."""
    head = source.head()
    kept, rows, problem = GENESIS, 0, None
    try:
        trusted = source.newest(at_most=after) if after else None
        kept = head_of(trusted)
        for row in followed(_rows(source, kept.seq + 1), trusted):
            rows += 1
            if row.remaining == 0:
                kept = Head(seq=row.seq, hash=row.hash)
        require_end(source, kept, head)
    except JournalDamagedError as found:
        problem = _counted(found, kept, head)
    return Verification(after=after, rows=rows, kept=kept, head=head, problem=problem)


def _rows(source: Rows, first: int) -> Iterator[Row]:
    while page := source.page(first, PAGE_ROWS):
        yield from page
        first = page[-1].seq + 1


def require_end(source: Rows, kept: Head, head: Head | None) -> None:
    """That the rows end with a whole step, and reach the head; JournalDamagedError if not."""
    if head is None:
        raise damaged("head_missing", kept.seq + 1, "the file with its head is gone or unreadable")
    last = source.newest()
    end = head_of(last).seq
    if end < head.seq:
        raise damaged("tail_cut", end + 1, f"its last {head.seq - end:,} rows are gone")
    if last is not None and last.remaining:
        raise damaged("step_torn", kept.seq + 1, f"the step after row {kept.seq} is not whole")
    witness = source.newest(at_most=head.seq)
    if witness is None or head_of(witness) != head:
        raise damaged("head_differs", head.seq, f"row {head.seq} is not the one its head names")


def _counted(found: JournalDamagedError, kept: Head, head: Head | None) -> JournalDamagedError:
    """The same with the number of rows that cannot be used."""
    lost = max(0, (head.seq if head else found.seq - 1) - kept.seq)
    text = f"{found.message}; rows up to {kept.seq:,} hold"
    if lost:
        text += f", {lost:,} after it cannot be used"
    return JournalDamagedError(found.code, text, hint=found.hint, seq=found.seq, lost=lost)
