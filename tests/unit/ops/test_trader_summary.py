"""How the trader is doing: the file, and what `status` says of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from algotrader.cli.trader_lines import trader_lines
from algotrader.core.instants import utc_ms
from algotrader.core.ports import ManualClock
from algotrader.ops.observing.summary import (
    FILE_NAME,
    Latency,
    Queue,
    Summary,
    as_plain,
    read_summary,
    state_of,
    write_summary,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SUMMARY = Summary(
    pid=os.getpid(), mode="paper", run="r", started_ms=utc_ms(NOW) - 90_000_000,
    written_ms=utc_ms(NOW), every_s=5.0, ended=False, reasons=(), events=10, events_per_s=2.5,
    decide=Latency(p50_ms=3.2, p99_ms=4.8, count=7), accept=Latency(p50_ms=None, p99_ms=None, count=0),
    memory_mb=180.4, worker_memory_mb=90.0, cpu=0.04, loop_lag_ms=0.3,
    queues={"trader": Queue(depth=1), "log": Queue(depth=2, dropped=3)}, last_decision_ms=None,
)  # fmt: skip


def test_what_is_written_is_read_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_summary(tmp_path / "logs", SUMMARY)
    write_summary(tmp_path / "logs", SUMMARY)

    assert read_summary(tmp_path / "logs") == SUMMARY
    assert [path.name for path in (tmp_path / "logs").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", [b"", b"{", b'{"pid": 1}', b"[]", b"\xff"])
def test_a_file_that_cannot_be_read_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)

    assert read_summary(tmp_path) is None
    assert read_summary(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("changes", "later_s", "state"),
    [({}, 10, "running"), ({}, 16, "silent"), ({"every_s": 60.0}, 100, "running"),
     ({"ended": True}, 0, "not running"), ({"pid": 2**40}, 0, "not running")],
)  # fmt: skip
def test_a_trader_runs_while_its_process_is_there_and_writes(
    changes: dict[str, object], later_s: float, state: str
) -> None:
    clock = ManualClock(NOW)
    clock.advance(later_s)
    summary = msgspec.structs.replace(SUMMARY, **changes)

    assert state_of(summary, clock) == state
    assert as_plain(summary, clock)["state"] == state


def test_a_running_trader_is_told_in_four_calm_lines() -> None:
    assert trader_lines(SUMMARY, "running") == [
        "trader running, 1 d 1 h",
        "  bar to order sent: 3.2 ms, 99 % within 4.8 ms",
        "  sent to accepted:  –",
        "  2.5 events/s  180 MB + 90 MB worker  4% of a core  3 waiting, 3 dropped",
    ]


def test_of_a_trader_that_is_gone_the_last_known_is_told() -> None:
    assert trader_lines(SUMMARY, "not running")[0] == (
        "trader not running; its last figures are of 2026-01-02 03:04:05 UTC"
    )
    assert "silent since" in trader_lines(SUMMARY, "silent")[0]


def test_why_it_would_not_trade_is_told() -> None:
    halted = msgspec.structs.replace(SUMMARY, reasons=("account main: halted",))

    assert trader_lines(halted, "running")[1] == "  not ready: account main: halted"


def test_lost_log_lines_are_told() -> None:
    lost = msgspec.structs.replace(SUMMARY, log_lines_lost=1_200)

    assert "1,200 log lines lost" in "\n".join(trader_lines(lost, "running"))
    assert "log lines" not in "\n".join(trader_lines(SUMMARY, "running"))
