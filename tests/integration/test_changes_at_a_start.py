"""F63: what changed while something is held is asked about, on paper too; a replay only shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builders.traded_desk import ACCOUNT, NAME, TARGETS, a_desk, a_market, slices, traded

from algotrader.core.errors import ConfigurationError
from algotrader.core.events import ParametersSet, RunStarted
from algotrader.engine.engine import Engine
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.steps import Steps
from algotrader.ops.config import load
from algotrader.ops.desk import Desk
from algotrader.ops.standing import events_of
from algotrader.ops.starting import record_start


def started(desk: Desk, folder: JournalFolder, accepted_by: str | None) -> list[str]:
    """Start once more; what was asked about."""
    asked: list[str] = []

    def accept(changes: Sequence[str]) -> str | None:
        asked.extend(changes)
        return accepted_by

    with folder.open() as journal:
        steps = Steps(Engine(desk.engine_settings(journal.run_id)), journal)
        steps.replay()
        record_start(desk, journal, steps, 2_000_000_000_000, accept)
    return asked


def with_data(desk: Desk, data: str) -> Desk:
    """The desk on paper with other bars, and with another limit than it traded with."""
    overrides = {"trading.data": data, "risk.account.max_leverage": 3}
    configuration = load(desk.configuration.file, environment={}, overrides=overrides)
    return replace(desk, configuration=configuration)


@pytest.mark.parametrize("data", ["live", "replay"])
def test_f63_changes_under_open_positions_are_asked_about_on_live_paper_and_shown_in_a_replay(
    tmp_path: Path, data: str
) -> None:
    folder = JournalFolder(tmp_path / "journal")
    desk = a_desk(tmp_path, a_market())
    traded(desk, folder, slices(desk, stop=30))
    changed = with_data(desk, data)

    if data == "live":
        with pytest.raises(ConfigurationError, match="max_leverage: 3, was not set") as refused:
            started(changed, folder, None)
        assert "--accept-changes" in str(refused.value.hint)
        assert started(changed, folder, "me")
    else:
        assert any("max_leverage" in text for text in started(changed, folder, None))
    newest = [one for one in events_of(folder, [RunStarted]) if isinstance(one, RunStarted)][-1]
    assert newest.accepted_by == ("me" if data == "live" else None)
    assert any("max_leverage: 3" in text for text in newest.changes)


def test_what_was_set_by_hand_ends_where_the_code_has_no_place_for_it(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "journal")
    desk = a_desk(tmp_path, a_market())
    told = slices(desk, stop=30)
    at_ms = told[5].closed.ts_known - 1
    by_hand = ParametersSet(
        ts_event=at_ms, ts_known=at_ms, by="me", channel="cli", reason="less", account=ACCOUNT,
        strategy=NAME, by_hand={"weight": 0.5, "bars": 7}, parameters={"weight": 0.5, "bars": 7},
        changes=(), configuration_hash="",
    )  # fmt: skip
    waiting = [by_hand]
    traded(
        desk, folder, told,
        requests=lambda now_ms: [waiting.pop()] if waiting and now_ms >= at_ms else [],
    )  # fmt: skip
    fixed = TARGETS.replace("weight: float = param(0.8, low=0.1, high=1.0)", "weight = 0.8")
    assert fixed != TARGETS
    changed = a_desk(tmp_path, a_market(), code=fixed)
    asked = started(changed, folder, "me")
    events = list(events_of(folder, [ParametersSet, RunStarted]))
    before, after = events[-2], events[-1]

    assert "the code of strategy swing" in asked
    assert isinstance(before, ParametersSet)
    assert isinstance(after, RunStarted)
    assert (before.by, before.by_hand) == ("recovery", {"bars": 7})
    assert "weight" in before.reason
    assert after.settings["strategies"][NAME]["parameters"] == {"bars": 7}
