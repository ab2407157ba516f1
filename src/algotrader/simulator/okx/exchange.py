"""The venue's engine: time, and what happens as it passes.

`Exchange` is deterministic: it has no clock, does no I/O and draws only from its seed. Whoever
drives it says what time it is; between two steps prices move along their paths, and everything
they reach on the way happens in its order, at its own time, however far apart the steps are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zlib import crc32

import numpy as np

from algotrader.core.orders import Side
from algotrader.simulator.okx import algos, margin, trading
from algotrader.simulator.okx.feeds import Feed
from algotrader.simulator.okx.listings import Listing
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO, plain
from algotrader.simulator.okx.orders import Algo, NewAlgo, NewOrder, Order
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.venue import FIRST_ID, Event, Venue
from algotrader.simulator.okx.wallet import HeldKey, MarginGroup, Wallet, margin_groups

_IDS_OF_AN_ACCOUNT = 10**17  # more than an account can use up


class PathRule(StrEnum):
    """In which order the extremes of a bar are met (R17)."""

    WORST = "worst"
    NEAR_FAR = "near-far"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """How an exchange begins. `balances` are coins of the trading account."""

    start_ms: int
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    seed: int = 7
    participation: float = 0.1  # fraction of a bar's volume that orders may take (R20)
    path: PathRule = PathRule.WORST


class _Due(NamedTuple):
    """Something that happens at a time: ordered by it, then by kind, then by age."""

    at: float
    rank: int
    age: int
    venue: Venue  # of the account that it happens to
    what: Order | MarginGroup | tuple[Algo, algos.Watch]


class Exchange:
    """One account of a venue; all accounts stand in the same markets. Times are UTC milliseconds."""

    def __init__(self, listed: Mapping[Listing, Feed] | list[tuple[Listing, Feed]],
                 settings: ExchangeSettings) -> None:  # fmt: skip
        pairs = list(listed.items()) if isinstance(listed, Mapping) else listed
        markets = {
            listing.inst_id: Market(listing, feed, settings.participation)
            for listing, feed in sorted(pairs, key=lambda pair: pair[0].inst_id)
        }
        self.settings = settings
        self.venue = Venue(
            markets=markets, wallet=Wallet(dict(settings.balances)),
            draw=np.random.Generator(np.random.PCG64(settings.seed)), now=float(settings.start_ms),
        )  # fmt: skip
        self._venues = [self.venue]  # of every account, in the order in which they were opened
        for market in markets.values():
            market.skip_to(settings.start_ms)
        self._arrive()

    def beside(self, balances: Mapping[str, Decimal]) -> Exchange:
        """Another account in the same markets. Time passes for all by `step` of any of them."""
        other = copy(self)  # the list of all accounts stays one
        seed = [self.settings.seed, len(self._venues)]
        other.venue = Venue(
            markets=self.venue.markets, wallet=Wallet(dict(balances)),
            draw=np.random.Generator(np.random.PCG64(seed)), now=self.venue.now,
            first_id=FIRST_ID + len(self._venues) * _IDS_OF_AN_ACCOUNT,
        )  # fmt: skip
        self._venues.append(other.venue)
        return other

    @property
    def now_ms(self) -> int:
        return self.venue.now_ms

    @property
    def is_over(self) -> bool:
        """Whether every price has reached the end of its data."""
        return all(market.next_joint() == math.inf for market in self.venue.markets.values())

    def step(self, now_ms: float) -> None:
        """Let time pass until `now_ms`. A time before the venue's own changes nothing."""
        venue = self.venue
        moved = now_ms > venue.now
        while venue.now < now_ms:
            at = min(float(now_ms), self._next_stop())
            self._travel(at)
            self._arrive()
        if moved:
            for market in venue.markets.values():
                self._trade_publicly(market)
                self._venues[0].tell_market("tick", market)
        self._finish()

    def _trade_publicly(self, market: Market) -> None:
        """Somebody traded: as the tape shows it, at the price of now."""
        price = plain(market.last)
        before = market.trades[-1]["px"] if market.trades else price
        if market.trades and price == before:
            return
        made = market.listing.instrument
        lots = 1 + crc32(f"{market.inst_id} {price} {self.now_ms}".encode()) % 100
        trade = {
            "instId": market.inst_id, "tradeId": self._venues[0].next_tape_id(), "px": price,
            "sz": plain(max(made.min_quantity, made.lot) * lots),
            "side": "buy" if Decimal(price) >= Decimal(before) else "sell",
            "ts": str(self.now_ms),
        }  # fmt: skip
        market.trades.append(trade)
        self._venues[0].tell_market("trade", market, trade | {"count": "1"})

    def drain(self) -> list[Event]:
        """What happened on this account since the last call, in its order.

        What happens in the markets is told on the account that was there first.
        """
        events, self.venue.events = self.venue.events, []
        return events

    def place(self, asked: NewOrder) -> Order:
        """Take an order. Refusal says why it is not taken."""
        order = trading.place(self.venue, asked)
        self._finish()
        return order

    def place_algo(self, asked: NewAlgo) -> Algo:
        algo = algos.place_algo(self.venue, asked)
        self._finish()
        return algo

    def cancel(self, inst_id: str, order_id: str = "", client_id: str = "") -> Order:
        order = trading.cancel_named(self.venue, inst_id, order_id, client_id)
        self._finish()
        return order

    def cancel_algo(self, inst_id: str, algo_id: str = "", client_id: str = "") -> Algo:
        algo = algos.cancel_algo(self.venue, inst_id, algo_id, client_id)
        self._finish()
        return algo

    def amend(
        self, order: Order, size: Decimal | None, price: Decimal | None, request_id: str = ""
    ) -> None:
        trading.amend(self.venue, order, size, price, request_id)
        self._finish()

    def cancel_all(self, *, source: str = "20") -> int:
        """Cancel every open order, as `cancel-all-after` does; how many there were."""
        pending = self.venue.records.pending()
        for order in pending:
            trading.cancel(self.venue, order, source=source)
        self._finish()
        return len(pending)

    def set_leverage(self, key: HeldKey, leverage: Decimal) -> None:
        """Refusal while stops wait on the instrument, or if the margin would not suffice."""
        venue = self.venue
        if venue.records.live_algos(key.inst_id):
            raise Refusal("59668")
        before = dict(venue.wallet.leverage)
        venue.wallet.leverage[key] = leverage
        market = venue.market(key.inst_id)
        currency = market.listing.instrument.settle
        held = venue.wallet.held.get(key)
        needs = venue.wallet.initial_margin(currency, venue.markets)
        if (
            held is not None
            and held.quantity
            and needs > venue.wallet.equity(currency, venue.markets)
        ):
            venue.wallet.leverage = before
            raise Refusal("59103")
        venue.touch_account(*([key] if held is not None else []))
        self._finish()

    def set_hedged(self, is_hedged: bool) -> None:
        """Refusal 59000 while orders or positions are open, unless nothing changes."""
        venue = self.venue
        busy = venue.records.working or venue.records.waiting or any(venue.wallet.open_positions())
        if is_hedged is not venue.wallet.is_hedged and busy:
            raise Refusal("59000")
        venue.wallet.is_hedged = is_hedged

    def relist(self, inst_id: str, **changes: object) -> None:
        """The venue changes an instrument: `tick`, `lot`, `min_quantity`, `multiplier`, `state`."""
        market = self.venue.market(inst_id)
        market.relist(market.listing.changed(**changes))
        self._venues[0].tell_market("instruments", market, market.listing.row())
        self._finish()

    def liquidate(self, inst_id: str) -> bool:
        """Force what a margin call would do. False if nothing is held."""
        for group in margin_groups(self.venue.wallet):
            if any(held.key.inst_id == inst_id for held in group.held):
                margin.liquidate(self.venue, group)
                self._finish()
                return True
        return False

    def deleverage(self, inst_id: str, share: Decimal) -> bool:
        """Close a share of a position against the account's will (ADL). False if flat."""
        for held in self.venue.wallet.open_positions():
            if held.key.inst_id == inst_id:
                margin.deleverage(self.venue, held, share)
                self._finish()
                return True
        return False

    def fill_part(self, inst_id: str, share: Decimal) -> bool:
        """Fill a share of the oldest open order at its price, then never more of it (F25)."""
        venue = self.venue
        for order in venue.records.pending(inst_id):
            lot = venue.markets[inst_id].listing.instrument.lot
            size = order.rest * share // lot * lot
            if order.price is not None and size:
                trading.fill(venue, order, size, order.price, maker=True)
                order.is_stuck = True
                self._finish()
                return True
        return False

    def transfer(self, currency: str, amount: Decimal) -> None:
        """Money into (positive) or out of the account, from nowhere the venue knows."""
        venue = self.venue
        if venue.wallet.cash.get(currency, ZERO) + amount < 0:
            raise Refusal("58350")
        venue.wallet.move(currency, amount, venue.now_ms)
        venue.write_bill("1", "11" if amount > 0 else "12", currency, amount)
        venue.touch_account()
        self._finish()

    def _next_stop(self) -> float:
        markets = self.venue.markets.values()
        joints = min(market.next_joint() for market in markets)
        return min(joints, *(margin.next_funding(m, self.venue.now) for m in markets))

    def _travel(self, until: float) -> None:
        """Move along straight lines to `until`, stopping wherever something is reached."""
        while (due := self._first_due(until)) is not None:
            self._move(due.at)
            self._happen(due)
        self._move(until)

    def _move(self, at: float) -> None:
        for market in self.venue.markets.values():
            market.travel(at)
        for venue in self._venues:
            venue.now = max(venue.now, at)
            algos.follow(venue)

    def _first_due(self, until: float) -> _Due | None:
        found: list[_Due] = []
        for venue in self._venues:
            found += [*_order_dues(venue), *_algo_dues(venue)]
            liquidation = margin.liquidation_due(venue, until)
            if liquidation is not None:
                found.append(_Due(liquidation[0], 2, 0, venue, liquidation[1]))
        within = [due for due in found if due.at <= until]
        return min(within, key=lambda due: due[:3]) if within else None

    def _happen(self, due: _Due) -> None:
        venue, what = due.venue, due.what
        if isinstance(what, MarginGroup):
            margin.liquidate(venue, what)
        elif isinstance(what, Order):
            market = venue.markets[what.asked.inst_id]
            _stand_on(market, _through(market, what), -what.asked.side.sign)
            trading.fill_resting(venue, what)
        else:
            algo, watch = what
            market = venue.markets[algo.asked.inst_id]
            if not watch.by_mark:
                _stand_on(market, watch.level, watch.sign)
            algos.act(venue, algo, watch)
        self._spring()

    def _arrive(self) -> None:
        """Everything that happens at this very instant: bars close and open, funding settles."""
        venue = self.venue
        for market in venue.markets.values():
            while market.legs and market.legs[0].end <= venue.now:
                if market.end_leg(venue.now):
                    self._venues[0].tell_candle(market, market.candle(venue.now))
                elif market.needs_legs:
                    market.choose_legs(low_first=self._goes_low_first(market))
        for market in venue.markets.values():  # funding settles before the open's fills (R7)
            if margin.next_funding(market, venue.now - 0.5) == venue.now:
                rate = margin.funding_rate(market, venue.now)
                for account in self._venues:
                    margin.settle_funding(account, market, rate)
        for market in venue.markets.values():
            while market.opens(venue.now):
                market.open_bar()
        for account in self._venues:  # at the open it comes first (R23)
            due = margin.liquidation_due(account, venue.now)
            if due is not None:
                margin.liquidate(account, due[1])
                self._spring()

    def _goes_low_first(self, market: Market) -> bool:
        """Which extreme comes first, by R17."""
        opened, high, low, _ = (float(v) for v in market.feed.ohlc[market.row])
        if self.settings.path is PathRule.NEAR_FAR and high - opened != opened - low:
            return opened - low < high - opened
        position = self._position(market)
        if position:
            return position > 0
        nearest = min(
            ((abs(level - opened), below) for level, below in self._entries(market)), default=None
        )
        if nearest is None:
            return True
        sides = {below for level, below in self._entries(market)
                 if abs(level - opened) == nearest[0]}  # fmt: skip
        return True in sides

    def _position(self, market: Market) -> Decimal:
        """What all accounts hold together."""
        return sum((_held(venue, market) for venue in self._venues), ZERO)

    def _entries(self, market: Market) -> list[tuple[float, bool]]:
        """Levels of resting orders, and whether each lies on the low side."""
        limits = [(float(o.price), o.asked.side is Side.BUY) for venue in self._venues
                  for o in venue.records.pending(market.inst_id) if o.price is not None]  # fmt: skip
        stops = [(w.level, w.sign < 0) for venue in self._venues
                 for a in venue.records.live_algos(market.inst_id)
                 for w in algos.watches(a)]  # fmt: skip
        return limits + stops

    def _spring(self) -> None:
        """Attached orders of what has just become final."""
        for venue in self._venues:
            while venue.ended:
                order = venue.ended.pop(0)
                if order.filled:
                    algos.spring_attached(venue, order)

    def _finish(self) -> None:
        self._spring()
        for venue in self._venues:
            venue.flush_account()


def _order_dues(venue: Venue) -> list[_Due]:
    found = []
    for age, order in enumerate(venue.records.working.values()):
        market = venue.markets[order.asked.inst_id]
        if order.price is None or not trading.can_rest_fill(market, order):
            continue
        at = market.reaches(_through(market, order), -order.asked.side.sign, venue.now)
        if at is not None:
            found.append(_Due(at, 1, age, venue, order))
    return found


def _algo_dues(venue: Venue) -> list[_Due]:
    found = []
    for age, algo in enumerate(venue.records.waiting.values()):
        market = venue.markets[algo.asked.inst_id]
        for watch in algos.watches(algo):
            at = market.reaches(watch.level, watch.sign, venue.now, mark=watch.by_mark)
            if at is not None:
                found.append(_Due(at, 0, age, venue, (algo, watch)))
    return found


def _held(venue: Venue, market: Market) -> Decimal:
    if market.listing.is_spot:
        made = market.listing.instrument
        held = venue.wallet.cash.get(made.base, ZERO)
        return held if held >= made.lot else ZERO
    return sum((h.quantity for h in venue.wallet.open_positions()
                if h.key.inst_id == market.inst_id), ZERO)  # fmt: skip


def _through(market: Market, order: Order) -> float:
    """Where price has traded through a limit: a tick beyond it (R15)."""
    tick = market.listing.instrument.tick
    return float((order.price or ZERO) - tick * order.asked.side.sign)


def _stand_on(market: Market, level: float, sign: int) -> None:
    """Price stands on the level it has just reached, unless a jump took it beyond."""
    if (market.price - level) * sign <= 1e-9 * abs(level):
        market.touch(level)
