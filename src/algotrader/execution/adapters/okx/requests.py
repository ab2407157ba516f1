"""Orders as OKX wants them. Pure functions.

Stops, targets and trailing stops are algo orders, each with an id of its own (`algoClOrdId`). What
protects a position is `conditional`, `oco` or `move_order_stop`; a stop that may open one is
`trigger`. Levels are judged by the mark on swaps and by the last price on spot.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.orders import Order, OrderKind, Purpose, Side, TimeInForce
from algotrader.core.symbols import InstrumentKind
from algotrader.data.adapters.okx.names import inst_id

PLACE: Final = "trade/order"
PLACE_ALGO: Final = "trade/order-algo"
_MARKET: Final = "-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCall:
    """One call that places an order, and the field its answer names the order in."""

    path: str
    body: dict[str, Any]

    @property
    def id_field(self) -> str:
        return "algoId" if self.path == PLACE_ALGO else "ordId"


def order_call(order: Order, margin_mode: str) -> OrderCall:
    """The call for an order of any kind."""
    terms = order.terms
    if terms.kind in (OrderKind.MARKET, OrderKind.LIMIT):
        body = _common(order, margin_mode) | {
            "clOrdId": order.order_id,
            "ordType": _plain_kind(order),
        }
        if terms.limit is not None:
            body["px"] = f"{terms.limit:f}"
        if _is_spot(order) and terms.kind is OrderKind.MARKET:
            body["tgtCcy"] = "base_ccy"  # sizes go out in base units, never in quote (R13)
        return OrderCall(path=PLACE, body=body)
    if order.intent.purpose is Purpose.BRACKET:
        return _algo(order, margin_mode, "oco", _bracket(order))
    if terms.trail is not None:
        return _algo(order, margin_mode, "move_order_stop", {"callbackRatio": f"{terms.trail:f}"})
    if not _protects(order):
        return _algo(order, margin_mode, "trigger", {
            "triggerPx": f"{terms.stop:f}", "orderPx": _price(terms.limit),
            "triggerPxType": _judged_by(order),
        })  # fmt: skip
    leg = "tp" if order.intent.purpose is Purpose.TAKE_PROFIT else "sl"
    return _algo(order, margin_mode, "conditional", _leg(order, leg, terms.stop, terms.limit))


def _bracket(order: Order) -> dict[str, Any]:
    """A stop and a target of which one ends the other. ValueError without both levels."""
    terms = order.terms
    if terms.stop is None or terms.limit is None:
        raise ValueError(f"order {order.order_id}: a bracket has a stop and a target")
    # A target that is reached is a limit there: it fills at its price or better (R15).
    return _leg(order, "sl", terms.stop, None) | _leg(order, "tp", terms.limit, terms.limit)


def _algo(order: Order, margin_mode: str, kind: str, more: dict[str, Any]) -> OrderCall:
    body = _common(order, margin_mode) | {"algoClOrdId": order.order_id, "ordType": kind} | more
    if _is_spot(order) and order.side is Side.BUY:
        body["tgtCcy"] = "base_ccy"
    return OrderCall(path=PLACE_ALGO, body=body)


def _common(order: Order, margin_mode: str) -> dict[str, Any]:
    spot = _is_spot(order)
    body: dict[str, Any] = {
        "instId": inst_id(order.instrument),
        "tdMode": "cash" if spot else margin_mode,
        "side": str(order.side),
        "sz": f"{order.quantity:f}",
    }
    if not spot and order.terms.reduce_only:
        body["reduceOnly"] = True
    return body


def _leg(order: Order, name: str, trigger: Decimal | None, limit: Decimal | None) -> dict[str, Any]:
    return {
        f"{name}TriggerPx": f"{trigger:f}",
        f"{name}OrdPx": _price(limit),
        f"{name}TriggerPxType": _judged_by(order),
    }


def _protects(order: Order) -> bool:
    """Whether an order can only reduce: on spot, where nobody is short, every sale does."""
    return order.terms.reduce_only or (_is_spot(order) and order.side is Side.SELL)


def _judged_by(order: Order) -> str:
    return "last" if _is_spot(order) else "mark"


def _price(limit: Decimal | None) -> str:
    return _MARKET if limit is None else f"{limit:f}"


def _is_spot(order: Order) -> bool:
    return order.instrument.kind is InstrumentKind.SPOT


def _plain_kind(order: Order) -> str:
    terms = order.terms
    if terms.kind is OrderKind.MARKET:
        return "market"
    if terms.post_only:
        return "post_only"
    return {TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}.get(terms.tif, "limit")
