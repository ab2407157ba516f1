"""Every promise has tests, and they are named after it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from tools.promise_page import ROOT, Promise, catalogue

NUMBERS = (*range(1, 10), *range(13, 25), *range(26, 32))
NAMED = re.compile(r"^(?:async )?def (test_(?:\w+_)?promise_(\d+)_\w+)", re.MULTILINE)


@cache
def named_after(path: Path) -> dict[str, int]:
    """The tests of a file that carry the number of a promise."""
    return {name: int(number) for name, number in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_the_promises_are_those_of_what_is_built() -> None:
    assert tuple(one.number for one in catalogue()) == NUMBERS


@pytest.mark.parametrize("one", catalogue(), ids=lambda one: str(one.number))
def test_a_promise_has_tests_that_are_named_after_it(one: Promise) -> None:
    assert one.tests
    for name in one.tests:
        path, _, function = name.partition("::")
        found = named_after(ROOT / "tests" / path)
        assert found.get(function) == one.number, f"{name} is not there, or names another"
