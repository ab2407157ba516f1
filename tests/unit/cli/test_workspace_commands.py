"""init, config and doctor as a person calls them."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli import demo
from algotrader.cli.commands import GROUPS
from algotrader.cli.init import FILES, make_workspace
from algotrader.cli.main import main
from algotrader.core.errors import UsageError
from algotrader.ops import health
from algotrader.ops.config import keys, load
from algotrader.ops.settings import Settings


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_workspace(tmp_path / "trading")
    monkeypatch.chdir(tmp_path / "trading")
    return tmp_path / "trading"


def test_init_makes_a_workspace_whose_settings_are_valid(workspace: Path) -> None:
    configuration = load(environment={}, start=workspace)

    made = {str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.is_file()}
    assert made == set(FILES)
    assert configuration.file == workspace / "algotrader.yaml"


def test_the_commented_settings_are_all_there_and_valid(tmp_path: Path) -> None:
    template = resources.files("algotrader.cli") / "templates" / "algotrader.yaml"
    uncommented = re.sub(
        r"^  # (\w+: )", r"  \1", template.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    (tmp_path / "algotrader.yaml").write_text(uncommented, encoding="utf-8")
    shown = load(environment={}, start=tmp_path)

    ours = {key for key in keys() if key.startswith(("backtest.", "workspace."))}
    assert ours <= set(shown.origins)
    default = Settings().backtest.model_dump(exclude_none=True)
    assert shown.settings.backtest.model_dump(include=set(default)) == default


@pytest.mark.parametrize("name", FILES)
def test_init_overwrites_nothing(tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match=re.escape(name)):
        make_workspace(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text(encoding="utf-8") == "mine"


def test_init_into_a_file_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert main(["init", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_init_says_what_it_made_and_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    said = capsys.readouterr().out

    assert said.count("made ") == len(FILES)
    assert "next: cd " in said


def test_config_show_says_value_and_origin(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    lines = (workspace / "algotrader.yaml").read_text(encoding="utf-8").splitlines()
    of_cash = next(number for number, line in enumerate(lines, 1) if line.startswith("  cash:"))

    assert rows["backtest.cash"] == {
        "key": "backtest.cash",
        "value": 10_000.0,
        "origin": f"algotrader.yaml:{of_cash}",
    }
    assert rows["backtest.path"]["origin"] == "default"
    assert main(["config", "show"]) == 0
    assert re.search(rf"backtest\.cash +10000 +algotrader\.yaml:{of_cash}", capsys.readouterr().out)


def test_config_check_refuses_with_2(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == "algotrader.yaml: no errors\n"
    (workspace / "algotrader.yaml").write_text("backtest:\n  chash: 1\n", encoding="utf-8")
    assert main(["config", "check"]) == 2
    assert capsys.readouterr().err == (
        "error: algotrader.yaml:2: backtest.chash is no setting\nhint: did you mean backtest.cash?\n"
    )


def test_config_check_notes_what_needs_the_full_driver(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "algotrader.yaml").write_text(
        "risk:\n"
        "  account: {max_drawdown: 15%}\n"
        "  rules: [{name: calm, when: drawdown > 5%, then: {scale: 0.5}}]\n",
        encoding="utf-8",
    )
    assert main(["config", "check"]) == 0
    assert "cannot hold risk.account.max_drawdown, risk.rules" in capsys.readouterr().out
    assert main(["config", "show"]) == 0
    assert re.search(r"risk\.rules +calm ", capsys.readouterr().out)


def test_config_check_notes_what_no_backtest_can_hold(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "algotrader.yaml").write_text(
        "risk: {instrument: {max_quote_age: 60s}}\n", encoding="utf-8"
    )

    assert main(["config", "check"]) == 0
    assert "no backtest can hold risk.instrument.max_quote_age" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("backtest.path", "worst | best | near-far | finer"),
        ("backtest.execution", "market | capped | twap | chase | not set"),
        ("backtest.cash", "number"),
        ("backtest.slippage_bps", "number | not set"),
        ("backtest.allow_gaps", "true | false"),
        ("workspace.lake", "path"),
        ("risk.rules", "list"),
    ],
)
def test_config_explain_says_what_a_setting_may_be(
    workspace: Path, key: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "explain", key]) == 0
    assert f"  may be  {says}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "value", "origin"),
    [
        ("backtest.cash", 5_000.0, "algotrader.yaml:2"),
        ("backtest.seed", 7, ".env:1 ALGOTRADER__BACKTEST__SEED"),
        ("backtest.participation", 0.25, "environment ALGOTRADER__BACKTEST__PARTICIPATION"),
        ("backtest.path", "worst", "default"),
    ],
)
def test_promise_28_explain_says_the_value_in_force_and_where_it_came_from(
    workspace: Path, key: str, value: Any, origin: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (workspace / "algotrader.yaml").write_text(
        "backtest:\n  cash: 5_000\n  seed: 1\n  participation: 0.1\n", encoding="utf-8"
    )
    (workspace / ".env").write_text(
        "ALGOTRADER__BACKTEST__SEED=7\nALGOTRADER__BACKTEST__PARTICIPATION=0.2\n", encoding="utf-8"
    )
    (workspace / ".env").chmod(0o600)
    monkeypatch.setenv("ALGOTRADER__BACKTEST__PARTICIPATION", "0.25")

    assert main(["config", "explain", key, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)

    assert (said["value"], said["origin"]) == (value, origin)


def test_config_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert "backtest" in json.loads(capsys.readouterr().out)["properties"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_its_command_lists_them(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([group]) == 0

    assert "Commands:\n" in capsys.readouterr().out


def test_doctor_finds_everything_well_in_a_new_workspace(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = {check["subject"]: check for check in json.loads(capsys.readouterr().out)["checks"]}

    assert {"python", "kernel", "sample data", "settings", "lake folder", "disk"} <= set(checks)
    assert {check["state"] for check in checks.values()} <= {"ok", "missing"}


def test_doctor_ends_with_1_when_the_settings_are_wrong(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "algotrader.yaml").write_text("nonsense: 1\n", encoding="utf-8")

    assert main(["doctor"]) == 1
    assert "broken   settings: algotrader.yaml:1: nonsense" in capsys.readouterr().out


def test_doctor_says_how_to_mend_what_is_missing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "EXTRAS", {"okx": ("no_such_module", "download bars")})
    monkeypatch.setattr(health, "LOW_DISK_BYTES", 10**18)
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ASCII")
    (workspace / "algotrader.yaml").unlink()

    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for mend in ('pip install "algotrader[okx]"', "export LANG=C.UTF-8", "algotrader init DIR"):
        assert mend in said
    assert "less than 1 GB" in said


def test_doctor_finds_a_folder_that_is_none(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "lake").write_text("a file where a folder belongs", encoding="utf-8")

    assert main(["doctor"]) == 1
    assert "broken   lake folder" in capsys.readouterr().out


def test_config_show_shows_lists_of_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "algotrader.yaml").write_text(
        "notification: {channels: {phone: {kind: telegram, chats: [1, -2]}}}"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["config", "show", "--json"]) == 0
    rows = {row["key"]: row["value"] for row in json.loads(capsys.readouterr().out)}

    assert rows["notification.channels.phone.chats"] == [1, -2]


@pytest.mark.parametrize(
    ("accounts", "hint"), [("", "accounts: {main: {cash: 10_000}}"), ("mian", "did you mean mian?")]
)
def test_config_check_finds_a_strategy_without_its_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    accounts: str, hint: str,
) -> None:  # fmt: skip
    (tmp_path / "algotrader.yaml").write_text(
        "strategies:\n  trend: {use: TrendFollow, symbols: ['US:AAPL'], timeframe: 1d}\n"
        + (f"accounts: {{{accounts}: {{currency: USD}}}}\n" if accounts else "")
    )
    monkeypatch.chdir(tmp_path)
    assert main(["config", "check"]) == 2
    told = capsys.readouterr().err

    assert "algotrader.yaml:2: strategies.trend: no account is called 'main'" in told
    assert hint in told


@pytest.mark.parametrize(("value", "says"), [("9%", "within ten minutes"), ("1%", "next start")])
def test_a_limit_that_nobody_takes_now_says_how_long_it_waits(
    workspace: Path, capsys: pytest.CaptureFixture[str], value: str, says: str
) -> None:
    with (workspace / "algotrader.yaml").open("a") as file:
        file.write("  account: {max_daily_loss: 3%}\n")
    key = "account.max_daily_loss"
    assert main(["limits", "set", key, value, "--confirm", key]) == 0
    assert says in capsys.readouterr().out


MUCH = """
accounts: {main: {cash: 1_234_567.89}}
notification: {channels: {phone: {kind: telegram, chats: [1, -2]}}}
risk:
  protections: [{kind: cooldown, pause: 4h}]
  rules: [{name: calm, when: "volatility(20) > 2", then: {scale: 0.5}}]
collect: {series: [{symbols: ["OKX:BTC/USDT"], timeframe: 1m}]}
"""


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("accounts.main.cash", "1234567.89 (algotrader.yaml:2)"),
        ("notification.channels.phone.chats", "1, -2 (algotrader.yaml:3)"),
        ("risk.protections", "kind=cooldown after=stop pause=4h per=instrument"),
        ("risk.rules", "calm (algotrader.yaml:6)"),
        ("collect.series", "symbols=OKX:BTC/USDT timeframe=1m"),
        ("backtest.cash", "10000 (default)"),
    ],
)
def test_promise_28_a_value_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    key: str, shown: str,
) -> None:  # fmt: skip
    (tmp_path / "algotrader.yaml").write_text(MUCH)
    monkeypatch.chdir(tmp_path)
    assert main(["config", "explain", key]) == 0
    assert f"is      {shown}" in capsys.readouterr().out
    assert main(["config", "show"]) == 0


def test_doctor_tells_of_secrets_that_others_can_read(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / ".env").write_text("ALGOTRADER_OKX_KEY=x\n", encoding="utf-8")
    (workspace / ".env").chmod(0o644)
    assert main(["doctor"]) == 0
    assert "chmod 600 .env" in capsys.readouterr().out

    (workspace / ".env").chmod(0o600)
    assert main(["doctor"]) == 0
    assert "chmod" not in capsys.readouterr().out


@pytest.mark.parametrize(("rehearsed", "desk"), [({"report": "x"}, "here/trading"), (None, "here")])
def test_the_demo_ends_with_the_folder_whose_console_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    rehearsed: dict[str, str] | None, desk: str,
) -> None:  # fmt: skip
    """What the demo does takes a minute: here it does nothing."""
    monkeypatch.chdir(tmp_path)
    for name in ("_quality", "_backtest", "_sweep", "_walkforward"):
        monkeypatch.setattr(demo, name, lambda *_, **__: Path("report.html"))
    monkeypatch.setattr(demo, "_prepare", lambda *_, **__: ("OKX:BTC/USDT", "OKX:BTC/USDT:USDT"))
    monkeypatch.setattr(demo, "rehearse", lambda *_: rehearsed)
    assert main(["demo", "--folder", "here"]) == 0

    assert f"cd {desk} && algotrader run api" in capsys.readouterr().err
