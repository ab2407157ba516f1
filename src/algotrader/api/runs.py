"""Runs on disk, read once each: what their folders hold never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from algotrader.api.errors import ApiError, not_found
from algotrader.backtest.plain import RESULT_FILE
from algotrader.backtest.run_rows import file_of_row, run_row
from algotrader.backtest.store import RECORD_FILE, RunStore
from algotrader.backtest.workspace import Workspace


class Runs:
    """The runs folder of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = RunStore(workspace.runs)
        self._rows: dict[tuple[Path, int], dict[str, Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        """Every run with its main figures, the newest first; runs of older versions have none."""
        rows = [self._row(run) for run in self._store.list()]
        return sorted(rows, key=lambda row: int(row["made"]), reverse=True)

    def _row(self, run: str) -> dict[str, Any]:
        folder = self._store.path(run)
        file = file_of_row(folder)
        known = (file, file.stat().st_mtime_ns)
        if known not in self._rows:
            self._rows[known] = run_row(folder)
        return self._rows[known]

    def result(self, run: str) -> dict[str, Any]:
        """All that is kept of a run, and what was asked. ApiError 404 if there is none."""
        asked = self._read(self._file(run, RECORD_FILE))
        if not (self._store.path(run) / RESULT_FILE).is_file():
            raise ApiError(
                404, "run.no_figures", f"of run {run} an older version kept the report alone",
                hint=f"read its report, or make its figures anew: algotrader rerun {run}",
            )  # fmt: skip
        kept = self._read(self._file(run, RESULT_FILE))
        return kept | {"request": asked["data"], "settings": asked["settings"]}

    def report(self, run: str) -> Path:
        return self._file(run, "report.html")

    def _file(self, run: str, name: str) -> Path:
        file = self._store.path(run) / name
        if not run.isalnum() or not file.is_file():
            raise not_found("run", run, "GET /api/v1/runs lists those there are")
        return file

    @staticmethod
    def _read(file: Path) -> dict[str, Any]:
        kept: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return kept
