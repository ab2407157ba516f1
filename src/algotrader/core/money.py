"""Currencies. `USDT` and `USD` are two currencies, and nothing here converts one to the other."""

from __future__ import annotations

import re
from typing import Final, NewType

Currency = NewType("Currency", str)
"""The code of a currency or coin, in capitals: `USDT`, `USD`, `CNY`, `BTC`."""

_CODE: Final = re.compile(r"[A-Z0-9$._-]{1,20}")


def parse_currency(text: str) -> Currency:
    """`text` as a currency code; ValueError if it is none.

    Small letters are refused rather than corrected: a code is compared as text everywhere, and
    two spellings of one currency would be two currencies.

    >>> parse_currency("USDT")
    'USDT'
    """
    if _CODE.fullmatch(text):
        return Currency(text)
    raise ValueError(f"{text!r} is no currency code: write capitals and digits, as in USDT")
