"""Reference pages made from the code: `python -m tools.reference` writes them anew.

They are kept in the repository, so that the documentation can be read without building it; a test
compares them with the code.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import fault_page, promise_page, settings_page

from algotrader.cli.commands import TABLE
from algotrader.cli.lazy import load
from algotrader.cli.main import main
from algotrader.features.catalogue import table
from algotrader.risk.catalogue import rules_table, words_table

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_NOTE = "<!-- Made by `python -m tools.reference`; change the code, not this page. -->\n\n"

_COMMANDS = """# Command line

Options of every command: `--config FILE` names the settings file, `--json` prints one JSON value on
standard output and nothing else there (errors included: `{"error": {"code", "message", "hint"}}`),
`--quiet` leaves out progress and notes, `-v` says more, `-vv` adds the trace of an error.

| exit code | meaning |
|---|---|
| 0 | done, also with warnings, also with no trades |
| 1 | a finding: check, quality, parity |
| 2 | what can be known before the work starts: wrong use, configuration, data |
| 3 | failure while running |
| 4 | it ran, and could look at too little to say anything: parity |
| 130 | interrupted |

"""

_INDICATORS = """# Indicators and factors

All of these are functions of `algotrader.features`: `from algotrader.features import ema`. They take
arrays and return arrays of the same shape (a tuple of arrays where it says so); on a panel `(T, N)`
each column is treated by itself, and `cross_…` each row. None looks ahead.

- **first row**: the first row with a value, counted from 0; NaN before it.
- **gaps**: what a NaN in the input does. `restart` begins the warm-up again after it, `carry` leaves
  the row out and goes on, `endpoints` makes NaN only of the rows that use it, `row` looks at each row
  by itself.

"""


_RISK = """# Risk rules

Every rule that can stop, cut or end something, by the code that denials, events, `status` and the
console name it by. What the settings do not name limits nothing. How they work together, the kill
switch and re-arming are in [Risk](../concepts/risk.md).

"""

_WORDS = """
## The rule language

`risk.rules` take conditions over these names: numbers (`50_000`, `3%`, `20bps`), `+ - * /`,
`< <= > >=`, `and`, `or`, `not` and brackets. Only like is compared with like: money with money, a
fraction with a fraction. A condition that names an instrument's figure is judged for each one.

"""


def commands() -> str:
    """The help of every command, as `docs/reference/cli.md`."""
    parts = []
    for name in TABLE:
        inner = getattr(load(name), "commands", {})
        for words in ([name], *([name, sub] for sub in inner)):
            depth = "#" * (1 + len(words))
            parts.append(f"{depth} algotrader {' '.join(words)}\n\n```text\n{_help(words)}```\n")
    return _NOTE + _COMMANDS + "\n".join(parts)


def indicators() -> str:
    """The catalogue of features, as `docs/reference/indicators.md`."""
    return _NOTE + _INDICATORS + table() + "\n"


def risk_rules() -> str:
    """The catalogue of risk rules and the rule language, as `docs/reference/risk-rules.md`."""
    return _NOTE + _RISK + rules_table() + _WORDS + words_table()


PAGES: Mapping[str, Callable[[], str]] = {
    "faults.md": lambda: _NOTE + fault_page.page(),
    "promises.md": lambda: _NOTE + promise_page.page(),
    "cli.md": commands,
    "indicators.md": indicators,
    "risk-rules.md": risk_rules,
    "settings.md": lambda: _NOTE + settings_page.page(),
}


def _help(words: list[str]) -> str:
    written = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"  # the same page whoever's terminal writes it
    try:
        with contextlib.redirect_stdout(written):
            main([*words, "--help"])
    finally:
        if width is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = width
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def write() -> None:
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    write()
