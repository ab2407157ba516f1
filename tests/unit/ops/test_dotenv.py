""".env: what is read, what is refused, and that no value is ever said."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.errors import ConfigurationError
from algotrader.ops.config import load
from algotrader.ops.dotenv import read_dotenv


def read(folder: Path, text: str) -> dict[str, str]:
    (folder / ".env").write_text(text)
    return {name: held.value for name, held in read_dotenv(folder).items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=plain", "plain"),
        ("  A = spaced  ", "spaced"),
        ("A='it is # quoted' # a remark", "it is # quoted"),
        ('A="double"', "double"),
        ("A=bare # a remark", "bare"),
        ("A=with#hash", "with#hash"),
        ("A=a=b", "a=b"),
        ("A=", ""),
    ],
)
def test_a_line_gives_its_value(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# a remark\n\n{line}\n") == {"A": value}


@pytest.mark.parametrize(
    "line", ["canary-7f3a", "A-B=canary-7f3a", "A='canary-7f3a", "A='x' canary-7f3a", "B=2\nB=3"]
)
def test_f68_a_line_that_is_none_is_named_by_its_number_alone(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, f"# first\n{line}\n")

    assert f".env:{2 + line.count(chr(10))}: " in caught.value.message
    assert "canary" not in f"{caught.value.message} {caught.value.hint}"


def test_a_folder_without_one_has_no_variables(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path) == {}


def test_a_mark_of_utf8_at_its_beginning_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfNAME=value\r\n")

    assert read_dotenv(tmp_path)["NAME"].value == "value"


def test_settings_in_it_win_over_the_file_and_yield_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_text("backtest: {cash: 1, seed: 1}\n")
    (tmp_path / ".env").write_text(
        "ALGOTRADER__BACKTEST__CASH=2\n# a remark\nALGOTRADER__BACKTEST__SEED=2\n"
    )
    loaded = load(tmp_path / "algotrader.yaml", environment={"ALGOTRADER__BACKTEST__SEED": "3"})

    assert (loaded.settings.backtest.cash, loaded.settings.backtest.seed) == (2.0, 3)
    assert loaded.origins["backtest.cash"] == ".env:1 ALGOTRADER__BACKTEST__CASH"
    assert loaded.origins["backtest.seed"] == "environment ALGOTRADER__BACKTEST__SEED"


def test_one_of_another_project_is_not_read_without_a_workspace(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("this is no environment file of ours\n")

    assert load(environment={}, start=tmp_path).file is None
