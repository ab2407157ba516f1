"""A simulated OKX for tests: small markets with prices by hand, and clients on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from algotrader.core.instants import utc_ms
from algotrader.core.ports import ManualClock, SystemClock
from algotrader.simulator.okx.build import SimulatorSettings, build
from algotrader.simulator.okx.exchange import Exchange, ExchangeSettings, PathRule
from algotrader.simulator.okx.feeds import Feed
from algotrader.simulator.okx.listings import Listing, symbol_of, usual_instrument
from algotrader.simulator.okx.server import Server, serving
from algotrader.simulator.okx.simulator import Simulator

T = TypeVar("T")
FIRST = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000
MINUTE = 60_000
Row = tuple[float, float, float, float]  # open, high, low, close


def listing(inst_id: str = "BTC-USDT", **changes: Any) -> Listing:
    made = Listing(instrument=usual_instrument(symbol_of(inst_id)), number=10_001)
    return made.changed(**changes) if changes else made


def feed(
    rows: Sequence[Row], *, volume: float = 1e6, first: int = FIRST, step: int = HOUR,
    mark: Sequence[Row] | None = None, funding: Sequence[tuple[int, float]] = (),
) -> Feed:  # fmt: skip
    return Feed(
        ts=first + step * np.arange(len(rows), dtype=np.int64), timeframe_ms=step,
        ohlc=np.array(rows, dtype=np.float64), volume=np.full(len(rows), volume),
        mark=None if mark is None else np.array(mark, dtype=np.float64),
        funding_ts=np.array([ts for ts, _ in funding], dtype=np.int64),
        funding_rate=np.array([rate for _, rate in funding], dtype=np.float64),
    )  # fmt: skip


FLAT: Row = (100.0, 100.0, 100.0, 100.0)


def exchange(
    *listed: tuple[Listing, Feed], balances: dict[str, str] | None = None,
    start: int = FIRST, path: PathRule = PathRule.WORST, participation: float = 0.1, seed: int = 7,
) -> Exchange:  # fmt: skip
    coins = {"USDT": "10000"} if balances is None else balances
    return Exchange(list(listed), ExchangeSettings(
        start_ms=start, balances={c: Decimal(v) for c, v in coins.items()}, path=path,
        participation=participation, seed=seed,
    ))  # fmt: skip


def many_minutes(level: float, count: int = 400) -> list[Row]:
    """Minutes around a level: up and down by a tenth of a percent."""
    high, low = round(level * 1.001, 1), round(level * 0.999, 1)
    return [(level, high, low, level) for _ in range(count)]


LEVELS = {
    "BTC-USDT": 30_000.0, "ETH-USDT": 1_900.0, "LTC-USDT": 100.0, "BTC-USDT-SWAP": 30_000.0,
    "BTC-USD-SWAP": 30_000.0, "ETH-USDT-SWAP": 1_900.0,
}  # fmt: skip
_SETTLED = [(FIRST, 0.0001), (FIRST + 90 * MINUTE, 0.0001)]
RICH = {"USDT": Decimal(1_000_000), "BTC": Decimal(10), "ETH": Decimal(100), "LTC": Decimal(1000)}


def simulator(
    clock: ManualClock | SystemClock | None = None, *, names: Sequence[str] = tuple(LEVELS),
    bars: int = 400, **settings: Any,
) -> Simulator:  # fmt: skip
    """All the usual instruments on quiet minute bars, and money enough."""
    listed = [
        (listing(name), feed(many_minutes(LEVELS[name], bars), step=MINUTE, funding=_SETTLED))
        for name in names
    ]
    chosen = {"balances": RICH, "history_bars": 300} | settings
    at = utc_ms((clock or a_clock()).now()) // MINUTE * MINUTE  # the venue begins with a bar
    return build(listed, SimulatorSettings(**chosen), at)


def a_clock() -> ManualClock:
    return ManualClock(datetime(2024, 3, 1, tzinfo=UTC))


def client_settings(port: int) -> dict[str, Any]:
    """The address of a look-alike, as any client of ours would be told it."""
    base, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/v5"
    urls = {"rest": base, "ws": ws}
    return {
        "apiKey": "sim-key", "secret": "sim-secret", "password": "sim-pass", "timeout": 20_000,
        "enableRateLimit": False, "urls": {"api": urls, "test": urls},
        "options": {"fetchMarkets": {"types": ["spot", "swap"]}},
    }  # fmt: skip


@asynccontextmanager
async def connected(server: Server, **changes: Any) -> AsyncIterator[Any]:
    """The real client with sockets, on a free port; markets are loaded."""
    import ccxt.pro

    async with serving(server, "127.0.0.1", 0) as port:
        client = ccxt.pro.okx(client_settings(port) | changes)
        try:
            await client.load_markets()
            yield client
        finally:
            await client.close()


def with_client(
    work: Callable[[Any, Server], Awaitable[T]], server: Server | None = None, **changes: Any
) -> T:
    """Run `work(client, server)` against a served simulator."""
    chosen = server or Server(simulator(SystemClock()), SystemClock())

    async def run() -> T:
        async with connected(chosen, **changes) as client:
            return await work(client, chosen)

    return asyncio.run(run())


@contextmanager
def served(venue: Simulator) -> Iterator[int]:
    """The port of a venue that is served by a thread of its own, as long as the block lasts."""
    loop, ports, stop = asyncio.new_event_loop(), [], asyncio.Event()
    started = threading.Event()

    async def serve() -> None:
        async with serving(Server(venue, SystemClock()), "127.0.0.1", 0) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
