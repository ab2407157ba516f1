"""Log lines: JSON in a bounded file, words on the terminal, secrets in neither."""

from __future__ import annotations

import io
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from algotrader.core.events import HeartbeatMissed, OrderRejected, TimerFired
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.symbols import Symbol
from algotrader.live.subscription import Message, Missed
from algotrader.live.topics import TOPICS, priority_of, topic_of
from algotrader.ops.config import load
from algotrader.ops.observing.event_lines import LEVELS, EventLines
from algotrader.ops.observing.logs import (
    change_levels,
    event_log,
    learn_secrets,
    logging_to,
    lost_lines,
)
from algotrader.ops.observing.redaction import Redactor
from algotrader.ops.observing.settings import LoggingSettings
from algotrader.ops.observing.wiring import logged

REJECTED = OrderRejected(
    ts_event=1, ts_known=2, account=AccountId("main"), order_id=OrderId("at1"),
    instrument=Symbol.parse("OKX:BTC/USDT"), code="51008", reason="no money, secret hunter2!",
)  # fmt: skip
TIMER = TimerFired(ts_event=1, ts_known=1, name="lookup:at1")


def message(event: Any) -> Message:
    topic = topic_of(event)
    return Message(topic, priority_of(topic), event, 0.0)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "algotrader.jsonl").read_text().splitlines()]


def test_an_event_is_one_line_with_its_fields_and_the_run(tmp_path: Path) -> None:
    with logging_to(
        LoggingSettings(), tmp_path, Redactor(["hunter2!"]), terminal=io.StringIO(),
        fields={"run": "r1"},
    ):  # fmt: skip
        listener = EventLines(event_log())
        listener.hear(message(REJECTED))
        listener.hear(message(TIMER))  # a detail: not at this level

    (line,) = lines(tmp_path)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning", "event": "order.rejected", "run": "r1", "ts_event": 1, "ts_known": 2,
        "account": "main", "order": "at1", "instrument": "OKX:BTC/USDT", "code": "51008",
        "reason": "no money, secret ***",
    }  # fmt: skip


def test_levels_and_secrets_may_change_while_the_log_is_open(tmp_path: Path) -> None:
    log, terminal = event_log(), io.StringIO()
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=terminal):
        log.debug("not.heard")
        change_levels(LoggingSettings(level="debug", terminal="error"))
        learn_secrets(["canary-7f3a"])
        log.debug("was.heard", token="canary-7f3a")
        log.warning("not.shown")
    change_levels(LoggingSettings())  # no log is open: nothing happens

    heard = lines(tmp_path)
    assert [one["event"] for one in heard] == ["was.heard", "not.shown"]
    assert heard[0]["token"] == "***"
    assert terminal.getvalue() == ""


def test_what_was_missed_on_the_bus_is_a_line_of_its_own(tmp_path: Path) -> None:
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        EventLines(event_log()).hear(
            Message("system.missed", 1, Missed(listener="log", count=7), 0.0)
        )

    assert (lines(tmp_path)[0]["event"], lines(tmp_path)[0]["count"]) == ("system.missed", 7)


def test_levels_are_of_topics_that_there_are() -> None:
    assert set(LEVELS) <= {*TOPICS.values(), "system.missed"}


def test_f69_no_secret_leaves_by_a_library_an_error_or_a_trace(tmp_path: Path) -> None:
    terminal = io.StringIO()
    with logging_to(
        LoggingSettings(level="debug"), tmp_path, Redactor(["canary-7f3a"]), verbose=2,
        terminal=terminal,
    ):  # fmt: skip
        logging.getLogger("ccxt.base").warning("GET %s", "https://x/?apiKey=canary-7f3a")
        logging.getLogger("httpx").info("POST https://t/bot12345678:AAEabcdefghijklmnopqrstuv/x")
        try:
            raise ValueError("the key canary-7f3a is wrong")
        except ValueError:
            logging.getLogger("algotrader.live").exception("failed with %r", {"k": "canary-7f3a"})
        event_log().error("key.refused", key="canary-7f3a", nested={"a": ["canary-7f3a"]})
        event_log().info("object.shown", it=type("K", (), {"__repr__": lambda _: "canary-7f3a"})())

    written = (tmp_path / "algotrader.jsonl").read_text() + terminal.getvalue()
    assert written.count("***") >= 10
    assert "canary" not in written
    assert "AAEabc" not in written
    assert "Traceback" in lines(tmp_path)[2]["exception"]


def test_libraries_that_tell_everything_are_heard_when_something_is_wrong(tmp_path: Path) -> None:
    with logging_to(LoggingSettings(level="debug"), tmp_path, Redactor(), terminal=io.StringIO()):
        logging.getLogger("httpx").info("a request")
        logging.getLogger("websockets.client").debug("> TEXT")
        logging.getLogger("websockets.client").warning("closed")

    assert [line["event"] for line in lines(tmp_path)] == ["closed"]


@pytest.mark.parametrize(("verbose", "shown"), [(0, ["w"]), (1, ["i", "w"]), (2, ["d", "i", "w"])])
def test_the_terminal_shows_more_when_asked(tmp_path: Path, verbose: int, shown: list[str]) -> None:
    terminal = io.StringIO()
    with logging_to(LoggingSettings(), tmp_path, Redactor(), verbose=verbose, terminal=terminal):
        log = logging.getLogger("algotrader.live")
        log.debug("one d")
        log.info("one i")
        log.warning("one w")

    assert [each for each in "diw" if f"one {each}" in terminal.getvalue()] == shown


def test_the_file_is_put_aside_at_its_size_and_old_ones_go(tmp_path: Path) -> None:
    settings = LoggingSettings(max_mb=0.1, keep=2)
    with logging_to(settings, tmp_path, Redactor(), terminal=io.StringIO()):
        log = logging.getLogger("algotrader.live")
        for number in range(1_500):
            log.info("line %d %s", number, "x" * 100)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["algotrader.jsonl", "algotrader.jsonl.1", "algotrader.jsonl.2"]
    assert all(path.stat().st_size <= 100_000 for path in tmp_path.iterdir())
    assert "line 1499" in (tmp_path / "algotrader.jsonl").read_text()


def test_a_field_without_end_is_cut(tmp_path: Path) -> None:
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        logging.getLogger("algotrader").warning("x" * 1_000_000)

    assert lines(tmp_path)[0]["event"].endswith("… (1000000 characters)")


def test_a_file_that_cannot_be_opened_is_said_and_nothing_ends(tmp_path: Path) -> None:
    terminal = io.StringIO()
    (tmp_path / "state").write_text("a file where a folder should be")
    with logging_to(LoggingSettings(), tmp_path / "state", Redactor(), terminal=terminal):
        logging.getLogger("algotrader.live").warning("still told")

    assert "no log file" in terminal.getvalue()
    assert "still told" in terminal.getvalue()


def test_a_full_disk_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "algotrader.jsonl").symlink_to("/dev/full")
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        for _ in range(5):
            logging.getLogger("algotrader.live").warning("lost")

    assert capsys.readouterr().err.count("cannot be written; trading goes on") == 1


def test_lines_that_no_disk_took_are_counted(tmp_path: Path) -> None:
    (tmp_path / "algotrader.jsonl").symlink_to("/dev/full")
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        for _ in range(5):
            logging.getLogger("algotrader.live").warning("lost")
        until = time.monotonic() + 10
        while lost_lines() < 5 and time.monotonic() < until:
            time.sleep(0.01)
        assert lost_lines() == 5

    assert lost_lines() == 0  # no log is open


def test_logging_is_as_it_was_when_the_block_ends(tmp_path: Path) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger("httpx").level
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        assert logging.getLogger().handlers != before[0]

    assert (logging.getLogger().handlers, logging.getLogger("httpx").level) == before


def test_an_event_of_silence_says_who_is_silent(tmp_path: Path) -> None:
    missed = HeartbeatMissed(
        ts_event=5, ts_known=5, component="bars:OKX:BTC/USDT 1m", last_seen_ms=None, allowed_ms=9
    )
    with logging_to(LoggingSettings(), tmp_path, Redactor(), terminal=io.StringIO()):
        EventLines(event_log()).hear(message(missed))

    assert lines(tmp_path)[0]["component"] == "bars:OKX:BTC/USDT 1m"


def test_a_process_beside_the_trader_has_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "algotrader.yaml").write_text("workspace: {logs: here}")
    (tmp_path / ".env").write_text("SOME_TOKEN=canary-7f3a")
    (tmp_path / ".env").chmod(0o600)
    configuration = load(environment={}, start=tmp_path)
    with logged(configuration, {"OTHER_SECRET": "canary-0001"}, role="collector"):
        logging.getLogger("algotrader").warning("canary-7f3a canary-0001")

    (file,) = (tmp_path / "here").iterdir()
    assert file.name == "collector.jsonl"
    assert json.loads(file.read_text())["event"] == "*** ***"
