"""Files that are whole or not there, whoever writes them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from algotrader.data.storage import write_all


def test_two_threads_that_write_one_file_leave_it_whole(tmp_path: Path) -> None:
    file, together = tmp_path / "instrument.json", Barrier(2, timeout=30)
    contents = (b"a" * 5_000, b"b" * 90_000)

    def write(content: bytes) -> set[bytes]:
        seen: set[bytes] = set()
        for _ in range(50):
            together.wait()
            write_all({file: content})
            seen.add(file.read_bytes())
        return seen

    with ThreadPoolExecutor(2) as both:
        seen = {one for told in both.map(write, contents) for one in told}

    assert seen <= set(contents)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
