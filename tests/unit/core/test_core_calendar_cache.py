"""The compiled calendar is only a copy: damaged, missing or unwritable, nothing depends on it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from algotrader.core.calendars import load_calendar
from algotrader.core.sessions import exchange
from algotrader.core.sessions.exchange import default_cache_dir, load_table
from algotrader.core.sessions.table import SessionTable

DAY = 86_400_000


def a_table() -> SessionTable:
    dates = np.arange(3) * DAY
    opens = dates[:, None] + np.array([[1, 10]])
    return SessionTable.build(dates, opens, opens + 5)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Counts how often a calendar was compiled, without the library."""
    names: list[str] = []

    def compile_quickly(name: str) -> SessionTable:
        names.append(name)
        return a_table()

    monkeypatch.setattr(exchange, "_compile", compile_quickly)
    return names


def same(one: SessionTable, other: SessionTable) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("dates", "opens", "closes", "owner")
    )


def test_a_calendar_is_compiled_once_and_then_read(compiled: list[str], tmp_path: Path) -> None:
    first, second = load_table("XNYS", tmp_path), load_table("XNYS", tmp_path)

    assert compiled == ["XNYS"]
    assert same(first, second)
    assert same(first, a_table())
    assert len(list(tmp_path.iterdir())) == 1  # nothing was left aside


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def misname(file: Path) -> None:
    with file.open("wb") as handle:
        np.savez(handle, other=np.arange(3))


def disorder(file: Path) -> None:
    table = a_table()
    with file.open("wb") as handle:
        np.savez(handle, dates=table.dates[::-1], opens=table.opens, closes=table.closes,
                 owner=table.owner)  # fmt: skip


@pytest.mark.parametrize("damage", [cut, flip, empty, misname, disorder])
def test_a_damaged_copy_is_compiled_again(
    compiled: list[str], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    load_table("XNYS", tmp_path)
    damage(next(tmp_path.iterdir()))

    assert same(load_table("XNYS", tmp_path), a_table())
    assert compiled == ["XNYS", "XNYS"]
    load_table("XNYS", tmp_path)
    assert compiled == ["XNYS", "XNYS"]  # and mended


def test_a_folder_that_cannot_be_written_costs_only_time(
    compiled: list[str], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")

    assert same(load_table("XNYS", blocked), a_table())
    assert same(load_table("XNYS", blocked), a_table())
    assert compiled == ["XNYS", "XNYS"]
    assert blocked.read_text() == "no folder"


def test_a_write_that_fails_half_way_leaves_nothing_behind(
    compiled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)

    assert same(load_table("XNYS", tmp_path), a_table())
    assert list(tmp_path.iterdir()) == []


def test_writers_at_the_same_time_leave_one_whole_copy(compiled: list[str], tmp_path: Path) -> None:
    found: list[SessionTable] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_table("XNYS", tmp_path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert all(same(table, a_table()) for table in found)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_copy_is_kept_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache_dir() == Path("/somewhere/algotrader/calendars")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/person")
    assert default_cache_dir() == Path("/home/person/.cache/algotrader/calendars")


def test_a_compiled_calendar_needs_neither_pandas_nor_the_library(calendar_cache: Path) -> None:
    load_calendar("XSHG", calendar_cache)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from algotrader.core.calendars import load_calendar\n"
        "load_calendar('CNF:rb', Path(sys.argv[1]))\n"
        "print(sorted({'pandas', 'exchange_calendars'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(calendar_cache)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("dates", "opens", "closes", "owner", "sentence"),
    [
        ([], [], [], [], "needs dates"),
        ([0], [1], [2, 3], [0], "equal number"),
        ([DAY, 0], [1, 10], [5, 15], [0, 1], "ascending days"),
        ([1], [1], [5], [0], "00:00 UTC"),
        ([0], [5], [5], [0], "overlap"),
        ([0], [1, 4], [5, 9], [0, 0], "overlap"),
        ([0, DAY], [1], [5], [0], "needs a span"),
        ([0, DAY], [1], [5], [1], "needs a span"),
        ([0, DAY, 2 * DAY], [1, 10], [5, 15], [0, 2], "needs a span"),
        ([0, DAY], [1, 10, 20], [5, 15, 25], [0, 1, 0], "needs a span"),
    ],
)
def test_a_table_of_sessions_that_contradicts_itself_is_refused(
    dates: list[int], opens: list[int], closes: list[int], owner: list[int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        SessionTable(
            dates=np.array(dates, dtype=np.int64), opens=np.array(opens, dtype=np.int64),
            closes=np.array(closes, dtype=np.int64), owner=np.array(owner, dtype=np.int64),
        )  # fmt: skip


def test_a_table_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        a_table().dates[0] = 1
