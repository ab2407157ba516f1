"""The page of faults, from `tests/faults.toml`: what can happen, what holds then, what shows it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "tests" / "faults.toml"
PROPERTIES = ROOT / "tests" / "properties.toml"
TIERS = {"M": "model", "C": "virtual clock", "S": "sockets, files, kills"}

_TOP = """# What can go wrong, and what happens then

Each line is a fault that is caused on purpose in the tests, by the way that is said at the end of
this page, and what must hold while it lasts and after it. Beyond that, after every fault: the books
equal the venue's, no intent became two orders, no limit was passed at any moment, a person was told
once, and trading goes on by itself when the cause is gone, or stays reduce-only and says why.

"""

_END = """
## How it is tested

- **model**: the engine, risk, order life and journal that ship, in a simulated history on a virtual
  clock: a model of a venue, a wire that loses and delays, a disk that forgets. `make simulate` runs
  as many seeds as wanted and prints the first that breaks a property.
- **virtual clock**: real coroutines of the shipped parts where time passes by command.
- **sockets, files, kills**: the real clients against a look-alike on this machine, real files, real
  processes that are killed.

Tests carry the number of the fault in their names; the list of them is `tests/faults.toml`, and a
test compares it with what is there. Unproved so far: orders on other exchanges than OKX. Nothing
that those answer to orders was recorded, so there is nothing to hold an adapter to.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedFault:
    """One row of the catalogue."""

    number: str
    group: str
    fault: str
    holds: str
    tests: dict[str, list[str]]  # by tier
    open: dict[str, str]  # tiers without a test, and what is missing


def catalogue() -> list[CataloguedFault]:
    """The faults in the order of their numbers within each group."""
    rows: dict[str, dict[str, Any]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return [
        CataloguedFault(
            number=number, group=row["group"], fault=row["fault"], holds=row["holds"],
            tests={tier: row[tier] for tier in TIERS if tier in row}, open=row.get("open", {}),
        )
        for number, row in rows.items()
    ]  # fmt: skip


def page() -> str:
    """The page as markdown."""
    return _TOP + "\n".join(_sections()) + _END + "\n".join(_properties()) + "\n"


def properties() -> dict[str, dict[str, Any]]:
    """What holds in every history, by number."""
    return tomllib.loads(PROPERTIES.read_text(encoding="utf-8"))


def _properties() -> Iterator[str]:
    yield "\n## What holds in every history\n\n| | what holds | looked at |\n|---|---|---|"
    for number, row in properties().items():
        yield f"| {number} | {row['statement']} | {row['when']} |"


def _sections() -> Iterator[str]:
    faults = catalogue()
    for group in dict.fromkeys(one.group for one in faults):
        yield f"## {group}\n\n| | what happens | what holds | tested |\n|---|---|---|---|"
        for one in faults:
            if one.group == group:
                yield f"| {one.number} | {one.fault} | {one.holds} | {_tested(one)} |"
        yield ""


def _tested(one: CataloguedFault) -> str:
    shown = ", ".join(TIERS[tier] for tier, names in one.tests.items() if names)
    missing = "; ".join(f"not yet: {text}" for text in one.open.values())
    return "; ".join(part for part in (shown, missing) if part)
