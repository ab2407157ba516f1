"""Bad input: one clear sentence with what to do, the right exit code, no trace, nothing left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from tests.builders import small_disk

from algotrader.cli.main import main
from algotrader.core.instruments import Instrument
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.instruments import save_instrument

HEAD = "time,open,high,low,close,volume"
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)

STRATEGY = '''
import numpy as np

from algotrader import Strategy, param
from algotrader.features import ema


class Cross(Strategy):
    """Long while the fast average is above the slow one."""

    fast: int = param(5, low=2, high=60, step=1)
    slow: int = param(20, low=10, high=240, step=1)

    def features(self, bars):
        return {"fast": ema(bars.close, self.fast), "slow": ema(bars.close, self.slow)}

    def targets(self, bars, f):
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)
'''

Rows = list[list[str]]


def some_rows(count: int = 400, *, minutes: int = 60) -> Rows:
    """Bars of a seeded walk, as the cells of a file."""
    price = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, count)))
    return [
        [
            f"{BEGIN + timedelta(minutes=minutes * row):%Y-%m-%d %H:%M:%S}",
            *(f"{p * factor:.4f}" for factor in (1.0, 1.01, 0.99, 1.002)),
            "100000",
        ]
        for row, p in enumerate(price)
    ]


def as_csv(rows: Rows, head: str = HEAD) -> str:
    return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good bars and a good strategy, and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(as_csv(some_rows()))
    (tmp_path / "cross.py").write_text(STRATEGY)
    return tmp_path


def files_in(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in names if "__pycache__" not in name}


def refused(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    *,
    code: int = 2,
    left: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Run a command that must fail, twice: for people and for programs. The error as JSON.

    It leaves nothing but the files `left`.
    """
    before = files_in(folder)
    assert main(line.split()) == code
    people = capsys.readouterr()
    assert main([*line.split(), "--json"]) == code
    programs = capsys.readouterr()

    said: dict[str, str] = json.loads(programs.out)["error"]
    assert programs.err == ""
    assert people.out == ""
    assert people.err == f"error: {said['message']}\nhint: {said['hint']}\n"
    assert "Traceback" not in people.err
    assert "bug" not in said["code"]
    assert files_in(folder) == before | left
    return said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--data nothing.csv", "there is no file"),
        ("--data .", "is a folder"),
        ("--data good.csv --timeframe 4h", "has 1h bars, not 4h"),
        ("--data good.csv --timeframe 7q", "time frame '7q' does not exist"),
        ("--data good.csv --symbol good", "'good' is not a symbol"),
        ("--symbol US:NOPE", "there are no bars of US:NOPE here"),
        ("--symbol US:AAPL --timeframe 1h", "there are no 1h bars of US:AAPL here"),
        ("--symbol US:AAPL --symbol US:AAPL", "--symbol US:AAPL is given twice"),
        ("--data sample:20names --symbol US:NOPE", "has no instrument US:NOPE"),
        ("", "nothing to trade was named"),
        (
            "--data good.csv --start 2024-02-01 --end 2024-01-01",
            "2024-02-01 is not before --end 2024-01-01",
        ),
        ("--data good.csv --start 2030-01-01", "no bar lies between 2030-01-01 and the end"),
        ("--data good.csv --end 2020-01-01", "no bar lies between the beginning and 2020-01-01"),
        ("--data good.csv --start soon", "--start 'soon' is not a date"),
        ("--data good.csv --start 2024-01-01T05:00", "there are 5: 14 missing"),
        ("--data good.csv --end 2024-01-01T10:00", "still warming up after all 10 bars"),
        ("--data good.csv --set quick=5", "Cross has no parameter 'quick'"),
        ("--data good.csv --set fast=61", "61 is above its highest value 60"),
        ("--data good.csv --set fast=five", "'five' is not a whole number"),
        ("--data good.csv --set fast", "--set fast has no ="),
        ("--data good.csv --cash 0", "--cash 0: must be above 0"),
        ("--data good.csv --cash inf", "--cash inf: must be above 0, and finite"),
        ("--data good.csv --max-leverage inf", "--max-leverage inf: must be above 0, and finite"),
        ("--data good.csv --cash nan", "--cash nan"),
        ("--data good.csv --max-leverage 0", "--max-leverage 0: must be above 0"),
        ("--data good.csv --leverage -3", "--leverage -3: must be above 0"),
        ("--data good.csv --cash-buffer 1", "--cash-buffer 1: must be a fraction"),
        ("--data good.csv --slippage-bps -1", "--slippage-bps -1"),
        ("--data good.csv --seed -1", "--seed -1"),
        ("--data good.csv --fees dear", "fees 'dear' cannot be read"),
        ("--data good.csv --fees=-5000bps", "fees '-5000bps' cannot be read"),
        ("--data good.csv --path sideways", "--path 'sideways' does not exist"),
        ("--data good.csv --config none.yaml", "none.yaml"),
        ("--data good.csv --frobnicate", "no such option"),
        ("--data good.csv --report .", ". is a folder"),
    ],
)
def test_what_is_asked_wrongly_is_refused_before_the_work(
    here: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    said = refused(here, capsys, f"backtest cross.py {line}")

    assert words.lower() in said["message"].lower()


def _with(row: int, column: int, text: str) -> str:
    rows = some_rows()
    rows[row][column] = text
    return as_csv(rows)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEAD + "\n", "no rows"),
        (as_csv(some_rows(), HEAD.replace("close", "kurs")), "no column 'close'"),
        (as_csv([*some_rows()[:9], some_rows()[2], *some_rows()[9:]]), "earlier than the row"),
        (as_csv([*some_rows()[:9], some_rows()[8], *some_rows()[9:]]), "repeats the stamp"),
        (_with(5, 4, ""), "row 6"),
        (_with(5, 4, "nan"), "row 6"),
        (_with(5, 4, "cheap"), "cheap"),
        (_with(5, 4, "0"), "prices must be above 0"),
        (_with(5, 3, "-4"), "prices must be above 0"),
        (_with(5, 2, "0.5"), "the high is below the low"),
        (_with(5, 0, "2024-01-01 05:00:00+09:00"), "time zones are mixed"),
    ],
)
def test_a_bad_file_of_bars_is_refused_with_its_row(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (here / "bad.csv").write_text(text)

    assert words in refused(here, capsys, "backtest cross.py --data bad.csv")["message"]


def test_promise_16_a_file_with_holes_is_refused_and_goes_on_when_asked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "holes.csv").write_text(as_csv(some_rows()[:200] + some_rows()[260:]))

    said = refused(here, capsys, "backtest cross.py --data holes.csv")
    assert "has 85.00% of the bars its calendar expects" in said["message"]
    assert main(["backtest", "cross.py", "--data", "holes.csv", "--allow-gaps", "--json"]) == 0
    codes = [one["code"] for one in json.loads(capsys.readouterr().out)["warnings"]]
    assert "coverage" in codes


def test_a_corrupt_parquet_file_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.parquet").write_bytes(b"PAR1 and then nothing of use PAR1")

    said = refused(here, capsys, "backtest cross.py --data bad.parquet")
    assert "bad.parquet cannot be read as parquet" in said["message"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class Cross(:\n", "bad.py:1: "),
        ("x = 1\n", "bad.py holds no strategy"),
        (STRATEGY + STRATEGY.replace("Cross", "Other"), "holds 2 strategies: Cross, Other"),
        ("import algotrader_has_no_such_module\n", "bad.py:1: ModuleNotFoundError"),
        ("raise SystemExit(0)\n", "bad.py:1: SystemExit"),
        (STRATEGY.replace("def targets", "def goals"), "must define exactly one of"),
        (STRATEGY.replace('f["fast"] > f["slow"]', "f['fast'][1:] > 0"), "has shape (399,)"),
        (STRATEGY + "\n    def on_bar(self, ctx):\n        pass\n", "must define exactly one of"),
        (STRATEGY.replace("param(5, low=2", "param(1, low=2"), "bad.py:11: ValueError: default 1"),
        (STRATEGY.replace("return np", "np"), "targets of Cross is None"),
        (STRATEGY.replace("return {", "x = {"), "features of Cross returned None"),
        (STRATEGY.replace("1.0, 0.0", "'in', 'out'"), "not an array of numbers"),
    ],
)
def test_a_bad_strategy_file_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], source: str, words: str
) -> None:
    (here / "bad.py").write_text(source)

    said = refused(here, capsys, "backtest bad.py --data good.csv")
    assert words in said["message"]


@pytest.mark.parametrize("reference", ["none.py", "cross.py:Other", "NoSuchStrategy"])
def test_a_strategy_that_is_not_there_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    said = refused(here, capsys, f"backtest {reference} --data good.csv")
    assert reference.rpartition(":")[2] in said["message"]


BY_BAR = STRATEGY.replace(
    """    def targets(self, bars, f):
        return np.where(f["fast"] > f["slow"], 1.0, 0.0)
""",
    """    def on_bar(self, ctx):
        if ctx.index == 5000:
            LINE
""",
)


def test_a_file_of_funding_rates_is_no_file_of_bars(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = "\n".join(
        f"{BEGIN + timedelta(hours=8 * n):%Y-%m-%dT%H:%M:%SZ},0.0001" for n in range(90)
    )
    (here / "rates.csv").write_text(f"ts,funding_rate\n{rates}\n")

    for line in ("backtest cross.py --data rates.csv", "check cross.py --data rates.csv"):
        said = refused(here, capsys, line)
        assert said["message"].endswith("rates.csv holds funding rates and no prices")


COUNTED = frozenset({"runs", "runs/trials.sqlite"})  # a failed trial is one too (R31)


@pytest.mark.parametrize("raised", ["1 / 0", "raise SystemExit(0)", "ctx.buy()"])
def test_a_strategy_that_raises_at_bar_5000_names_file_line_and_bar(
    here: Path, capsys: pytest.CaptureFixture[str], raised: str
) -> None:
    (here / "late.csv").write_text(as_csv(some_rows(6_000, minutes=15)))
    source = BY_BAR.replace("LINE", raised)
    (here / "late.py").write_text(source)
    line = 1 + source.splitlines().index(f"            {raised}")

    said = refused(here, capsys, "backtest late.py --data late.csv", code=3, left=COUNTED)

    at = BEGIN + timedelta(minutes=15 * 5000)
    assert f"late.py:{line}: on_bar of Cross raised" in said["message"]
    assert said["message"].endswith(f"at bar {at:%Y-%m-%d %H:%M} UTC")


def test_targets_that_raise_name_file_and_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.py").write_text(STRATEGY.replace('f["fast"] >', 'f["quick"] >'))

    said = refused(here, capsys, "backtest bad.py --data good.csv", code=3, left=COUNTED)
    assert "bad.py:18: targets of Cross raised KeyError: 'quick'" in said["message"]


def test_what_a_helper_of_the_file_raises_is_shown_at_its_own_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = STRATEGY.replace('f["fast"] >', "faster(f) >")
    (here / "bad.py").write_text(source + "\n\ndef faster(f):\n    return f['quick']\n")

    said = refused(here, capsys, "backtest bad.py --data good.csv", code=3, left=COUNTED)
    assert f"bad.py:{source.count(chr(10)) + 4}: targets of Cross raised" in said["message"]


def test_an_interrupt_ends_with_130_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "stop.py").write_text(
        BY_BAR.replace("5000", "50").replace("LINE", "raise KeyboardInterrupt")
    )
    before = files_in(here)

    assert main(["backtest", "stop.py", "--data", "good.csv"]) == 130
    assert capsys.readouterr().out == ""
    assert files_in(here) == before


def test_cash_below_the_minimum_order_says_why_nothing_was_traded(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "import", "good.csv", "--symbol", "OKX:BTC/USDT", "--quiet"]) == 0
    capsys.readouterr()
    save_instrument(
        here / "lake",
        Instrument(
            symbol=Symbol.parse("OKX:BTC/USDT"), kind=InstrumentKind.SPOT, base="BTC",
            quote="USDT", settle="USDT", tick=Decimal("0.1"), lot=Decimal("1e-8"),
            min_notional=Decimal(5), calendar="24/7",
        ),
    )  # fmt: skip

    line = "backtest cross.py --symbol OKX:BTC/USDT --cash 4"
    assert main([*line.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    said = {one["code"]: one["message"] for one in found["warnings"]}
    assert found["metrics"]["trades"] == 0
    assert said["no_trades"] == (
        "0 trades: every order was below the venue's minimum notional of 5 USDT."
    )
    assert main(line.split()) == 0
    assert said["no_trades"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--range fast=5:inf:5", "'5:inf:5' cannot be read"),
        ("--range fast=5:10:0.5", "'5:10:0.5' cannot be read"),
        ("--range fast=5:10:5:7", "'5:10:5:7' cannot be read"),
        ("--range fast=2:1e15:1", "'2:1e15:1' cannot be read"),
        ("--range fast=10:5:1", "'10:5:1' cannot be read"),
        ("--range fast=5,90", "90 is above its highest value 60"),
        ("--range quick=5:10:1", "no parameter 'quick'"),
        ("--range fast", "--range fast"),
        ("--set fast=5 --set slow=20", "declares no ranges to search"),
        ("--sets 0", "--sets 0"),
        ("--sets -5", "--sets -5"),
        ("--sets 3 --workers 0", "--workers 0"),
        ("--sets 3 --top -1", "'--top'"),
        ("--range fast=5:10:1 --set fast=7", "fast is given by --set and by --range"),
        ("--sets 3 --start 2024-01-02", "bars before --start, there are 24"),
    ],
)
def test_a_sweep_asked_wrongly_is_refused_before_any_set_is_run(
    here: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    said = refused(here, capsys, f"sweep cross.py --data good.csv {line}")
    assert words in said["message"]


@pytest.mark.parametrize("command", ["backtest", "sweep", "walkforward", "check"])
def test_every_research_command_refuses_the_same_bad_file(
    here: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (here / "bad.csv").write_text(_with(5, 4, "0"))

    said = refused(here, capsys, f"{command} cross.py --data bad.csv")
    assert "prices must be above 0" in said["message"]


def test_less_data_than_the_warm_up_is_refused_by_check_too(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "short.csv").write_text(as_csv(some_rows(50)))

    for command in ("check", "backtest"):
        said = refused(here, capsys, f"{command} cross.py --data short.csv --set slow=100")
        assert said["message"].startswith("Cross is still warming up after all 50 bars")


def test_a_negative_embargo_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(here, capsys, "walkforward cross.py --data good.csv --embargo-days -5")
    assert said["message"] == "an embargo of -5 days: must be 0 or more"
    said = refused(here, capsys, "walkforward cross.py --data good.csv")  # before any set is run
    assert said["message"] == (
        "504 days of training and 10 of embargo leave none of 8 days to test on"
    )


@pytest.mark.parametrize(
    "line",
    [
        "backtest cross.py --data good.csv",
        "sweep cross.py --data good.csv --range fast=2:6:2 --workers 1",
        "check cross.py --data good.csv",
    ],
)
def test_promise_30_research_opens_no_socket(
    here: Path, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)

    assert main([*line.split(), "--json"]) == 0, capsys.readouterr().out
    assert json.loads(capsys.readouterr().out)


LIMITED = """
import resource, sys
from algotrader.cli.main import main

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_leaves_no_half_written_run(here: Path) -> None:
    arguments = ["backtest", "cross.py", "--data", "good.csv", "--json"]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments], env=small_disk.environment(),
        cwd=here, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ended.returncode == 3, ended.stderr
    said = json.loads(ended.stdout)["error"]
    assert "cannot be written" in said["message"] or "cannot be used" in said["message"]
    assert said["hint"]
    assert ended.stderr == ""
    left = [path for path in (here / "runs").rglob("*") if path.name != "trials.sqlite"]
    assert left == []


SLOW = STRATEGY.replace("import numpy as np", "import time\n\nimport numpy as np").replace(
    "        return np.where", "        time.sleep(0.01)\n        return np.where"
)
SWEEP = "sweep slow.py --data good.csv --range fast=2:21:1 --range slow=22:41:1 --workers 1 --json"


def test_promise_21_a_killed_sweep_keeps_its_finished_parts_and_goes_on_to_the_same_table(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from algotrader.cli.main import main; main(sys.argv[1:])",
         *SWEEP.split()],
        cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(here.glob("runs/sweeps/*/parts/*.npz"))) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    (parts,) = here.glob("runs/sweeps/*/parts")
    kept = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in parts.glob("*.npz")}
    assert 2 <= len(kept) < 8

    assert main(SWEEP.split()) == 0
    resumed = json.loads(capsys.readouterr().out)
    for path, (stamp, _) in kept.items():
        assert path.stat().st_mtime_ns == stamp  # not evaluated again
    table = (parts.parent / "results.parquet").read_bytes()

    for path in parts.glob("*.npz"):
        path.unlink()
    assert main(SWEEP.split()) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["sets"] == resumed["sets"]
    assert len(whole["sets"]) == 400
    assert (parts.parent / "results.parquet").read_bytes() == table
    for path, (_, content) in kept.items():
        assert path.read_bytes() == content


def test_a_damaged_part_of_a_sweep_is_evaluated_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "sweep",
        "cross.py",
        "--data",
        "good.csv",
        "--range",
        "fast=2:11:1",
        "--range",
        "slow=20:29:1",
        "--json",
    ]
    assert main(line) == 0
    before = json.loads(capsys.readouterr().out)
    part = sorted(here.glob("runs/sweeps/*/parts/*.npz"))[0]
    os.truncate(part, part.stat().st_size // 2)

    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)["sets"] == before["sets"]
