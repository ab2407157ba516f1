"""Symbols: one parser, one printer."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from algotrader.core.errors import UsageError
from algotrader.core.symbols import InstrumentKind, OptionRight, Symbol

FORMS: dict[str, dict[str, Any]] = {
    "OKX:BTC/USDT": {
        "venue": "OKX", "code": "BTC/USDT", "kind": InstrumentKind.SPOT,
        "base": "BTC", "quote": "USDT", "settle": "USDT",
    },
    "OKX:BTC/USDT:USDT": {
        "kind": InstrumentKind.PERPETUAL, "base": "BTC", "quote": "USDT", "settle": "USDT",
        "is_inverse": False,
    },
    "OKX:BTC/USD:BTC": {
        "kind": InstrumentKind.PERPETUAL, "base": "BTC", "quote": "USD", "settle": "BTC",
        "is_inverse": True,
    },
    "OKX:BTC/USDT:USDT-261225": {
        "kind": InstrumentKind.FUTURE, "settle": "USDT", "expiry": date(2026, 12, 25),
    },
    "OKX:BTC/USDT:USDT-000229": {"expiry": date(2000, 2, 29)},  # a leap day of this century
    "BINANCE:1000PEPE/USDT": {"kind": InstrumentKind.SPOT, "base": "1000PEPE"},
    "US:AAPL": {"venue": "US", "code": "AAPL", "kind": InstrumentKind.EQUITY},
    "US:BRK.B": {"kind": InstrumentKind.EQUITY},
    "US:AAPL 2026-12-18 C 200": {
        "kind": InstrumentKind.OPTION, "base": "AAPL", "expiry": date(2026, 12, 18),
        "strike": Decimal(200), "right": OptionRight.CALL,
    },
    "US:SPY 2026-01-16 P 412.5": {
        "kind": InstrumentKind.OPTION, "strike": Decimal("412.5"), "right": OptionRight.PUT,
    },
    "SSE:600519": {"kind": InstrumentKind.EQUITY},
    "SHFE:rb2701": {"kind": InstrumentKind.FUTURE},
    "CFFEX:IF2612": {"kind": InstrumentKind.FUTURE},
    "FILE:aapl_daily": {"kind": InstrumentKind.SPOT, "venue": "FILE", "code": "aapl_daily"},
    "FILE:茅台-2024": {"kind": InstrumentKind.SPOT},
}  # fmt: skip
PARTS = ("base", "quote", "settle", "expiry", "strike", "right")


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_printed_as_it_was_read(text: str) -> None:
    assert str(Symbol.parse(text)) == text
    assert Symbol.parse(str(Symbol.parse(text))) == Symbol.parse(text)


@pytest.mark.parametrize(("text", "parts"), FORMS.items())
def test_a_symbol_says_what_it_names(text: str, parts: dict[str, Any]) -> None:
    symbol = Symbol.parse(text)

    assert {name: getattr(symbol, name) for name in parts} == parts


@pytest.mark.parametrize("text", ["US:AAPL", "FILE:x", "SSE:600519"])
def test_a_plain_symbol_has_no_parts_and_is_not_inverse(text: str) -> None:
    symbol = Symbol.parse(text)

    assert all(getattr(symbol, part) is None for part in PARTS)
    assert not symbol.is_inverse


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "BTC/USDT", "OKX:", ":AAPL", "okx:BTC/USDT", "1X:A", "OKX:BTC/", "OKX:/USDT",
        "OKX:BTC/USDT:", "OKX:BTC/USDT:USDT-2612", "OKX:BTC/USDT:USDT-261332",
        "OKX:BTC/USDT-261225", "US:AAPL 2026-13-18 C 200", "US:AAPL 2026-12-18 X 200",
        "US:AAPL 2026-12-18 C", "US:AA PL", "OKX:BTC/USDT ", " OKX:BTC/USDT", "OKX:BTC/USDT\n",
        "US:AAPL\n", "FILE:a/b", "FILE:../x y", "OKX:BTC/USDT:USDT:USDT",
    ],
)  # fmt: skip
def test_what_is_no_symbol_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is not a symbol") as caught:
        Symbol.parse(text)

    assert caught.value.code == "symbol.malformed"
    assert "OKX:BTC/USDT" in str(caught.value.hint)


def test_symbols_are_ordered_by_their_text() -> None:
    texts = ["US:MSFT", "OKX:ETH/USDT", "OKX:BTC/USDT:USDT", "OKX:BTC/USDT"]

    assert [str(symbol) for symbol in sorted(map(Symbol.parse, texts))] == sorted(texts)
    assert Symbol.parse("US:A") >= Symbol.parse("US:A")


def test_symbols_are_values() -> None:
    one, same, other = (Symbol.parse(text) for text in ("US:AAPL", "US:AAPL", "US:MSFT"))

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "US:AAPL"
    assert repr(one) == "Symbol(text='US:AAPL')"
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(TypeError):
        _ = one < "US:MSFT"  # type: ignore[operator]


def test_a_symbol_cannot_be_changed() -> None:
    symbol = Symbol.parse("US:AAPL")

    with pytest.raises(FrozenInstanceError):
        symbol.text = "US:MSFT"
    with pytest.raises(FrozenInstanceError):
        del symbol.text
