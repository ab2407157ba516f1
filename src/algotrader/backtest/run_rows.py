"""A run in one line: what was run, when, and its main figures, from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from algotrader.backtest.plain import RESULT_FILE
from algotrader.backtest.store import RECORD_FILE

_SHOWN: Final = (
    "total_return", "annual_return", "sharpe", "sortino", "calmar", "max_drawdown", "volatility",
    "trades", "win_rate", "profit_factor", "turnover", "exposure", "fees", "ambiguous_trades",
    "final_equity", "net_profit",
)  # fmt: skip


def file_of_row(folder: Path) -> Path:
    """The file that a run's line is read from: what an older version kept has no figures."""
    kept = folder / RESULT_FILE
    return kept if kept.is_file() else folder / RECORD_FILE


def run_row(folder: Path) -> dict[str, Any]:
    """The line of a run; `made` is in UTC ms, figures of older versions are missing."""
    file = file_of_row(folder)
    found: dict[str, Any] = msgspec.json.decode(file.read_bytes())
    row = _row(found) if file.name == RESULT_FILE else _old_row(found)
    return row | {"made": file.stat().st_mtime_ns // 1_000_000}


def _row(result: dict[str, Any]) -> dict[str, Any]:
    metrics = result["metrics"]
    return {
        "run": result["run"], "strategy": result["strategy"], "driver": result["driver"],
        "symbols": result["symbols"], "timeframe": result["timeframe"],
        "first": result["first_ts"], "last": result["last_ts"],
        "parameters": result["parameters"],
        "metrics": {name: metrics.get(name) for name in _SHOWN},
        "verdict": result["overfitting"]["verdict"], "coverage": result["data"]["coverage"],
        "sharpe_interval": result["overfitting"].get("sharpe_interval"),
        "warnings": len(result["warnings"]), "kept": True,
    }  # fmt: skip


def _old_row(record: dict[str, Any]) -> dict[str, Any]:
    """A run whose figures stand in its report alone."""
    return {
        "run": record["run"], "strategy": record["strategy"],
        "driver": "fast" if record.get("risk") is None else "full",
        "symbols": record["data"]["symbols"], "timeframe": record["data"]["timeframe"],
        "first": None, "last": None, "parameters": record["parameters"],
        "metrics": {}, "verdict": None, "coverage": None, "sharpe_interval": None,
        "warnings": 0, "kept": False,
    }  # fmt: skip
