"""Which settings may change while a trader runs, and what is then in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.errors import ConfigurationError
from algotrader.ops.config import COMMAND_LINE, Configuration, load
from algotrader.ops.reloading import in_force, judge, read_again

FILE = """
trading: {mode: paper}
accounts: {main: {currency: USD, cash: 10_000}}
strategies:
  trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d, parameters: {fast: 12}}
risk:
  account: {max_leverage: 2, max_daily_loss: 3%}
"""


@pytest.fixture
def running(tmp_path: Path) -> Configuration:
    (tmp_path / "algotrader.yaml").write_text(FILE)
    return load(tmp_path / "algotrader.yaml", environment={}, overrides={"trading.mode": "sandbox"})


def again(running: Configuration, *changes: tuple[str, str]) -> Configuration:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    assert running.file is not None
    running.file.write_text(text)
    return read_again(running, {})


def refused(running: Configuration, *changes: tuple[str, str], kept_bars: int = 20) -> set[str]:
    found = judge(running, again(running, *changes), kept_bars=kept_bars)
    return {one.key for one in found.changes if one.refused is not None}


def test_what_was_said_on_the_command_line_goes_on_to_win(running: Configuration) -> None:
    wanted = again(running)

    assert wanted.settings.trading.mode == "sandbox"
    assert wanted.origins["trading.mode"] == COMMAND_LINE
    assert judge(running, wanted, kept_bars=20).changes == ()


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        (("max_daily_loss: 3%", "max_daily_loss: 5%"), False),
        (("max_daily_loss: 3%", "max_positions: 4"), False),
        (("max_leverage: 2", "max_leverage: 1"), False),
        (("max_leverage: 2", "max_leverage: 3"), True),
        (("fast: 12", "fast: 20"), False),
        (("timeframe: 1d", "timeframe: 1h"), True),
        (("cash: 10_000", "cash: 20_000"), True),
    ],
)
def test_a_change_is_in_force_or_refused_with_a_reason(
    running: Configuration, change: tuple[str, str], is_refused: bool
) -> None:
    assert bool(refused(running, change)) is is_refused


def test_a_rule_that_looks_further_back_than_is_kept_waits_for_a_restart(
    running: Configuration,
) -> None:
    rule = '{name: calm, when: "volatility(50) > 3%", then: warn}'
    change = ("risk:\n", f"risk:\n  rules: [{rule}]\n")

    assert refused(running, change) == {"risk.rules"}
    assert refused(running, change, kept_bars=60) == set()


def test_what_is_refused_stays_and_what_is_safe_holds(running: Configuration) -> None:
    another = "  other: {use: TrendFollow, symbols: [US:IBM], timeframe: 1d}\nrisk:\n"
    wanted = again(
        running, ("risk:\n", another), ("cash: 10_000", "cash: 20_000"), ("3%", "2%"),
        ("fast: 12", "fast: 20"),
    )  # fmt: skip
    holds = in_force(judge(running, wanted, kept_bars=20), running).settings

    assert set(holds.strategies) == {"trend"}
    assert holds.accounts["main"].cash == 10_000
    assert str(holds.risk.account.max_daily_loss) == "0.02"
    assert holds.strategies["trend"].parameters == {"fast": 20}


def test_f62_a_file_that_cannot_be_used_is_an_error_and_not_a_change(
    running: Configuration,
) -> None:
    with pytest.raises(ConfigurationError, match="no setting"):
        again(running, ("max_leverage", "max_leverige"))
    assert running.settings.risk.account.max_leverage == 2


@pytest.mark.parametrize("kept", [0, 1, 2, 4])
def test_f62_a_file_that_was_cut_short_lifts_no_limit(running: Configuration, kept: int) -> None:
    assert running.file is not None
    running.file.write_text("\n".join(FILE.strip().splitlines()[:kept]))
    with pytest.raises(ConfigurationError, match=r"the section \w+ is gone"):
        read_again(running, {})


def test_limits_that_are_meant_to_go_can_go(running: Configuration) -> None:
    assert running.file is not None
    running.file.write_text(f"{FILE.partition('risk:')[0]}risk: {{}}\n")
    found = judge(running, read_again(running, {}), kept_bars=20)

    assert {one.key for one in found.applied()} == {"risk.account.max_daily_loss"}
