"""Comparisons of the journal with a backtest of its range, as the works that made them kept them."""

from __future__ import annotations

from typing import Any, Final

from algotrader.api.errors import not_found
from algotrader.ops.works import Work, Works

KIND: Final = "parity"
MOST_DIFFERENCES: Final = 2_000


class Parities:
    """The results of the parity works of a workspace."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._rows: dict[str, dict[str, Any] | None] = {}

    def rows(self) -> list[dict[str, Any]]:
        """The newest first; works that came to no result are left out."""
        own = [work for work in self._works.all() if work.kind == KIND and work.is_over]
        return [row for work in own if (row := self._row(work)) is not None]

    def detail(self, work: str) -> dict[str, Any]:
        """All of one, its newest differences. ApiError 404."""
        known = work in self._works and self._works[work].kind == KIND
        result = self._works.result(work) if known else None
        if not isinstance(result, dict) or "replay" not in result:
            raise not_found("parity", work, "GET /api/v1/parity lists those there are")
        found, replay, paper = result["backtest"], result["replay"], result["paper"]
        differences = [{"equal_before": None} | one for one in found["differences"]]
        return _row(self._works[work], result) | {
            "not_compared": found["not_compared"], "causes": found["causes"],
            "rows": replay["rows"], "commands": replay["commands"], "steps": replay["steps"],
            "equal_steps": replay["equal_steps"], "optimism_bps": paper["optimism_bps"],
            "paper_orders": len(paper["orders"]), "equity": found.get("equity"),
            "differences": differences[-MOST_DIFFERENCES:],
            "more": max(0, len(differences) - MOST_DIFFERENCES),
        }  # fmt: skip

    def _row(self, work: Work) -> dict[str, Any] | None:
        if work.id not in self._rows:
            result = self._works.result(work.id)
            is_whole = isinstance(result, dict) and "replay" in result
            self._rows[work.id] = _row(work, result) if is_whole else None
        return self._rows[work.id]


def _row(work: Work, result: dict[str, Any]) -> dict[str, Any]:
    found = result["backtest"]
    return {
        "work": work.id, "run": result["run"], "made": work.ended_ms or work.asked_ms,
        "first": result["first"], "last": result["last"], "decisions": found["decisions"],
        "equal": found["equal"], "equal_in_weight": found["equal_in_weight"],
        "different": found["different"], "unknown": found["causes"].get("unknown", 0),
        "replay_equal": result["replay"]["equal"], "clean": result["clean"],
    }  # fmt: skip
