"""The page of promises, from `tests/promises.toml`: what people suffer from, what holds here."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "tests" / "promises.toml"

_TOP = """# What we promise

What people who trade with programs suffer from, what this one does instead, and the test that shows
it. A promise is kept when a test named after it passes: `promise_7` in its name is the seventh.
Numbers that are not here belong to what is not built yet. How what goes wrong on the way is tested
stands in [What can go wrong](faults.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise of the catalogue."""

    number: int
    title: str
    suffered: str
    promise: str
    tests: list[str]


def catalogue() -> list[Promise]:
    """The promises in the order of their numbers."""
    rows: dict[str, dict[str, Any]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return [Promise(number=int(number), **row) for number, row in rows.items()]


def page() -> str:
    """The page as markdown."""
    return _TOP + "".join(_section(one) for one in catalogue())


def _section(one: Promise) -> str:
    return "\n".join(_lines(one)) + "\n"


def _lines(one: Promise) -> Iterator[str]:
    yield f"\n## {one.number}. {one.title}\n"
    yield f"*{one.suffered}*\n"
    yield f"{one.promise}\n"
    for name in one.tests:
        path, _, function = name.partition("::")
        yield f"- `{function}` in `tests/{path}`"
