"""The name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CLOSE_ENOUGH = 0.6  # share of letters two names have in common


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, whatever its case; `None` if none is close.

    >>> nearest("TrendFolow", ["Pair", "TrendFollow"])
    'TrendFollow'
    """
    by_folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=_CLOSE_ENOUGH)
    return by_folded[found[0]] if found else None


def hint_among(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean X?` before the rest of a hint, where a known name is close."""
    near = nearest(name, known)
    return otherwise if near is None else f"did you mean {near}? {otherwise}"
