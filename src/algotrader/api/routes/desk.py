"""Accounts, equity, positions, orders, fills: what a desk has and did. All of it is read only."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from algotrader.api import desk_rows
from algotrader.api.equity import WHOLE
from algotrader.api.errors import not_found
from algotrader.api.journal_pages import newest_rows
from algotrader.api.models.common import Page
from algotrader.api.models.desk import (
    Account,
    Denial,
    EquitySeries,
    Fill,
    Order,
    OrderLife,
    Position,
)
from algotrader.api.paging import Cursor, Limit, page_of, place_of
from algotrader.api.serving import Served, Stands, Viewer, error_answers
from algotrader.api.view import DeskView
from algotrader.core.events import Event, OrderDenied, OrderFilled, OrderSubmitted
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import Order as IntendedOrder
from algotrader.core.orders import OrderStatus
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import LiveOrder
from algotrader.live.journal.showing import plain_body

router = APIRouter(tags=["desk"], responses=error_answers(401, 403, 503))
ByAccount = Annotated[str | None, Query(description="of this account alone")]
ByStrategy = Annotated[str | None, Query(description="of this strategy alone")]
BySymbol = Annotated[str | None, Query(description="of this instrument alone")]
Instant = Annotated[int | None, Query(ge=0, description="UTC ms")]


@router.get("/accounts", summary="Each account, its limits and holds")
async def accounts(serving: Served, state: Stands, _: Viewer) -> list[Account]:
    """As the journal has them: the same rows as `algotrader status --json`."""
    rows = [] if state is None else desk_rows.accounts(serving.view, state)
    return [Account(**row) for row in rows]


@router.get("/equity", summary="What an account was worth over time", responses=error_answers(404))
async def equity(
    serving: Served,
    state: Stands,
    _: Viewer,
    account: Annotated[str, Query(description="of `accounts`", examples=["main"])],
    strategy: Annotated[str | None, Query(description="this one's part alone")] = None,
    begin: Instant = None,
    end: Instant = None,
    points: Annotated[int, Query(ge=2, le=20_000, description="at most about so many")] = 1_000,
) -> EquitySeries:
    """At most about `points` instants, with every extreme of the whole series among them."""
    books = {} if state is None else state.books
    if AccountId(account) not in books:
        raise not_found("account", account, f"accounts are: {', '.join(books) or 'none yet'}")
    series = serving.view.equity.series(account, strategy or WHOLE, begin, end, points)
    currency = str(books[AccountId(account)].whole.currency)
    return EquitySeries(
        account=account, strategy=strategy, currency=currency, ts=series.ts, equity=series.equity,
        deposits=series.deposits, drawdown=series.drawdown, hold=series.hold, total=series.total,
    )  # fmt: skip


@router.get("/positions", summary="Positions by strategy, marked at the last close")
async def positions(serving: Served, state: Stands, _: Viewer) -> list[Position]:
    rows = [] if state is None else desk_rows.positions(serving.view, state)
    return [Position(**row) for row in rows]


@router.get("/orders", summary="Orders, open ones or all", responses=error_answers(400))
async def orders(
    serving: Served,
    state: Stands,
    _: Viewer,
    status: Annotated[
        Literal["open", "all", "unknown"],
        Query(description="open; those of unknown outcome; or all"),
    ] = "open",
    account: ByAccount = None,
    strategy: ByStrategy = None,
    symbol: BySymbol = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Order]:
    """The newest first. What our own rules refused never became an order: see `/denials`."""
    if state is None:
        return Page[Order](items=[], next=None, total=0)
    wanted = {"account": account, "strategy": strategy, "instrument": symbol}
    is_filtered = any(one is not None for one in wanted.values())
    if status == "all":
        return await _all_orders(serving.view, state, wanted, is_filtered, limit, place_of(cursor))
    held = [live for live in state.orders.open() if _fits(live, wanted, status)]
    first = place_of(cursor) or 0
    items = [Order(**desk_rows.order(serving.view, one)) for one in held[::-1][first:][:limit]]
    following = first + limit if first + limit < len(held) else None
    return Page[Order](**page_of(items, following, len(held)))


async def _all_orders(
    view: DeskView, state: EngineState, wanted: dict[str, str | None], is_filtered: bool,
    limit: int, before: int | None,
) -> Page[Order]:  # fmt: skip
    """From the journal: the state lets go of orders that ended long ago."""

    def is_wanted(event: Event) -> bool:
        assert isinstance(event, OrderSubmitted)
        return _matches(event.order, wanted)

    if is_filtered:
        rows, following = await newest_rows(view, ("OrderSubmitted",), before, limit, is_wanted)
        names = [one.order.order_id for _, one in rows if isinstance(one, OrderSubmitted)]
    else:
        names, following = view.newest_orders(before, limit)
    found = [view.live_order(state, name) for name in names]
    items = [Order(**desk_rows.order(view, live)) for live in found if live is not None]
    total = None if is_filtered else view.index.count(("OrderSubmitted",))
    return Page[Order](**page_of(items, following, total))


def _fits(live: LiveOrder, wanted: dict[str, str | None], status: str) -> bool:
    if status == "unknown" and live.status is not OrderStatus.UNKNOWN:
        return False
    return _matches(live.order, wanted)


def _matches(order: IntendedOrder, wanted: dict[str, str | None]) -> bool:
    return all(
        value is None or str(getattr(order, name)) == value for name, value in wanted.items()
    )


@router.get("/orders/{order_id}", summary="An order and its life", responses=error_answers(404))
async def order_life(serving: Served, state: Stands, _: Viewer, order_id: str) -> OrderLife:
    """Each event of it, with the milliseconds since the first."""
    live = None if state is None else serving.view.live_order(state, OrderId(order_id))
    if live is None:
        raise not_found("order", order_id)
    rows = serving.view.order_rows(OrderId(order_id))
    first = rows[0].time_ms if rows else 0
    events = [
        {
            "seq": row.seq, "at": row.time_ms, "since_first_ms": row.time_ms - first,
            "kind": row.kind, "data": plain_body(row.body),
        }
        for row in rows
    ]  # fmt: skip
    return OrderLife.model_validate(
        {"order": desk_rows.order(serving.view, live), "events": events}
    )


@router.get("/denials", summary="Orders that our own rules refused", responses=error_answers(400))
async def denials(
    serving: Served,
    _s: Stands,
    _: Viewer,
    account: ByAccount = None,
    strategy: ByStrategy = None,
    symbol: BySymbol = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Denial]:
    """The newest first, with every rule that refused."""

    def is_wanted(event: Event) -> bool:
        assert isinstance(event, OrderDenied)
        intent = event.intent
        pairs = ((account, intent.account), (strategy, intent.strategy),
                 (symbol, intent.terms.instrument))  # fmt: skip
        return all(value is None or str(held) == value for value, held in pairs)

    is_filtered = any(one is not None for one in (account, strategy, symbol))
    rows, following = await newest_rows(
        serving.view, ("OrderDenied",), place_of(cursor), limit,
        is_wanted if is_filtered else None,
    )  # fmt: skip
    items = [_denial(row.seq, event) for row, event in rows if isinstance(event, OrderDenied)]
    total = None if is_filtered else serving.view.index.count(("OrderDenied",))
    return Page[Denial](**page_of(items, following, total))


def _denial(seq: int, event: OrderDenied) -> Denial:
    intent = event.intent
    return Denial(
        seq=seq, at=event.ts_event, account=intent.account, strategy=intent.strategy,
        instrument=str(intent.terms.instrument), side=intent.terms.side.value,
        quantity=str(intent.terms.quantity),
        reasons=[{"rule": one.rule, "message": one.message} for one in event.reasons],
    )  # fmt: skip


@router.get("/fills", summary="Fills, as the venue told them", responses=error_answers(400))
async def fills(
    serving: Served,
    state: Stands,
    _: Viewer,
    account: ByAccount = None,
    strategy: ByStrategy = None,
    symbol: BySymbol = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Fill]:
    """The newest first."""
    if state is None:
        return Page[Fill](items=[], next=None, total=0)

    def is_wanted(event: Event) -> bool:
        assert isinstance(event, OrderFilled)
        row = desk_rows.fill(serving.view, 0, event.fill)
        pairs = ((account, "account"), (strategy, "strategy"), (symbol, "instrument"))
        return all(value is None or row[name] == value for value, name in pairs)

    is_filtered = any(one is not None for one in (account, strategy, symbol))
    rows, following = await newest_rows(
        serving.view, ("OrderFilled",), place_of(cursor), limit,
        is_wanted if is_filtered else None,
    )  # fmt: skip
    items = [
        Fill(**desk_rows.fill(serving.view, row.seq, event.fill))
        for row, event in rows
        if isinstance(event, OrderFilled)
    ]
    total = None if is_filtered else serving.view.index.count(("OrderFilled",))
    return Page[Fill](**page_of(items, following, total))
