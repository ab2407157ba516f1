"""Orders by hand: what one would come to, place, change, withdraw."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.access import Caller
from algotrader.api.errors import ApiError, not_found
from algotrader.api.models.orders import (
    AmendWish,
    ChangeTermsWish,
    DenialReason,
    OrderAsked,
    OrderPreview,
    OrderTermsWish,
    OrderWish,
)
from algotrader.api.serving import CHANNEL, Served, Serving, Stands, Trader, error_answers
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.engine.state import EngineState
from algotrader.live.requests import Hand, HandAmend, HandCancel, HandOrder
from algotrader.ops import order_asking as asking

router = APIRouter(tags=["orders by hand"], responses=error_answers(401, 403, 503))
_WAIT_S: Final = 4.0
_LOOKS: Final = 50  # for the rows of an order that was just answered, `_LOOK_S` apart
_LOOK_S: Final = 0.02
"""What is not known by then is said to be so; the order's life and the WebSocket tell the rest."""


@router.post(
    "/orders/preview", summary="What every rule says of an order", responses=error_answers(409, 422)
)
async def preview_order(
    serving: Served, state: Stands, _: Trader, wish: OrderTermsWish
) -> OrderPreview:
    """As things stand: verdicts, what it costs, what would be held. Nothing is sent."""
    asked = _order(serving, wish, "preview", "preview", "")
    standing = _standing(state)
    found = asking.preview(standing, asked, asking.now_of(serving.configuration, standing))
    return OrderPreview.model_validate(asking.preview_row(found, serving.configuration))


@router.post(
    "/orders/{order_id}/preview", summary="What every rule says of a change of an order",
    responses=error_answers(404, 409, 422),
)  # fmt: skip
async def preview_change(
    serving: Served, state: Stands, _: Trader, order_id: str, wish: ChangeTermsWish
) -> OrderPreview:
    """As things stand, with the order in its new form in the place of its old one. Nothing is sent."""
    before = _known(serving, state, order_id)
    standing = _standing(state)
    if OrderId(order_id) not in standing.orders:
        raise ApiError(409, "order.over", f"order {order_id} is over: nothing of it can be changed")
    asked = HandAmend(
        request=asking.new_request(), account=AccountId(before["account"]), reason="preview",
        by="preview", order=OrderId(order_id), quantity=_number(wish.quantity),
        limit=_number(wish.limit), stop=_number(wish.stop),
    )  # fmt: skip
    found = asking.preview_change(standing, asked, asking.now_of(serving.configuration, standing))
    return OrderPreview.model_validate(asking.preview_row(found, serving.configuration))


@router.post(
    "/orders", summary="Place an order", responses=error_answers(409, 422), status_code=202
)
async def place_order(serving: Served, caller: Trader, wish: OrderWish) -> OrderAsked:
    """Judged by every rule like a strategy's, then sent. Not kept for a trader that does not run."""
    request = wish.request or asking.new_request()
    asked = _order(serving, wish, request, wish.reason, caller.name)
    _require_confirmed(serving, asked.account, wish.confirm)
    sent = wish.model_dump(exclude_none=True, exclude={"request", "reason", "confirm"})
    return await _ask(serving, caller, "place", asked, None, sent)


@router.patch(
    "/orders/{order_id}", summary="Change a resting order", responses=error_answers(404, 409, 422),
    status_code=202,
)  # fmt: skip
async def amend_order(
    serving: Served, state: Stands, caller: Trader, order_id: str, wish: AmendWish
) -> OrderAsked:
    """Judged as a new order in its place: it is changed, or it stays as it was."""
    before = _known(serving, state, order_id)
    asked = HandAmend(
        request=wish.request or asking.new_request(), account=AccountId(before["account"]),
        reason=wish.reason, until_ms=asking.valid_until(), by=caller.name, channel=CHANNEL,
        order=OrderId(order_id), quantity=_number(wish.quantity), limit=_number(wish.limit),
        stop=_number(wish.stop),
    )  # fmt: skip
    _require_confirmed(serving, asked.account, wish.confirm)
    sent = wish.model_dump(exclude_none=True, exclude={"request", "reason", "confirm"})
    return await _ask(serving, caller, "amend", asked, before, sent)


@router.delete(
    "/orders/{order_id}", summary="Withdraw an order", responses=error_answers(404, 409, 422),
    status_code=202,
)  # fmt: skip
async def cancel_order(
    serving: Served,
    state: Stands,
    caller: Trader,
    order_id: str,
    request: Annotated[
        str | None,
        Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="the client's own name of it"),
    ] = None,
    reason: Annotated[
        str, Query(max_length=500, description="kept in the journal")
    ] = "asked by hand",
) -> OrderAsked:
    """What it has filled stays. A target's order is not sent again before a newer target."""
    before = _known(serving, state, order_id)
    asked = HandCancel(
        request=request or asking.new_request(), account=AccountId(before["account"]),
        reason=reason, until_ms=asking.valid_until(), by=caller.name, channel=CHANNEL,
        order=OrderId(order_id),
    )  # fmt: skip
    return await _ask(serving, caller, "cancel", asked, before, {})


async def _ask(
    serving: Serving,
    caller: Caller,
    action: Literal["place", "amend", "cancel"],
    asked: Hand,
    before: dict[str, Any] | None,
    sent: dict[str, Any],
) -> OrderAsked:
    """Leave it for the trader, and wait a while for its word. Kept in the audit either way."""
    asking.require_running(serving.configuration)
    answer = await run_in_threadpool(
        asking.ask, serving.configuration, asked, wait_s=_WAIT_S
    )  # fmt: skip
    known = None if isinstance(asked, HandOrder) else asked.order
    order = known if answer is None else answer.order
    outcome: Literal["accepted", "denied", "unanswered"] = "unanswered"
    if answer is not None:
        outcome = "accepted" if answer.is_accepted else "denied"
    about = order or (str(asked.instrument) if isinstance(asked, HandOrder) else "")
    serving.access.note(
        caller, f"{action} an order", about, before=before,
        after={**sent, "request": asked.request, "outcome": outcome}, says=asked.reason,
    )  # fmt: skip
    if order is not None:
        await _followed(serving, OrderId(order))
    reasons = () if answer is None else answer.reasons
    return OrderAsked(
        request=asked.request, action=action, account=asked.account, order=order, outcome=outcome,
        reasons=[DenialReason(rule=one.rule, message=one.message) for one in reasons],
        follow=None if order is None else f"/api/v1/orders/{order}",
    )  # fmt: skip


async def _followed(serving: Serving, order: OrderId) -> None:
    """Until what is answered here can be read under `follow`: the journal is read a moment later."""
    for _ in range(_LOOKS):
        if serving.view.order_rows(order):
            return
        await asyncio.sleep(_LOOK_S)


def _order(serving: Serving, wish: OrderTermsWish, request: str, reason: str, by: str) -> HandOrder:
    """UsageError for what is no symbol, or for one that no strategy trades."""
    symbol = Symbol.parse(wish.instrument)
    return HandOrder(
        request=request, reason=reason, by=by, channel=CHANNEL, until_ms=asking.valid_until(),
        account=asking.account_of(serving.configuration, str(symbol), wish.account),
        instrument=symbol, side=Side(wish.side), quantity=_number(wish.quantity),
        value=_number(wish.value), limit=_number(wish.limit), stop=_number(wish.stop),
        trail=_number(wish.trail), tif=TimeInForce(wish.tif), expires_ms=wish.expires,
        post_only=wish.post_only, reduce_only=wish.reduce_only,
    )  # fmt: skip


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _known(serving: Serving, state: EngineState | None, order_id: str) -> dict[str, Any]:
    """An order as it is: what the audit keeps as before. ApiError 404."""
    live = None if state is None else serving.view.live_order(state, OrderId(order_id))
    if live is None:
        raise not_found("order", order_id)
    return {
        "account": str(live.order.account), "quantity": str(live.quantity),
        "limit": None if live.limit is None else str(live.limit),
        "stop": None if live.stop is None else str(live.stop), "status": live.status.value,
    }  # fmt: skip


def _standing(state: EngineState | None) -> EngineState:
    if state is None or not state.slices:
        raise ApiError(
            409, "order.no_prices", "no bar has closed yet: nothing can be judged",
            hint="start the trader, and wait for the first bar",
        )  # fmt: skip
    return state


def _require_confirmed(serving: Serving, account: str, confirm: str | None) -> None:
    """Real money asks for the account by name. ApiError 409."""
    if serving.configuration.settings.trading.mode == "live" and confirm != account:
        raise ApiError(
            409, "order.unconfirmed", f"this is real money on account {account}; nothing was sent",
            hint=f"if that is meant, send confirm: {account}",
        )  # fmt: skip
