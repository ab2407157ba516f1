"""Bars that no market made: BTC/USDT spot and perpetual from a seed, for demos and tests.

Volatility switches between a calm and a wild regime, jumps come now and then, volume follows
both; the perpetual trades at a basis that reverts, is marked at a smoothed price, and settles
funding every eight hours. Everything made here says `generated` in its manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import Bars
from algotrader.core.errors import UsageError
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import FeeSchedule, Instrument, MarginSchedule, MarginTier
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.importing import Batch, Imported, Wanted, store
from algotrader.data.instruments import save_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.manifest import Source
from algotrader.data.tables import BarTable, Floats

SPOT = Symbol.parse("SIM:BTC/USDT")
PERPETUAL = Symbol.parse("SIM:BTC/USDT:USDT")

_TICK = 0.1  # USDT
_STEPS = 12  # moves inside a bar, from which its range comes
_FIRST_PRICE = 30_000.0
_CALM, _WILD = 0.0035, 0.0110  # standard deviation of an hour's log return
_TO_WILD, _TO_CALM = 0.004, 0.02  # probability an hour
_JUMP, _JUMP_SIZE = 0.0015, 0.025  # probability an hour, standard deviation of the log size
_BASIS_KEPT, _BASIS_MEAN, _BASIS_NOISE = 0.97, 0.00012, 0.0001
_FUNDING_CAP, _INTEREST = 0.0075, 0.0001  # fractions an interval of 8 h
_FUNDING_MS = 8 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One generated market. Funding: stamps (F,) UTC ms and rates (F,), longs pay above 0."""

    spot: Bars
    perpetual: Bars
    mark: Bars
    funding_ts: NDArray[np.int64]
    funding_rate: Floats
    seed: int


def generate(
    bars: int = 17_520,
    seed: int = 7,
    start: datetime = datetime(2023, 1, 1, tzinfo=UTC),
    timeframe: Timeframe = Timeframe(HOUR_MS),  # noqa: B008  frozen
) -> Generated:
    """`bars` bars of a spot market and its perpetual. The same arguments give the same bars.

    Draws come from PCG64; prices are rounded to 0.1 USDT, so the last bits of a machine's
    exponential do not show. UsageError for fewer than two bars, or a frame over eight hours.
    """
    if bars < 2 or timeframe.ms > _FUNDING_MS:
        raise UsageError(
            "data.generator", f"{bars} bars of {timeframe} cannot be generated",
            hint="ask for at least two bars of at most 8h",
        )  # fmt: skip
    draw = np.random.Generator(np.random.PCG64(seed))
    scale = (timeframe.ms / HOUR_MS) ** 0.5
    volatility = _regimes(draw, bars) * scale
    path = _path(draw, volatility, timeframe)
    ts = utc_ms(start) + timeframe.ms * np.arange(bars, dtype=np.int64)
    volume = _volume(draw, path, volatility, ts)
    basis = _basis(draw, bars * _STEPS).reshape(bars, _STEPS)
    smooth = basis.mean(axis=1, keepdims=True) * np.ones((1, _STEPS))
    perpetual = _bars(ts, path * np.exp(basis), volume * 2.5, PERPETUAL, timeframe)
    mark = _bars(ts, path * np.exp(smooth), np.full(bars, np.nan), PERPETUAL, timeframe)
    funding_ts, funding_rate = _funding(ts, basis.mean(axis=1), timeframe)
    return Generated(
        spot=_bars(ts, path, volume, SPOT, timeframe), perpetual=perpetual, mark=mark,
        funding_ts=funding_ts, funding_rate=funding_rate, seed=seed,
    )  # fmt: skip


def _regimes(draw: np.random.Generator, bars: int) -> Floats:
    """Volatility of each hour: a chain of two states."""
    chance = draw.random(bars)
    volatility = np.empty(bars)
    wild = False
    for row in range(bars):
        wild = chance[row] >= _TO_CALM if wild else chance[row] < _TO_WILD
        volatility[row] = _WILD if wild else _CALM
    return volatility


def _path(draw: np.random.Generator, volatility: Floats, timeframe: Timeframe) -> Floats:
    """Prices inside each bar, shape (bars, steps); the bar opens at the last price before it."""
    bars = len(volatility)
    moves = draw.standard_normal((bars, _STEPS)) * (volatility / _STEPS**0.5)[:, None]
    jumps = draw.random(bars) < _JUMP * timeframe.ms / HOUR_MS
    moves[:, 0] += np.where(jumps, draw.standard_normal(bars) * _JUMP_SIZE, 0.0)
    moves -= (moves.var(axis=1) / 2)[:, None]
    prices: Floats = _FIRST_PRICE * np.exp(np.cumsum(moves.ravel())).reshape(bars, _STEPS)
    return prices


def _volume(
    draw: np.random.Generator, path: Floats, volatility: Floats, ts: NDArray[np.int64]
) -> Floats:
    """BTC a bar: more by day than by night, more when prices move."""
    hour = ts % DAY_MS / DAY_MS
    rhythm = 1 + 0.35 * np.sin(2 * np.pi * (hour - 0.35))
    moved = np.abs(np.log(path[:, -1] / path[:, 0])) / volatility
    chance = np.exp(0.45 * draw.standard_normal(len(ts)))
    return np.round(180 * rhythm * (0.5 + moved) * (volatility / _CALM) * chance, 4) + 0.0001


def _basis(draw: np.random.Generator, steps: int) -> Floats:
    """Log distance of the perpetual from spot: it reverts to a small premium."""
    kept = _BASIS_KEPT ** (1 / _STEPS)
    noise = draw.standard_normal(steps) * _BASIS_NOISE / _STEPS**0.5
    basis = np.empty(steps)
    now = _BASIS_MEAN
    for step in range(steps):
        now = _BASIS_MEAN + kept * (now - _BASIS_MEAN) + noise[step]
        basis[step] = now
    return basis


def _funding(
    ts: NDArray[np.int64], premium: Floats, timeframe: Timeframe
) -> tuple[NDArray[np.int64], Floats]:
    """Mean premium of the eight hours before each settlement, damped and capped as venues do."""
    per = _FUNDING_MS // timeframe.ms
    first = int(-(ts[0] // timeframe.ms) % per)
    stamps, rates = [], []
    for row in range(first + per, len(ts), per):
        mean = float(np.mean(premium[row - per : row]))
        damped = mean + float(np.clip(_INTEREST - mean, -0.0005, 0.0005))
        stamps.append(int(ts[row]))
        rates.append(round(float(np.clip(damped, -_FUNDING_CAP, _FUNDING_CAP)), 8))
    return np.array(stamps, dtype=np.int64), np.array(rates, dtype=np.float64)


def _bars(
    ts: NDArray[np.int64], path: Floats, volume: Floats, symbol: Symbol, timeframe: Timeframe
) -> Bars:
    close = path[:, -1]
    opened = np.concatenate(([path[0, 0]], close[:-1]))
    high = np.maximum(path.max(axis=1), opened)
    low = np.minimum(path.min(axis=1), opened)
    rounded = [np.round(np.round(p / _TICK) * _TICK, 1) for p in (opened, high, low, close)]
    return Bars(
        ts=ts, open=rounded[0], high=rounded[1], low=rounded[2], close=rounded[3], volume=volume,
        known_at=ts + timeframe.ms, timeframe=timeframe, symbols=(symbol,), session=ts // DAY_MS,
    )  # fmt: skip


def instruments() -> tuple[Instrument, Instrument]:
    """Rules of the generated spot market and perpetual: those of a large venue's regular tier."""
    spot = Instrument(
        symbol=SPOT, kind=InstrumentKind.SPOT, lot=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"), min_notional=Decimal(5),
        fees=FeeSchedule(maker=Decimal("0.0008"), taker=Decimal("0.001"), source="generated"),
        base="BTC", quote="USDT", settle="USDT", tick=Decimal("0.1"),
    )  # fmt: skip
    tiers = (
        MarginTier(upper_notional=Decimal(1_000_000), maintenance_rate=Decimal("0.004")),
        MarginTier(upper_notional=Decimal(10_000_000), maintenance_rate=Decimal("0.01")),
        MarginTier(upper_notional=Decimal(100_000_000), maintenance_rate=Decimal("0.05")),
    )
    perpetual = Instrument(
        symbol=PERPETUAL, kind=InstrumentKind.PERPETUAL, lot=Decimal("0.001"),
        min_quantity=Decimal("0.001"), min_notional=Decimal(5),
        fees=FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.0005"), source="generated"),
        margin=MarginSchedule(leverage=Decimal(3), tiers=tiers, liquidation_fee=Decimal("0.0005"),
                              source="made up"),
        base="BTC", quote="USDT", settle="USDT", tick=Decimal("0.1"),
    )  # fmt: skip
    return spot, perpetual


def write_generated(lake: Lake, made: Generated, clock: Clock) -> list[Imported]:
    """Put a generated market into the lake: bars, marks, funding, instruments, all so labelled."""
    frame = made.spot.timeframe
    batches = [
        Batch(key=SeriesKey.bars(SPOT, frame), table=_table(made.spot)),
        Batch(key=SeriesKey.bars(PERPETUAL, frame), table=_table(made.perpetual)),
        Batch(key=SeriesKey.mark(PERPETUAL, frame), table=_table(made.mark)),
        Batch(
            key=SeriesKey.funding(PERPETUAL),
            table=BarTable(ts=made.funding_ts, columns={"funding_rate": made.funding_rate},
                           source="generated funding"),
        ),
    ]  # fmt: skip
    name = f"generator, seed {made.seed}, {len(made.spot)} bars of {frame}"
    source = Source(
        name=name, sha256=sha256(name.encode()).hexdigest(), received_at=clock.now().isoformat(),
        rows=sum(len(batch.table) for batch in batches), licence="generated, free of rights",
    )  # fmt: skip
    for instrument in instruments():
        save_instrument(lake.root, instrument)
    return store(lake, batches, source, clock, Wanted(generated=True))


def _table(bars: Bars) -> BarTable:
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    if not bool(np.isnan(bars.volume).all()):
        columns["volume"] = bars.volume
    return BarTable(ts=bars.ts, columns=columns, source="generated bars")
