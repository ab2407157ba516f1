"""What algotrader.yaml says of a backtest is what a backtest reads: the two cannot diverge."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from algotrader.backtest.settings import BacktestSettings
from algotrader.cli.options import Asked, resolve
from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.ops.config import load
from algotrader.ops.settings import BacktestDefaults

DECLARED = {field.name: field for field in fields(BacktestSettings)}
CHANGED = {
    "cash": ("500", 500.0),
    "fees": ("10bps", "10bps"),
    "slippage_bps": ("3", 3.0),
    "participation": ("20%", 0.2),
    "max_leverage": ("2", 2.0),
    "path": ("near-far", "near-far"),
    "execution": ("capped", "capped"),
    "work_for": ("4h", 14_400_000),
    "slices": ("4", 4),
    "cash_buffer": ("5%", 0.05),
    "allow_gaps": ("true", True),
    "seed": ("7", 7),
}
ONLY_BY_OPTION = {"leverage", "margin_mode", "size_at", "gap_fill", "lot", "limits_off"}
FROM_RISK = {"max_weight", "max_notional"}


def test_every_default_is_a_setting_with_the_same_default() -> None:
    shared = set(BacktestDefaults.model_fields) - {"timeframe"}  # that one chooses data

    assert shared == set(CHANGED) == set(DECLARED) - ONLY_BY_OPTION - FROM_RISK
    for name in shared:
        default = DECLARED[name].default
        assert default is not MISSING
        assert BacktestDefaults.model_fields[name].default == default, name


@pytest.mark.parametrize("name", ["path", "execution"])
def test_both_know_the_same_choices(name: str) -> None:
    def choices(hints: dict[str, object]) -> set[object]:
        parts = get_args(hints[name])
        return {value for part in parts for value in (get_args(part) or (part,))} - {type(None)}

    assert choices(get_type_hints(BacktestDefaults)) == choices(get_type_hints(BacktestSettings))


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_what_the_file_says_reaches_the_backtest(tmp_path: Path, name: str) -> None:
    text, value = CHANGED[name]
    file = tmp_path / "algotrader.yaml"
    file.write_text(f"backtest:\n  {name}: {text}\n")

    assert value != DECLARED[name].default
    assert getattr(resolve(Asked(), file, engine=None).settings, name) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cash", "0", 0.0),
        ("cash_buffer", "1", 1.0),
        ("max_leverage", "0", 0.0),
        ("slippage_bps", "10000", 10_000.0),
        ("slippage_bps", "-1", -1.0),
        ("participation", "101%", 1.01),
        ("seed", "-1", -1),
    ],
)
def test_what_one_refuses_the_other_refuses(
    tmp_path: Path, name: str, text: str, value: float
) -> None:
    file = tmp_path / "algotrader.yaml"
    file.write_text(f"backtest:\n  {name}: {text}\n")

    with pytest.raises(ConfigurationError):
        load(file, environment={})
    with pytest.raises(UsageError):
        BacktestSettings(**{name: value})  # type: ignore[arg-type]


def test_the_time_frame_of_the_file_chooses_bars_of_the_lake_alone(tmp_path: Path) -> None:
    file = tmp_path / "algotrader.yaml"
    file.write_text("backtest:\n  timeframe: 4h\n")

    assert resolve(Asked(), file).request.timeframe == "4h"
    assert resolve(Asked(timeframe="1h"), file).request.timeframe == "1h"
    assert resolve(Asked(data="bars.csv"), file).request.timeframe is None
    file.write_text("")
    assert resolve(Asked(), file).request.timeframe is None
