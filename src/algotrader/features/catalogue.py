"""The table of all features, read from their docstrings: `python -m algotrader.features.catalogue`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import algotrader.features  # noqa: F401 - declares them all
from algotrader.features.registry import declared

_FACTS = re.compile(
    r"Shape: (?P<shape>.+?)\. Unit: (?P<unit>.+?)\. First row: (?P<first>.+?)\. "
    r"Gaps: (?P<gaps>restart|carry|endpoints|row)\. "
    r"Formula: (?P<formula>.+)\. Source: (?P<source>.+?)\.(?: >>>|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a feature's docstring says of it."""

    summary: str
    shape: str
    unit: str
    first: str  # the first defined row, an expression of the settings
    gaps: str  # restart, carry, endpoints (rows it names) or row (each apart)
    formula: str
    source: str


def described(name: str) -> Description:
    """The description of the feature `name`; ValueError when its docstring lacks a fact."""
    text = " ".join((inspect.getdoc(declared()[name]) or "").split())
    facts = _FACTS.search(text)
    if facts is None:
        raise ValueError(f"the docstring of {name} does not say shape, unit, first row and so on")
    return Description(summary=text.split(". ")[0].split(" Shape:")[0], **facts.groupdict())


def table() -> str:
    """A Markdown table of all features."""
    lines = [
        "| feature | what it is | unit | first row | gaps | formula | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, function in declared().items():
        d = described(name)
        call = f"`{name}({_parameters(function)})`"
        cells = (call, d.summary, d.unit, f"`{d.first}`", d.gaps, d.formula, d.source)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _parameters(function: Callable[..., object]) -> str:
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(
        p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters
    )


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
