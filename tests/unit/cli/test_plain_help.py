"""Help names kinds of values in words, never Python's types."""

from __future__ import annotations

import re

import pytest

from algotrader.cli.commands import TABLE
from algotrader.cli.lazy import load
from algotrader.cli.main import main

COMMANDS = [
    [name, *inner]
    for name in TABLE
    for inner in ([[sub] for sub in getattr(load(name), "commands", {})] or [[]])
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_no_type_of_the_language_and_two_lines_to_copy(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main([*words, "--help"]) == 0
    said = capsys.readouterr().out

    assert not re.search(r"<(str|int|float|bool|path|list)|list\[", said, re.IGNORECASE)
    assert "......" not in said
    assert said.count(f"\n  algotrader {' '.join(words)}") >= 2, said
