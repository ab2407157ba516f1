"""The newest lines of the logs, read from the end of their files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.ops.observing.redaction import Redactor

_READ_BYTES: Final = 2_000_000
_OWN: Final = ("time", "level", "event")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")


def newest_lines(
    folder: Path, process: str | None, least: str, wanted: str | None, limit: int
) -> list[dict[str, Any]]:
    """Up to `limit` lines of at least a level, the newest first; `wanted` stands in each."""
    levels = LEVELS[LEVELS.index(least) :]
    redactor = Redactor.of_environment(os.environ)
    files = [one for one in sorted(folder.glob("*.jsonl")) if process in (None, one.stem)]
    lines = [line for file in files for line in _lines(file, levels, wanted)]
    lines.sort(key=lambda one: str(one["at"]), reverse=True)
    return [redactor.value(line) for line in lines[:limit]]


def _lines(file: Path, levels: tuple[str, ...], wanted: str | None) -> Iterator[dict[str, Any]]:
    with file.open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - _READ_BYTES))
        text = log.read()
    for raw in text.splitlines():
        if wanted is not None and wanted.encode() not in raw:
            continue
        try:
            line = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            continue  # the first was cut, or the process died while it wrote
        if isinstance(line, dict) and line.get("level") in levels:
            rest = {name: value for name, value in line.items() if name not in _OWN}
            yield {
                "at": str(line.get("time")), "level": line["level"],
                "event": str(line.get("event")).strip(), "process": file.stem, "fields": rest,
            }  # fmt: skip
