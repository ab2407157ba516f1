"""How the trader is doing, in a small file that `status` reads, also when the trader is gone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, SystemClock

FILE_NAME: Final = "trader.json"
_LONGEST: Final = 1_000_000
_SILENT_AFTER_S: Final = 15.0


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Of the newest orders; None before the first."""

    p50_ms: float | None
    p99_ms: float | None
    count: int


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, and what was lost because too much waited."""

    depth: int
    dropped: int = 0
    lag_ms: float = 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a running trader."""

    pid: int
    mode: str
    run: str
    started_ms: int  # UTC ms
    written_ms: int
    every_s: float  # between two looks
    ended: bool  # written when the trader ended by itself
    reasons: tuple[str, ...]  # why it would not trade; empty if it would
    events: int
    events_per_s: float
    decide: Latency  # bars complete to order durable
    accept: Latency  # sent to accepted by the venue
    memory_mb: float
    worker_memory_mb: float | None
    cpu: float  # cores
    loop_lag_ms: float
    queues: dict[str, Queue]
    last_decision_ms: int | None
    log_lines_lost: int = 0
    offsets_ms: dict[str, float] = {}  # the clocks of venues less ours, by venue


def write_summary(folder: Path, summary: Summary) -> None:
    """Whole or not at all. OSError if the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{FILE_NAME}.{os.getpid()}"
    try:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
        unfinished.replace(folder / FILE_NAME)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def read_summary(folder: Path) -> Summary | None:
    """The last one written; None if there is none, or none that this build can read."""
    file = folder / FILE_NAME
    try:
        if file.stat().st_size > _LONGEST:
            return None
        return msgspec.json.decode(file.read_bytes(), type=Summary)
    except (OSError, msgspec.MsgspecError):
        return None


def state_of(summary: Summary, clock: Clock | None = None) -> str:
    """`running`, `silent` (its process is there but writes no more), `not running`."""
    if summary.ended or not _is_there(summary.pid):
        return "not running"
    now_ms = utc_ms((clock or SystemClock()).now())
    allowed_ms = 1_000 * max(_SILENT_AFTER_S, 3 * summary.every_s)
    return "running" if now_ms - summary.written_ms <= allowed_ms else "silent"


def as_plain(summary: Summary, clock: Clock | None = None) -> dict[str, Any]:
    """For `--json`."""
    plain: dict[str, Any] = msgspec.to_builtins(summary)
    return {"state": state_of(summary, clock), **plain}


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's
    except (OSError, OverflowError):
        return False
    return True
