"""Strategies of an installed package are known by the names under which it registers them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from algotrader.core.errors import StrategyError
from algotrader.strategy.loader import load, registered

MODULE = """
import numpy as np
from algotrader import Strategy

class Always(Strategy):
    def targets(self, bars, f):
        return np.ones(len(bars))

class NoStrategy:
    pass
"""


@pytest.fixture
def a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers a strategy, something else, and a name of the library."""
    (tmp_path / "always_long_example.py").write_text(MODULE)
    about = tmp_path / "always_long_example-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: always-long-example\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(
        "[algotrader.strategies]\n"
        "AlwaysLong = always_long_example:Always\n"
        "Broken = always_long_example:NoStrategy\n"
        "Missing = always_long_example:Gone\n"
        "Raises = always_long_example.nowhere:Always\n"
        "TrendFollow = always_long_example:Always\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "always_long_example", raising=False)


@pytest.mark.usefixtures("a_package")
def test_a_strategy_of_an_installed_package_is_loaded_by_its_name() -> None:
    loaded = load("AlwaysLong")

    assert loaded.name == "Always"
    assert loaded.origin == "always_long_example:Always"
    assert "class Always(Strategy)" in loaded.source


@pytest.mark.usefixtures("a_package")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Broken", "registers as Broken is no strategy: always_long_example:NoStrategy"),
        ("Missing", "registers as Missing is no strategy: always_long_example:Gone"),
        ("Raises", "registers as Raises cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_what_is_registered_and_no_strategy_is_refused(name: str, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        load(name)


@pytest.mark.usefixtures("a_package")
def test_no_package_takes_the_name_of_a_strategy_of_the_library() -> None:
    assert registered()["TrendFollow"] == "algotrader.strategy.library.trend:TrendFollow"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StrategyError, match="no strategy is called 'AlwaysLong'"):
        load("AlwaysLong")


def test_a_file_is_read_anew_though_second_and_length_are_the_same(tmp_path: Path) -> None:
    path, found = tmp_path / "trend.py", []
    for window in (20, 10):
        path.write_text(MODULE.replace("pass", f"window = {window}"))
        os.utime(path, (1_000_000_000, 1_000_000_000))
        module = sys.modules[load(f"{path}:Always").kind.__module__]
        found.append(module.NoStrategy.window)

    assert found == [20, 10]
    assert [one.name for one in tmp_path.iterdir()] == ["trend.py"]


def test_f63_an_accepted_text_is_run_in_place_of_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "trend.py"
    path.write_text(MODULE.replace("pass", "window = 20"))
    accepted = load(f"{path}:Always")
    path.write_text("class Trend(  # half written\n")

    again = load(f"{path}:Always", accepted.source)

    assert sys.modules[again.kind.__module__].NoStrategy.window == 20
    assert (again.source, again.source_hash) == (accepted.source, accepted.source_hash)
    path.unlink()
    assert load(f"{path}:Always", accepted.source).source_hash == accepted.source_hash


@pytest.mark.usefixtures("a_package")
def test_f63_a_package_that_was_changed_is_not_taken_for_the_accepted_one(tmp_path: Path) -> None:
    accepted = load("AlwaysLong").source
    (tmp_path / "always_long_example.py").write_text("# another version\n" + MODULE)

    assert load("AlwaysLong").source == accepted  # what this process imported goes on
    with pytest.raises(StrategyError, match="the package of AlwaysLong was changed"):
        load("AlwaysLong", "# another version\n" + MODULE)


def test_a_file_of_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(b"import numpy\n" + "# 均线".encode("gbk"))

    with pytest.raises(StrategyError, match=r"mine\.py:2: is not UTF-8 text"):
        load(str(file))
