"""What runs beside a trader: what is recorded, of which instruments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from algotrader.core.errors import UsageError
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.ops import beside
from algotrader.ops.beside import Beside
from algotrader.ops.collecting import CollectRole
from algotrader.ops.config import load
from algotrader.ops.scheduling.wiring import SchedulerRole

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
DESK = """
trading: {mode: paper, data: live}
strategies:
  trend: {use: TrendFollow, symbols: [OKX:BTC/USDT, OKX:ETH/USDT], timeframe: 1h}
collect:
  url: http://127.0.0.1:1
  record: {trades: true}
"""
MORE = "  series: [{symbols: [OKX:ETH/USDT], timeframe: 1d}]"


@pytest.mark.parametrize(
    ("settings", "expected"), [(DESK, [[BTC, ETH]]), (f"{DESK}{MORE}\n", [[BTC], [ETH]])]
)
def test_what_is_traded_is_recorded_too_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, expected: list[list[Symbol]]
) -> None:
    file = tmp_path / "algotrader.yaml"
    file.write_text(settings)
    recorded: list[list[Symbol]] = []

    async def record(_: CollectRole, symbols: Sequence[Symbol]) -> None:
        recorded.append(list(symbols))
        await asyncio.Event().wait()

    async def caught_up(_: CollectRole) -> None:
        pass

    async def kept(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(CollectRole, "_record", record)
    monkeypatch.setattr(CollectRole, "_kept", kept)
    monkeypatch.setattr(CollectRole, "catch_up", caught_up)

    class Quiet:
        async def notify(self, notice: Notice) -> None:
            raise AssertionError(notice.text)

    async def work() -> None:
        beside = Beside(load(file, environment={}), SystemClock(), Quiet())
        with suppress(TimeoutError):
            await asyncio.wait_for(beside.run(), 0.3)

    asyncio.run(work())
    assert sorted(recorded) == expected


def test_the_jobs_are_taken_over_from_a_scheduler_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_SCHEDULER_AGAIN_S", 0.02)
    file = tmp_path / "algotrader.yaml"
    file.write_text("jobs: {look: {do: command, every: 1h, arguments: [/bin/true]}}\n")
    configuration, says = load(file, environment={}), list[str]()

    class Quiet:
        async def notify(self, notice: Notice) -> None:
            raise AssertionError(notice.text)

    async def work() -> None:
        first = asyncio.ensure_future(SchedulerRole(configuration, SystemClock(), Quiet()).run())
        await asyncio.sleep(0.05)
        second = Beside(configuration, SystemClock(), Quiet(), says=says.append, collects=False)
        running = asyncio.ensure_future(second.run())
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0.2)
        with pytest.raises(UsageError):
            await SchedulerRole(configuration, SystemClock(), Quiet()).run()
        running.cancel()
        await asyncio.gather(first, running, return_exceptions=True)

    asyncio.run(work())
    assert says == ["a scheduler of this workspace runs already"]
