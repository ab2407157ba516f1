"""No table cuts a number short, however narrow the terminal: `+1,092,2…` is another number."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.cli.main import main

RICH = ["backtest", "TrendFollow", "--symbol", "US:AAPL", "--cash", "100000000"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_every_figure_of_a_run_is_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    main(RICH)
    said = capsys.readouterr().out

    assert "…" not in said
    assert "Break-even cost a side" in said
    assert "Trades that hang on a guess" in said


@pytest.mark.parametrize(("width", "left_out"), [(60, True), (80, True), (160, False)])
def test_trades_leave_out_columns_and_say_so(
    width: int, left_out: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(RICH)
    run = next(path.parent.name for path in Path("runs").glob("*/run.json"))
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", str(width))
    main(["trades", run, "--last", "3"])
    said = capsys.readouterr().out

    assert "…" not in said
    assert "the last 3 of 11 trades" in said
    assert ("no room here, see --csv or --json" in said) is left_out
    assert ("target weight" in said) is not left_out
    assert " 00:00" not in said  # days are named by their date


def test_a_run_without_trades_says_why_once(capsys: pytest.CaptureFixture[str]) -> None:
    main(["backtest", "TrendFollow", "--symbol", "US:AAPL", "--cash", "5"])
    said = capsys.readouterr().out

    assert "0 trades: every order was below the venue's minimum quantity of 1." in said
    assert said.count("below the venue's minimum") == 1


def test_a_sweep_tells_sets_that_never_traded_from_those_that_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("odd.py").write_text(
        "import numpy as np\n"
        "from algotrader import Strategy, param\n\n\n"
        "class Odd(Strategy):\n"
        "    kind: int = param(0, low=0, high=3, step=1)\n\n"
        "    def targets(self, bars, f):\n"
        "        if self.kind == 1:\n"
        "            raise ValueError('no')\n"
        "        up = np.diff(bars.close, prepend=bars.close[0]) > 0\n"
        "        return np.where(up, 0.0 if self.kind == 2 else 1.0, 0.0)\n"
    )
    assert main(["sweep", "odd.py", "--symbol", "US:AAPL"]) == 0

    assert "4 sets, 1 failed, 1 never traded; best kind" in capsys.readouterr().out
    report = next(Path("runs/sweeps").glob("*/report.html")).read_text()
    assert "1 failed, 1 never traded" in report
    assert "1 组出错，1 组从未交易" in report
