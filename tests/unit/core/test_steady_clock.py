"""A clock that follows no step of the machine's (F66)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from algotrader.core.ports import SteadyClock

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_f66_the_clock_goes_on_from_where_it_began_whatever_the_wall_says() -> None:
    walls, elapsed = iter([START]), [100.0]
    clock = SteadyClock(lambda: next(walls), lambda: elapsed[0])

    elapsed[0] = 160.5

    assert clock.now() == START + timedelta(seconds=60.5)  # the wall is not asked again
    assert clock.monotonic_s() == 160.5


def test_it_begins_at_the_machines_time() -> None:
    before = datetime.now(UTC)

    assert before <= SteadyClock().now() <= datetime.now(UTC) + timedelta(seconds=5)
