"""Algo orders: stops, targets, pairs of both, triggers and trailing stops.

Each has an id of its own and sends a child order when it triggers. On spot it freezes the coins
(or the money) it would trade until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.orders import Side
from algotrader.portfolio.positions import exact
from algotrader.simulator.okx import funds, trading
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO
from algotrader.simulator.okx.orders import Algo, AlgoState, Exit, NewAlgo, NewOrder, Order
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.rows import trailing_level
from algotrader.simulator.okx.venue import Venue
from algotrader.simulator.okx.wallet import HeldKey

_SOURCES = {"trigger": "6", "move_order_stop": "13"}  # of the child; the others are 7


@dataclass(frozen=True, slots=True)
class Watch:
    """A level that would make an algo order act: price (or mark) × sign at or above level × sign."""

    level: float
    sign: int
    by_mark: bool
    leg: str  # sl, tp, "" for a trigger, "activate" for a trailing order that sleeps


def place_algo(venue: Venue, asked: NewAlgo) -> Algo:
    """Take an algo order. Refusal says why it is not taken."""
    market = venue.market(asked.inst_id)
    trading.check_tradable(venue, market)
    trading.check_client_id(venue, asked.client_id, "algoClOrdId")
    if not market.listing.is_spot:
        trading.check_pos_side(venue, asked.pos_side)
    _check_shape(venue, market, asked)
    return add_algo(venue, market, asked)


def add_algo(venue: Venue, market: Market, asked: NewAlgo) -> Algo:
    """Put a checked algo order on the book."""
    lever = None if market.listing.is_spot else venue.wallet.lever(_key(asked))
    algo = Algo(
        asked=asked, algo_id=venue.next_id(), created_ms=venue.now_ms, updated_ms=venue.now_ms,
        lever=lever, size=asked.size, stop=asked.stop, target=asked.target, entry=asked.entry,
    )  # fmt: skip
    if asked.entry is not None:
        algo.rises = float(asked.entry.trigger) >= market.price
    if asked.kind == "move_order_stop" and asked.active_price is None:
        algo.best = market.price
    venue.records.add_algo(algo)
    venue.tell_algo(algo)
    venue.touch_account()
    return algo


def _check_shape(venue: Venue, market: Market, asked: NewAlgo) -> None:
    lot = market.listing.instrument.lot
    if asked.size is not None and asked.size % lot:
        raise Refusal("51121")
    if asked.size is not None and asked.size < market.listing.instrument.min_quantity:
        raise Refusal("51020")
    if asked.close_fraction and (market.listing.is_spot or not asked.reduce_only):
        raise Refusal("51328")
    check_exits(market, asked.side, asked.stop, asked.target)
    if asked.mode == "cash" and asked.size is not None:
        coin, needed = _spot_need(market, asked)
        if needed > funds.free_spot(venue, coin):
            raise Refusal("51008", coin)


def _spot_need(market: Market, asked: NewAlgo) -> tuple[str, Decimal]:
    draft = Algo(asked=asked, algo_id="", created_ms=0, updated_ms=0, lever=None,
                 size=asked.size, stop=asked.stop, target=asked.target, entry=asked.entry)  # fmt: skip
    with exact():
        return funds.algo_need(market, draft)


def check_exits(market: Market, side: Side, stop: Exit | None, target: Exit | None) -> None:
    """A stop must lie behind the price, a target before it."""
    selling = side is Side.SELL
    for name, leg in (("slTriggerPx", stop), ("tpTriggerPx", target)):
        if leg is not None:
            trading.check_tick(market, leg.trigger, name)
    if stop is not None:
        price = market.mark_price if stop.by == "mark" else market.last
        if selling and stop.trigger >= price:
            raise Refusal("51280")
        if not selling and stop.trigger <= price:
            raise Refusal("51278")
    if target is not None:
        price = market.mark_price if target.by == "mark" else market.last
        if selling and target.trigger <= price:
            raise Refusal("51279")
        if not selling and target.trigger >= price:
            raise Refusal("51277")


def watches(algo: Algo) -> list[Watch]:
    """The levels an algo order waits for; of a pair, the stop first."""
    asked = algo.asked
    if asked.kind == "move_order_stop":
        return [_trailing_watch(algo)]
    if algo.entry is not None:
        sign = 1 if algo.rises else -1
        return [Watch(float(algo.entry.trigger), sign, algo.entry.by == "mark", "")]
    found = []
    if algo.stop is not None:
        found.append(Watch(float(algo.stop.trigger), asked.side.sign, algo.stop.by == "mark", "sl"))
    if algo.target is not None:
        by_mark = algo.target.by == "mark"
        found.append(Watch(float(algo.target.trigger), -asked.side.sign, by_mark, "tp"))
    return found


def _trailing_watch(algo: Algo) -> Watch:
    asked = algo.asked
    if algo.best is None:
        return Watch(float(asked.active_price or ZERO), -asked.side.sign, False, "activate")
    return Watch(float(trailing_level(algo)), asked.side.sign, False, "sl")


def follow(venue: Venue) -> None:
    """Trailing orders keep the best price they have seen (R18)."""
    for algo in venue.records.waiting.values():
        if algo.best is not None:
            price = venue.markets[algo.asked.inst_id].price
            better = max if algo.asked.side is Side.SELL else min
            algo.best = better(algo.best, price)


def act(venue: Venue, algo: Algo, watch: Watch) -> None:
    """A level was reached: wake up, or send the child order."""
    market = venue.markets[algo.asked.inst_id]
    if watch.leg == "activate":
        algo.best = market.price
        venue.tell_algo(algo)
        return
    algo.actual_side, algo.triggered_ms = watch.leg, venue.now_ms
    venue.records.settle_algo(algo)  # its coins are free for the child
    chosen = {"sl": algo.stop, "tp": algo.target, "": algo.entry}[watch.leg]
    try:
        child = trading.place_child(
            venue, _child(venue, algo, chosen), algo_id=algo.algo_id,
            algo_client_id=algo.asked.client_id, source=_SOURCES.get(algo.asked.kind, "7"),
        )  # fmt: skip
    except Refusal as refused:
        algo.state, algo.fail_code = AlgoState.FAILED, refused.code
    else:
        algo.state = AlgoState.EFFECTIVE
        algo.order_ids.append(child.order_id)
    venue.tell_algo(algo)
    venue.touch_account()


def _child(venue: Venue, algo: Algo, leg: Exit | None) -> NewOrder:
    asked = algo.asked
    price = None if leg is None else leg.price
    size = algo.size
    if size is None:
        size = (
            abs(venue.wallet.held[_key(asked)].quantity)
            if _key(asked) in venue.wallet.held
            else ZERO
        )
    return NewOrder(
        inst_id=asked.inst_id, side=asked.side, kind="market" if price is None else "limit",
        size=size, mode=asked.mode, price=price, tag=asked.tag, pos_side=asked.pos_side,
        reduce_only=asked.reduce_only,
    )  # fmt: skip


def _key(asked: NewAlgo) -> HeldKey:
    return HeldKey(asked.inst_id, asked.mode, asked.pos_side)


def cancel_algo(venue: Venue, inst_id: str, algo_id: str, client_id: str) -> Algo:
    """Cancel on request. Refusal 51400 when there is nothing to cancel."""
    venue.market(inst_id)
    algo = venue.records.find_algo(algo_id, client_id)
    if algo is None or algo.asked.inst_id != inst_id:
        raise Refusal("51400")
    if algo.state is not AlgoState.LIVE:
        raise Refusal("51401" if algo.state is AlgoState.CANCELED else "51402")
    end_algo(venue, algo)
    return algo


def end_algo(venue: Venue, algo: Algo) -> None:
    algo.state = AlgoState.CANCELED
    venue.records.settle_algo(algo)
    venue.tell_algo(algo)
    venue.touch_account()


def amend_algo(
    venue: Venue, algo: Algo, *,
    size: Decimal | None, stop: Exit | None, target: Exit | None, entry: Exit | None = None,
) -> None:  # fmt: skip
    """Change size or levels of a waiting algo order."""
    if algo.state is not AlgoState.LIVE:
        raise Refusal("51509" if algo.state is AlgoState.CANCELED else "51510")
    if size is None and stop is None and target is None and entry is None:
        raise Refusal("51500")
    market = venue.market(algo.asked.inst_id)
    if size is not None and size % market.listing.instrument.lot:
        raise Refusal("51121")
    check_exits(market, algo.asked.side, stop, target)
    algo.size = algo.size if size is None else size
    algo.stop = stop or algo.stop
    algo.target = target or algo.target
    if entry is not None:
        algo.entry, algo.rises = entry, float(entry.trigger) >= market.price
    venue.tell_algo(algo)
    venue.touch_account()


def spring_attached(venue: Venue, order: Order) -> None:
    """Take-profit and stop-loss of an order that is done come to life with what it filled."""
    asked = order.asked
    market = venue.markets[asked.inst_id]
    for one in asked.attached:
        kind = "oco" if one.stop and one.target else "conditional"
        add_algo(venue, market, NewAlgo(
            inst_id=asked.inst_id, side=asked.side.opposite, kind=kind, mode=asked.mode,
            size=_protected(market, order), client_id=one.client_id, tag=asked.tag,
            pos_side=asked.pos_side, reduce_only=asked.mode != "cash", stop=one.stop,
            target=one.target,
        ))  # fmt: skip


def _protected(market: Market, order: Order) -> Decimal:
    """What was received: on spot less the fee taken in the coin, in whole lots."""
    if order.asked.mode != "cash" or order.fee_currency != market.listing.instrument.base:
        return order.filled
    with exact():
        lot = market.listing.instrument.lot
        return (order.filled + order.fee) // lot * lot
