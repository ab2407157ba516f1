"""Runs and sweeps on disk, read once each: what their folders hold never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.api.errors import not_found
from algotrader.backtest.plain import RESULT_FILE
from algotrader.backtest.store import RunStore
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
        self._sweeps = workspace.sweeps
        self._rows: dict[tuple[str, int], dict[str, Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        """Every run with its main figures, the newest first; runs of older versions have none."""
        found = []
        for run in self._store.list():
            file = self._store.path(run) / RESULT_FILE
            try:
                key = run, file.stat().st_mtime_ns
            except OSError:
                continue
            if key not in self._rows:
                self._rows[key] = _row(self._read(file), key[1])
            found.append(self._rows[key])
        return sorted(found, key=lambda row: int(row["made"]), reverse=True)

    def result(self, run: str) -> dict[str, Any]:
        """All that is kept of a run. ApiError 404 if there is none of that very id."""
        file = self._file(run, RESULT_FILE)
        return self._read(file)

    def report(self, run: str) -> Path:
        return self._file(run, "report.html")

    def sweeps(self) -> list[dict[str, Any]]:
        """The newest first."""
        rows = []
        for file in self._sweeps.glob("*/sweep.json"):
            kept = self._read(file)
            rows.append(
                {
                    "sweep": file.parent.name, "strategy": kept["strategy"], "sets": kept["sets"],
                    "chosen": kept["chosen"], "made": file.stat().st_mtime_ns // 1_000_000,
                }
            )  # fmt: skip
        return sorted(rows, key=lambda row: int(row["made"]), reverse=True)

    def sweep(self, sweep: str) -> dict[str, Any]:
        """Its table by column, and the run of its best set."""
        import polars as pl

        kept = self._read(self._sweep_file(sweep, "sweep.json"))
        table = pl.read_parquet(self._sweep_file(sweep, "results.parquet"))
        columns = {
            name: [None if isinstance(one, float) and one != one else one for one in values]
            for name, values in table.to_dict(as_series=False).items()
        }
        return {"sweep": sweep, "strategy": kept["strategy"], "chosen": kept["chosen"],
                "columns": columns}  # fmt: skip

    def sweep_report(self, sweep: str) -> Path:
        return self._sweep_file(sweep, "report.html")

    def _file(self, run: str, name: str) -> Path:
        file = self._store.path(run) / name
        if not run.isalnum() or not file.is_file():
            raise not_found("run", run, "GET /api/v1/runs lists those there are")
        return file

    def _sweep_file(self, sweep: str, name: str) -> Path:
        file = self._sweeps / sweep / name
        if not sweep.isalnum() or not file.is_file():
            raise not_found("sweep", sweep, "GET /api/v1/sweeps lists those there are")
        return file

    @staticmethod
    def _read(file: Path) -> dict[str, Any]:
        kept: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return kept


def _row(result: dict[str, Any], made_ns: int) -> dict[str, Any]:
    metrics = result["metrics"]
    return {
        "run": result["run"], "strategy": result["strategy"], "driver": result["driver"],
        "symbols": result["symbols"], "timeframe": result["timeframe"],
        "first": result["first_ts"], "last": result["last_ts"], "made": made_ns // 1_000_000,
        "parameters": result["parameters"],
        "metrics": {name: metrics.get(name) for name in _SHOWN},
        "verdict": result["overfitting"]["verdict"], "coverage": result["data"]["coverage"],
        "warnings": len(result["warnings"]),
    }  # fmt: skip
