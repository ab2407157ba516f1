"""Which notices become messages: noise is folded, nothing critical waits or is lost."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader.core.ports import Notice, Severity
from algotrader.ops.notification.alerts import (
    MINUTE_MS,
    Cause,
    Message,
    QuietHours,
    TokenBucket,
    Waiting,
    choose,
    close,
    fold,
)

NOON_MS = 1_704_110_400_000  # 2024-01-01 12:00 UTC
WINDOW_MS = 10 * MINUTE_MS


def notice(
    cause: str = "feed", severity: Severity = Severity.IMPORTANT, text: str = "late"
) -> Notice:
    return Notice(severity=severity, title=text, text=text, cause=cause)


class Folding:
    """Notices handed in at their times, and the messages they led to."""

    def __init__(self) -> None:
        self.causes: dict[str, Cause] = {}
        self.told: list[Message] = []

    def hear(self, one: Notice, now_ms: int) -> None:
        self.wait_until(now_ms)
        self.causes[one.cause], message = fold(self.causes.get(one.cause), one, now_ms, WINDOW_MS)
        self.told += [message] if message else []

    def wait_until(self, now_ms: int) -> None:
        for name, cause in list(self.causes.items()):
            kept, message = close(cause, now_ms)
            self.told += [message] if message else []
            if kept is None:
                del self.causes[name]
            else:
                self.causes[name] = kept


def test_promise_24_five_hundred_equal_errors_are_two_messages() -> None:
    folding = Folding()
    for second in range(500):
        folding.hear(notice(), NOON_MS + 1_000 * second)
    for minute in range(60):
        folding.wait_until(NOON_MS + minute * MINUTE_MS)

    assert [message.repeated for message in folding.told] == [0, 499]


def test_a_cause_that_goes_on_is_told_ever_less_often_up_to_an_hour() -> None:
    folding, at = Folding(), []
    for minute in range(4 * 60):
        before = len(folding.told)
        folding.hear(notice(), NOON_MS + minute * MINUTE_MS)
        at += [minute] * (len(folding.told) - before)

    # At once, after 10 minutes, then 20, 40 and 60 minutes later, and so on.
    assert at == [0, 10, 30, 70, 130, 190]


def test_a_cause_that_was_silent_for_its_window_is_new_again() -> None:
    folding = Folding()
    folding.hear(notice(), NOON_MS)
    folding.hear(notice(), NOON_MS + WINDOW_MS)

    assert [message.repeated for message in folding.told] == [0, 0]


def test_what_gets_worse_is_told_at_once_and_what_repeats_it_is_as_loud() -> None:
    folding = Folding()
    folding.hear(notice(), NOON_MS)
    folding.hear(notice(), NOON_MS + 1)
    folding.hear(notice(severity=Severity.CRITICAL), NOON_MS + 2)
    folding.hear(notice(), NOON_MS + 3)
    folding.wait_until(NOON_MS + WINDOW_MS)

    assert [(m.notice.severity, m.repeated) for m in folding.told] == [
        (Severity.IMPORTANT, 0), (Severity.CRITICAL, 1), (Severity.CRITICAL, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hour", "covered"), [(12, False), (14, True), (22, True), (23, False), (3, False)]
)
def test_quiet_hours_follow_the_persons_clock(hour: int, covered: bool) -> None:
    quiet = QuietHours(begin=time(22), end=time(7), zone="Asia/Shanghai")  # 14:00 to 23:00 UTC

    assert quiet.covers(NOON_MS + (hour - 12) * 60 * MINUTE_MS) is covered


def test_quiet_hours_within_a_day_end_at_their_end() -> None:
    quiet = QuietHours(begin=time(12), end=time(13))

    assert quiet.covers(NOON_MS)
    assert not quiet.covers(NOON_MS + 60 * MINUTE_MS)


def waiting(*severities: Severity) -> list[Waiting]:
    return [
        Waiting(number=n, message=Message(notice=notice(f"c{n}", severity), at_ms=NOON_MS))
        for n, severity in enumerate(severities)
    ]


INFO, IMPORTANT, CRITICAL = Severity.INFO, Severity.IMPORTANT, Severity.CRITICAL


def test_the_loudest_leave_first_and_the_oldest_of_them() -> None:
    chosen = choose(waiting(INFO, IMPORTANT, CRITICAL, IMPORTANT), is_quiet=False)

    assert [parcel.number for parcel in chosen] == [2, 1, 3, 0]


def test_in_quiet_hours_only_what_is_critical_leaves() -> None:
    chosen = choose(waiting(INFO, IMPORTANT, CRITICAL), is_quiet=True)

    assert [parcel.number for parcel in chosen] == [2]


def test_much_of_one_severity_is_one_digest_and_what_is_critical_never() -> None:
    chosen = choose(waiting(*[INFO] * 40, *[IMPORTANT] * 2, *[CRITICAL] * 20), is_quiet=False)

    assert [len(parcel.waiting) for parcel in chosen] == [*[1] * 20, 1, 1, 40]
    assert chosen[-1].is_digest


def test_a_channel_sends_a_few_at_once_and_no_more_than_it_may() -> None:
    bucket = TokenBucket(per_minute=30, burst=3)
    sent = [second for second in range(61) for _ in range(5) if bucket.take(float(second))]

    assert sent[:3] == [0, 0, 0]
    assert len(sent) == 3 + 30
    assert len([second for second in sent if second > 30]) == 15


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.sampled_from("abc"), st.sampled_from(list(Severity))),
        max_size=60,
    )
)
def test_every_notice_is_told_of_and_a_critical_one_by_a_critical_message(
    heard: list[tuple[int, str, Severity]],
) -> None:
    folding, now_ms = Folding(), NOON_MS
    for wait_s, cause, severity in heard:
        now_ms += 1_000 * wait_s
        folding.hear(notice(cause, severity), now_ms)
    for hour in range(1, 4):
        folding.wait_until(now_ms + hour * 60 * MINUTE_MS)

    assert sum(1 + message.repeated for message in folding.told) >= len(heard)
    for name in "abc":
        loud = [m for m in folding.told if m.notice.cause == name]
        wanted = {s for _, cause, s in heard if cause == name}
        assert (Severity.CRITICAL in wanted) == any(
            m.notice.severity is Severity.CRITICAL for m in loud
        )
    assert folding.causes == {}
