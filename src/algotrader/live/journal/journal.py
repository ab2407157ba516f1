"""The journal: what a decision depends on is here before it is used, and before it is sent.

    journal = begin(storage, entropy=os.urandom(16), now_ms=now)    # once
    journal = resume(storage)                                       # at each start
    journal.append([Entry(...), Entry(...)])                        # one commit, durable

State is the fold of `journal.read()`; `latest_snapshot` says from where it may begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from algotrader import __version__
from algotrader.core.ids import RunId, mint_run_id
from algotrader.live.journal import verifying
from algotrader.live.journal.chain import GENESIS, Entry, Head, Row, chained, damaged, head_of
from algotrader.live.journal.errors import (
    JournalDamagedError,
    JournalFailedError,
    JournalMissingError,
    JournalVersionError,
)
from algotrader.live.journal.port import Rows, Snapshot, Storage
from algotrader.live.journal.records import (
    PREFIX,
    Record,
    SegmentBegan,
    Started,
    decode_record,
    encode_record,
)

SEGMENT_ROWS: Final = 500_000  # some 250 MB, then the journal goes on in a new file
SCHEMA: Final = 1
"""Of the tables and of the chain. Rows of an older one are never read by guesswork."""


def no_guard() -> None:
    """Nothing forbids a commit."""


class Journal:
    """One writer's hold on a journal. One thread at a time; `read` may run while it appends.

    After `JournalUnwrittenError` the same step may be appended again. After `JournalFailedError` every
    further append fails: nothing may be sent any more, and the process must end.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        run_id: RunId,
        head: Head,
        segment: int,
        segment_seq: int = 0,
        guard: Callable[[], None] = no_guard,
    ) -> None:
        """`segment_seq`: the first row of the newest file.

        `guard` is asked before each commit; it raises JournalFailedError to forbid it.
        """
        self._storage = storage
        self._run_id = run_id
        self._head = head
        self._segment = segment
        self._segment_seq = segment_seq
        self._guard = guard
        self._failure: JournalFailedError | None = None

    @property
    def run_id(self) -> RunId:
        """Minted with the journal; it marks our orders at the venue and survives restarts."""
        return self._run_id

    @property
    def head(self) -> Head:
        """The last row that is durable."""
        return self._head

    @property
    def rows(self) -> Rows:
        """The reading side, for who reads more than `read` gives."""
        return self._storage

    def append(self, entries: Sequence[Entry]) -> int:
        """Make one decision step durable, whole or not at all; the number of its last row.

        Only after this returns may a step be acted upon. ValueError for an empty step, and for a
        kind that is the journal's own.
        """
        return self.append_steps([entries])

    def append_steps(self, steps: Sequence[Sequence[Entry]]) -> int:
        """The same for several steps in one commit: all of them or none. Their rows stay apart.

        Begins a new file first when the newest one is full.
        """
        is_full = self._head.seq - self._segment_seq + 1 >= SEGMENT_ROWS
        if is_full and steps and steps[0]:
            self.rotate(now_ms=steps[0][0].time_ms)
        rows: list[Row] = []
        for entries in steps:
            if not entries:
                raise ValueError("a step without entries is no step")
            for entry in entries:
                if entry.kind.startswith(PREFIX):
                    raise ValueError(f"kinds that begin with {PREFIX} are the journal's own")
            rows += chained(entries, head_of(rows[-1]) if rows else self._head)
        return self._commit(rows)

    def record_start(self, *, config_hash: str, now_ms: int, build: str = __version__) -> int:
        """Say in the journal which build and configuration trade from here on."""
        started = Started(
            run_id=self._run_id, schema=SCHEMA, algotrader=build, config_hash=config_hash
        )
        return self._commit(chained([entry_of(started, now_ms)], self._head))

    def last_start(self) -> Started | None:
        """The build and configuration of the start before, to compare with today's."""
        row = self._storage.newest(kind=Started.kind)
        record = None if row is None else decode_record(row.kind, row.body)
        return record if isinstance(record, Started) else None

    def read(self, from_seq: int = 1) -> Iterator[Row]:
        """Rows in order, over all files, each checked; JournalDamagedError where the chain breaks."""
        return verifying.read(self._storage, from_seq)

    def keep_snapshot(self, kind: str, body: bytes, *, seq: int | None = None) -> Snapshot:
        """Keep state as it is after row `seq` (default: the last), the end of a step."""
        row = self._storage.newest(at_most=self._head.seq if seq is None else seq)
        if row is None or (seq is not None and row.seq != seq) or row.remaining:
            raise ValueError(f"row {seq} is not the end of a step")
        snapshot = Snapshot(seq=row.seq, kind=kind, row_hash=row.hash, body=body)
        self._storage.keep_snapshot(snapshot)
        return snapshot

    def latest_snapshot(self, kind: str) -> Snapshot | None:
        """The newest that fits this history; read on from the row after it."""
        return newest_fitting(self._storage, kind)

    def rotate(self, *, now_ms: int, build: str = __version__) -> int:
        """Go on in a new file. The chain runs through, and reading notices nothing."""
        began = SegmentBegan(
            run_id=self._run_id, segment=self._segment + 1, schema=SCHEMA, algotrader=build
        )
        seq = self._commit(chained([entry_of(began, now_ms)], self._head), new_segment=True)
        self._segment += 1
        self._segment_seq = seq
        return seq

    def close(self) -> None:
        """Sync what is left and let go of the journal. Appending afterwards is a bug."""
        self._storage.close()

    def _commit(self, rows: list[Row], *, new_segment: bool = False) -> int:
        if self._failure is not None:
            raise self._failure
        try:
            self._guard()
            (self._storage.begin_segment if new_segment else self._storage.append)(rows)
            self._head = head_of(rows[-1])
            self._storage.keep_head(self._head)
        except JournalFailedError as failure:
            self._failure = failure
            raise
        return self._head.seq


def begin(storage: Storage, *, entropy: bytes, now_ms: int, build: str = __version__) -> Journal:
    """A new journal on empty storage. `entropy` is 16 random bytes that name the run for ever."""
    run_id = mint_run_id(entropy)
    if storage.newest() is not None or storage.head() is not None:
        raise ValueError("a journal begins on empty storage only")
    journal = Journal(storage, run_id=run_id, head=GENESIS, segment=0)
    journal.rotate(now_ms=now_ms, build=build)
    return journal


def resume(
    storage: Storage, *, from_start: bool = False, guard: Callable[[], None] = no_guard
) -> Journal:
    """The journal there is, checked from its newest snapshot on (or from its first row).

    JournalDamagedError if a row or the tail is missing or altered: nothing is changed then, and
    nothing may be traded. JournalMissingError if there is none.
    """
    checked_from = None if from_start else newest_fitting(storage)
    found = verifying.verify(storage, after=0 if checked_from is None else checked_from.seq)
    if found.head is None and found.kept == GENESIS:
        raise JournalMissingError("journal.missing", "there is no journal", hint="begin one")
    if found.problem is not None:
        raise found.problem
    segment = last_segment(storage)
    began = storage.newest(kind=SegmentBegan.kind)
    return Journal(
        storage,
        run_id=RunId(segment.run_id),
        head=found.kept,
        segment=segment.segment,
        segment_seq=0 if began is None else began.seq,
        guard=guard,
    )


def last_segment(source: Rows) -> SegmentBegan:
    """What the newest file says of itself. JournalVersionError if another build must read it."""
    row = source.newest(kind=SegmentBegan.kind)
    record = None if row is None else decode_record(row.kind, row.body)
    if not isinstance(record, SegmentBegan):
        raise damaged("segment_unreadable", 0 if row is None else row.seq, "it has no beginning")
    require_schema(record.schema, "the journal")
    return record


def require_schema(schema: int, what: str) -> None:
    """JournalVersionError unless this build writes and reads that schema."""
    if schema == SCHEMA:
        return
    age = "a newer" if schema > SCHEMA else "an older"
    raise JournalVersionError(
        "journal.schema",
        f"{what} has schema {schema}, from {age} version; this build reads schema {SCHEMA}",
        hint="run the version that wrote it, or upgrade; nothing was changed",
    )


def newest_fitting(source: Rows, kind: str | None = None) -> Snapshot | None:
    """The newest snapshot whose row stands in this history."""
    return next(fitting(source, kind), None)


def fitting(source: Rows, kind: str | None = None) -> Iterator[Snapshot]:
    """The snapshots whose row stands in this history, the newest first."""
    for snapshot in source.snapshots(kind):
        try:
            row = source.newest(at_most=snapshot.seq)
        except JournalDamagedError:
            continue  # the check of the rows will say where
        if row is not None and (row.seq, row.hash) == (snapshot.seq, snapshot.row_hash):
            yield snapshot


def entry_of(record: Record, now_ms: int) -> Entry:
    return Entry(time_ms=now_ms, kind=record.kind, body=encode_record(record))
