"""Balances and positions in the venue's shape."""

from __future__ import annotations

from decimal import Decimal

from algotrader._kernel import sizing as kernel
from algotrader.portfolio.positions import exact
from algotrader.simulator.okx import funds
from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO, amount, plain
from algotrader.simulator.okx.rows import Row, real
from algotrader.simulator.okx.venue import Venue
from algotrader.simulator.okx.wallet import Held, MarginGroup, margin_groups

_DOLLARS = ("USD", "USDT", "USDC")


def usd_price(venue: Venue, currency: str) -> Decimal:
    """Dollars for one coin: by any market of it against a dollar; 0 where there is none."""
    if currency in _DOLLARS:
        return Decimal(1)
    for market in venue.markets.values():
        made = market.listing.instrument
        if made.base == currency and made.quote in _DOLLARS:
            return market.last
    return ZERO


def balance_row(venue: Venue, currencies: tuple[str, ...] = (), *, pushed: bool = False) -> Row:
    """As `account/balance` and the account channel show it."""
    held = sorted(venue.wallet.cash) if not currencies else list(currencies)
    shown = [c for c in held if currencies or _has_any(venue, c)]
    with exact():
        total = sum((venue.wallet.equity(c, venue.markets) * usd_price(venue, c)
                     for c in sorted(venue.wallet.cash)), ZERO)  # fmt: skip
        isolated = sum((_isolated_equity(venue, c) * usd_price(venue, c)
                        for c in sorted(venue.wallet.cash)), ZERO)  # fmt: skip
    row: Row = {
        "adjEq": "", "borrowFroz": "", "details": [detail_row(venue, c) for c in shown],
        "imr": "", "isoEq": amount(isolated), "mgnRatio": "", "mmr": "", "notionalUsd": "",
        "notionalUsdForBorrow": "", "notionalUsdForFutures": "", "notionalUsdForOption": "",
        "notionalUsdForSwap": "", "ordFroz": "", "totalEq": amount(total),
        "uTime": str(venue.now_ms), "upl": "",
    }  # fmt: skip
    return row | {"availEq": ""} if pushed else row


def _has_any(venue: Venue, currency: str) -> bool:
    return bool(venue.wallet.cash.get(currency)) or any(venue.wallet.settling(currency))


def _isolated_equity(venue: Venue, currency: str) -> Decimal:
    wallet = venue.wallet
    return wallet.isolated_margin(currency) + wallet.unrealised(currency, venue.markets, "isolated")


def detail_row(venue: Venue, currency: str) -> Row:
    """One currency of the trading account."""
    wallet, markets = venue.wallet, venue.markets
    with exact():
        cash = wallet.cash.get(currency, ZERO)
        equity = wallet.equity(currency, markets)
        isolated = _isolated_equity(venue, currency)
        cross_upl = wallet.unrealised(currency, markets, "cross")
        imr = wallet.initial_margin(currency, markets)
        ordered = funds.frozen(venue, currency) + funds.order_margin(venue, currency)
        available = max(funds.free(venue, currency), ZERO)
        dollars = usd_price(venue, currency)
        iso_upl = wallet.unrealised(currency, markets, "isolated")
        upl = cross_upl + iso_upl
        price_in_usd, spot = equity * dollars, max(min(cash - ordered, available), ZERO)
        frozen_total = isolated + imr + ordered
    maintenance, ratio = _maintenance(venue, currency)
    return {
        "accAvgPx": "", "availBal": amount(spot), "availEq": amount(available),
        "borrowFroz": "", "cashBal": amount(cash), "ccy": currency, "clSpotInUseAmt": "",
        "coinUsdPrice": plain(dollars), "colBorrAutoConversion": "0", "collateralEnabled": False,
        "collateralRestrict": False, "crossLiab": "", "disEq": amount(price_in_usd),
        "eq": amount(equity), "eqUsd": amount(price_in_usd), "fixedBal": "0",
        "frozenBal": amount(frozen_total), "imr": amount(imr), "interest": "",
        "isoEq": amount(isolated), "isoLiab": "", "isoUpl": amount(iso_upl), "liab": "",
        "maxLoan": "", "maxSpotInUseAmt": "", "mgnRatio": ratio, "mmr": maintenance,
        "notionalLever": "0", "openAvgPx": "", "ordFrozen": amount(ordered), "rewardBal": "0",
        "smtSyncEq": "0", "spotBal": "", "spotCopyTradingEq": "0", "spotInUseAmt": "",
        "spotIsoBal": "0", "spotUpl": "", "spotUplRatio": "", "stgyEq": "0", "totalPnl": "",
        "totalPnlRatio": "", "twap": "0",
        "uTime": str(wallet.updated_ms.get(currency, venue.now_ms)), "upl": amount(upl),
        "uplLiab": "",
    }  # fmt: skip


def _maintenance(venue: Venue, currency: str) -> tuple[str, str]:
    """Maintenance margin and margin ratio of the cross positions of a currency."""
    held = tuple(h for h in venue.wallet.settling(currency) if h.key.mode == "cross")
    if not held:
        return "0", ""
    group = MarginGroup(held, venue.wallet.cash.get(currency, ZERO))
    return real(group.maintenance(venue.markets, _mark)), _ratio(venue, group)


def _ratio(venue: Venue, group: MarginGroup) -> str:
    required = group.required(venue.markets, _mark)
    return real(round(group.equity(venue.markets, _mark) / required, 6)) if required else ""


def _mark(market: Market) -> float:
    return market.mark


def position_row(venue: Venue, held: Held) -> Row:
    """As `account/positions` and the positions channel show it."""
    market = venue.markets[held.key.inst_id]
    made, position, mark = market.listing.instrument, held.position, market.mark_price
    isolated = held.key.mode == "isolated"
    lever = venue.wallet.lever(held.key)
    with exact():
        worth = abs(position.contract.worth(held.quantity, mark))
        upl, upl_last = position.unrealised(mark), position.unrealised(market.last)
        initial = worth / lever
        cost = abs(position.cost) / lever
        realised = position.realised + held.fee + held.funding + held.penalty
    group = _group_of(venue, held)
    maintenance = worth * Decimal(repr(kernel.maintenance_rate(market.terms, float(worth))))
    one_sided = abs(held.quantity) if held.key.pos_side != "net" else held.quantity
    return {
        "adl": "1", "availPos": plain(one_sided) if held.key.pos_side != "net" else "",
        "avgPx": "" if position.entry is None else amount(position.entry), "baseBal": "",
        "bePx": "", "cTime": str(held.created_ms), "ccy": made.settle, "fee": amount(held.fee),
        "fundingFee": amount(held.funding), "idxPx": plain(market.last), "instId": market.inst_id,
        "instType": "SWAP", "interest": "", "imr": "" if isolated else amount(initial),
        "last": plain(market.last), "lever": plain(lever),
        "liqPenalty": amount(held.penalty), "liqPx": _liquidation_price(market, held, group),
        "margin": amount(held.margin) if isolated else "", "markPx": plain(mark),
        "mgnMode": held.key.mode, "mgnRatio": _ratio(venue, group) if held.quantity else "",
        "mmr": amount(maintenance), "notionalUsd": amount(worth * usd_price(venue, made.settle)),
        "optVal": "", "pendingCloseOrdLiabVal": "", "pnl": amount(position.realised),
        "pos": plain(one_sided), "posCcy": "", "posId": held.pos_id,
        "posSide": held.key.pos_side, "quoteBal": "", "quoteBorrowed": "", "quoteInterest": "",
        "realizedPnl": amount(realised), "spotInUseAmt": "", "spotInUseCcy": "",
        "tradeId": held.trade_id, "uTime": str(held.updated_ms), "upl": amount(upl),
        "uplLastPx": amount(upl_last), "uplRatio": amount(upl / cost) if cost else "0",
        "uplRatioLastPx": amount(upl_last / cost) if cost else "0",
        "usdPx": plain(usd_price(venue, made.settle)),
    }  # fmt: skip


def ended_row(venue: Venue, held: Held) -> Row:
    """As `account/positions-history` shows a position that was closed."""
    made = venue.markets[held.key.inst_id].listing.instrument
    with exact():
        realised = held.position.realised + held.fee + held.funding + held.penalty
        closed_at = held.closed_value / held.closed if held.closed else ZERO
        opened_at = held.opened_at or ZERO
        contract = held.position.contract
        cost = abs(contract.worth(held.most, opened_at)) if opened_at else ZERO
        ratio = realised * venue.wallet.lever(held.key) / cost if cost else ZERO
    return {
        "cTime": str(held.created_ms), "ccy": made.settle, "closeAvgPx": amount(closed_at),
        "closeTotalPos": plain(held.closed), "direction": "long" if held.was_long else "short",
        "fee": amount(held.fee), "fundingFee": amount(held.funding), "instId": held.key.inst_id,
        "instType": "SWAP", "lever": plain(venue.wallet.lever(held.key)),
        "liqPenalty": amount(held.penalty), "mgnMode": held.key.mode,
        "openAvgPx": amount(opened_at), "openMaxPos": plain(held.most),
        "pnl": amount(held.position.realised), "pnlRatio": amount(ratio), "posId": held.pos_id,
        "posSide": held.key.pos_side, "realizedPnl": amount(realised), "triggerPx": "",
        "type": held.ended_by, "uTime": str(held.updated_ms),
        "uly": f"{made.base}-{made.quote}",
    }  # fmt: skip


def _group_of(venue: Venue, held: Held) -> MarginGroup:
    found = (g for g in margin_groups(venue.wallet) if any(h.key == held.key for h in g.held))
    return next(found, MarginGroup((), ZERO))


def _liquidation_price(market: Market, held: Held, group: MarginGroup) -> str:
    """The kernel's, for a position that stands alone behind its margin; else none is stated."""
    if not held.quantity or len(group.held) != 1:
        return ""
    price = kernel.liquidation_price(
        market.terms, float(held.quantity), held.entry, float(group.backing)
    )
    return "" if price != price else real(round(price, 8))
