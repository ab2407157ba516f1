"""Going on after damage, and copies made beforehand. Both copy rows whose chain was checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from algotrader.core.errors import UsageError
from algotrader.live.journal.chain import Entry, Head, Row, chained, head_of
from algotrader.live.journal.errors import JournalDamagedError
from algotrader.live.journal.folder import DAMAGED, JournalFolder
from algotrader.live.journal.journal import entry_of
from algotrader.live.journal.port import Rows
from algotrader.live.journal.records import Recovered, SegmentBegan, decode_record
from algotrader.live.journal.storage import SegmentStorage, Sync
from algotrader.live.journal.verifying import Verification, read, require_end, verify

_BATCH_ROWS: Final = 10_000


def recover(folder: JournalFolder, *, now_ms: int) -> Recovered:
    """Let a damaged journal go on with the whole steps before the damage.

    The damaged files are set aside unchanged, and the first new row says what was lost; its
    number leaves those of the lost rows out, because orders may carry them. What is missing then
    comes from the venue. UsageError if nothing is damaged; JournalDamagedError if nothing can be kept.
    """
    if not folder.unpublished.is_dir():
        folder.require()
    with folder.locked():
        finished = _interrupted(folder)
        if finished is not None:
            folder.publish()
            return finished
        folder.require()
        rows = folder.rows(folder.chain)
        try:
            found = verify(rows)
            recovered = _going_on(rows, found, aside=f"{DAMAGED}{now_ms}")
            storage = folder.storage(folder.fresh(), sync=Sync.NORMAL)  # closing syncs all of it
            _rebuild(storage, rows, found.kept, entry_of(recovered, now_ms), recovered.resumed)
        finally:
            rows.close()
        folder.chain.replace(folder.path / recovered.aside)
        folder.publish()
        return recovered


def planned(folder: JournalFolder, *, now_ms: int) -> Recovered:
    """What `recover` would write, without changing anything; the same errors."""
    with folder.reading() as rows:
        return _going_on(rows, verify(rows), aside=f"{DAMAGED}{now_ms}")


def backup(folder: JournalFolder, to: Path) -> Head:
    """Copy the journal as it is now, also while it is written, and say how far the copy goes.

    JournalDamagedError if the rows do not hold: a damaged journal makes no backup.
    """
    target = JournalFolder(to)
    with folder.reading() as rows, target.locked():
        target.require_none()
        head = rows.head()
        storage = target.storage(target.fresh(), sync=Sync.NORMAL)
        try:
            last = _copy(storage, read(rows))
            storage.keep_head(last)
        finally:
            storage.close()
        require_end(rows, last, head)
        target.publish()
    return last


def _interrupted(folder: JournalFolder) -> Recovered | None:
    """What a recovery said that was killed between its two renames, when all was written."""
    if folder.chain.exists() or not folder.unpublished.is_dir():
        return None
    rows = folder.rows(folder.unpublished)
    try:
        if verify(rows).problem is not None:
            return None
        row = rows.newest()
        record = None if row is None else decode_record(row.kind, row.body)
    finally:
        rows.close()
    return record if isinstance(record, Recovered) else None


def _going_on(rows: Rows, found: Verification, *, aside: str) -> Recovered:
    if found.problem is None:
        raise UsageError(
            "journal.healthy",
            f"the journal is whole, up to row {found.kept.seq:,}: there is nothing to recover",
        )
    if found.kept.seq == 0:
        raise JournalDamagedError(
            "journal.lost",
            f"{found.problem.message}: nothing can be kept",
            hint="restore a backup",
            seq=1,
            lost=found.problem.lost,
        )
    end = max(found.kept.seq, 0 if found.head is None else found.head.seq, _last_seen(rows))
    return Recovered(
        problem=found.problem.code,
        kept=found.kept.seq,
        resumed=end + 1,
        lost=end - found.kept.seq,
        aside=aside,
    )


def _last_seen(rows: Rows) -> int:
    try:
        return head_of(rows.newest()).seq
    except JournalDamagedError:
        return 0


def _rebuild(storage: SegmentStorage, rows: Rows, kept: Head, entry: Entry, resumed: int) -> None:
    try:
        _copy(storage, _until(rows, kept.seq))
        [row] = chained([entry], kept, first=resumed)
        storage.append([row])
        storage.keep_head(head_of(row))
    finally:
        storage.close()


def _until(rows: Rows, last: int) -> Iterable[Row]:
    for row in read(rows):
        yield row
        if row.seq == last:
            return


def _copy(storage: SegmentStorage, rows: Iterable[Row]) -> Head:
    """Write rows as they are, in the segments they were in; the last one's head."""
    last: Row | None = None
    batch: list[Row] = []
    for row in rows:
        if row.kind == SegmentBegan.kind:
            _flush(storage, batch)
            storage.begin_segment([row])
        else:
            batch.append(row)
            if len(batch) == _BATCH_ROWS:
                _flush(storage, batch)
        last = row
    _flush(storage, batch)
    return head_of(last)


def _flush(storage: SegmentStorage, batch: list[Row]) -> None:
    if batch:
        storage.append(batch)
        batch.clear()
