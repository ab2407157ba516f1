"""F08: three failed starts in ten minutes keep the fourth back."""

from __future__ import annotations

import resource
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from algotrader.core.errors import ConfigurationError, RunError
from algotrader.core.ports import ManualClock, Notice, Severity
from algotrader.ops.crash_loop import FILE, Starts

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def failed(folder: Path, at_s: float, error: BaseException | None = None) -> None:
    """A start at a second that dies of an error; a kill, which ends no block, without one."""
    starts = Starts(folder, ManualClock(BEGAN + timedelta(seconds=at_s)))
    if error is None:
        starts.counted().__enter__()
        return
    with pytest.raises(type(error)), starts.counted():
        raise error


@pytest.mark.parametrize("error", [None, RunError("x", "x", hint="x"), OSError()])
def test_f08_the_fourth_start_is_refused_until_ten_minutes_are_over(
    tmp_path: Path, error: BaseException | None
) -> None:
    for at_s in (0, 200, 400):
        failed(tmp_path, at_s, error)

    told: list[Notice] = []
    fourth = Starts(tmp_path, ManualClock(BEGAN + timedelta(seconds=500)))
    for _ in range(2):  # a refused one does not count, so waiting is not prolonged
        with pytest.raises(RunError) as refused, fourth.counted(told.append):
            pytest.fail("it was let in")
        assert refused.value.code == "trading.crash_loop"
        assert "in 101 s" in str(refused.value.hint)
    assert {(one.severity, one.cause) for one in told} == {(Severity.CRITICAL, "crash_loop")}
    failed(tmp_path, 601, error)


def test_f08_a_start_that_succeeded_forgets_those_that_failed(tmp_path: Path) -> None:
    failed(tmp_path, 0)
    failed(tmp_path, 1)
    good = Starts(tmp_path, ManualClock(BEGAN + timedelta(seconds=2)))
    counted = good.counted()
    counted.__enter__()
    good.succeeded()  # and killed later, while it traded

    assert not (tmp_path / FILE).exists()


def test_f08_what_a_person_must_mend_first_is_no_failed_start(tmp_path: Path) -> None:
    for at_s in range(5):
        failed(tmp_path, at_s, ConfigurationError("x", "x", hint="x"))


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a": 1}', b"[1, null, [2]]", b"\xff\xfe", b"[" * 100_000]
)
def test_f08_a_damaged_file_keeps_nobody_back_and_is_replaced(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    for at_s in (0, 1, 2):
        failed(tmp_path, at_s)

    fourth = Starts(tmp_path, ManualClock(BEGAN + timedelta(seconds=3)))
    with pytest.raises(RunError, match="nothing was sent"), fourth.counted():
        pytest.fail("it was let in")


def test_f48_a_disk_that_fills_does_not_forget_the_starts_that_failed(tmp_path: Path) -> None:
    for at_s in (0, 1):
        failed(tmp_path, at_s)
    before = (tmp_path / FILE).read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        failed(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert (tmp_path / FILE).read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [FILE]


def test_f08_what_cannot_be_deleted_does_not_end_a_trader_that_trades(tmp_path: Path) -> None:
    (tmp_path / FILE / "in the way").mkdir(parents=True)
    with Starts(tmp_path, ManualClock(BEGAN)).counted():
        pass
