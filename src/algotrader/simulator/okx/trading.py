"""Orders: taken or refused, filled, cancelled, amended, by the venue's rules."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.instruments import FeeCurrency
from algotrader.core.orders import Side
from algotrader.portfolio.positions import exact, money
from algotrader.portfolio.sizing import whole_lots
from algotrader.simulator.okx import funds
from algotrader.simulator.okx.listings import ListingState
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO, plain
from algotrader.simulator.okx.orders import Fill, NewOrder, Order, State
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.venue import Venue

PRICE_BAND: Final = Decimal("0.1")  # a limit may be this far beyond the last price, as a fraction
MAX_PENDING: Final = 500  # of an instrument
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_UNTRADED: Final = {
    ListingState.SUSPEND: "51022", ListingState.PREOPEN: "51021", ListingState.TEST: "54072",
}  # fmt: skip


def place(venue: Venue, asked: NewOrder) -> Order:
    """Take an order and match what can be matched now. Refusal says why it is not taken."""
    market = venue.market(asked.inst_id)
    check_tradable(venue, market)
    check_client_id(venue, asked.client_id)
    _check_mode(venue, market, asked)
    size = _sized(market, asked)
    _check_size(venue, market, asked, size)
    _check_price(market, asked)
    _check_funds(venue, market, asked, size)
    order = _taken(venue, market, asked, size)
    _match_on_arrival(venue, market, order)
    return order


def place_child(
    venue: Venue, asked: NewOrder, *, algo_id: str, algo_client_id: str, source: str
) -> Order:
    """The order that an algo order sends; the rules are those of any order."""
    market = venue.market(asked.inst_id)
    check_tradable(venue, market)
    size = _sized(market, asked)
    _check_size(venue, market, asked, size)
    _check_funds(venue, market, asked, size)
    order = _taken(venue, market, asked, size)
    order.algo_id, order.algo_client_id, order.source = algo_id, algo_client_id, source
    _match_on_arrival(venue, market, order)
    return order


def check_tradable(venue: Venue, market: Market) -> None:
    state, expires = market.listing.state, market.listing.expires_ms
    if expires is not None and expires <= venue.now_ms:
        raise Refusal("51027")
    if state in _UNTRADED:
        raise Refusal(_UNTRADED[state])


def check_client_id(venue: Venue, client_id: str, name: str = "clOrdId") -> None:
    """Its form, and that no order that is not done carries it."""
    if client_id and not _CLIENT_ID.fullmatch(client_id):
        raise Refusal("51000", name)
    if client_id and venue.records.is_pending(client_id):
        raise Refusal("51016")


def _check_mode(venue: Venue, market: Market, asked: NewOrder) -> None:
    if (asked.mode == "cash") is not market.listing.is_spot:
        raise Refusal("51000", "tdMode")
    if not market.listing.is_spot:
        check_pos_side(venue, asked.pos_side)


def check_pos_side(venue: Venue, pos_side: str) -> None:
    """`net` belongs to one-way positions, `long` and `short` to hedged ones."""
    if (pos_side in ("long", "short")) is not venue.wallet.is_hedged:
        raise Refusal("51000", "posSide")


def _sized(market: Market, asked: NewOrder) -> Decimal:
    """Size in units; money is turned into whole lots at the offer."""
    if not asked.in_quote:
        return asked.size
    lot = market.listing.instrument.lot
    with exact():
        return whole_lots(asked.size / market.ask, lot) * lot


def _check_size(venue: Venue, market: Market, asked: NewOrder, size: Decimal) -> None:
    made = market.listing.instrument
    if size % made.lot:
        raise Refusal("51121")
    if kernel.below_minimum(market.terms, float(size), float(asked.price or market.last)):
        raise Refusal("51020")
    if asked.is_market and size > market.listing.max_market:
        raise Refusal("51202")
    if size > market.listing.max_limit:
        raise Refusal("51101", plain(market.listing.max_limit))
    if len(venue.records.pending(asked.inst_id)) >= MAX_PENDING:
        raise Refusal("51174", MAX_PENDING)


def _check_price(market: Market, asked: NewOrder) -> None:
    if asked.is_market:
        return
    if asked.price is None:
        raise Refusal("51000", "px")
    check_tick(market, asked.price, "px")
    highest, lowest = market.last * (1 + PRICE_BAND), market.last * (1 - PRICE_BAND)
    too_high = asked.side is Side.BUY and asked.price > highest
    if too_high or (asked.side is Side.SELL and asked.price < lowest):
        raise Refusal("51006", plain(round(highest, 8)), plain(round(lowest, 8)))


def check_tick(market: Market, price: Decimal, name: str) -> None:
    tick = market.listing.instrument.tick
    if tick and price % tick:
        raise Refusal("51000", name)


def _check_funds(venue: Venue, market: Market, asked: NewOrder, size: Decimal) -> None:
    made = market.listing.instrument
    price = asked.price if asked.price is not None else market.ask
    with exact():
        if market.listing.is_spot:
            coin = made.quote if asked.side is Side.BUY else made.base
            needed = size * price if asked.side is Side.BUY else size
            if needed > funds.free_spot(venue, coin):
                raise Refusal("51008", coin)
            return
        if funds.closes_only(venue, asked):
            if not funds.reducible(venue, asked):
                raise Refusal("51169")
            return
        needed = funds.margin_of(venue, asked, size, price)
        fee = abs(market.contract.worth(size, price)) * made.fees.taker if needed else ZERO
        if needed + fee > max(funds.free(venue, made.settle), ZERO):
            raise Refusal("51008", made.settle)


def _taken(venue: Venue, market: Market, asked: NewOrder, size: Decimal) -> Order:
    made = market.listing.instrument
    received = made.fees.fee_in is FeeCurrency.RECEIVED and asked.side is Side.BUY
    spot_fee = made.base if received else made.quote
    order = Order(
        asked=asked, order_id=venue.next_id(), created_ms=venue.now_ms, updated_ms=venue.now_ms,
        size=size, price=None if asked.is_market else asked.price,
        lever=None if market.listing.is_spot else venue.wallet.lever(funds.held_key(asked)),
        fee_currency=spot_fee if market.listing.is_spot else made.settle,
    )  # fmt: skip
    venue.records.add(order)
    venue.tell_order(order)
    venue.touch_account()
    return order


def _match_on_arrival(venue: Venue, market: Market, order: Order) -> None:
    """What crosses the book takes it at once; what is left rests, or ends, by the order's kind."""
    kind, best = order.asked.kind, market.ask if order.asked.side is Side.BUY else market.bid
    price = order.price
    crosses = price is None or (best - price) * order.asked.side.sign <= 0
    available = _available(market, order)
    if kind == "post_only" and crosses:
        cancel(venue, order, source="31")
        return
    if kind == "fok" and not (crosses and available >= order.rest):
        cancel(venue, order, source="13")
        return
    if crosses and available:
        fill(venue, order, min(order.rest, available), best, maker=False)
    if order.is_open and (order.asked.is_market or kind in ("ioc", "fok")):
        cancel(venue, order, source="14")


def _available(market: Market, order: Order) -> Decimal:
    """Whole lots that the rest of this bar still gives (R20)."""
    if order.is_stuck or market.is_quiet():
        return ZERO
    lot = market.listing.instrument.lot
    return order.rest if market.room == float("inf") else int(market.room) * lot


def can_rest_fill(market: Market, order: Order) -> bool:
    """Whether a resting limit could fill in this bar, were its price reached."""
    return order.price is not None and _available(market, order) > 0


def fill_resting(venue: Venue, order: Order) -> None:
    """A limit that price traded through fills at its limit, as maker (R15)."""
    market = venue.markets[order.asked.inst_id]
    if order.price is None:
        raise ValueError(f"order {order.order_id} rests without a price")
    fill(venue, order, min(order.rest, _available(market, order)), order.price, maker=True)


def fill(venue: Venue, order: Order, size: Decimal, price: Decimal, *, maker: bool) -> None:
    """Execute part of an order: money, position, records, pushes."""
    market = venue.markets[order.asked.inst_id]
    if funds.closes_only(venue, order.asked) and order.asked.mode != "cash":
        size = min(size, funds.reducible(venue, order.asked))  # R12: cut at the fill
        if not size:
            cancel(venue, order, source="15")
            return
    with exact():
        executed = _booked(venue, market, order, size, price, maker=maker)
        order.filled += size
        order.value += size * price
        order.fee += executed.fee
        order.pnl += executed.pnl
    market.room -= float(size / market.listing.instrument.lot)
    order.last = executed
    order.state = State.FILLED if order.filled == order.size else State.PARTIALLY_FILLED
    if not order.is_open:
        venue.records.settle(order)
    venue.keep_fill(executed)
    venue.tell_order(order)


def _booked(
    venue: Venue, market: Market, order: Order, size: Decimal, price: Decimal, *, maker: bool
) -> Fill:
    made, wallet, now = market.listing.instrument, venue.wallet, venue.now_ms
    signed = size * order.asked.side.sign
    rate = made.fees.maker if maker else made.fees.taker
    worth = market.contract.worth(signed, price)
    pnl, currency, held = ZERO, order.fee_currency, None
    if market.listing.is_spot:
        wallet.move(made.quote, -worth, now)
        wallet.move(made.base, signed, now)
        fee = -money((size if currency == made.base else abs(worth)) * rate)
    else:
        held = venue.held(funds.held_key(order.asked))
        pnl = wallet.trade(held, market.contract, signed, price, now)
        fee = -money(abs(worth) * rate)
        held.fee += fee
        venue.touch_account(held.key)
    wallet.move(currency, fee, now)
    executed = Fill(
        trade_id=venue.next_id(), bill_id=venue.next_id(), order=order, price=price, size=size,
        fee=fee, fee_currency=currency, pnl=pnl, maker=maker, at_ms=now,
    )  # fmt: skip
    if held is not None:
        held.trade_id = executed.trade_id
        venue.note_end(held, "2")
    _write_bills(venue, market, executed, worth)
    venue.touch_account()
    return executed


def _write_bills(venue: Venue, market: Market, executed: Fill, worth: Decimal) -> None:
    """One bill for each currency a trade moved."""
    order, made = executed.order, market.listing.instrument
    more = {
        "inst_id": market.inst_id, "inst_type": market.listing.inst_type,
        "order_id": order.order_id, "client_id": order.asked.client_id, "size": executed.size,
        "price": executed.price, "fee": executed.fee, "pnl": executed.pnl,
        "exec_type": "M" if executed.maker else "T", "mode": order.asked.mode,
    }  # fmt: skip
    side = "1" if order.asked.side is Side.BUY else "2"
    if not market.listing.is_spot:
        venue.write_bill("2", side, made.settle, executed.pnl + executed.fee, **more)
        return
    signed = executed.size * order.asked.side.sign
    for currency, change in ((made.quote, -worth), (made.base, signed)):
        fee = executed.fee if currency == executed.fee_currency else ZERO
        venue.write_bill("2", side, currency, change + fee, **(more | {"fee": fee}))


def cancel(venue: Venue, order: Order, *, source: str) -> None:
    """End an open order; `source` is the venue's number for why."""
    order.state, order.cancel_source = State.CANCELED, source
    venue.records.settle(order)
    venue.tell_order(order)
    venue.touch_account()


def cancel_named(venue: Venue, inst_id: str, order_id: str, client_id: str) -> Order:
    """Cancel on request. Refusal 51400 to 51402 when there is nothing to cancel."""
    order = find_named(venue, inst_id, order_id, client_id, absent="51400")
    if order.state is State.CANCELED:
        raise Refusal("51401")
    if order.state is State.FILLED:
        raise Refusal("51402")
    cancel(venue, order, source="1")
    return order


def find_named(venue: Venue, inst_id: str, order_id: str, client_id: str, *, absent: str) -> Order:
    """An order by id; Refusal `absent` if it is not, or no longer, known."""
    venue.market(inst_id)
    if not order_id and not client_id:
        raise Refusal("51003")
    order = venue.records.find(order_id, client_id, venue.now_ms)
    if order is None or order.asked.inst_id != inst_id:
        raise Refusal(absent)
    return order


def amend(
    venue: Venue, order: Order, size: Decimal | None, price: Decimal | None, request_id: str = ""
) -> None:
    """Change size (of the whole order) or price of an open order; its age is renewed (R7)."""
    if order.state is State.CANCELED:
        raise Refusal("51509")
    if order.state is State.FILLED:
        raise Refusal("51510")
    if size is None and price is None:
        raise Refusal("51500")
    market = venue.market(order.asked.inst_id)
    if size is not None and size < order.filled:
        raise Refusal("51000", "newSz")
    old = order.size
    new_size = order.size if size is None else size
    new_price = order.price if price is None else price
    if new_size % market.listing.instrument.lot:
        raise Refusal("51121")
    if new_price is not None:
        check_tick(market, new_price, "newPx")
    order.size = order.filled  # its own reserve is free meanwhile
    try:
        rest = new_size - order.filled
        if rest > 0:
            _check_funds(venue, market, _changed(order, new_size, new_price), rest)
    except Refusal as refused:
        order.size = old
        raise Refusal("51502", market.listing.instrument.settle) from refused
    order.asked = _changed(order, new_size, new_price)
    order.size, order.price = new_size, new_price
    order.amend_result, order.request_id = "0", request_id
    _renew(venue, market, order)


def _renew(venue: Venue, market: Market, order: Order) -> None:
    venue.records.settle(order)
    if order.rest <= 0:
        order.state = State.FILLED
        venue.tell_order(order)
        return
    venue.records.working[order.order_id] = order
    venue.tell_order(order)
    venue.touch_account()
    _match_on_arrival(venue, market, order)


def _changed(order: Order, size: Decimal, price: Decimal | None) -> NewOrder:
    return replace(order.asked, size=size, price=price)
