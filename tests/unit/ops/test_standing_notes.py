"""Whoever looks at a desk hears why it takes long."""

from __future__ import annotations

from pathlib import Path

import pytest

from algotrader.core.events import TimerFired, encode_event
from algotrader.live.journal.chain import Entry
from algotrader.live.snapshots import Stood
from algotrader.ops import standing
from algotrader.ops.config import load


def test_a_journal_that_is_read_whole_says_so_once_it_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "algotrader.yaml").write_text("{}\n")
    configuration = load(tmp_path / "algotrader.yaml", environment={})
    timer = TimerFired(ts_event=1, ts_known=1, name="t")
    body = encode_event(timer)
    with standing.folder_of(configuration).create(entropy=bytes(16), now_ms=1) as journal:
        journal.append([Entry(time_ms=1, kind=timer.kind, body=body)] * 5)
    whole = Stood(state=None, seq=6)  # type: ignore[arg-type]  # only who reads it is looked at
    monkeypatch.setattr(standing, "_folded_whole", lambda *_: whole)
    said: list[str] = []

    assert standing.read_stood(configuration, said.append) is whole
    assert said == []
    monkeypatch.setattr(standing, "_LONG", 5)
    standing.read_stood(configuration, said.append)
    assert said[0].startswith("reading all 6 rows of the journal, for none of its snapshots")
