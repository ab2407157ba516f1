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


def nearest_symbol(text: str, known: Iterable[str]) -> str | None:
    """The same for symbols: the code after `VENUE:` must be close too, a shared venue is no reason.

    >>> nearest_symbol("US:APPL", ["US:AAPL", "US:SPX"])
    'US:AAPL'
    >>> nearest_symbol("US:NOPE", ["US:AAPL", "US:SPX"])
    """
    near = nearest(text, known)
    return near if near is not None and nearest(_code(text), [_code(near)]) else None


def _code(symbol: str) -> str:
    return symbol.partition(":")[2] or symbol


def hint_among(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean X?` before the rest of a hint, where a known name is close."""
    return _hint(nearest(name, known), otherwise)


def hint_among_symbols(symbol: str, known: Iterable[str], otherwise: str) -> str:
    """The same for a symbol."""
    return _hint(nearest_symbol(symbol, known), otherwise)


def _hint(near: str | None, otherwise: str) -> str:
    return otherwise if near is None else f"did you mean {near}? {otherwise}"
