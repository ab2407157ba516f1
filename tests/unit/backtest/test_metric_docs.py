"""Every metric has its definition in the documentation, and every reason its place in code."""

from __future__ import annotations

import re
from pathlib import Path

from algotrader.backtest.metric_names import METRICS

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "metrics.md"


def test_every_metric_is_defined_in_the_documentation_and_no_other() -> None:
    first_cells = [
        line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")
    ]
    documented = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}

    assert documented == set(METRICS)


def test_labels_are_distinct_in_both_languages() -> None:
    for labels in ([m.en for m in METRICS.values()], [m.zh for m in METRICS.values()]):
        assert len(set(labels)) == len(labels)
