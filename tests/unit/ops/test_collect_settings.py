"""What is to be collected, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from algotrader.core.errors import ConfigurationError
from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.ops.collecting import CollectRole, wanted
from algotrader.ops.config import load

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
TRADED = """
accounts: {main: {currency: USDT}}
strategies:
  slow: {use: TrendFollow, symbols: [OKX:BTC/USDT], timeframe: 4h}
  fast: {use: TrendFollow, symbols: [OKX:ETH/USDT], timeframe: 15m}
"""


def a_configuration(folder: Path, text: str) -> Any:
    (folder / "algotrader.yaml").write_text(text)
    return load(folder / "algotrader.yaml", environment={})


def test_what_the_strategies_trade_is_collected_unless_series_are_named(tmp_path: Path) -> None:
    traded = wanted(a_configuration(tmp_path, f"trading: {{mode: sandbox}}\n{TRADED}"))
    assert [(str(one.timeframe), one.symbols) for one in traded] == [
        ("15m", (ETH,)), ("4h", (BTC,)),
    ]  # fmt: skip

    named = TRADED + (
        "collect: {series: [{symbols: [OKX:BTC/USDT], timeframe: 1h, since: 2024-01-01},"
        " {symbols: [OKX:ETH/USDT], timeframe: 1h}]}"
    )
    (hourly,) = wanted(a_configuration(tmp_path, named))
    assert dict(hourly.since_ms) == {BTC: 1_704_067_200_000, ETH: None}


def test_on_paper_the_shortest_bars_of_an_account_are_those_of_all_it_trades(
    tmp_path: Path,
) -> None:
    filled = wanted(a_configuration(tmp_path, TRADED))

    assert [(str(one.timeframe), one.symbols) for one in filled] == [
        ("15m", (BTC, ETH)), ("4h", (BTC,)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "collect.nothing"),
        ("collect: {series: [{symbols: [US:AAPL], timeframe: 1d}]}", "collect.venue"),
        ("collect: {series: [{symbols: ['OKX:ETH/USD:USD'], timeframe: 1d}]}", "collect.symbol"),
        (
            "collect: {grace_s: 50, delay_s: 10, series: [{symbols: [OKX:BTC/USDT], timeframe: 1m}]}",
            "collect.grace",
        ),
    ],
)
def test_what_cannot_be_collected_is_said_before_anything_is_asked(
    tmp_path: Path, text: str, code: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CollectRole(a_configuration(tmp_path, text), SystemClock(), notifier=None)

    assert refused.value.code == code
    assert refused.value.hint
