"""Sweeps and walk-forwards on disk; what older versions kept is shown as far as it goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.api.errors import not_found
from algotrader.backtest.plain import RESULT_FILE
from algotrader.backtest.plain_search import SWEEP_FILE, WALKFORWARD_FILE
from algotrader.backtest.verdict import SENTENCES
from algotrader.backtest.workspace import Workspace

_NAME: Final = re.compile(r"[0-9a-z]+(-[0-9a-z]+)*")
_FIGURES: Final = ("sharpe", "total_return", "annual_return", "max_drawdown", "trades", "failure")
_DIGITS: Final = 6  # significant ones of a figure: what a map of many sets can show


class Searches:
    """What was searched in a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._runs = workspace.runs
        self._sweeps = workspace.sweeps
        self._walks = workspace.runs / "walkforwards"
        self._read_once: dict[tuple[Path, int], dict[str, Any]] = {}

    def sweeps(self) -> list[dict[str, Any]]:
        """The newest first."""
        rows = [self._sweep_row(file) for file in self._sweeps.glob(f"*/{SWEEP_FILE}")]
        return sorted(rows, key=lambda row: int(row["made"]), reverse=True)

    def _sweep_row(self, file: Path) -> dict[str, Any]:
        kept, made = self._kept(file)
        judged = kept.get("overfitting") or {}
        return {
            "sweep": file.parent.name, "strategy": kept["strategy"], "sets": kept["sets"],
            "symbols": kept.get("symbols") or list(kept["data"]["symbols"]),
            "timeframe": kept.get("timeframe"), "swept": kept.get("swept", []),
            "chosen": kept["chosen"], "verdict": judged.get("verdict"),
            "sharpe": judged.get("sharpe"), "luck_sharpe": judged.get("luck_sharpe"),
            "made": made,
        }  # fmt: skip

    def sweep(self, sweep: str) -> dict[str, Any]:
        """Its table by column, the best set, and the verdict on it. ApiError 404."""
        kept, made = self._kept(self._sweep_file(sweep, SWEEP_FILE))
        chosen = self._result_of(kept["chosen"])
        parameters = kept.get("parameters") or list(chosen.get("parameters", {}))
        columns = _columns(self._sweep_file(sweep, "results.parquet"), parameters)
        varies = [name for name in parameters if len(set(columns[name])) > 1]
        judged = kept.get("overfitting") or chosen.get("overfitting")
        failures = columns.get("failure", [])
        return _basis(kept) | {
            "sweep": sweep, "strategy": kept["strategy"], "sets": kept["sets"], "made": made,
            "chosen": kept["chosen"], "best": kept.get("best", _best(columns["sharpe"])),
            "failed": sum(one is not None for one in failures), "idle": kept.get("idle", 0),
            "parameters": parameters, "swept": kept.get("swept", varies),
            "judgement": None if judged is None else judgement(judged), "columns": columns,
        }  # fmt: skip

    def sweep_report(self, sweep: str) -> Path:
        return self._sweep_file(sweep, "report.html")

    def walks(self) -> list[dict[str, Any]]:
        """Walk-forwards, the newest first; of older versions there is the report alone."""
        rows = [self._walk_row(file.parent) for file in self._walks.glob("*/report.html")]
        return sorted(rows, key=lambda row: int(row["made"]), reverse=True)

    def _walk_row(self, folder: Path) -> dict[str, Any]:
        report_made = (folder / "report.html").stat().st_mtime_ns // 1_000_000
        try:
            kept, made = self._kept(folder / WALKFORWARD_FILE)
        except FileNotFoundError:
            kept, made = {}, report_made
        metrics, folds = kept.get("metrics", {}), kept.get("folds")
        return {
            "walkforward": folder.name, "strategy": kept.get("strategy"),
            "symbols": kept.get("symbols", []), "timeframe": kept.get("timeframe"),
            "folds": None if folds is None else len(folds),
            "won": None if folds is None else sum(one["test_return"] > 0 for one in folds),
            "total_return": metrics.get("total_return"), "sharpe": metrics.get("sharpe"),
            "max_drawdown": metrics.get("max_drawdown"), "efficiency": kept.get("efficiency"),
            "verdict": kept.get("overfitting", {}).get("verdict"), "made": made,
        }  # fmt: skip

    def walk(self, name: str) -> dict[str, Any]:
        """Folds, the joined account, the verdict. ApiError 404."""
        kept, made = self._kept(self._walk_file(name, WALKFORWARD_FILE))
        own = ("sweep", "strategy", "sets", "swept", "currency", "windows", "folds", "efficiency",
               "metrics", "undefined", "equity")  # fmt: skip
        return _basis(kept) | {one: kept[one] for one in own} | {
            "walkforward": name, "made": made, "judgement": judgement(kept["overfitting"]),
        }  # fmt: skip

    def walk_report(self, name: str) -> Path:
        return self._walk_file(name, "report.html")

    def _result_of(self, run: str) -> dict[str, Any]:
        try:
            return self._kept(self._runs / run / RESULT_FILE)[0]
        except FileNotFoundError:
            return {}

    def _kept(self, file: Path) -> tuple[dict[str, Any], int]:
        """A file of ours, read once for each state of it, and when it was made (UTC ms)."""
        made_ns = file.stat().st_mtime_ns
        if (file, made_ns) not in self._read_once:
            self._read_once[file, made_ns] = msgspec.json.decode(file.read_bytes())
        return self._read_once[file, made_ns], made_ns // 1_000_000

    def _sweep_file(self, sweep: str, name: str) -> Path:
        file = self._sweeps / sweep / name
        if not _NAME.fullmatch(sweep) or not file.is_file():
            raise not_found("sweep", sweep, "GET /api/v1/sweeps lists those there are")
        return file

    def _walk_file(self, walk: str, name: str) -> Path:
        file = self._walks / walk / name
        if not _NAME.fullmatch(walk) or not file.is_file():
            raise not_found(
                "walk-forward", walk,
                "GET /api/v1/walkforwards lists those there are; of one without a strategy there "
                "is the report alone",
            )  # fmt: skip
        return file


def judgement(kept: dict[str, Any]) -> dict[str, Any]:
    """The verdict as it was kept; older files have the English reasons alone."""
    verdict = str(kept["verdict"])
    reasons = [{"en": one, "zh": one, "holds": None} for one in kept.get("reasons", [])]
    return {
        "verdict": verdict,
        "sentence": kept.get("sentence") or dict(SENTENCES[verdict]),
        "why": kept.get("why") or reasons,
    } | {
        name: kept.get(name)
        for name in ("trials", "effective_trials", "sharpe", "sharpe_interval", "luck_sharpe",
                     "deflated_sharpe", "probabilistic_sharpe", "pbo", "neighbours")
    }  # fmt: skip


def _basis(kept: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbols": kept.get("symbols") or list(kept["data"]["symbols"]),
        "timeframe": kept.get("timeframe"), "first": kept.get("first_ts"),
        "last": kept.get("last_ts"), "coverage": kept.get("coverage"),
        "assumptions": kept.get("assumptions", {}), "warnings": kept.get("warnings", []),
    }  # fmt: skip


def _columns(table: Path, parameters: list[str]) -> dict[str, list[Any]]:
    import polars as pl

    names = pl.read_parquet_schema(table)
    wanted = [name for name in (*parameters, *_FIGURES) if name in names]
    read = pl.read_parquet(table, columns=wanted).to_dict(as_series=False)
    return {name: [_plain(one) for one in values] for name, values in read.items()}


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not defined is absent."""
    if not isinstance(value, float):
        return value
    return None if value != value else float(f"{value:.{_DIGITS}g}")


def _best(sharpes: list[float | None]) -> int | None:
    known = [(value, -row) for row, value in enumerate(sharpes) if value is not None]
    return -max(known)[1] if known else None
