"""What a terminal cannot write it is told in signs that it can: text that is not UTF-8, as GBK."""

from __future__ import annotations

import codecs
from io import TextIOWrapper
from typing import Final, TextIO

_PLAIN: Final = {
    "\u202f": " ", "\u00a0": " ", "−": "-", "–": "-", "—": "-", "…": "...", "△": "!", "·": "-",
    "→": "->", "←": "<-", "×": "x", "±": "+-", "≥": ">=", "≤": "<=",
}  # fmt: skip
_NAME: Final = "algotrader.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in wrong), error.end


def show_what_can_be_shown(*streams: TextIO) -> None:
    """Let streams of another encoding than UTF-8 replace what they lack, rather than fail."""
    codecs.register_error(_NAME, _plain)
    for stream in streams:
        if isinstance(stream, TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors=_NAME)
