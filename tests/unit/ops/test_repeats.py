"""What is said every second is shown once a minute."""

from __future__ import annotations

import logging

from algotrader.ops.observing.repeats import Repeats


def said(
    repeats: Repeats, at_s: float, text: object = "no answer: %s", *args: object
) -> str | None:
    record = logging.LogRecord("a.part", logging.WARNING, "", 0, text, args, None)
    record.created = at_s
    shown = repeats.shown(record)
    return None if shown is None else shown.getMessage()


def test_an_equal_line_is_held_back_for_a_minute_and_then_counted() -> None:
    repeats = Repeats()
    shown = [said(repeats, second, "no answer: %s", "50%") for second in range(180)]

    assert [(at, text) for at, text in enumerate(shown) if text is not None] == [
        (0, "no answer: 50%"),
        (60, "no answer: 50% (59 more like it)"),
        (120, "no answer: 50% (59 more like it)"),
    ]


def test_other_lines_and_events_are_shown() -> None:
    repeats = Repeats()

    assert said(repeats, 0, "no answer: %s", "a") == "no answer: a"
    assert said(repeats, 0, "no answer: %s", "b") == "no answer: b"
    for at_s in (0, 1):
        assert said(repeats, at_s, {"event": "order.filled"}) is not None


def test_what_is_remembered_is_bounded() -> None:
    repeats = Repeats()
    for number in range(2_000):
        said(repeats, 0, "line %s", number)

    assert said(repeats, 1, "line %s", 1_999) is None
    assert said(repeats, 1, "line %s", 1) == "line 1"
