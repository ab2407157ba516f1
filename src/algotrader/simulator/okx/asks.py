"""Requests for orders as they arrive: which fields exist, which are needed, what they may say.

A field that is not known is refused with 51000, as is a known one with an impossible value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from algotrader.core.orders import Side
from algotrader.simulator.okx.listings import Listing
from algotrader.simulator.okx.numerals import positive
from algotrader.simulator.okx.orders import Attached, Exit, NewAlgo, NewOrder
from algotrader.simulator.okx.refusals import Refusal

Asked = Mapping[str, Any]

ORDER_FIELDS: Final = frozenset({
    "instId", "tdMode", "ccy", "clOrdId", "tag", "side", "posSide", "ordType", "sz", "px",
    "reduceOnly", "tgtCcy", "banAmend", "pxAmendType", "stpMode", "attachAlgoOrds",
    "tradeQuoteCcy", "instIdCode",
})  # fmt: skip
ATTACHED_FIELDS: Final = frozenset({
    "attachAlgoClOrdId", "tpTriggerPx", "tpOrdPx", "tpOrdKind", "tpTriggerPxType", "slTriggerPx",
    "slOrdPx", "slTriggerPxType", "sz", "amendPxOnTriggerType",
})  # fmt: skip
ALGO_FIELDS: Final = frozenset({
    "instId", "tdMode", "ccy", "side", "posSide", "ordType", "sz", "tag", "tgtCcy", "clOrdId",
    "algoClOrdId", "closeFraction", "reduceOnly", "cxlOnClosePos", "quickMgnType", "tpTriggerPx",
    "tpTriggerPxType", "tpOrdPx", "tpOrdKind", "slTriggerPx", "slTriggerPxType", "slOrdPx",
    "triggerPx", "triggerPxType", "orderPx", "callbackRatio", "callbackSpread", "activePx",
    "tradeQuoteCcy",
})  # fmt: skip
_KINDS: Final = ("market", "limit", "post_only", "fok", "ioc", "optimal_limit_ioc")
_ALGO_KINDS: Final = ("conditional", "oco", "trigger", "move_order_stop")
_TRIGGERS: Final = ("last", "mark", "index")
_STP: Final = ("cancel_maker", "cancel_taker", "cancel_both")
_TAG: Final = re.compile(r"[A-Za-z0-9]{0,16}")


def check_fields(asked: object, allowed: frozenset[str], needed: tuple[str, ...] = ()) -> Asked:
    """The fields of a request; Refusal 51000 for one nobody knows, 50014 for one left out."""
    if not isinstance(asked, Mapping):
        raise Refusal("50002")
    for name in asked:
        if name not in allowed:
            raise Refusal("51000", name)
    for name in needed:
        if asked.get(name) in (None, ""):
            raise Refusal("50014", name)
    return asked


def one_of(asked: Asked, name: str, values: tuple[str, ...], default: str | None = None) -> str:
    value = asked.get(name) or default
    if value not in values:
        raise Refusal("51000", name)
    return str(value)


def truth(asked: Asked, name: str) -> bool:
    """A flag, as JSON or as text."""
    value = asked.get(name, False)
    if value in (True, "true"):
        return True
    if value in (False, "false", ""):
        return False
    raise Refusal("51000", name)


def text(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise Refusal("51000", name)
    return str(value)


def new_order(asked: Asked, listing: Listing, *, is_hedged: bool) -> NewOrder:
    """An order request as a record. The caller has checked that the instrument exists."""
    check_fields(asked, ORDER_FIELDS, ("instId", "tdMode", "side", "ordType", "sz"))
    kind = one_of(asked, "ordType", _KINDS)
    side = Side(one_of(asked, "side", ("buy", "sell")))
    mode = one_of(asked, "tdMode", ("cash", "cross", "isolated"))
    if kind == "optimal_limit_ioc" and listing.is_spot:
        raise Refusal("51000", "ordType")
    market = kind in ("market", "optimal_limit_ioc")
    in_quote = kind == "market" and listing.is_spot and _is_money(asked, side)
    return NewOrder(
        inst_id=str(asked["instId"]), side=side, kind=kind, size=positive(asked["sz"], "sz"),
        mode=mode, price=None if market else positive(asked.get("px"), "px"),
        client_id=text(asked, "clOrdId"), tag=_tag(asked),
        pos_side=_pos_side(asked, is_hedged=is_hedged and not listing.is_spot),
        reduce_only=truth(asked, "reduceOnly") and not listing.is_spot, in_quote=in_quote,
        attached=_attachments(asked), stp_mode=one_of(asked, "stpMode", _STP, "cancel_maker"),
    )  # fmt: skip


def _is_money(asked: Asked, side: Side) -> bool:
    """Without `tgtCcy` a market buy is sized in money, a sale in coins."""
    default = "quote_ccy" if side is Side.BUY else "base_ccy"
    return one_of(asked, "tgtCcy", ("base_ccy", "quote_ccy"), default) == "quote_ccy"


def _tag(asked: Asked) -> str:
    tag = text(asked, "tag")
    if not _TAG.fullmatch(tag):
        raise Refusal("51000", "tag")
    return tag


def _pos_side(asked: Asked, *, is_hedged: bool) -> str:
    return one_of(asked, "posSide", ("net", "long", "short"), "" if is_hedged else "net")


def _attachments(asked: Asked) -> tuple[Attached, ...]:
    rows = asked.get("attachAlgoOrds", [])
    if not isinstance(rows, list):
        raise Refusal("51000", "attachAlgoOrds")
    found = []
    for row in rows:
        check_fields(row, ATTACHED_FIELDS)
        stop, target = exit_of(row, "sl"), exit_of(row, "tp")
        if stop is None and target is None:
            raise Refusal("50015", "tpTriggerPx", "slTriggerPx")
        found.append(Attached(attach_id="", client_id=text(row, "attachAlgoClOrdId"),
                              stop=stop, target=target))  # fmt: skip
    return tuple(found)


def exit_of(asked: Asked, name: str) -> Exit | None:
    """Trigger and order price of the leg `sl` or `tp`; None if it is not asked for."""
    trigger, price = asked.get(f"{name}TriggerPx"), asked.get(f"{name}OrdPx")
    if trigger in (None, ""):
        if price not in (None, ""):
            raise Refusal("50014", f"{name}TriggerPx")
        return None
    if price in (None, ""):
        raise Refusal("50014", f"{name}OrdPx")
    return Exit(
        trigger=positive(trigger, f"{name}TriggerPx"),
        price=order_price(price, f"{name}OrdPx"),
        by=one_of(asked, f"{name}TriggerPxType", _TRIGGERS, "last"),
    )


def changed_exit(asked: Asked, name: str, old: Exit | None) -> Exit | None:
    """The leg `Sl`, `Tp` or, of a trigger order, "" after an amendment; None if nothing of it is asked to change."""
    trigger, price = asked.get(f"new{name}TriggerPx"), asked.get(f"new{name}OrdPx")
    by = asked.get(f"new{name}TriggerPxType")
    if all(value in (None, "") for value in (trigger, price, by)):
        return None
    if old is None and (trigger in (None, "") or price in (None, "")):
        raise Refusal("50014", f"new{name}TriggerPx")
    before = old or Exit(trigger=Decimal(1))
    return Exit(
        trigger=before.trigger
        if trigger in (None, "")
        else positive(trigger, f"new{name}TriggerPx"),
        price=before.price if price in (None, "") else order_price(price, f"new{name}OrdPx"),
        by=one_of(asked, f"new{name}TriggerPxType", _TRIGGERS, before.by),
    )


def order_price(value: object, name: str) -> Decimal | None:
    """A limit, or None for -1, which stands for the market."""
    return None if str(value) == "-1" else positive(value, name)


def new_algo(asked: Asked, listing: Listing, *, is_hedged: bool) -> NewAlgo:
    """An algo order request as a record. On spot `cross` means the account's coins as well."""
    check_fields(asked, ALGO_FIELDS, ("instId", "tdMode", "side", "ordType"))
    kind = one_of(asked, "ordType", _ALGO_KINDS)
    mode = one_of(asked, "tdMode", ("cash", "cross", "isolated"))
    fraction = asked.get("closeFraction", "")
    if fraction not in ("", "1", 1):
        raise Refusal("51000", "closeFraction")
    closes = fraction != ""
    made = NewAlgo(
        inst_id=str(asked["instId"]), side=Side(one_of(asked, "side", ("buy", "sell"))),
        kind=kind, mode="cash" if listing.is_spot else mode,
        size=None if closes else positive(asked.get("sz"), "sz"),
        client_id=text(asked, "algoClOrdId") or text(asked, "clOrdId"), tag=_tag(asked),
        pos_side=_pos_side(asked, is_hedged=is_hedged and not listing.is_spot),
        reduce_only=truth(asked, "reduceOnly") and not listing.is_spot, close_fraction=closes,
        stop=exit_of(asked, "sl"), target=exit_of(asked, "tp"), entry=_entry(asked, kind),
        callback_ratio=_optional(asked, "callbackRatio"),
        callback_spread=_optional(asked, "callbackSpread"),
        active_price=_optional(asked, "activePx"),
    )  # fmt: skip
    _check_kind(made, mode, listing)
    return made


def _entry(asked: Asked, kind: str) -> Exit | None:
    if kind != "trigger":
        return None
    return Exit(
        trigger=positive(asked.get("triggerPx"), "triggerPx"),
        price=order_price(asked.get("orderPx"), "orderPx"),
        by=one_of(asked, "triggerPxType", _TRIGGERS, "last"),
    )  # fmt: skip


def _optional(asked: Asked, name: str) -> Decimal | None:
    value = asked.get(name)
    return None if value in (None, "") else positive(value, name)


def _check_kind(made: NewAlgo, mode: str, listing: Listing) -> None:
    """Each kind has the fields it needs and no mode its instrument lacks."""
    if listing.is_spot and mode == "isolated":
        raise Refusal("51000", "tdMode")
    if not listing.is_spot and mode == "cash":
        raise Refusal("51000", "tdMode")
    if made.kind == "conditional" and (made.stop is None) is (made.target is None):
        raise Refusal("50015", "tpTriggerPx", "slTriggerPx")
    if made.kind == "oco" and (made.stop is None or made.target is None):
        raise Refusal("50015", "tpTriggerPx", "slTriggerPx")
    if made.kind == "move_order_stop":
        ratio, spread = made.callback_ratio, made.callback_spread
        if (ratio is None) is (spread is None):
            raise Refusal("50015", "callbackRatio", "callbackSpread")
        if ratio is not None and not Decimal("0.0001") <= ratio <= 1:
            raise Refusal("51257")
