"""`algotrader data …` from the command line: results, exit codes, one sentence for each mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli import data
from algotrader.cli.main import main
from algotrader.core.errors import DataError

GOOD = "Date,Open,High,Low,Close,Volume\n" + "".join(
    f"2024-01-{day:02d},10,12,9,11,100\n" for day in (2, 3, 4, 5, 8, 9, 10)
)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def lake(tmp_path: Path) -> str:
    return str(tmp_path / "lake")


def a_csv(folder: Path, text: str = GOOD) -> str:
    path = folder / "prices.csv"
    path.write_text(text)
    return str(path)


def test_import_ls_show_check_and_compact(
    tmp_path: Path, lake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_csv(tmp_path)
    code, out, _ = said(capsys, "import", path, "--symbol", "US:XYZ", "--lake", lake, "--json")
    assert code == 0
    assert json.loads(out)[0]["added"] == 7

    code, out, _ = said(capsys, "import", path, "--symbol", "US:XYZ", "--lake", lake, "--json")
    assert json.loads(out)[0]["added"] == 0

    code, out, _ = said(capsys, "ls", "--lake", lake)
    assert code == 0
    assert "US:XYZ 1d" in out
    assert "100.00\u202f%" in out

    code, out, _ = said(capsys, "show", "US:XYZ", "--lake", lake, "--json")
    assert json.loads(out)[0]["calendar"] == "XNYS"

    code, out, _ = said(capsys, "check", "US:XYZ", "--lake", lake)
    assert code == 1  # seven equal rows: the feed hung
    assert "stale" in out

    code, _, _ = said(capsys, "compact", "--lake", lake)
    assert code == 0


def test_generate_resample_and_features(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "generate", "--bars", "500", "--lake", lake)[0] == 0
    code, out, _ = said(
        capsys, "resample", "SIM:BTC/USDT", "-t", "1h", "--to", "4h", "--lake", lake, "--json"
    )
    assert code == 0
    assert json.loads(out)[0]["added"] == 125

    arguments = (
        "features",
        "TrendFollow",
        "-s",
        "SIM:BTC/USDT",
        "-t",
        "1h",
        "--lake",
        lake,
        "--json",
    )
    code, out, _ = said(capsys, *arguments)
    assert code == 0
    assert json.loads(out)[0]["rows"] == 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("2024-01-04", "2024-01-03"), "repeats the stamp 2024-01-03"),
        (GOOD.replace("2024-01-04", "2024-01-01"), "is earlier than the row before it"),
        (GOOD.replace("04,10,12", "04,,12"), "row 3 (2024-01-04 00:00) has no open"),
        (GOOD.replace("04,10,12,9", "04,10,12,-9"), "has low -9; prices must be above 0"),
        (GOOD.replace("04,10,12,9", "04,10,8,9"), "the high is below the low"),
        (
            GOOD.replace("Close", "Kurs"),
            "no column 'close'; it has Date, Open",
        ),
        (GOOD.replace("2024-01-04", "2024-01-04 00:00:00+09:00"), "time zones are mixed"),
        ("", "is empty"),
    ],
)
def test_bad_rows_are_one_sentence_and_nothing_is_written(
    tmp_path: Path, lake: str, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    code, out, err = said(capsys, "import", a_csv(tmp_path, text), "--lake", lake)

    assert code == 2
    assert out == ""
    assert words in err
    assert err.count("error:") == 1
    assert "hint:" in err
    assert "Traceback" not in err
    assert not Path(lake).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "nothing.csv"), "there is no file nothing.csv"),
        (("show", "US:NONE"), "there is no series of US:NONE"),
        (("show", "nonsense"), "is not a symbol"),
        (("download", "NOWHERE:BTC/USDT"), "ccxt knows no exchange"),
        (("download", "OKX:BTC/USDT", "--timeframe", "7q"), "time frame '7q' does not exist"),
        (("download", "OKX:BTC/USDT", "--start", "soon"), "--start 'soon' is not a date"),
        (
            ("download", "OKX:BTC/USDT", "--funding"),
            "--funding is of perpetuals, and none is named",
        ),
        (("download", "OKX:BTC/USDT", "--base-url", "here"), "'here' is no address of a venue"),
        (("resample", "US:NONE", "--to", "1d"), "there is no series of US:NONE"),
        (("generate", "--bars", "1"), "cannot be generated"),
        (("import", "x.csv", "--on-error", "shrug"), "--on-error 'shrug' does not exist"),
        (("import", "x.csv", "--map", "close"), "has no ="),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_helps(
    lake: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = said(capsys, *arguments, "--lake", lake)

    assert code == 2
    assert words in err
    assert "hint:" in err


def test_quarantine_imports_the_rest(
    tmp_path: Path, lake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_csv(tmp_path, GOOD.replace("04,10,12,9", "04,10,12,-9"))

    code, out, _ = said(
        capsys, "import", path, "--on-error", "quarantine", "--lake", lake, "--json"
    )

    assert code == 0
    [row] = json.loads(out)
    assert (row["added"], row["set_aside"]) == (6, 1)


def test_a_file_of_funding_rates_is_checked_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = [0, 8, 16, 24, 48]  # two settlements are not there
    path = tmp_path / "rates.csv"
    path.write_text(
        "ts,funding_rate\n"
        + "".join(f"{1_704_067_200_000 + h * 3_600_000},0.0001\n" for h in hours)
    )

    code, out, _ = said(capsys, "check", str(path), "--json")

    assert code == 0
    [row] = json.loads(out)["series"]
    assert (row["series"], row["bars"]) == ("FILE:rates funding", 5)
    assert row["coverage"] == pytest.approx(5 / 7)


def test_one_bar_is_imported_when_its_length_is_said(
    tmp_path: Path, lake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_csv(tmp_path, "\n".join(GOOD.splitlines()[:2]) + "\n")

    assert said(capsys, "import", path, "--lake", lake)[0] == 2
    code, out, _ = said(capsys, "import", path, "-t", "1d", "--lake", lake, "--json")
    assert (code, json.loads(out)[0]["added"]) == (0, 1)


def test_f32_a_download_goes_on_without_an_instrument_that_is_gone(
    lake: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetched(*given: Any) -> None:
        asked.append(str(given[3].symbol))
        if "ETH" not in asked[-1]:
            raise DataError("data.symbol_unknown", "okx does not trade it", hint="see its list")

    monkeypatch.setattr(data, "fetch", fetched)
    symbols = ("OKX:AAA/USDT", "OKX:ETH/USDT", "OKX:ZZZ/USDT")
    code, _, err = said(capsys, "download", *symbols, "--lake", lake)

    assert asked == list(symbols)
    assert code == 2
    told = " ".join(err.split())
    assert "okx does not trade it; nor were fetched: OKX:ZZZ/USDT 1h; 1 other series" in told
    assert "see its list" in told
