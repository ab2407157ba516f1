"""Orders, fills, positions and balances in the venue's shape, field for field.

Every number is text and a number that is not there is empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from algotrader.simulator.okx.market import Market
from algotrader.simulator.okx.numerals import ZERO, amount, optional, plain
from algotrader.simulator.okx.orders import Algo, Attached, Exit, Fill, Order
from algotrader.simulator.okx.records import Bill

Row = dict[str, Any]


def order_row(order: Order) -> Row:
    """As `trade/order` and the orders channel show it."""
    asked, last = order.asked, order.last
    is_spot = asked.mode == "cash"
    return {
        "accFillSz": plain(order.filled), "algoClOrdId": order.algo_client_id,
        "algoId": order.algo_id, "attachAlgoClOrdId": "",
        "attachAlgoOrds": [_attached(one) for one in asked.attached],
        "avgPx": _average(order), "cTime": str(order.created_ms),
        "cancelSource": order.cancel_source, "cancelSourceReason": "",
        "category": order.category, "ccy": "", "clOrdId": asked.client_id,
        "fee": amount(order.fee), "feeCcy": order.fee_currency,
        "fillPx": plain(last.price) if last else "", "fillSz": plain(last.size) if last else "0",
        "fillTime": str(last.at_ms) if last else "", "instId": asked.inst_id,
        "instType": "SPOT" if is_spot else "SWAP", "isTpLimit": "false",
        "lever": optional(order.lever), "linkedAlgoOrd": {"algoId": ""},
        "ordId": order.order_id, "ordType": asked.kind, "pnl": amount(order.pnl),
        "posSide": "net" if is_spot else asked.pos_side, "px": optional(order.price),
        "pxType": "", "pxUsd": "", "pxVol": "", "quickMgnType": "", "rebate": "0",
        "rebateCcy": order.fee_currency, "reduceOnly": _truth(asked.reduce_only),
        "side": str(asked.side), "slOrdPx": "", "slTriggerPx": "", "slTriggerPxType": "",
        "source": order.source, "state": str(order.state), "stpId": "",
        "stpMode": asked.stp_mode, "sz": plain(asked.size), "tag": asked.tag,
        "tdMode": asked.mode, "tgtCcy": _target_currency(order), "tpOrdPx": "",
        "tpTriggerPx": "", "tpTriggerPxType": "", "tradeId": last.trade_id if last else "",
        "uTime": str(order.updated_ms),
    }  # fmt: skip


def pushed_order_row(order: Order, last_price: Decimal) -> Row:
    """As the orders channel pushes it: with its last execution, and what became of a change."""
    last = order.last
    return order_row(order) | {
        "amendResult": order.amend_result, "amendSource": "1" if order.amend_result else "",
        "code": "0", "execType": "" if last is None else _execution(last),
        "fillFee": "0" if last is None else amount(last.fee),
        "fillFeeCcy": "" if last is None else last.fee_currency, "fillNotionalUsd": "",
        "fillPnl": "0" if last is None else amount(last.pnl), "lastPx": plain(last_price),
        "msg": "", "notionalUsd": "", "reqId": order.request_id,
    }  # fmt: skip


def fill_row(fill: Fill) -> Row:
    """As `trade/fills` shows it."""
    asked = fill.order.asked
    return {
        "billId": fill.bill_id, "clOrdId": asked.client_id, "execType": _execution(fill),
        "fee": amount(fill.fee), "feeCcy": fill.fee_currency, "feeRate": _fee_rate(fill),
        "fillFwdPx": "", "fillIdxPx": "", "fillMarkPx": "", "fillMarkVol": "",
        "fillPnl": amount(fill.pnl), "fillPx": plain(fill.price), "fillPxUsd": "",
        "fillPxVol": "", "fillSz": plain(fill.size), "fillTime": str(fill.at_ms),
        "instId": asked.inst_id, "instType": "SPOT" if asked.mode == "cash" else "SWAP",
        "ordId": fill.order.order_id,
        "posSide": "net" if asked.mode == "cash" else asked.pos_side,
        "side": str(asked.side), "subType": _sub_type(fill), "tag": asked.tag,
        "tradeId": fill.trade_id, "ts": str(fill.at_ms),
    }  # fmt: skip


def algo_row(algo: Algo, last: Decimal) -> Row:
    """As `trade/orders-algo-pending` and the orders-algo channel show it."""
    asked = algo.asked
    entry = algo.entry
    return {
        "activePx": optional(asked.active_price), "actualPx": "",
        "actualSide": algo.actual_side, "actualSz": "0" if not algo.order_ids else _size(algo),
        "algoClOrdId": asked.client_id, "algoId": algo.algo_id, "amendPxOnTriggerType": "",
        "attachAlgoOrds": [], "cTime": str(algo.created_ms),
        "callbackRatio": optional(asked.callback_ratio),
        "callbackSpread": optional(asked.callback_spread), "ccy": "", "clOrdId": "",
        "closeFraction": "1" if asked.close_fraction else "", "failCode": algo.fail_code,
        "instId": asked.inst_id, "instType": "SPOT" if asked.mode == "cash" else "SWAP",
        "isTradeBorrowMode": "", "last": plain(last), "lever": optional(algo.lever),
        "linkedOrd": {"ordId": ""},
        "moveTriggerPx": "" if algo.best is None else plain(trailing_level(algo)),
        "notionalUsd": "", "ordId": algo.order_ids[-1] if algo.order_ids else "",
        "ordIdList": list(algo.order_ids),
        "ordPx": "" if entry is None else _order_price(entry), "ordType": asked.kind,
        "posSide": "net" if asked.mode == "cash" else asked.pos_side, "pxLimit": "",
        "pxSpread": "", "pxVar": "", "quickMgnType": "", "reduceOnly": _truth(asked.reduce_only),
        "side": str(asked.side), **_exit("sl", algo.stop), "state": str(algo.state),
        "sz": _size(algo), "szLimit": "", "tag": asked.tag, "tdMode": asked.mode, "tgtCcy": "",
        "timeInterval": "", **_exit("tp", algo.target),
        "triggerPx": "" if entry is None else plain(entry.trigger),
        "triggerPxType": "" if entry is None else entry.by,
        "triggerTime": "" if algo.triggered_ms is None else str(algo.triggered_ms),
        "uTime": str(algo.updated_ms),
    }  # fmt: skip


def trailing_level(algo: Algo) -> Decimal:
    """Where a trailing order triggers now."""
    best = Decimal(repr(algo.best))
    asked = algo.asked
    distance = asked.callback_spread
    if distance is None:
        distance = best * (asked.callback_ratio or ZERO)
    return best + distance * asked.side.sign


def bill_row(bill: Bill) -> Row:
    """As `account/bills` shows it."""
    return {
        "bal": amount(bill.balance), "balChg": amount(bill.change), "billId": bill.bill_id,
        "ccy": bill.currency, "clOrdId": bill.client_id, "earnAmt": "", "earnApr": "",
        "execType": bill.exec_type, "fee": amount(bill.fee), "fillFwdPx": "", "fillIdxPx": "",
        "fillMarkPx": "", "fillMarkVol": "", "fillPxUsd": "", "fillPxVol": "",
        "fillTime": str(bill.at_ms), "from": "", "instId": bill.inst_id,
        "instType": bill.inst_type, "interest": "0", "mgnMode": bill.mode, "notes": "",
        "ordId": bill.order_id, "pnl": amount(bill.pnl), "posBal": "0", "posBalChg": "0",
        "px": optional(bill.price), "subType": bill.sub_kind, "sz": amount(bill.size), "tag": "",
        "to": "", "tradeId": "", "ts": str(bill.at_ms), "type": bill.kind,
    }  # fmt: skip


def ticker_row(market: Market, day: Mapping[str, float], at_ms: int) -> Row:
    """As `market/ticker` shows it; `day` has open, high, low, volume, value and the day opens."""
    return {
        "instType": market.listing.inst_type, "instId": market.inst_id, "last": plain(market.last),
        "lastSz": plain(market.listing.instrument.min_quantity), "askPx": plain(market.ask),
        "askSz": "10", "bidPx": plain(market.bid), "bidSz": "10", "open24h": real(day["open"]),
        "high24h": real(day["high"]), "low24h": real(day["low"]),
        "volCcy24h": real(day["value"]), "vol24h": real(day["volume"]),
        "sodUtc0": real(day["utc0"]), "sodUtc8": real(day["utc8"]), "ts": str(at_ms),
    }  # fmt: skip


def real(value: float) -> str:
    """A float as the venue writes it; not more digits than it was given."""
    return plain(Decimal(repr(round(float(value), 10))))


def _attached(one: Attached) -> Row:
    return {
        "attachAlgoId": one.attach_id, "attachAlgoClOrdId": one.client_id,
        **_exit("sl", one.stop), **_exit("tp", one.target),
    }  # fmt: skip


def _exit(name: str, leg: Exit | None) -> Row:
    return {
        f"{name}TriggerPx": "" if leg is None else plain(leg.trigger),
        f"{name}OrdPx": "" if leg is None else _order_price(leg),
        f"{name}TriggerPxType": "" if leg is None else leg.by,
    }  # fmt: skip


def _order_price(leg: Exit) -> str:
    return "-1" if leg.price is None else plain(leg.price)


def _size(algo: Algo) -> str:
    return optional(algo.size)


def _average(order: Order) -> str:
    average = order.average
    return "" if average is None else amount(average)


def _target_currency(order: Order) -> str:
    asked = order.asked
    if asked.mode != "cash" or not asked.is_market:
        return ""
    return "quote_ccy" if asked.in_quote else "base_ccy"


def _execution(fill: Fill) -> str:
    return "M" if fill.maker else "T"


def _fee_rate(fill: Fill) -> str:
    """Fee over what was paid or received, as the venue states it."""
    if fill.order.asked.mode != "cash":
        return ""
    notional = fill.size if fill.order.asked.side == "buy" else fill.size * fill.price
    return plain(round(fill.fee / notional, 8)) if notional else "0"


def _sub_type(fill: Fill) -> str:
    special = {"full_liquidation": "100", "adl": "125"}
    return special.get(fill.order.category, "1" if fill.order.asked.side == "buy" else "2")


def _truth(value: bool) -> str:
    return "true" if value else "false"
