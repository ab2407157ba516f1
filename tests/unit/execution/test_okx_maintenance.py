"""Half an hour of maintenance at OKX, on a clock where time passes by command (F29)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from tests.builders.okx_orders import KEYS, MAIN, an_order, approved
from tests.simulation.virtual_loop import LoopClock, VirtualLoop, run_virtually

from algotrader.core.events import OrderAccepted, OrderRejected, OrderUnknown
from algotrader.core.instants import utc_ms
from algotrader.data.adapters.okx.rest import NoAnswerError
from algotrader.execution.adapters.okx.broker import OkxBroker
from algotrader.execution.adapters.okx.client import Answer, OkxClient
from algotrader.execution.broker import BrokerUnavailableError

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
FROM_S, UNTIL_S = 60.0, 60.0 + 30 * 60.0
CLOSED = Answer(code="50001", message="Service temporarily unavailable", rows=())


class UnderMaintenance(OkxClient):
    """Answers as OKX does: to nothing but with 50001 while it lasts."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(KEYS, base_url="http://127.0.0.1:9")
        self._loop = loop
        self.posted_s: list[float] = []

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        raise BrokerUnavailableError("nothing is asked here")

    async def post(
        self, path: str, params: Any, *, deadline_ms: int | None = None
    ) -> Answer:  # fmt: skip
        self.posted_s.append(self._loop.time())
        await asyncio.sleep(0.05)
        if FROM_S <= self._loop.time() < UNTIL_S:
            return CLOSED
        row = {"sCode": "0", "sMsg": "", "ordId": f"{len(self.posted_s)}"}
        return Answer(code="0", message="", rows=(row,))


class NoClock:
    """The venue's clock cannot be read either."""

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        raise NoAnswerError("closed")

    async def close(self) -> None: ...


Told = OrderAccepted | OrderRejected | OrderUnknown


def half_an_hour() -> tuple[list[float], list[tuple[float, Told]]]:
    """An order each five seconds, from before it until after it: what was sent, what was told."""
    loop = VirtualLoop()
    client = UnderMaintenance(loop)
    client.rest = NoClock()  # type: ignore[assignment]  # all that is asked of it
    told: list[tuple[float, Told]] = []

    async def run() -> None:
        clock = LoopClock(loop)
        broker = OkxBroker(MAIN, client, clock)
        for number in range(400):
            await asyncio.sleep(5.0)
            deadline_ms = utc_ms(clock.now()) + 5_000
            answer = await broker.submit(approved(an_order("0.1", number=number)), deadline_ms)
            told.append((loop.time(), answer))

    run_virtually(loop, run())
    return client.posted_s, told


def test_f29_for_half_an_hour_orders_are_probes_half_a_minute_apart_and_then_go_on() -> None:
    posted_s, told = half_an_hour()

    probes = [at for at in posted_s if FROM_S <= at < UNTIL_S]
    assert 50 <= len(probes) <= 60  # of 360 orders that were wanted
    assert all(30.0 <= later - earlier < 36.0 for earlier, later in pairwise(probes))
    while_closed = [answer for at, answer in told if FROM_S <= at < UNTIL_S]
    assert not any(isinstance(answer, OrderAccepted) for answer in while_closed)
    refused = [answer for answer in while_closed if isinstance(answer, OrderRejected)]
    assert len(refused) == len(while_closed) - len(probes)  # those were never sent
    assert {answer.code for answer in refused} == {"50001"}
    first = next(at for at, answer in told if at > UNTIL_S and isinstance(answer, OrderAccepted))
    assert first <= UNTIL_S + 35.0
    assert all(isinstance(answer, OrderAccepted) for at, answer in told if at >= first)
