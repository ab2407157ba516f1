"""`algotrader data` under fire: Ctrl-C anywhere, a full disk, two at once, damaged files."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.builders import small_disk

from algotrader.cli.main import main
from algotrader.data import storage
from algotrader.data.lake import Lake

PROGRAM = str(Path(sys.executable).with_name("algotrader"))
FIRST = 1704067200000  # 2024-01-01


def a_csv(path: Path, rows: range) -> Path:
    """Minutes of a coin, three months of them in every tenth row."""
    lines = ["ts,open,high,low,close,volume"]
    prices = 100 * np.exp(np.random.default_rng(5).normal(0, 2e-4, 200_000).cumsum())
    for row in rows:
        price = prices[row]
        lines.append(
            f"{FIRST + row * 60_000},{price},{price + 1},{price - 1},{price},{row % 7 + 1}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def import_into(lake: Path, file: Path, symbol: str = "OKX:BTC/USDT") -> int:
    return main(["data", "import", str(file), "--symbol", symbol, "--lake", str(lake)])


def contents(lake: Path) -> dict[str, bytes]:
    """What the lake says of each series, and that it says nothing of unfinished files."""
    assert not [path for path in lake.rglob("*") if path.name.endswith(storage.ASIDE)]
    store = Lake(lake)
    return {
        str(key): b"".join(path.read_bytes() for path in store.files(key)) for key in store.series()
    }


def interrupting(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], int]:
    """Ctrl-C at the write number `after`, half of the file written; gives how many there were."""
    written, real = 0, storage._write_synced

    def write(path: Path, content: bytes) -> None:
        nonlocal written
        written += 1
        if written == after:
            path.write_bytes(content[: len(content) // 2])
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(storage, "_write_synced", write)
    return lambda: written


def test_ctrl_c_at_any_write_of_an_import_leaves_whole_files_and_the_import_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_csv(tmp_path / "minutes.csv", range(0, 110_000, 1))
    assert import_into(tmp_path / "clean", file) == 0
    clean = contents(tmp_path / "clean")
    with monkeypatch.context() as patch:
        writes = interrupting(patch, 0)
        import_into(tmp_path / "counted", file)
    assert writes() == 5  # what came, three months, the manifest

    for after in range(1, writes() + 1):
        lake = tmp_path / str(after)
        capsys.readouterr()
        with monkeypatch.context() as patch:
            interrupting(patch, after)
            assert import_into(lake, file) == 130
        assert capsys.readouterr().err.startswith("error: interrupted; what was finished is kept")
        assert contents(lake) in ({}, clean)
        assert import_into(lake, file) == 0
        assert contents(lake) == clean
        [key] = Lake(lake).series()
        assert len(Lake(lake).manifest(key).sources) == 1


def test_a_full_disk_ends_an_import_with_3_and_leaves_the_lake_as_it_was(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert import_into(lake, a_csv(tmp_path / "first.csv", range(1000))) == 0
    before = contents(lake)
    more = a_csv(tmp_path / "more.csv", range(500, 100_000))
    command = [PROGRAM, "data", "import", str(more), "-s", "OKX:BTC/USDT", "--lake", str(lake)]
    full = subprocess.run(
        command, capture_output=True, text=True, check=False, env=small_disk.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )  # fmt: skip

    assert full.returncode == 3
    assert full.stderr.startswith("error: nothing was written: File too large at ")
    assert "hint: free space on the disk" in full.stderr
    assert contents(lake) == before
    assert import_into(lake, more) == 0
    assert len(Lake(lake).read_bars("OKX:BTC/USDT", "1m")) == 100_000


def test_two_imports_into_one_series_at_once_lose_no_row(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    files = [a_csv(tmp_path / f"part{n}.csv", range(n, 90_000, 2)) for n in (0, 1)]
    command = [PROGRAM, "data", "import", "-s", "OKX:BTC/USDT", "-t", "2m", "--lake", str(lake)]
    both = [
        subprocess.Popen([*command, str(file)], stderr=subprocess.PIPE, text=True) for file in files
    ]

    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    [key] = Lake(lake).series()
    assert Lake(lake).manifest(key).rows == 90_000
    assert len(Lake(lake).manifest(key).sources) == 2


def damaged_lake(tmp_path: Path) -> tuple[Path, Path]:
    """A lake of two series, and the folder of the one whose files a test damages."""
    lake = tmp_path / "lake"
    for symbol in ("OKX:BTC/USDT", "OKX:ETH/USDT"):
        assert import_into(lake, a_csv(tmp_path / "minutes.csv", range(3000)), symbol) == 0
    [folder] = lake.glob("layer=curated/*/*ETH*/timeframe=1m")
    return lake, folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["data", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing in here PAR1"])
def test_a_damaged_file_is_named_hides_no_other_series_and_can_be_imported_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    lake, folder = damaged_lake(tmp_path)
    file = folder / "2024-01.parquet"
    file.write_bytes(content)
    where = ("--lake", str(lake))

    code, out, err = said(capsys, "ls", *where)
    assert (code, "damaged" in out, "OKX:BTC/USDT 1m  3,000" in out) == (0, True, True)
    assert f"error: {file} cannot be read" in err
    assert "hint: delete that file and import or download its range again" in err

    code, out, err = said(capsys, "check", *where)
    assert (code, "OKX:BTC/USDT 1m" in out) == (1, True)
    assert f"error: {file} cannot be read" in err
    code, out, _ = said(capsys, "check", *where, "--json")
    told = json.loads(out)
    assert [error["code"] for error in told["damaged"]] == ["data.file_damaged"]

    code, _, err = said(capsys, "show", "OKX:ETH/USDT", *where)
    assert (code, f"{file} cannot be read" in err) == (2, True)
    assert "Traceback" not in err

    source = tmp_path / "minutes.csv"
    assert import_into(lake, source, "OKX:ETH/USDT") == 2  # not silently written over
    file.unlink()
    assert import_into(lake, source, "OKX:ETH/USDT") == 0
    assert len(Lake(lake).read_bars("OKX:ETH/USDT", "1m")) == 3000


@pytest.mark.parametrize("content", [b"", b"{", b'{"symbol": 3}'])
def test_a_damaged_manifest_is_named_and_made_anew_from_bars_that_it_did_not_touch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    lake, folder = damaged_lake(tmp_path)
    before = contents(lake)
    manifest = folder / "manifest.json"
    manifest.write_bytes(content)

    code, out, err = said(capsys, "ls", "--lake", str(lake))
    assert (code, "damaged" in out) == (0, True)
    assert f"error: {manifest} cannot be read" in err
    assert "delete that file, which holds no prices; `algotrader data check` writes it anew" in err

    manifest.unlink()
    assert said(capsys, "check", "--lake", str(lake))[0] == 0
    assert manifest.exists()
    assert contents(lake) == before
