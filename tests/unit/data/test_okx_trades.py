"""Public trades of OKX: pushes join the matches of one order, the list of recent trades does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from algotrader.core.ports import SystemClock
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.market import OkxMarketFeed
from algotrader.data.adapters.okx.rest import Answer, OkxRest
from algotrader.data.adapters.okx.streams import Arg, Heard, Lost, OkxStreams, Opened, Pushed
from algotrader.data.quotes import PublicTrade

BTC = Symbol.parse("OKX:BTC/USDT")


def a_trade(number: int, quantity: str = "1", **more: str) -> dict[str, str]:
    return {
        "instId": "BTC-USDT", "tradeId": str(number), "px": "100", "sz": quantity, "side": "buy",
        "ts": "1700000000000", **more,
    }  # fmt: skip


def told(before: Sequence[Any], listed: Sequence[Any]) -> list[tuple[str, Decimal]]:
    """What is told of pushes, and after a gap of what the venue lists, the newest first."""

    class Streams:
        async def follow(self, access: str, args: Sequence[Arg]) -> AsyncGenerator[Heard, None]:
            yield Opened()
            yield Pushed(channel="trades", inst_id="BTC-USDT", rows=tuple(before))
            yield Lost(reason="gone")
            yield Opened()

    class Rest:
        async def get(self, path: str, params: Mapping[str, str]) -> Answer:
            return Answer(code="0", message="", rows=tuple(listed))

    async def run() -> list[tuple[str, Decimal]]:
        feed = OkxMarketFeed(cast(OkxRest, Rest()), cast(OkxStreams, Streams()), SystemClock())
        heard = [one async for one in feed.trades([BTC]) if isinstance(one, PublicTrade)]
        return [(one.trade_id, one.quantity) for one in heard]

    return asyncio.run(run())


def test_matches_that_a_push_joined_are_not_told_again_one_by_one() -> None:
    joined = a_trade(12, "3", count="3")
    listed = [a_trade(number) for number in (14, 13, 12, 11, 10, 9)]

    assert told([joined], listed) == [
        ("12", Decimal(3)), ("9", Decimal(1)), ("13", Decimal(1)), ("14", Decimal(1)),
    ]  # fmt: skip


@pytest.mark.parametrize("count", ["", "0", "1", "many", None])
def test_a_push_of_one_match_says_nothing_of_the_trade_before_it(count: Any) -> None:
    alone = a_trade(12, count=count)

    assert [number for number, _ in told([alone], [a_trade(12), a_trade(11)])] == ["12", "11"]
