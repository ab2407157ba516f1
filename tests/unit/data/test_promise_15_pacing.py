"""Promise 15: nothing that is asked for at leisure takes an order's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush

import pytest

from algotrader.data.adapters.okx.limits import LimitGate
from algotrader.data.adapters.pacing import (
    SHARES,
    Counted,
    Counting,
    Limit,
    PacingGate,
    PacingLog,
    Rank,
)
from algotrader.execution.adapters.unified import binance, bybit

SPAN_S = 40.0
BOUND_S = 0.25
HISTORY = (
    ("GET", "market/history-candles"), ("GET", "market/candles"), ("GET", "market/trades"),
    ("GET", "public/funding-rate-history"), ("GET", "public/instruments"),
)  # fmt: skip


class VirtualTime:
    """Sleeps of many tasks, passed in their order without waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def monotonic_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._sleepers, (self.now_s + seconds, self._count, woken))
        await woken

    async def pass_until(self, end_s: float) -> None:
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.now_s, _, woken = heappop(self._sleepers)
            woken.set_result(None)
            for _ in range(20):  # let what woke run until it sleeps again
                await asyncio.sleep(0)


def longest_wait(enter: Callable[[VirtualTime], Callable[[str], Awaitable[None]]]) -> float:
    """How long the slowest order waits while eight downloads ask as fast as they may."""
    waits: list[float] = []

    async def work() -> None:
        time = VirtualTime()
        ask = enter(time)

        async def download() -> None:
            while True:
                await ask("history")
                await time.sleep(0.001)  # an answer comes at once

        async def trade() -> None:
            while True:
                before = time.now_s
                await ask("order")
                waits.append(time.now_s - before)
                await time.sleep(0.5)

        tasks = [asyncio.create_task(download()) for _ in range(8)]
        tasks.append(asyncio.create_task(trade()))
        await asyncio.sleep(0)
        await time.pass_until(SPAN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(work())
    assert len(waits) > 15
    return max(waits)


@pytest.mark.parametrize(("method", "path"), HISTORY)
def test_promise_15_history_at_full_speed_delays_no_order_of_okx(method: str, path: str) -> None:
    def enter(time: VirtualTime) -> Callable[[str], Awaitable[None]]:
        gate = LimitGate(time.monotonic_s, time.sleep)

        async def ask(what: str) -> None:
            if what == "history":
                await gate.enter(method, path, "BTC-USDT")
            else:
                await gate.enter("POST", "trade/order", "BTC-USDT")

        return ask

    assert longest_wait(enter) <= BOUND_S


@pytest.mark.parametrize("beside", ["fetch_ohlcv", "fetch_funding_rate_history", "fetch_orders"])
@pytest.mark.parametrize("kind", ["spot", "perpetual"])
@pytest.mark.parametrize("counted", [binance.counted, bybit.counted], ids=["binance", "bybit"])
def test_promise_15_history_at_full_speed_delays_no_order_where_all_calls_share_a_limit(
    counted: Counting, kind: str, beside: str
) -> None:
    def enter(time: VirtualTime) -> Callable[[str], Awaitable[None]]:
        gate = PacingGate(counted, time.monotonic_s, time.sleep)

        async def ask(what: str) -> None:
            call = beside if what == "history" else "create_order"
            await gate.enter(call, kind, "BTC/USDT")

        return ask

    assert longest_wait(enter) <= BOUND_S


def test_promise_15_what_goes_first_may_fill_more_of_a_shared_limit() -> None:
    assert [SHARES[rank] for rank in Rank] == sorted(SHARES.values(), reverse=True)
    assert list(Rank) == [Rank.CANCEL, Rank.ORDER, Rank.ACCOUNT, Rank.BARS, Rank.HISTORY]


def test_a_heavy_call_waits_until_enough_of_the_window_is_free() -> None:
    def counted(*_: str) -> list[Counted]:
        return [Counted(key="k", limit=Limit(calls=100, window_s=10.0), weight=30, share=0.9)]

    log = PacingLog(counted)
    for now_s in (0.0, 1.0, 2.0):
        assert log.wait_s("a", "b", "c", now_s) == 0
        log.note("a", "b", "c", now_s)

    assert log.wait_s("a", "b", "c", 3.0) == pytest.approx(7.0)  # the first leaves at 10 s
    assert log.wait_s("a", "b", "c", 10.0) == 0


def test_promise_15_a_bucket_that_all_share_without_rank_would_delay_orders() -> None:
    """The check can fail: history in the orders' own bucket takes their place."""

    def enter(time: VirtualTime) -> Callable[[str], Awaitable[None]]:
        gate = LimitGate(time.monotonic_s, time.sleep)

        async def ask(what: str) -> None:
            await gate.enter("POST", "trade/order", "BTC-USDT")

        return ask

    assert longest_wait(enter) > BOUND_S
