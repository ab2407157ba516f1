"""One instrument's price while the venue runs: a line through open, extremes and close of each bar.

Inside a bar the price rests at the open for a tenth of the bar, so that what is sent at a close
meets the open, then travels its three legs in equal fractions (R17). Between waypoints it moves in
a straight line, so when a level is reached can be computed and does not depend on how often the
venue is stepped.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from algotrader._kernel import sizing as kernel
from algotrader.core.orders import Side
from algotrader.portfolio.positions import Contract
from algotrader.portfolio.sizing import KernelTerms, limit_price
from algotrader.simulator.okx.feeds import Feed
from algotrader.simulator.okx.listings import Listing

REST_AT_OPEN = 0.1  # fraction of a bar


class Leg(NamedTuple):
    """A straight part of the path, in milliseconds and quote currency."""

    start: float
    end: float
    price: tuple[float, float]
    mark: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Candle:
    """A bar as seen so far, quote currency and order units."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class Market:
    """Price, mark, candle and liquidity of one instrument at the venue's time."""

    def __init__(self, listing: Listing, feed: Feed, participation: float) -> None:
        self.feed = feed
        self.participation = participation
        self.row = -1  # bar that is being travelled, or was last
        self.legs: deque[Leg] = deque()
        self.price = float(feed.ohlc[0, 0])
        self.mark = self.price if feed.mark is None else float(feed.mark[0, 0])
        self.room = math.inf  # lots our orders may still take of this bar (R20)
        self.high = self.low = self.price
        self.needs_legs = False
        self.trades: deque[dict[str, str]] = deque(maxlen=500)  # public ones, oldest first
        self.first_price = Decimal(repr(self.price))
        self.relist(listing)

    def relist(self, listing: Listing) -> None:
        """Take over the rules of the instrument as the venue states them now."""
        self.listing = listing
        self.terms = KernelTerms.of(listing.instrument)
        self.contract = Contract.of(listing.instrument)

    @property
    def inst_id(self) -> str:
        return self.listing.inst_id

    def skip_to(self, at: int) -> None:
        """Begin at `at`: what came before is history, the price that of the last close."""
        self.row = int(np.searchsorted(self.feed.ts + self.feed.timeframe_ms, at, side="right")) - 1
        if self.row >= 0:
            self.price = float(self.feed.ohlc[self.row, 3])
            self.mark = self.price if self.feed.mark is None else float(self.feed.mark[self.row, 3])

    def next_joint(self) -> float:
        """When the line bends next, UTC ms; infinity after the last bar."""
        if self.legs:
            return self.legs[0].end
        following = self.row + 1
        return float(self.feed.ts[following]) if following < len(self.feed.ts) else math.inf

    def travel(self, at: float) -> None:
        """Move along the current leg; `at` does not pass its end."""
        if not self.legs:
            return
        self.price, self.mark = self.at(at)
        self._seen(self.price)

    def at(self, at: float) -> tuple[float, float]:
        """Price and mark at a time inside the current leg."""
        if not self.legs:
            return self.price, self.mark
        leg = self.legs[0]
        if at >= leg.end:
            return leg.price[1], leg.mark[1]
        share = max(at - leg.start, 0.0) / (leg.end - leg.start)
        return (
            leg.price[0] + (leg.price[1] - leg.price[0]) * share,
            leg.mark[0] + (leg.mark[1] - leg.mark[0]) * share,
        )

    def touch(self, price: float) -> None:
        """Stand exactly on a level that was reached: interpolation leaves a last bit behind."""
        self.price = price
        self._seen(price)

    def end_leg(self, at: float) -> bool:
        """Leave a leg that ended by `at`. True if with it the bar closed."""
        if not self.legs or self.legs[0].end > at:
            return False
        leg = self.legs.popleft()
        self.price, self.mark = leg.price[1], leg.mark[1]
        return not self.legs and not self.needs_legs

    def opens(self, at: float) -> bool:
        """Whether a bar opens now."""
        return not self.legs and not self.needs_legs and self.next_joint() <= at

    def open_bar(self) -> None:
        self.row += 1
        row, feed = self.row, self.feed
        start, opened = float(feed.ts[row]), float(feed.ohlc[row, 0])
        mark = opened if feed.mark is None else float(feed.mark[row, 0])
        self.price, self.mark = opened, mark
        self.high = self.low = opened
        volume = float(feed.volume[row])
        lots = self.participation * volume / self.terms.lot
        room = kernel.whole_lots(lots)  # NaN beyond what float64 counts (R9): more than any order
        unlimited = math.isnan(room) or (self.participation == 0.0 and volume > 0.0)
        self.room = math.inf if unlimited else room
        self.legs.append(Leg(start, start + REST_AT_OPEN * feed.timeframe_ms,
                             (opened, opened), (mark, mark)))  # fmt: skip
        self.needs_legs = True

    def choose_legs(self, *, low_first: bool) -> None:
        """Fix the order of the extremes, after what happened at the open (R17)."""
        row, feed = self.row, self.feed
        opened, high, low, close = (float(value) for value in feed.ohlc[row])
        marks = feed.ohlc[row] if feed.mark is None else feed.mark[row]
        first, second = (low, high) if low_first else (high, low)
        mark_first, mark_second = (marks[2], marks[1]) if low_first else (marks[1], marks[2])
        begin = float(feed.ts[row]) + REST_AT_OPEN * feed.timeframe_ms
        length = (1 - REST_AT_OPEN) * feed.timeframe_ms / 3
        stops = [begin, begin + length, begin + 2 * length,
                 float(feed.ts[row]) + feed.timeframe_ms]  # fmt: skip
        points = [opened, first, second, close]
        mark_points = [float(m) for m in (marks[0], mark_first, mark_second, marks[3])]
        for i in range(3):
            self.legs.append(Leg(stops[i], stops[i + 1], (points[i], points[i + 1]),
                                 (mark_points[i], mark_points[i + 1])))  # fmt: skip
        self.needs_legs = False

    def reaches(self, level: float, sign: int, at: float, *, mark: bool = False) -> float | None:
        """When price (or mark) times `sign` is at or above level times `sign`, from `at` on.

        Within the current leg; `None` if not there. A bar without volume reaches nothing (R20).
        """
        if self.is_quiet():
            return None
        now = self.mark if mark else self.price
        if (now - level) * sign >= -1e-9 * abs(level):
            return at
        if not self.legs:
            return None
        leg = self.legs[0]
        begin, end = leg.mark if mark else leg.price
        if (end - level) * sign < -1e-9 * abs(level) or end == begin:
            return None
        reached = leg.start + (level - begin) / (end - begin) * (leg.end - leg.start)
        return min(max(reached, at), leg.end)

    def is_quiet(self) -> bool:
        """A bar without volume, or a time without a bar: nothing fills or triggers (R3, R20)."""
        return self.row < 0 or self.feed.volume[self.row] == 0.0 or not (
            self.legs or self.needs_legs
        )  # fmt: skip

    @property
    def last(self) -> Decimal:
        """Last traded price, on the tick at or below the line."""
        return limit_price(self.price, self.listing.instrument, Side.BUY)

    @property
    def mark_price(self) -> Decimal:
        return limit_price(self.mark, self.listing.instrument, Side.BUY)

    @property
    def bid(self) -> Decimal:
        return limit_price(self.price * (1 - self._spread()), self.listing.instrument, Side.BUY)

    @property
    def ask(self) -> Decimal:
        """Best offer: at least a tick above the bid, as in any book."""
        instrument = self.listing.instrument
        asked = limit_price(self.price * (1 + self._spread()), instrument, Side.SELL)
        return max(asked, self.bid + instrument.tick)

    def _spread(self) -> float:
        return kernel.slippage_fraction(self.terms, 0.0, math.nan, math.nan)

    def _seen(self, price: float) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)

    def candle(self, at: float) -> Candle:
        """The bar being travelled, or the last one."""
        row, feed = max(self.row, 0), self.feed
        ts = int(feed.ts[row])
        if not (self.legs or self.needs_legs):
            opened, high, low, close = (float(value) for value in feed.ohlc[row])
            return Candle(ts, opened, high, low, close, float(feed.volume[row]), closed=True)
        share = min(max((at - ts) / feed.timeframe_ms, 0.0), 1.0)
        return Candle(ts, float(feed.ohlc[row, 0]), self.high, self.low, self.price,
                      float(feed.volume[row]) * share, closed=False)  # fmt: skip
