"""The coverage gate lets enough pass, and nothing less."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tools import coverage_gate


def report(folder: Path, **visited: tuple[int, int]) -> Path:
    """A report in which each package has one file of 100 lines and 100 branches."""
    files = {
        f"src/algotrader/{package}/file.py": {
            "summary": {
                "covered_lines": lines,
                "num_statements": 100,
                "covered_branches": branches,
                "num_branches": 100,
                "percent_covered": (lines + branches) / 2,
            }
        }
        for package, (lines, branches) in visited.items()
    }
    path = folder / "coverage.json"
    path.write_text(json.dumps({"files": files}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("core", "portfolio", "backtest", "code"),
    [
        ((95, 95), (95, 95), (90, 90), 0),
        ((94, 100), (95, 95), (90, 90), 1),
        ((100, 94), (95, 95), (90, 90), 1),
        ((95, 95), (95, 94), (90, 90), 1),
        ((95, 95), (95, 95), (90, 89), 1),
    ],
)
def test_lines_and_branches_must_each_reach_the_bar(
    tmp_path: Path,
    core: tuple[int, int],
    portfolio: tuple[int, int],
    backtest: tuple[int, int],
    code: int,
) -> None:
    path = report(tmp_path, core=core, portfolio=portfolio, backtest=backtest)

    assert coverage_gate.main(path) == code


def test_the_least_visited_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage_gate.main(report(tmp_path, core=(10, 10), portfolio=(95, 95), backtest=(90, 90)))

    assert "src/algotrader/core/file.py 10.0 %" in capsys.readouterr().err


def test_a_package_that_was_not_measured_is_refused(tmp_path: Path) -> None:
    assert coverage_gate.main(report(tmp_path, core=(100, 100), portfolio=(100, 100))) == 1
