"""OKX's limits, waits and clock: pure functions of the time they are told."""

from __future__ import annotations

import asyncio

import pytest

from algotrader.data.adapters.okx.clock import (
    ClockReading,
    ClockVerdict,
    clock_verdict,
    reading_of,
)
from algotrader.data.adapters.okx.limits import ACCOUNT_ORDERS, LIMITS, LimitGate, LimitLog
from algotrader.data.adapters.okx.streams import LONGEST_WAIT_S, wait_s


def most_at_once(method: str, path: str, instruments: int = 1) -> int:
    """Calls that may go out in one instant."""
    log, count = LimitLog(), 0
    while True:
        named = f"I{count % instruments}"
        if log.wait_s(method, path, named, 0.0) > 0:
            return count
        log.note(method, path, named, 0.0)
        count += 1


@pytest.mark.parametrize("path", sorted(LIMITS))
def test_no_call_is_made_more_often_than_its_limit(path: str) -> None:
    assert 1 <= most_at_once("GET", path) <= LIMITS[path].calls


def test_orders_count_per_instrument_and_together_for_the_account() -> None:
    assert most_at_once("POST", "trade/order") == 54  # nine tenths of 60
    assert most_at_once("POST", "trade/order", instruments=50) == 0.9 * ACCOUNT_ORDERS.calls


def test_a_window_frees_what_it_held() -> None:
    log = LimitLog()
    for _ in range(54):
        log.note("POST", "trade/order", "BTC-USDT", 10.0)

    assert log.wait_s("POST", "trade/order", "BTC-USDT", 11.5) == pytest.approx(0.5)
    assert log.wait_s("POST", "trade/order", "BTC-USDT", 12.0) == 0
    assert log.wait_s("POST", "trade/order", "ETH-USDT", 11.5) == 0


def test_history_at_full_speed_never_delays_an_order() -> None:
    log = LimitLog()
    for _ in range(1_000):
        log.note("GET", "market/history-candles", "BTC-USDT", 0.0)

    assert log.wait_s("GET", "market/history-candles", "BTC-USDT", 0.0) > 0
    assert log.wait_s("POST", "trade/order", "BTC-USDT", 0.0) == 0
    assert log.wait_s("POST", "trade/cancel-order", "BTC-USDT", 0.0) == 0


def test_f24_after_a_refusal_one_window_is_sat_out() -> None:
    now, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    async def work() -> None:
        gate = LimitGate(lambda: now[0], sleep)
        await gate.enter("POST", "trade/order", "BTC-USDT")
        gate.refused("POST", "trade/order", "BTC-USDT")
        await gate.enter("POST", "trade/order", "BTC-USDT")

    asyncio.run(work())
    assert slept == [2.0]


def test_f21_connects_are_at_most_two_a_second_and_at_least_two_a_minute() -> None:
    assert [wait_s(attempt, 0.999) for attempt in (0, 3, 20)] == pytest.approx(
        [0.5, 4.0, 30.0], rel=1e-3
    )
    waits = [wait_s(attempt, draw) for attempt in range(40) for draw in (0.0, 0.3, 0.999)]
    assert min(waits) >= 0.5
    assert max(waits) <= LONGEST_WAIT_S


def test_an_offset_is_known_to_half_the_way_there_and_back() -> None:
    assert reading_of(1_000, 5_050, 1_100) == ClockReading(offset_ms=4_000, uncertainty_ms=50)


@pytest.mark.parametrize(
    ("offset_ms", "verdict"),
    [(0, ClockVerdict.FINE), (-501, ClockVerdict.SHOWN), (1_001, ClockVerdict.NO_NEW_ORDERS),
     (-30_001, ClockVerdict.HALT)],
)  # fmt: skip
def test_f30_an_offset_is_shown_then_stops_orders_then_halts(
    offset_ms: int, verdict: ClockVerdict
) -> None:
    assert clock_verdict(offset_ms) is verdict
