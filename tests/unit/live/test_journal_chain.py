"""The chain: each row's hash covers the row and all before it."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from msgspec.structs import replace
from tests.builders.journals import a_step

from algotrader.live.journal.chain import (
    GENESIS,
    Entry,
    Head,
    Row,
    chained,
    followed,
    head_of,
    link,
)
from algotrader.live.journal.errors import JournalDamagedError
from algotrader.live.journal.records import Recovered, SegmentBegan, decode_record, encode_record


def three_steps() -> list[Row]:
    rows: list[Row] = []
    for number in range(3):
        rows += chained(a_step(number, 2), head_of(rows[-1] if rows else None))
    return rows


def first_damage(rows: list[Row]) -> tuple[str, int]:
    with pytest.raises(JournalDamagedError) as found:
        list(followed(rows, None))
    return found.value.code, found.value.seq


def test_a_rows_hash_is_of_fixed_bytes() -> None:
    """Stored journals are read by later versions: what is hashed may never change."""
    covered = b"".join(
        [
            bytes(range(32)),  # the hash before
            (1).to_bytes(8, "little"),  # seq
            (1_700_000_000_000).to_bytes(8, "little"),  # time, UTC ms
            (2).to_bytes(4, "little"),  # rows that follow
            (7).to_bytes(4, "little"),  # length of the kind
            (2).to_bytes(4, "little"),  # length of the body
            b"Decided{}",
        ]
    )

    assert (
        link(bytes(range(32)), 1, 1_700_000_000_000, 2, "Decided", b"{}")
        == hashlib.blake2b(covered, digest_size=32).digest()
    )


@pytest.mark.parametrize(
    "changed",
    [
        (b"\1" * 32, 1, 2, 0, "a", b"b"),
        (bytes(32), 2, 2, 0, "a", b"b"),
        (bytes(32), 1, 3, 0, "a", b"b"),
        (bytes(32), 1, 2, 1, "a", b"b"),
        (bytes(32), 1, 2, 0, "ab", b""),  # the same bytes, cut elsewhere
        (bytes(32), 1, 2, 0, "a", b"c"),
    ],
)
def test_every_field_is_in_the_hash(changed: tuple[bytes, int, int, int, str, bytes]) -> None:
    assert link(*changed) != link(bytes(32), 1, 2, 0, "a", b"b")


def test_rows_of_a_step_count_down_to_its_end() -> None:
    rows = chained(a_step(7, 3), Head(seq=10, hash=bytes(32)))

    assert [(row.seq, row.remaining) for row in rows] == [(11, 2), (12, 1), (13, 0)]


def test_a_whole_chain_is_read_as_it_was_written() -> None:
    rows = three_steps()

    assert list(followed(rows, None)) == rows
    assert list(followed(rows[3:], rows[2])) == rows[3:]  # from the middle of a step


@pytest.mark.parametrize(
    "changes", [{"body": b"x"}, {"kind": "x"}, {"time_ms": 1}, {"hash": bytes(32)}]
)
def test_an_altered_row_is_named(changes: dict[str, object]) -> None:
    rows = three_steps()
    rows[2] = msgspec.structs.replace(rows[2], **changes)

    assert first_damage(rows) == ("journal.row_altered", 3)


@pytest.mark.parametrize("changes", [{"body": None}, {"time_ms": "x"}, {"kind": 5}, {"hash": 1}])
def test_a_row_with_a_field_of_another_type_is_named(changes: dict[str, object]) -> None:
    rows = three_steps()
    rows[2] = msgspec.structs.replace(rows[2], **changes)

    assert first_damage(rows) == ("journal.row_altered", 3)


def test_a_missing_row_is_named() -> None:
    rows = three_steps()

    assert first_damage(rows[:2] + rows[3:]) == ("journal.row_missing", 3)


def test_rows_in_the_wrong_order_are_named() -> None:
    rows = three_steps()
    rows[2], rows[3] = rows[3], rows[2]

    assert first_damage(rows) == ("journal.row_missing", 3)


def test_a_step_that_breaks_off_is_named() -> None:
    torn = chained(a_step(0, 2), GENESIS)[:1]
    rows = torn + chained(a_step(1, 2), head_of(torn[0]))

    assert first_damage(rows) == ("journal.step_torn", 2)


def a_gap(**changes: object) -> list[Row]:
    """Rows 1 and 2, then 6, which says that 3 to 5 were lost."""
    kept = chained(a_step(0, 2), GENESIS)
    said = Recovered(problem="journal.tail_cut", kept=2, resumed=6, lost=3, aside="damaged-1")
    body = encode_record(msgspec.structs.replace(said, **changes))
    entry = Entry(time_ms=1, kind=Recovered.kind, body=body)
    return kept + chained([entry], head_of(kept[-1]), first=6)


def test_numbers_may_be_left_out_only_where_a_recovery_says_so() -> None:
    assert len(list(followed(a_gap(), None))) == 3


@pytest.mark.parametrize("changes", [{"kept": 1}, {"resumed": 5}])
def test_a_gap_that_its_recovery_does_not_name_is_damage(changes: dict[str, object]) -> None:
    assert first_damage(a_gap(**changes)) == ("journal.row_missing", 3)


def test_an_entry_needs_a_kind_of_bounded_length() -> None:
    entry = a_step(0)[0]
    for kind in ("", "x" * 65):
        with pytest.raises(ValueError, match="a kind has 1 to 64 characters"):
            replace(entry, kind=kind)


def test_a_record_that_cannot_be_read_is_no_record() -> None:
    began = SegmentBegan(run_id="r", segment=1, schema=1, algotrader="0")

    assert decode_record(began.kind, encode_record(began)) == began
    assert decode_record(began.kind, b'{"run_id":5}') is None
    assert decode_record("Decided", encode_record(began)) is None
