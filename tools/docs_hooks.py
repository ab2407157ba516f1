"""MkDocs hooks: the reference of the command line is written by the commands themselves."""

from __future__ import annotations

import contextlib
import io

from algotrader.cli.commands import TABLE
from algotrader.cli.lazy import load
from algotrader.cli.main import main

PLACE = "[commands]"


def on_page_markdown(markdown: str, **_: object) -> str:
    return markdown.replace(PLACE, "\n".join(_sections())) if PLACE in markdown else markdown


def _sections() -> list[str]:
    parts = []
    for name in TABLE:
        inner = getattr(load(name), "commands", {})
        for words in ([name], *([name, sub] for sub in inner)):
            depth = "#" * (1 + len(words))
            parts.append(f"{depth} algotrader {' '.join(words)}\n\n```text\n{_help(words)}```\n")
    return parts


def _help(words: list[str]) -> str:
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        main([*words, "--help"])
    return written.getvalue()
