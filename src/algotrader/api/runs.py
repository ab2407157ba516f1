"""Runs on disk, read once each: what their folders hold never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.api.errors import ApiError, not_found
from algotrader.backtest.plain import RESULT_FILE
from algotrader.backtest.store import RECORD_FILE, RunStore
from algotrader.backtest.workspace import Workspace

_SHOWN: Final = (
    "total_return", "annual_return", "sharpe", "sortino", "calmar", "max_drawdown", "volatility",
    "trades", "win_rate", "profit_factor", "turnover", "exposure", "fees", "ambiguous_trades",
    "final_equity", "net_profit",
)  # fmt: skip


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
        kept = folder / RESULT_FILE
        file = kept if kept.is_file() else folder / RECORD_FILE
        made_ns = file.stat().st_mtime_ns
        if (file, made_ns) not in self._rows:
            row_of = _row if file is kept else _old_row
            self._rows[file, made_ns] = row_of(self._read(file), made_ns // 1_000_000)
        return self._rows[file, made_ns]

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


def _row(result: dict[str, Any], made: int) -> dict[str, Any]:
    metrics = result["metrics"]
    return {
        "run": result["run"], "strategy": result["strategy"], "driver": result["driver"],
        "symbols": result["symbols"], "timeframe": result["timeframe"],
        "first": result["first_ts"], "last": result["last_ts"], "made": made,
        "parameters": result["parameters"],
        "metrics": {name: metrics.get(name) for name in _SHOWN},
        "verdict": result["overfitting"]["verdict"], "coverage": result["data"]["coverage"],
        "sharpe_interval": result["overfitting"].get("sharpe_interval"),
        "warnings": len(result["warnings"]), "kept": True,
    }  # fmt: skip


def _old_row(record: dict[str, Any], made: int) -> dict[str, Any]:
    """A run whose figures stand in its report alone."""
    return {
        "run": record["run"], "strategy": record["strategy"],
        "driver": "fast" if record.get("risk") is None else "full",
        "symbols": record["data"]["symbols"], "timeframe": record["data"]["timeframe"],
        "first": None, "last": None, "made": made, "parameters": record["parameters"],
        "metrics": {}, "verdict": None, "coverage": None, "sharpe_interval": None,
        "warnings": 0, "kept": False,
    }  # fmt: skip
