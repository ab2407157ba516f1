"""Candles of any time frame the bars can make, and the statistics of a day."""

from __future__ import annotations

import numpy as np

from algotrader.core.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from algotrader.simulator.okx.market import Candle, Market
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.rows import real

_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240}
_LONG = {"6H": 6, "12H": 12, "1D": 24, "2D": 48, "3D": 72}
_WEEK_MS, _MONDAY_MS = 7 * DAY_MS, 4 * DAY_MS  # the epoch was a Thursday
_HONG_KONG_MS = 16 * HOUR_MS  # where a plain day begins, UTC


def frame_of(bar: str) -> tuple[int, int]:
    """Length and offset of a candle's grid in ms: `1H`, `1D` (from 16:00 UTC), `1Dutc`."""
    if bar in _MINUTES:
        return _MINUTES[bar] * MINUTE_MS, 0
    plain = bar.removesuffix("utc")
    if plain in _LONG:
        length = _LONG[plain] * HOUR_MS
        return length, 0 if bar.endswith("utc") else _HONG_KONG_MS % length
    if plain == "1W":
        return _WEEK_MS, _MONDAY_MS if bar.endswith("utc") else _MONDAY_MS - 8 * HOUR_MS
    raise Refusal("51000", "bar")


def check_frame(market: Market, bar: str) -> tuple[int, int]:
    """A grid that whole bars of the feed fill; Refusal 51000 for a finer one."""
    length, offset = frame_of(bar)
    base = market.feed.timeframe_ms
    if length % base or offset % base:
        raise Refusal("51000", "bar")
    return length, offset


def candles(
    market: Market, bar: str, now: float, *,
    after: int | None = None, before: int | None = None, limit: int = 100, mark: bool = False,
) -> list[list[str]]:  # fmt: skip
    """Rows newest first, the forming one with confirm 0; `after` and `before` exclude."""
    length, offset = check_frame(market, bar)
    newest = _floor(int(min(now, after - 1 if after is not None else now)), length, offset)
    found: list[list[str]] = []
    oldest = int(market.feed.ts[0])
    for ts in range(newest, oldest - length, -length):
        if before is not None and ts <= before:
            break
        made = candle_at(market, ts, length, now, mark=mark)
        if made is not None:
            found.append(candle_row(market, made, mark=mark))
        if len(found) == limit:
            break
    return found


def candle_at(
    market: Market, ts: int, length: int, now: float, *, mark: bool = False
) -> Candle | None:
    """The candle that opens at `ts`; None if nothing was traded in it yet."""
    feed = market.feed
    first, stop = np.searchsorted(feed.ts, (ts, min(ts + length, int(now) + 1)))
    stop = min(int(stop), market.row + 1)
    if first >= stop:
        return None
    source = feed.mark if mark and feed.mark is not None else feed.ohlc
    values, volumes = source[first:stop].copy(), feed.volume[first:stop].copy()
    forming = market.candle(now)
    if stop == market.row + 1 and not forming.closed:
        opened = float(values[-1, 0])
        values[-1] = (
            (opened, max(opened, market.mark), min(opened, market.mark), market.mark) if mark
            else (forming.open, forming.high, forming.low, forming.close)
        )  # fmt: skip
        volumes[-1] = forming.volume
    return Candle(
        ts, float(values[0, 0]), float(values[:, 1].max()), float(values[:, 2].min()),
        float(values[-1, 3]), float(np.nansum(volumes)), closed=now >= ts + length,
    )  # fmt: skip


def candle_row(market: Market, candle: Candle, *, mark: bool = False) -> list[str]:
    """[ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm]; marks have no volume."""
    tick = float(market.listing.instrument.tick)
    prices = [_price(p, tick) for p in (candle.open, candle.high, candle.low, candle.close)]
    confirm = "1" if candle.closed else "0"
    if mark:
        return [str(candle.ts), *prices, confirm]
    volume = candle.volume
    coins, money = _value(market, volume, candle.close)
    in_currency = money if market.listing.is_spot else coins
    return [str(candle.ts), *prices, real(volume), real(in_currency), real(money), confirm]


def day(market: Market, now: float) -> dict[str, float]:
    """Open, high, low and volume of the last 24 hours, and the price at two midnights."""
    feed, row = market.feed, max(market.row, 0)
    first = min(int(np.searchsorted(feed.ts, now - DAY_MS)), row)
    values = feed.ohlc[first:row]
    forming = market.candle(now)
    volume = float(np.nansum(feed.volume[first:row])) + forming.volume
    coins, money = _value(market, volume, market.price)
    return {
        "open": float(feed.ohlc[first, 0]),
        "high": max([forming.high, *values[:, 1]]), "low": min([forming.low, *values[:, 2]]),
        "volume": volume, "value": money if market.listing.is_spot else coins,
        "utc0": _open_since(market, _floor(int(now), DAY_MS, 0)),
        "utc8": _open_since(market, _floor(int(now), DAY_MS, _HONG_KONG_MS)),
    }  # fmt: skip


def _open_since(market: Market, ts: int) -> float:
    row = min(int(np.searchsorted(market.feed.ts, ts)), max(market.row, 0))
    return float(market.feed.ohlc[row, 0])


def _value(market: Market, volume: float, price: float) -> tuple[float, float]:
    """A volume in order units as coins and as money."""
    made = market.listing.instrument
    units = volume * float(made.multiplier)
    if not made.is_inverse:
        return units, units * price
    return (units / price if price else 0.0), units


def _price(value: float, tick: float) -> str:
    return real(round(value / tick) * tick if tick else value)


def _floor(at: int, length: int, offset: int) -> int:
    return (at - offset) // length * length + offset
