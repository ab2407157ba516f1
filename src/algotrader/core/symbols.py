"""Symbols: the text that names an instrument, `VENUE:CODE`. One parser, one printer.

OKX:BTC/USDT             spot
OKX:BTC/USDT:USDT        linear perpetual, settled in USDT
OKX:BTC/USD:BTC          inverse perpetual, settled in BTC
OKX:BTC/USDT:USDT-261225 dated future
US:AAPL                  share
US:AAPL 2026-12-18 C 200 option
SSE:600519  SHFE:rb2701  share in Shanghai, future in Shanghai
FILE:aapl_daily          a bare file
"""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, total_ordering
from typing import NoReturn, Self, cast

from algotrader.core.errors import UsageError


class InstrumentKind(StrEnum):
    """What an instrument is. Stored as its value."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    EQUITY = "equity"
    OPTION = "option"


class OptionRight(StrEnum):
    CALL = "C"
    PUT = "P"


FILE_VENUE = "FILE"
EQUITY_VENUES = frozenset({"US", "SSE", "SZSE", "BSE", "SEHK"})
FUTURES_VENUES = frozenset({"SHFE", "INE", "DCE", "CZCE", "CFFEX", "GFEX"})

_VENUE = re.compile(r"[A-Z][A-Z0-9_]{0,15}")
_COIN = r"[A-Za-z0-9]{1,24}"
_PAIR = re.compile(
    rf"(?P<base>{_COIN})/(?P<quote>{_COIN})(:(?P<settle>{_COIN})(-(?P<expiry>[0-9]{{6}}))?)?"
)
_OPTION = re.compile(
    r"(?P<root>[A-Z0-9.]{1,12}) (?P<expiry>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?P<right>[CP]) (?P<strike>[0-9]+(\.[0-9]+)?)"
)
_PLAIN = re.compile(r"[\w.^=\-]{1,64}")


@total_ordering
class Symbol:
    """Name of an instrument; ordered by its text (R1). Make one with `Symbol.parse`.

    No dataclass: `msgspec` would write one as an object, and a symbol is its text in every file.
    """

    __slots__ = ("text",)
    text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "text", text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        return f"Symbol(text={self.text!r})"

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Symbol) else NotImplemented

    def __lt__(self, other: Symbol) -> bool:
        return self.text < other.text if isinstance(other, Symbol) else NotImplemented

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.text,)

    @classmethod
    def parse(cls, text: str) -> Self:
        """UsageError if the text is no symbol. `str(Symbol.parse(x)) == x` for every symbol."""
        return cast(Self, _parsed(text))

    def __str__(self) -> str:
        return self.text

    @property
    def venue(self) -> str:
        return self.text.partition(":")[0]

    @property
    def code(self) -> str:
        return self.text.partition(":")[2]

    @property
    def kind(self) -> InstrumentKind:
        if self.venue == FILE_VENUE:
            return InstrumentKind.SPOT
        if pair := _PAIR.fullmatch(self.code):
            if pair["settle"] is None:
                return InstrumentKind.SPOT
            return InstrumentKind.PERPETUAL if pair["expiry"] is None else InstrumentKind.FUTURE
        if _OPTION.fullmatch(self.code):
            return InstrumentKind.OPTION
        return InstrumentKind.FUTURE if self.venue in FUTURES_VENUES else InstrumentKind.EQUITY

    @property
    def base(self) -> str | None:
        """Base currency of a pair, underlying of an option, else `None`."""
        if pair := _PAIR.fullmatch(self.code):
            return pair["base"]
        option = _OPTION.fullmatch(self.code)
        return option["root"] if option else None

    @property
    def quote(self) -> str | None:
        pair = _PAIR.fullmatch(self.code)
        return pair["quote"] if pair else None

    @property
    def settle(self) -> str | None:
        """Currency a derivative settles in; of a spot pair its quote."""
        pair = _PAIR.fullmatch(self.code)
        return (pair["settle"] or pair["quote"]) if pair else None

    @property
    def is_inverse(self) -> bool:
        """True for a contract that settles in its base coin."""
        pair = _PAIR.fullmatch(self.code)
        return pair is not None and pair["settle"] is not None and pair["settle"] == pair["base"]

    @property
    def expiry(self) -> date | None:
        if (pair := _PAIR.fullmatch(self.code)) and pair["expiry"]:
            yymmdd = pair["expiry"]
            return date(2000 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
        option = _OPTION.fullmatch(self.code)
        return date.fromisoformat(option["expiry"]) if option else None

    @property
    def strike(self) -> Decimal | None:
        option = _OPTION.fullmatch(self.code)
        return Decimal(option["strike"]) if option else None

    @property
    def right(self) -> OptionRight | None:
        option = _OPTION.fullmatch(self.code)
        return OptionRight(option["right"]) if option else None


@lru_cache(maxsize=10_000)
def _parsed(text: str) -> Symbol:
    """Nearly everything names one of few instruments: one object each, found without comparing."""
    venue, separator, code = text.partition(":")
    if not separator or not _VENUE.fullmatch(venue) or not _is_code(venue, code):
        raise UsageError(
            "symbol.malformed",
            f"{text!r} is not a symbol",
            hint="write VENUE:CODE, for example OKX:BTC/USDT, OKX:BTC/USDT:USDT or US:AAPL",
        )
    return Symbol(text)


def _is_code(venue: str, code: str) -> bool:
    if venue == FILE_VENUE:
        return bool(_PLAIN.fullmatch(code))
    if pair := _PAIR.fullmatch(code):
        return pair["expiry"] is None or _is_date("20" + pair["expiry"])
    if option := _OPTION.fullmatch(code):
        return _is_date(option["expiry"])
    return bool(_PLAIN.fullmatch(code))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
