"""A simulator from bars: generated ones, or those of a lake or a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from algotrader.core.bars import Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import MINUTE_MS, Timeframe
from algotrader.data import generator
from algotrader.simulator.okx.api import Api
from algotrader.simulator.okx.desk import MAIN_UID, Credentials, Desk
from algotrader.simulator.okx.exchange import Exchange, ExchangeSettings, PathRule
from algotrader.simulator.okx.faults import Fault, Faults
from algotrader.simulator.okx.feeds import FUNDING_MS, Feed
from algotrader.simulator.okx.limits import RateLimits
from algotrader.simulator.okx.listings import Listing, symbol_of, usual_instrument
from algotrader.simulator.okx.simulator import Pace, Simulator

DEFAULT_CREDENTIALS = Credentials(key="sim-key", secret="sim-secret", passphrase="sim-pass")  # noqa: S106
HISTORY_BARS = 1500
GENERATED_BARS = 22_000
GENERATED = ("BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP", "ETH-USDT", "ETH-USDT-SWAP", "LTC-USDT")
_SCALES = {"BTC": 1.0, "ETH": 0.06, "LTC": 0.003}

Listed = Sequence[tuple[Listing, Feed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSettings:
    """What a simulator begins with."""

    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    credentials: Credentials = DEFAULT_CREDENTIALS
    sub_accounts: tuple[Credentials, ...] = ()  # each with the same balances
    speed: float = 1.0
    seed: int = 7
    participation: float = 0.1
    path: PathRule = PathRule.WORST
    limits: bool = True
    history_bars: int = HISTORY_BARS  # before the venue's first moment; at most half the data
    faults: tuple[Fault, ...] = ()
    rebase: bool = True  # move the data in time so that the venue's clock is the server's


def build(listed: Listed, settings: SimulatorSettings, at_ms: int) -> Simulator:
    """A simulator whose first moment is `at_ms` of the server's clock."""
    first = min(int(feed.ts[min(settings.history_bars, len(feed.ts) // 2)]) for _, feed in listed)
    if settings.rebase:
        step = _grid_ms([feed for _, feed in listed], first)
        by_ms = (at_ms - first) // step * step
        listed = [(listing, feed.shifted(by_ms)) for listing, feed in listed]
        first = at_ms
    exchange = Exchange(list(listed), ExchangeSettings(
        start_ms=first, balances=settings.balances, seed=settings.seed,
        participation=settings.participation, path=settings.path,
    ))  # fmt: skip
    desk = Desk(exchange=exchange, credentials=settings.credentials)
    others = [
        Desk(exchange=exchange.beside(settings.balances), credentials=one,
             uid=str(int(MAIN_UID) + number))
        for number, one in enumerate(settings.sub_accounts, start=1)
    ]  # fmt: skip
    api = Api(desk, *others, limits=RateLimits(enabled=settings.limits))
    pace = Pace(started_ms=at_ms, venue_ms=first, speed=settings.speed)
    return Simulator(api, pace, Faults(settings.faults, seed=settings.seed, started_ms=at_ms))


def _grid_ms(feeds: Sequence[Feed], first: int) -> int:
    """Bars stay on their own grid; funding is settled at 00:00, 08:00 and 16:00 UTC.

    Data too short to give up as much as eight hours keeps the bars' grid alone.
    """
    longest = max(feed.timeframe_ms for feed in feeds)
    is_long = all(feed.end_ms - first >= 3 * FUNDING_MS for feed in feeds)
    funded = any(feed.funding_ts.size for feed in feeds)
    return math.lcm(longest, FUNDING_MS) if funded and is_long else longest


def generated(
    inst_ids: Sequence[str] = GENERATED, *, bars: int = GENERATED_BARS, seed: int = 7,
    timeframe: Timeframe = Timeframe(MINUTE_MS),  # noqa: B008  frozen
) -> Listed:  # fmt: skip
    """Synthetic markets: the pair's spot, its perpetual at a basis, marks and funding."""
    made: dict[str, generator.Generated] = {}
    listed = []
    for number, inst_id in enumerate(inst_ids, start=1):
        symbol = symbol_of(inst_id)
        base = symbol.base or ""
        if base not in made:
            start = datetime(2024, 1, 1, tzinfo=UTC)
            made[base] = generator.generate(bars, seed + len(made), start, timeframe)
        listing = Listing(instrument=usual_instrument(symbol), number=10_000 + number)
        listed.append((listing, _feed(made[base], symbol, listing, _SCALES.get(base, 1.0))))
    return listed


def _feed(made: generator.Generated, symbol: Symbol, listing: Listing, scale: float) -> Feed:
    tick = float(listing.instrument.tick)
    if listing.is_spot:
        return _scaled(Feed.of(made.spot), scale, tick, 1.0)
    feed = Feed.of(made.perpetual, made.mark, (made.funding_ts, made.funding_rate))
    size = float(listing.instrument.multiplier)
    contracts = _mean(made.perpetual) * scale / size if symbol.is_inverse else 1 / size
    return _scaled(feed, scale, tick, contracts)


def _mean(bars: Bars) -> float:
    return float(np.mean(bars.close))


def _scaled(feed: Feed, scale: float, tick: float, contracts: float) -> Feed:
    """Another price level on whole ticks; volume in order units."""

    def rounded(values: np.ndarray) -> np.ndarray:
        return np.round(np.round(values * scale / tick) * tick, 10)

    return replace(
        feed, ohlc=rounded(feed.ohlc), volume=feed.volume / scale * contracts,
        mark=None if feed.mark is None else rounded(feed.mark),
    )  # fmt: skip
