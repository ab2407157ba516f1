"""Names of OKX: there and back, and what stands in its lists and is not traded here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

import pytest

from algotrader.core.errors import UsageError
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.names import inst_id, symbol_of
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.client import OkxClient

LISTED = {
    "instId": "BTC-USDT-SWAP", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "ctVal": "0.01",
    "ctMult": "1", "state": "live",
}  # fmt: skip
STRANGE = ("ETH-USD_UM-SWAP", "ETH-USD_UM_XPERP-310404", "X.Y-USDT-SWAP", "金-USDT", "-", "X-", "")


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("BTC-USDT", "OKX:BTC/USDT"),
        ("BTC-USDT-SWAP", "OKX:BTC/USDT:USDT"),
        ("BTC-USDC-SWAP", "OKX:BTC/USDC:USDC"),
        ("BTC-USD-SWAP", "OKX:BTC/USD:BTC"),
    ],
)
def test_a_name_stands_for_a_symbol_and_back(named: str, text: str) -> None:
    symbol = symbol_of(named)

    assert symbol == Symbol.parse(text)
    assert inst_id(symbol) == named


@pytest.mark.parametrize("named", STRANGE)
def test_a_name_that_no_symbol_has_is_nothing_we_trade(named: str) -> None:
    assert symbol_of(named) is None


@pytest.mark.parametrize("text", ["OKX:ETH/USD:USD", "OKX:ETH/USDT:ETH", "OKX:ETH/USDT:USDC"])
def test_a_swap_that_is_paid_in_another_currency_is_not_the_one_of_the_same_pair(
    text: str,
) -> None:
    with pytest.raises(UsageError, match="neither a spot pair nor a perpetual swap"):
        inst_id(Symbol.parse(text))


def test_f31_rules_are_read_beside_instruments_whose_names_are_strange() -> None:
    rows = [{**LISTED, "instId": named} for named in STRANGE]
    rows.append({"instId": "BTC-USD_UM-SWAP", "instType": "SWAP", "state": "preopen"})

    class Venue:
        async def get(self, path: str, params: Mapping[str, str]) -> Answer:
            return Answer(code="0", message="", rows=(*rows, LISTED))

    account = OkxAccount(cast(OkxClient, Venue()))
    (rules,) = asyncio.run(account.rules(InstrumentKind.PERPETUAL))

    assert rules.instrument == Symbol.parse("OKX:BTC/USDT:USDT")
