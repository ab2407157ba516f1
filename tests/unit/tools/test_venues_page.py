"""The page on venues names tests; each is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.builders.brokers import BROKERS

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "reference" / "venues.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", TEXT)))
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT)))


@pytest.fixture(scope="module")
def functions() -> set[str]:
    return {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_each_test_that_the_page_names_is_there(functions: set[str]) -> None:
    assert len(NAMED) >= 10
    assert set(NAMED) - functions == set()
    assert [name for name in FILES if not (TESTS.parent / name).is_file()] == []


def test_each_broker_of_the_contract_suite_but_the_paper_one_is_on_the_page() -> None:
    assert [name for name in BROKERS if name != "paper" and f"`[{name}]`" not in TEXT] == []


@pytest.mark.parametrize("venue", ["OKX", "Binance", "Bybit"])
def test_each_venue_says_what_is_unproved(venue: str) -> None:
    section = TEXT.split(f"\n## {venue}\n", 1)[1].split("\n## ", 1)[0]

    assert "**unproved**" in section
