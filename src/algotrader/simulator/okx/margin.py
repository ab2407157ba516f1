"""Funding, liquidation and deleveraging: what the venue does to positions by itself."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from algotrader._kernel import sizing as kernel
from algotrader.core.orders import Side
from algotrader.portfolio.positions import exact, money
from algotrader.simulator.okx import algos, trading
from algotrader.simulator.okx.feeds import FUNDING_MS
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO
from algotrader.simulator.okx.orders import Fill, NewOrder, Order, State
from algotrader.simulator.okx.venue import Venue
from algotrader.simulator.okx.wallet import Held, MarginGroup, margin_groups

_BISECTIONS = 40
_TRADE_UNIT = Decimal("1e-8")
DEFAULT_RATE = 0.0001  # funding without a recorded rate, a fraction per settlement


def liquidation_due(venue: Venue, until: float) -> tuple[float, MarginGroup] | None:
    """When the first group falls under its requirement, not later than `until` (R23)."""
    due: tuple[float, MarginGroup] | None = None
    for group in margin_groups(venue.wallet):
        if group.has_tiers(venue.markets):
            at = _falls_at(venue, group, until)
            if at is not None and (due is None or at < due[0]):
                due = (at, group)
    return due


def _falls_at(venue: Venue, group: MarginGroup, until: float) -> float | None:
    def is_short(at: float) -> bool:
        def mark(market: Market) -> float:
            return market.at(at)[1]

        markets = venue.markets
        return group.equity(markets, mark) <= group.required(markets, mark)

    if is_short(venue.now):
        return venue.now
    if not is_short(until):
        return None
    low, high = venue.now, until
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_short(middle) else (middle, high)
    return high


def liquidate(venue: Venue, group: MarginGroup) -> None:
    """Close a group where nothing is left after the fee; its orders are cancelled (R23)."""
    prices = group.closing_prices(venue.markets)
    names = {held.key.inst_id for held in group.held}
    for order in [o for o in venue.records.pending() if o.asked.inst_id in names]:
        trading.cancel(venue, order, source="6")
    for algo in [a for a in venue.records.live_algos() if a.asked.inst_id in names]:
        algos.end_algo(venue, algo)
    for held in group.held:
        market = venue.markets[held.key.inst_id]
        notional = kernel.notional(market.terms, float(held.quantity), market.mark)
        price = max(Decimal(repr(prices[held.key])).quantize(_TRADE_UNIT), _TRADE_UNIT)
        fee = Decimal(repr(notional * market.terms.liquidation_fee)).quantize(_TRADE_UNIT)
        close(venue, held, abs(held.quantity), price, fee, "full_liquidation")


def deleverage(venue: Venue, held: Held, share: Decimal) -> None:
    """Close part of a position at its mark without a fee: the venue's automatic deleveraging."""
    market = venue.markets[held.key.inst_id]
    lot = market.listing.instrument.lot
    with exact():
        size = abs(held.quantity) * share // lot * lot
    if size:
        close(venue, held, size, market.mark_price, ZERO, "adl")


def close(
    venue: Venue, held: Held, size: Decimal, price: Decimal, fee: Decimal, category: str
) -> None:
    """A trade nobody on this account asked for, with an order and a bill of its category."""
    market, now = venue.markets[held.key.inst_id], venue.now_ms
    side = Side.SELL if held.quantity > 0 else Side.BUY
    asked = NewOrder(
        inst_id=held.key.inst_id, side=side, kind="market", size=size, mode=held.key.mode,
        pos_side=held.key.pos_side,
    )  # fmt: skip
    settle = market.listing.instrument.settle
    order = Order(
        asked=asked, order_id=venue.next_id(), created_ms=now, updated_ms=now, size=size,
        price=None, lever=venue.wallet.lever(held.key), fee_currency=settle, category=category,
    )  # fmt: skip
    pnl = venue.wallet.trade(held, market.contract, size * side.sign, price, now)
    venue.wallet.move(settle, -fee, now)
    held.penalty -= fee
    executed = Fill(
        trade_id=venue.next_id(), bill_id=venue.next_id(), order=order, price=price, size=size,
        fee=-fee, fee_currency=settle, pnl=pnl, maker=False, at_ms=now,
    )  # fmt: skip
    held.trade_id = executed.trade_id
    order.filled, order.value, order.fee, order.pnl = size, size * price, -fee, pnl
    order.last, order.state = executed, State.FILLED
    venue.records.orders[order.order_id] = order
    venue.note_end(held, "3" if category == "full_liquidation" else "5")
    kind = "5" if category == "full_liquidation" else "9"
    venue.write_bill(kind, "100" if kind == "5" else "125", settle, pnl - fee,
                     inst_id=market.inst_id, inst_type="SWAP", order_id=order.order_id,
                     size=size, price=price, fee=-fee, pnl=pnl, mode=held.key.mode)  # fmt: skip
    venue.keep_fill(executed)
    venue.tell_order(order)
    venue.touch_account(held.key)


def settle_funding(venue: Venue, market: Market, rate: float) -> None:
    """Longs pay a positive rate on the notional at the mark (R7)."""
    settle = market.listing.instrument.settle
    for held in list(venue.wallet.open_positions()):
        if held.key.inst_id != market.inst_id:
            continue
        paid = kernel.funding_amount(market.terms, float(held.quantity), market.mark, rate)
        change = money(Decimal(repr(paid)))
        if held.key.mode == "isolated":
            held.margin += change
        else:
            venue.wallet.move(settle, change, venue.now_ms)
        held.funding += change
        venue.write_bill("8", "173" if change < 0 else "174", settle, change,
                         inst_id=market.inst_id, inst_type="SWAP", size=abs(held.quantity),
                         price=market.mark_price, pnl=change, mode=held.key.mode)  # fmt: skip
        venue.mark_trace("funding", (market.inst_id, str(change)))
        venue.touch_account(held.key)


def next_funding(market: Market, after: float) -> float:
    """When funding settles next: as recorded, else every eight hours; infinity on spot."""
    if market.listing.is_spot:
        return float("inf")
    stamps = market.feed.funding_ts
    row = int(np.searchsorted(stamps, after, side="right"))
    if row < len(stamps):
        return float(stamps[row])
    return float((int(after) // FUNDING_MS + 1) * FUNDING_MS)


def funding_rate(market: Market, at: float) -> float:
    """The rate that settles at a stamp."""
    stamps = market.feed.funding_ts
    row = int(np.searchsorted(stamps, at))
    if row < len(stamps) and stamps[row] == at:
        return float(market.feed.funding_rate[row])
    return DEFAULT_RATE


def past_funding(market: Market, until: float) -> Iterable[tuple[int, float]]:
    """Settlements up to a time, newest first: as they were settled, the recorded ones included."""
    stamps, rates = market.feed.funding_ts, market.feed.funding_rate
    last = int(stamps[-1]) if len(stamps) else int(market.feed.ts[0])  # every eight hours after it
    for row in range(int(until) // FUNDING_MS, last // FUNDING_MS, -1):
        yield row * FUNDING_MS, DEFAULT_RATE
    newest = int(np.searchsorted(stamps, until, side="right")) - 1
    for row in range(newest, -1, -1):
        yield int(stamps[row]), float(rates[row])
