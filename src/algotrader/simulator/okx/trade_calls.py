"""Calls that place, change, cancel and look up orders, algo orders and fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from algotrader.simulator.okx import algos as algo_book
from algotrader.simulator.okx import asks, rows
from algotrader.simulator.okx.asks import Asked, check_fields, text
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.numerals import positive, whole
from algotrader.simulator.okx.orders import Algo, Fill, Order
from algotrader.simulator.okx.public_calls import bound, page
from algotrader.simulator.okx.records import ARCHIVE_MS, FILLS_MS, HISTORY_MS
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.rows import Row
from algotrader.simulator.okx.trading import find_named
from algotrader.simulator.okx.wallet import HeldKey
from algotrader.simulator.okx.wire import Endpoint, Reply, answer, judged

T = TypeVar("T")
MOST_IN_BATCH = 20
Single = Callable[[Desk, Asked], Row]


def _each(desk: Desk, asked: Any, do: Single, refused: Callable[[Asked], Row]) -> Reply:
    """Each row on its own: what one row is refused for does not stop the others."""
    wanted = asked if isinstance(asked, list) else [asked]
    if not wanted:
        raise Refusal("51000", "body")
    if len(wanted) > MOST_IN_BATCH:
        raise Refusal("51111", MOST_IN_BATCH)
    results = []
    for one in wanted:
        if not isinstance(one, dict):
            raise Refusal("50002")
        try:
            results.append(do(desk, one) | {"sCode": "0", "sMsg": ""})
        except Refusal as refusal:
            results.append(refused(one) | {"sCode": refusal.code, "sMsg": refusal.text})
    return judged(results)


def _refused_order(asked: Asked) -> Row:
    return {"ordId": str(asked.get("ordId", "")), "clOrdId": str(asked.get("clOrdId", "")),
            "tag": str(asked.get("tag", ""))}  # fmt: skip


def refused_row(name: str, asked: Asked) -> Row:
    """What a refused row of a path shows beside its code."""
    if name in ("trade/order-algo", "trade/amend-algos"):
        return _refused_algo(asked)
    if name == "trade/cancel-algos":
        return _refused_algo_id(asked)
    return (
        _refused_order(asked)
        if name.endswith(("/order", "/batch-orders"))
        else _refused_named(asked)
    )


def place(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _place_one, _refused_order)


def _place_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, asks.ORDER_FIELDS, ("instId",))
    venue = desk.venue
    listing = desk.market(str(asked["instId"])).listing
    wanted = asks.new_order(asked, listing, is_hedged=venue.wallet.is_hedged)
    attached = tuple(replace(one, attach_id=venue.next_id()) for one in wanted.attached)
    order = desk.exchange.place(replace(wanted, attached=attached))
    return {"ordId": order.order_id, "clOrdId": wanted.client_id, "tag": wanted.tag}


_NAMED = frozenset({"instId", "ordId", "clOrdId"})


def cancel(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _cancel_one, _refused_named)


def _refused_named(asked: Asked) -> Row:
    return {"ordId": str(asked.get("ordId", "")), "clOrdId": str(asked.get("clOrdId", ""))}


def _cancel_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, _NAMED, ("instId",))
    order = desk.exchange.cancel(str(asked["instId"]), text(asked, "ordId"), text(asked, "clOrdId"))
    return {"ordId": order.order_id, "clOrdId": order.asked.client_id}


_AMENDED = _NAMED | {"cxlOnFail", "reqId", "newSz", "newPx", "pxAmendType"}


def amend(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _amend_one, _refused_amend)


def _refused_amend(asked: Asked) -> Row:
    return _refused_named(asked) | {"reqId": str(asked.get("reqId", ""))}


def _amend_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, _AMENDED, ("instId",))
    order = find_named(
        desk.venue, str(asked["instId"]), text(asked, "ordId"), text(asked, "clOrdId"),
        absent="51503",
    )  # fmt: skip
    try:
        desk.exchange.amend(
            order, _changed(asked, "newSz"), _changed(asked, "newPx"), text(asked, "reqId")
        )
    except Refusal:
        if asks.truth(asked, "cxlOnFail") and order.is_open:
            desk.exchange.cancel(order.asked.inst_id, order.order_id)
        raise
    return {"ordId": order.order_id, "clOrdId": order.asked.client_id,
            "reqId": text(asked, "reqId")}  # fmt: skip


def _changed(asked: Asked, name: str) -> Decimal | None:
    value = asked.get(name)
    return None if value in (None, "") else positive(value, name)


def get_order(desk: Desk, asked: Asked) -> Reply:
    order = find_named(
        desk.venue, str(asked["instId"]), text(asked, "ordId"), text(asked, "clOrdId"),
        absent="51603",
    )  # fmt: skip
    return answer([rows.order_row(order)])


def _matches(asked: Asked, order: Order) -> bool:
    shown = rows.order_row(order)
    names = ("instType", "instId", "ordType", "state", "category")
    return all(asked.get(name) in (None, "", shown[name]) for name in names)


def paged(found: Iterable[T], asked: Asked, number: Callable[[T], int], at: Callable[[T], int],
          most: int = 100) -> list[T]:  # fmt: skip
    """Newest first, between the ids `before` and `after` and the times `begin` and `end`."""
    after, before = bound(asked, "after"), bound(asked, "before")
    begin, end = bound(asked, "begin"), bound(asked, "end")
    kept = (
        one for one in found
        if (after is None or number(one) < after) and (before is None or number(one) > before)
        and (begin is None or at(one) >= begin) and (end is None or at(one) <= end)
    )  # fmt: skip
    return list(islice(kept, page(asked, most)))


def _orders(asked: Asked, found: Iterable[Order]) -> Reply:
    chosen = paged((o for o in found if _matches(asked, o)), asked,
                   lambda o: int(o.order_id), lambda o: o.created_ms)  # fmt: skip
    return answer([rows.order_row(order) for order in chosen])


def pending(desk: Desk, asked: Asked) -> Reply:
    newest_first = sorted(desk.venue.records.pending(), key=lambda o: -int(o.order_id))
    return _orders(asked, newest_first)


def history(desk: Desk, asked: Asked) -> Reply:
    return _orders(asked, desk.venue.records.done(desk.exchange.now_ms, HISTORY_MS))


def archive(desk: Desk, asked: Asked) -> Reply:
    return _orders(asked, desk.venue.records.done(desk.exchange.now_ms, ARCHIVE_MS))


def fills(desk: Desk, asked: Asked) -> Reply:
    return _fills(desk, asked, FILLS_MS)


def fills_history(desk: Desk, asked: Asked) -> Reply:
    return _fills(desk, asked, ARCHIVE_MS)


def _fills(desk: Desk, asked: Asked, kept_ms: int) -> Reply:
    oldest = desk.exchange.now_ms - kept_ms

    def is_wanted(fill: Fill) -> bool:
        shown = rows.fill_row(fill)
        names = ("instType", "instId", "ordId", "subType")
        same = all(asked.get(name) in (None, "", shown[name]) for name in names)
        return same and fill.at_ms >= oldest

    found = (fill for fill in reversed(desk.venue.records.fills) if is_wanted(fill))
    chosen = paged(found, asked, lambda f: int(f.bill_id), lambda f: f.at_ms)
    return answer([rows.fill_row(fill) for fill in chosen])


def place_algo(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _place_algo_one, _refused_algo)


def _refused_algo(asked: Asked) -> Row:
    client = asked.get("algoClOrdId") or asked.get("clOrdId") or ""
    return {"algoId": str(asked.get("algoId", "")), "algoClOrdId": str(client)}


def _place_algo_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, asks.ALGO_FIELDS, ("instId",))
    listing = desk.market(str(asked["instId"])).listing
    wanted = asks.new_algo(asked, listing, is_hedged=desk.venue.wallet.is_hedged)
    algo = desk.exchange.place_algo(wanted)
    return {"algoId": algo.algo_id, "algoClOrdId": wanted.client_id}


_ALGO_NAMED = frozenset({"instId", "algoId", "algoClOrdId"})


def cancel_algos(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _cancel_algo_one, _refused_algo_id)


def _refused_algo_id(asked: Asked) -> Row:
    return {"algoId": str(asked.get("algoId", ""))}


def _cancel_algo_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, _ALGO_NAMED, ("instId",))
    algo = desk.exchange.cancel_algo(
        str(asked["instId"]), text(asked, "algoId"), text(asked, "algoClOrdId")
    )
    return {"algoId": algo.algo_id}


_ALGO_AMENDED = _ALGO_NAMED | {
    "cxlOnFail", "reqId", "newSz", "newTpTriggerPx", "newTpOrdPx", "newTpTriggerPxType",
    "newSlTriggerPx", "newSlOrdPx", "newSlTriggerPxType", "newTriggerPx", "newOrdPx",
    "newTriggerPxType",
}  # fmt: skip


def amend_algos(desk: Desk, asked: Any) -> Reply:
    return _each(desk, asked, _amend_algo_one, _refused_algo)


def _amend_algo_one(desk: Desk, asked: Asked) -> Row:
    check_fields(asked, frozenset(_ALGO_AMENDED), ("instId",))
    algo = _find_algo(desk, asked, "51503")
    algo_book.amend_algo(
        desk.venue, algo, size=_changed(asked, "newSz"),
        stop=asks.changed_exit(asked, "Sl", algo.stop),
        target=asks.changed_exit(asked, "Tp", algo.target),
        entry=asks.changed_exit(asked, "", algo.entry),
    )  # fmt: skip
    return {"algoId": algo.algo_id, "algoClOrdId": algo.asked.client_id,
            "reqId": text(asked, "reqId")}  # fmt: skip


def _find_algo(desk: Desk, asked: Asked, absent: str) -> Algo:
    algo = desk.venue.records.find_algo(text(asked, "algoId"), text(asked, "algoClOrdId"))
    if algo is None:
        raise Refusal(absent)
    return algo


def get_algo(desk: Desk, asked: Asked) -> Reply:
    if not asked.get("algoId") and not asked.get("algoClOrdId"):
        raise Refusal("50015", "algoId", "algoClOrdId")
    return answer([_algo_row(desk, _find_algo(desk, asked, "51603"))])


def algos_pending(desk: Desk, asked: Asked) -> Reply:
    live = sorted(desk.venue.records.live_algos(), key=lambda a: -int(a.algo_id))
    return _algos(desk, asked, live)


def algos_history(desk: Desk, asked: Asked) -> Reply:
    if not asked.get("state") and not asked.get("algoId"):
        raise Refusal("50015", "state", "algoId")
    return _algos(desk, asked, desk.venue.records.done_algos())


def _algos(desk: Desk, asked: Asked, found: Iterable[Algo]) -> Reply:
    kinds = str(asked["ordType"]).split(",")

    def is_wanted(algo: Algo) -> bool:
        shown = _algo_row(desk, algo)
        names = ("instType", "instId", "algoId", "algoClOrdId", "state")
        same = all(asked.get(name) in (None, "", shown[name]) for name in names)
        return same and algo.asked.kind in kinds

    chosen = paged((a for a in found if is_wanted(a)), asked, lambda a: int(a.algo_id),
                   lambda a: a.created_ms)  # fmt: skip
    return answer([_algo_row(desk, algo) for algo in chosen])


def _algo_row(desk: Desk, algo: Algo) -> Row:
    return rows.algo_row(algo, desk.market(algo.asked.inst_id).last)


def cancel_all_after(desk: Desk, asked: Asked) -> Reply:
    """The dead man's switch: 0 switches it off, else 10 to 120 seconds."""
    seconds = whole(asked["timeOut"], "timeOut")
    if seconds and not 10 <= seconds <= 120:
        raise Refusal("51000", "timeOut")
    desk.cancel_all_at_ms = desk.at_ms + seconds * 1000 if seconds else None
    trigger = 0 if desk.cancel_all_at_ms is None else desk.cancel_all_at_ms
    return answer([{"triggerTime": str(trigger), "tag": text(asked, "tag"),
                    "ts": str(desk.at_ms)}])  # fmt: skip


def close_position(desk: Desk, asked: Asked) -> Reply:
    """Close a whole position at the market."""
    inst_id, mode = str(asked["instId"]), asks.one_of(asked, "mgnMode", ("cross", "isolated"))
    pos_side = text(asked, "posSide") or "net"
    held = desk.venue.wallet.held.get(HeldKey(inst_id, mode, pos_side))
    if held is None or not held.quantity:
        raise Refusal("51023")
    side = "sell" if held.quantity > 0 else "buy"
    listing = desk.market(inst_id).listing
    order = asks.new_order(
        {"instId": inst_id, "tdMode": mode, "side": side, "ordType": "market",
         "sz": str(abs(held.quantity)), "posSide": pos_side, "reduceOnly": True,
         "clOrdId": text(asked, "clOrdId"), "tag": text(asked, "tag")},
        listing, is_hedged=desk.venue.wallet.is_hedged,
    )  # fmt: skip
    desk.exchange.place(order)
    return answer([{"clOrdId": order.client_id, "instId": inst_id, "posSide": pos_side,
                    "tag": order.tag}])  # fmt: skip


_LISTED = ("instType", "uly", "instFamily", "instId", "ordType", "state", "category", "after",
           "before", "begin", "end", "limit")  # fmt: skip
_FILLS = ("instType", "uly", "instFamily", "instId", "ordId", "subType", "after", "before",
          "begin", "end", "limit")  # fmt: skip
_ALGOS = ("ordType", "algoId", "algoClOrdId", "instType", "instId", "after", "before", "limit")


def _get(name: str, handler: Callable[..., Reply], calls: int, fields: Iterable[str],
         needed: tuple[str, ...] = ()) -> Endpoint:  # fmt: skip
    return Endpoint(method="GET", name=name, handler=handler, calls=calls, private=True,
                    fields=frozenset(fields), needed=needed)  # fmt: skip


def _post(
    name: str, handler: Callable[..., Reply], calls: int, per: str = "", **more: Any
) -> Endpoint:
    return Endpoint(method="POST", name=name, handler=handler, calls=calls, per=per, private=True,
                    trades=True, rowwise=not more, **more)  # fmt: skip


TRADE: tuple[Endpoint, ...] = (
    _post("trade/order", place, 60, "instId"),
    _post("trade/batch-orders", place, 300, "instId"),
    _post("trade/cancel-order", cancel, 60, "instId"),
    _post("trade/cancel-batch-orders", cancel, 300, "instId"),
    _post("trade/amend-order", amend, 60, "instId"),
    _post("trade/amend-batch-orders", amend, 300, "instId"),
    _post("trade/order-algo", place_algo, 20),
    _post("trade/cancel-algos", cancel_algos, 20),
    _post("trade/amend-algos", amend_algos, 20),
    _post("trade/cancel-all-after", cancel_all_after, 2,
          fields=frozenset({"timeOut", "tag"}), needed=("timeOut",)),
    _post("trade/close-position", close_position, 20,
          fields=frozenset({"instId", "posSide", "mgnMode", "ccy", "autoCxl", "clOrdId", "tag"}),
          needed=("instId", "mgnMode")),
    _get("trade/order", get_order, 60, ("instId", "ordId", "clOrdId"), ("instId",)),
    _get("trade/orders-pending", pending, 60, _LISTED),
    _get("trade/orders-history", history, 40, _LISTED, ("instType",)),
    _get("trade/orders-history-archive", archive, 20, _LISTED, ("instType",)),
    _get("trade/fills", fills, 60, _FILLS),
    _get("trade/fills-history", fills_history, 10, _FILLS, ("instType",)),
    _get("trade/order-algo", get_algo, 20, ("algoId", "algoClOrdId", "instId")),
    _get("trade/orders-algo-pending", algos_pending, 20, _ALGOS, ("ordType",)),
    _get("trade/orders-algo-history", algos_history, 20, (*_ALGOS, "state"), ("ordType",)),
)  # fmt: skip
