"""What a new user types slightly wrong is answered with what would have been right."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from algotrader.cli.main import main

BACKTEST = ["backtest", "TrendFollow", "--symbol", "US:AAPL"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "error", "hint"),
    [
        (["bcktest"], "no such command 'bcktest'. Did you mean 'backtest'?", "--help"),
        (["backtest", "trendfolow"], "no strategy is called", "did you mean TrendFollow?"),
        (["backtest", "TrendFollow", "--symbol", "AAPL"], "not a symbol", "did you mean US:AAPL?"),
        (["backtest", "TrendFollow", "--symbol", "us:aapl"], "not a symbol", "US:AAPL?"),
        (["backtest", "TrendFollow", "--symbol", "US:APPL"], "no bars", "did you mean US:AAPL?"),
        (
            [*BACKTEST, "--timeframe", "1h"],
            "no 1h bars of US:AAPL here, only 1d",
            "use --timeframe 1d, or",
        ),
        ([*BACKTEST, "--set", "fsat=12"], "no parameter 'fsat'", "did you mean fast?"),
        ([*BACKTEST, "--set", "fast=x"], "'x' is not a whole number", "6 to 96 in steps of 6"),
        ([*BACKTEST, "--max-leverage", "x"], "must be a valid number", "backtest --help"),
        (
            [*BACKTEST, "--start", "2010-01-01", "--end", "2009-01-01"],
            "--start 2010-01-01 is not before --end 2009-01-01",
            "exchange them",
        ),
        (["data", "check", "no.csv"], "there is no file no.csv", "check the path"),
        (["data", "show", "US:AAPL"], "no series of US:AAPL", "bundled with the program"),
        (
            ["config", "explain", "cash"],
            "cash is no setting",
            "did you mean backtest.cash or accounts.NAME.cash?",
        ),
        (
            ["config", "explain", "api.oidc"],
            "api.oidc is a section, not one setting",
            "it holds api.oidc.issuer, api.oidc.client_id",
        ),
        (["sweep", "TrendFollow", "--symbol", "US:AAPL", "--workers", "0"], "at least one", "1"),
    ],
)
def test_the_answer_names_what_was_meant(
    typed: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2

    said, _, advice = capsys.readouterr().err.partition("\nhint: ")
    assert error in said
    assert hint in advice


def test_a_pair_that_is_missing_is_downloaded_and_a_share_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["backtest", "TrendFollow", "--symbol", "OKX:SOL/USDT"])
    assert "data download OKX:SOL/USDT" in capsys.readouterr().err
    main(["backtest", "TrendFollow", "--symbol", "US:XYZW"])
    assert "download" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed", [["status"], ["orders"], ["fills"], ["positions"], ["limits", "show"], ["jobs", "ls"]]
)
def test_a_desk_that_is_asked_for_in_another_folder_says_so(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    said = capsys.readouterr().err

    assert "there is no algotrader.yaml in" in said
    assert "run this in the workspace of the trader" in said


DESK = (
    "trading: {{{trading}}}\n"
    "accounts: {{main: {{currency: {currency}, cash: 10_000}}}}\n"
    "strategies: {{trend: {{use: TrendFollow, symbols: ['{symbol}'], timeframe: 1d}}}}\n"
)


def test_bars_of_a_look_alike_are_downloaded_from_it_and_not_from_the_market(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "http://127.0.0.1:9"
    text = DESK.format(
        trading=f"mode: sandbox, url: '{url}'", currency="USDT", symbol="OKX:BTC/USDT"
    )
    Path("algotrader.yaml").write_text(text)

    assert main(["trade"]) == 2
    assert f"algotrader data download --base-url {url} OKX:BTC/USDT" in capsys.readouterr().err


def test_live_bars_of_a_share_are_refused_before_anything_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = DESK.format(trading="data: live, url: 'http://127.0.0.1:9'", currency="USD",
                       symbol="US:AAPL")  # fmt: skip
    Path("algotrader.yaml").write_text(text)

    assert main(["trade"]) == 2
    assert "trades on US, which has no live bars here" in capsys.readouterr().err


def test_a_result_that_a_full_disk_does_not_take_is_an_error_in_words(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    assert main(["version", "--json"]) == 3
    assert "error: no space left on device" in capfd.readouterr().err


def test_a_run_cannot_be_compared_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    main(BACKTEST)
    run = next(path.parent.name for path in Path("runs").glob("*/run.json"))
    capsys.readouterr()

    assert main(["compare", run, run]) == 2
    assert f"run {run} was given twice" in capsys.readouterr().err
    assert not Path("compare.html").exists()


def test_a_negative_count_of_trades_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trades", "any", "--last", "-3"]) == 2
    assert "--last -3: must be 0 or more" in capsys.readouterr().err


def test_the_version_is_told_by_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("algotrader ")


def test_an_empty_lake_says_what_is_there_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check"]) == 0
    assert "US:AAPL" in capsys.readouterr().out
    assert main(["data", "ls"]) == 0
    assert "US:AAPL" in capsys.readouterr().err
