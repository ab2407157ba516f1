"""What an order needs and what is free: spot coins are frozen, derivatives reserve margin."""

from __future__ import annotations

from decimal import Decimal

from algotrader.core.orders import Side
from algotrader.portfolio.positions import ZERO, exact
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.orders import Algo, NewOrder, Order
from algotrader.simulator.okx.venue import Venue
from algotrader.simulator.okx.wallet import HeldKey


def held_key(asked: NewOrder) -> HeldKey:
    return HeldKey(asked.inst_id, asked.mode, asked.pos_side)


def frozen(venue: Venue, currency: str) -> Decimal:
    """Held back by open spot orders and by algo orders that wait on spot."""
    with exact():
        total = ZERO
        for order in venue.records.working.values():
            if order.asked.mode == "cash":
                coin, need = spot_need(venue, order)
                total += need if coin == currency else ZERO
        for algo in venue.records.waiting.values():
            if algo.asked.mode == "cash":
                coin, need = algo_need(venue.markets[algo.asked.inst_id], algo)
                total += need if coin == currency else ZERO
        return total


def order_margin(venue: Venue, currency: str) -> Decimal:
    """Reserved for the part of open derivative orders that would open something."""
    with exact():
        return sum(
            (margin_of(venue, order.asked, order.rest, order.price or ZERO)
             for order in venue.records.working.values()
             if order.asked.mode != "cash"
             and venue.markets[order.asked.inst_id].contract.settle == currency), ZERO,
        )  # fmt: skip


def spot_need(venue: Venue, order: Order) -> tuple[str, Decimal]:
    """Currency and amount that the rest of an open spot order freezes."""
    instrument = venue.markets[order.asked.inst_id].listing.instrument
    if order.asked.side is Side.SELL:
        return instrument.base, order.rest
    return instrument.quote, order.rest * (order.price or ZERO)


def algo_need(market: Market, algo: Algo) -> tuple[str, Decimal]:
    """Currency and amount that a waiting algo order freezes on spot: its coins, or its money."""
    instrument, asked = market.listing.instrument, algo.asked
    size = algo.size or ZERO
    if asked.side is Side.SELL:
        return instrument.base, size
    exits = [leg for leg in (algo.stop, algo.target, algo.entry) if leg is not None]
    price = max((leg.price or leg.trigger for leg in exits), default=market.ask)
    return instrument.quote, size * price


def free(venue: Venue, currency: str) -> Decimal:
    """What a new order may use of a currency."""
    wallet = venue.wallet
    with exact():
        cash = wallet.cash.get(currency, ZERO) - frozen(venue, currency)
        margins = wallet.initial_margin(currency, venue.markets) + order_margin(venue, currency)
        return cash + wallet.unrealised(currency, venue.markets, "cross") - margins


def free_spot(venue: Venue, currency: str) -> Decimal:
    """What can be spent or sold on spot: never profit that is not realised."""
    cash = venue.wallet.cash.get(currency, ZERO) - frozen(venue, currency)
    return max(min(cash, free(venue, currency)), ZERO)


def reducible(venue: Venue, asked: NewOrder) -> Decimal:
    """How much of what is held an order of this side would close."""
    held = venue.wallet.held.get(held_key(asked))
    if held is None or held.quantity * asked.side.sign >= 0:
        return ZERO
    return abs(held.quantity)


def closes_only(venue: Venue, asked: NewOrder) -> bool:
    """Reduce-only, stated or because the position has a side of its own."""
    closing_side = {"long": Side.SELL, "short": Side.BUY}.get(asked.pos_side)
    return asked.reduce_only or (venue.wallet.is_hedged and asked.side is closing_side)


def margin_of(venue: Venue, asked: NewOrder, size: Decimal, price: Decimal) -> Decimal:
    """Margin for what `size` at `price` would open; nothing for what it closes."""
    if closes_only(venue, asked):
        return ZERO
    contract = venue.markets[asked.inst_id].contract
    opened = max(size - reducible(venue, asked), ZERO)
    return abs(contract.worth(opened, price)) / venue.wallet.lever(held_key(asked))
