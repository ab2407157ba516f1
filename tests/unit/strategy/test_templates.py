"""Templates: each is a strategy that loads and runs as it is, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.builders.markets import random_panel
from tests.builders.research import a_market

from algotrader.backtest.run import run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.errors import UsageError
from algotrader.strategy.loader import load
from algotrader.strategy.templates import STYLES, write_template


@pytest.mark.parametrize("style", STYLES)
def test_a_template_runs_as_it_is(tmp_path: Path, style: str) -> None:
    path = write_template("MyTrend", style, tmp_path / "strategies")

    assert path.name == "my_trend.py"
    result = run_backtest(
        load(str(path)).kind(), a_market(random_panel(400, 4)), BacktestSettings()
    )
    assert len(result.simulation.fills.row) > 0
    with pytest.raises(UsageError, match="is there already; nothing was changed"):
        write_template("MyTrend", style, tmp_path / "strategies")


@pytest.mark.parametrize(
    ("name", "style", "words"),
    [("my_trend", "targets", "no name"), ("Trend!", "targets", "no name"), ("T", "x", "style 'x'")],
)
def test_what_is_no_name_or_style_is_refused(
    tmp_path: Path, name: str, style: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        write_template(name, style, tmp_path)
    assert list(tmp_path.iterdir()) == []
