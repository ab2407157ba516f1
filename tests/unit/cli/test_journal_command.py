"""`algotrader journal show | verify | export | recover`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.builders.journals import NOW_MS, a_closed_journal, a_journal, a_step

from algotrader.cli.main import main
from algotrader.live.journal.chain import Entry

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a journal of ten steps and one row that is JSON: rows 1 to 22."""
    monkeypatch.chdir(tmp_path)
    with a_journal(tmp_path / "journal", 10) as journal:
        journal.append(
            [Entry(time_ms=NOW_MS, kind="OrderFilled", body=b'{"price":"101.50","v":1}')]
        )
    return tmp_path / "journal"


def said(arguments: list[str], capsys: Captured) -> tuple[int, str, str]:
    code = main(["journal", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def damage(folder: Path) -> None:
    path = folder / "chain" / "000001.sqlite"
    path.write_bytes(path.read_bytes().replace(b"7.0", b"7.9"))


def test_show_prints_the_last_rows_of_the_workspaces_journal(
    folder: Path, capsys: Captured
) -> None:
    code, out, _ = said(["show", "--last", "2"], capsys)

    assert code == 0
    first, second = out.splitlines()
    assert first.split() == ["21", "2023-11-14", "22:13:20", "Decided", "9.1"]
    assert second.split() == [
        "22", "2023-11-14", "22:13:20", "OrderFilled", "price=101.50"
    ]  # fmt: skip


def test_rows_are_whole_where_no_screen_cuts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    why = "trend.py:8: targets of Trend raised ValueError: no bars of the second instrument"
    with a_journal(tmp_path / "journal", 1) as journal:
        body = json.dumps({"strategy": "trend", "error": why}).encode()
        journal.append([Entry(time_ms=NOW_MS, kind="StrategyAnswered", body=body)])

    _, out, _ = said(["show", "--kind", "StrategyAnswered"], capsys)  # as `| grep` gets it
    assert f"error={why}" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--from", "3", "--to", "5"], [3, 4, 5]),
        (["--from", "3", "--to", "9", "--last", "2"], [8, 9]),
        (["--kind", "OrderFilled"], [22]),
        (["--kind", "Decided", "--last", "2"], [20, 21]),
        (["--kind", "Decided", "--kind", "OrderFilled", "--last", "2", "--to", "40"], [21, 22]),
        (["--last", "0"], list(range(1, 23))),
        ([], list(range(3, 23))),
        (["--from", "23"], []),
    ],
)
def test_show_chooses_rows(
    folder: Path, options: list[str], rows: list[int], capsys: Captured
) -> None:
    code, out, _ = said(["show", "--json", *options], capsys)

    assert code == 0
    assert [row["seq"] for row in json.loads(out)] == rows


def test_show_gives_bodies_as_json_or_as_bytes(folder: Path, capsys: Captured) -> None:
    with a_journal(folder.with_name("other")) as journal:
        journal.append([Entry(time_ms=5, kind="Odd", body=b"\xff{")])
    _, out, _ = said(["show", "--json", "--kind", "OrderFilled"], capsys)
    _, odd, _ = said(["show", "--json", "--journal", "other", "--kind", "Odd"], capsys)

    assert json.loads(out)[0]["body"] == {"price": "101.50", "v": 1}
    [row] = json.loads(odd)
    assert (row["time_ms"], row["body"]) == (5, {"base64": "/3s="})
    assert len(row["hash"]) == 64


def test_show_says_when_there_is_no_such_row(folder: Path, capsys: Captured) -> None:
    assert said(["show", "--kind", "Nothing"], capsys)[:2] == (0, "no such row\n")


def test_verify_of_a_whole_journal_ends_with_0(folder: Path, capsys: Captured) -> None:
    code, out, _ = said(["verify"], capsys)
    assert code == 0
    assert out.startswith("journal: whole, 22 rows up to number 22, head ")

    code, out, _ = said(["verify", "--after", "11", "--json"], capsys)
    found = json.loads(out)
    assert code == 0
    assert (found["rows"], found["trusted"], found["problem"]) == (11, 11, None)
    assert found["head"] == found["kept"]


def test_verify_of_a_damaged_journal_ends_with_1_and_names_the_row(
    folder: Path, capsys: Captured
) -> None:
    damage(folder)

    code, out, err = said(["verify"], capsys)
    assert (code, err) == (1, "")
    assert "row 16 is not what was written; rows up to 15 hold, 7 after it" in out
    assert "(journal.row_altered)" in out
    code, out, _ = said(["verify", "--json"], capsys)
    assert code == 1
    problem = json.loads(out)["problem"]
    assert (problem["code"], problem["seq"], problem["lost"]) == ("journal.row_altered", 16, 7)


def test_verify_says_when_the_head_is_gone(folder: Path, capsys: Captured) -> None:
    (folder / "chain" / "head").unlink()

    code, out, _ = said(["verify", "--json"], capsys)
    assert code == 1
    assert json.loads(out)["head"] is None


def test_export_writes_lines_of_json(folder: Path, capsys: Captured) -> None:
    code, out, _ = said(["export", "all.jsonl"], capsys)
    lines = Path("all.jsonl").read_text().splitlines()
    assert (code, out) == (0, "22 rows in all.jsonl\n")
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 23))
    assert json.loads(lines[-1])["body"] == {"price": "101.50", "v": 1}
    assert not Path("all.jsonl.part").exists()

    code, out, _ = said(["export", "-", "--from", "22"], capsys)
    assert (code, out) == (0, lines[-1] + "\n")
    code, out, _ = said(["export", "some.jsonl", "--to", "4", "--json"], capsys)
    assert json.loads(out) == {"rows": 4, "file": "some.jsonl"}


def test_export_of_a_damaged_journal_ends_at_the_damage(folder: Path, capsys: Captured) -> None:
    damage(folder)

    code, _, err = said(["export", "all.jsonl"], capsys)
    assert code == 2
    assert "row 16 is not what was written" in err
    assert not Path("all.jsonl").exists()
    assert len(Path("all.jsonl.part").read_text().splitlines()) == 15


def test_export_to_standard_output_cannot_be_one_json_value(folder: Path, capsys: Captured) -> None:
    assert said(["export", "-", "--json"], capsys)[0] == 2


def test_recover_says_what_it_would_do_and_does_it_when_told(
    folder: Path, capsys: Captured
) -> None:
    damage(folder)
    code, out, _ = said(["recover"], capsys)
    assert code == 1
    assert "rows up to 15 would be kept, 7 would be lost" in out
    assert said(["verify"], capsys)[0] == 1

    code, out, _ = said(["recover", "--yes", "--json"], capsys)
    done = json.loads(out)
    assert code == 0
    assert (done["done"], done["kept"], done["lost"], done["resumed"]) == (True, 15, 7, 23)
    assert Path(done["aside"]).is_dir()
    assert said(["verify"], capsys)[0] == 0
    code, _, err = said(["recover"], capsys)
    assert code == 2
    assert "there is nothing to recover" in err


def test_recover_names_where_the_damaged_files_are(folder: Path, capsys: Captured) -> None:
    damage(folder)

    assert "the damaged files are in journal/damaged-" in said(["recover", "--yes"], capsys)[1]


def test_without_a_journal_each_command_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in (["show"], ["verify"], ["export", "x.jsonl"], ["recover"], ["recover", "--yes"]):
        code, _, err = said(line, capsys)
        assert code == 2
        assert "there is no journal in" in err


def test_recover_is_refused_while_the_trader_writes(tmp_path: Path, capsys: Captured) -> None:
    a_closed_journal(tmp_path / "journal", 9)
    damage(tmp_path / "journal")
    with a_journal(tmp_path / "other") as journal:
        journal.append(a_step(1))
        code, _, err = said(["recover", "--yes", "--journal", str(tmp_path / "other")], capsys)
    assert code == 3
    assert "is in use by process" in err
