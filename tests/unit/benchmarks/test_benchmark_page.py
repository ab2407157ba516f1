"""The table of figures says plainly what was not reached and who was not measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.child import ChildError, run
from benchmarks.environments import HERE, pins
from benchmarks.page import page
from benchmarks.rows import Row, rate


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.08e6, "4.08 M"), (0.4e9, "400 M"), (1.5e9, "1.5 G"), (87_500, "87.5 k"), (12, "12")],
)
def test_rates_carry_three_figures_and_their_prefix(value: float, text: str) -> None:
    assert rate(value) == text


def test_a_figure_missed_and_a_peer_absent_are_written_plainly() -> None:
    slow = Row(work="sweep", ours="0.3 G", goal="≥ 0.4 G", reached=False, peers=("a: 1", "b: 2"))
    quick = Row(work="load", ours="0.1 s", goal="≤ 0.2 s", reached=True)

    text = page(["- date: today"], [slow, quick], {"bt": "could not be installed: no wheel"})

    assert "| sweep | 0.3 G | ≥ 0.4 G | **not reached** | a: 1<br>b: 2 |" in text
    assert "| load | 0.1 s | ≤ 0.2 s | reached |  |" in text
    assert "- bt: could not be installed: no wheel" in text


def test_a_measurement_that_fails_says_its_last_line() -> None:
    with pytest.raises(ChildError, match="ValueError: too few bars"):
        run([sys.executable, "-c", "raise ValueError('too few bars')"])


def test_a_measurement_is_its_last_line_with_time_and_memory() -> None:
    finished = run([sys.executable, "-c", "print('noise'); print('{\"seconds\": 0.5}')"])

    assert finished.answer == {"seconds": 0.5}
    assert finished.cpu_s > 0
    assert finished.peak_mb > 1


def test_every_pinned_peer_is_pinned_exactly() -> None:
    for name, pin in pins().items():
        assert "==" in pin.requirements[0], name


def test_a_peer_may_need_another_python() -> None:
    assert pins()["nautilus"].python == "3.12"
    assert pins()["bt"].python is None


def test_every_script_of_a_peer_has_its_environment() -> None:
    scripts = {path.stem for path in Path(HERE / "peers").glob("*.py")}

    assert scripts <= set(pins())
