"""Accounts, equity, positions, orders, fills: what a desk has and did. All of it is read only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from algotrader.api import desk_rows
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
from algotrader.core.events import Event, OrderDenied, OrderFilled
from algotrader.core.ids import AccountId, OrderId
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
    begin: Instant = None,
    end: Instant = None,
    points: Annotated[int, Query(ge=2, le=20_000, description="at most about so many")] = 1_000,
) -> EquitySeries:
    """At most about `points` instants, with every extreme of the whole series among them."""
    books = {} if state is None else state.books
    if AccountId(account) not in books:
        raise not_found("account", account, f"accounts are: {', '.join(books) or 'none yet'}")
    series = serving.view.equity.series(account, begin, end, points)
    currency = str(books[AccountId(account)].whole.currency)
    return EquitySeries(
        account=account, currency=currency, ts=series.ts, equity=series.equity,
        deposits=series.deposits, drawdown=series.drawdown, total=series.total,
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
    is_filtered = any(one is not None for one in wanted.values()) or status == "unknown"
    count = len(state.orders)
    before = place_of(cursor)
    found: list[dict[str, Any]] = []
    following = None
    for place, live in _newest(state, status == "open", before):
        if _fits(live, wanted, status):
            if len(found) == limit:
                following = place + 1
                break
            found.append(desk_rows.order(serving.view, live))
    total = None if is_filtered else sum(1 for _ in state.orders.open())
    if status == "all" and not is_filtered:
        total = count
    return Page[Order](**page_of([Order(**row) for row in found], following, total))


def _newest(
    state: EngineState, is_open: bool, before: int | None
) -> Iterator[tuple[int, LiveOrder]]:
    """Orders with their place among all (or among the open ones), the newest first."""
    held = list(state.orders.open()) if is_open else list(state.orders.all())
    first = len(held) if before is None else max(0, min(before, len(held)))
    for place in range(first - 1, -1, -1):
        yield place, held[place]


def _fits(live: LiveOrder, wanted: dict[str, str | None], status: str) -> bool:
    order = live.order
    if status == "unknown" and live.status.value != "unknown":
        return False
    return all(
        value is None or str(getattr(order, name)) == value for name, value in wanted.items()
    )


@router.get("/orders/{order_id}", summary="An order and its life", responses=error_answers(404))
async def order_life(serving: Served, state: Stands, _: Viewer, order_id: str) -> OrderLife:
    """Each event of it, with the milliseconds since the first."""
    if state is None or OrderId(order_id) not in state.orders:
        raise not_found("order", order_id)
    live = state.orders[OrderId(order_id)]
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
    rows, following = newest_rows(
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
    rows, following = newest_rows(
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
