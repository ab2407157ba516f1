"""Bybit: spot, and perpetuals settled in USDT, of a unified account (v5).

Codes: https://bybit-exchange.github.io/docs/v5/error; limits:
https://bybit-exchange.github.io/docs/v5/rate-limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from algotrader.core.ids import OrderId
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.pacing import SHARES, Counted, Limit, Rank
from algotrader.execution.adapters.numbers import Row
from algotrader.execution.adapters.paging import all_pages
from algotrader.execution.adapters.treatments import CodeTable, Treatment, treated
from algotrader.execution.adapters.unified.venue import Ask, Signer, Told, UnifiedVenue
from algotrader.execution.broker import BrokerUnavailableError

_PAGE: Final = 100
_LISTED: Final = 50

CODES: Final = CodeTable(
    source="https://bybit-exchange.github.io/docs/v5/error",
    treatments={
        # Nothing is known: time-outs, failures of the venue, an id that is taken.
        **treated(Treatment.LOOK_UP, 10000, 10014, 10016, 110001, 110008, 110010, 110030, 110072),
        **treated(Treatment.LOOK_UP, 170001, 170007, 170032, 170139, 170141, 170142, 170143),
        **treated(Treatment.LOOK_UP, 170146, 170147, 170149, 170150, 170190, 170213),
        # Too much at once: it was not taken.
        **treated(Treatment.RETRY, 429, 10006, 10018, 10429, 170005, 170222),
        **treated(Treatment.CLOCK, -1, 10002),
        # Keys, rights, account settings.
        **treated(Treatment.HALT, range(10003, 10006), range(10007, 10011), 10020, 10024),
        **treated(Treatment.HALT, range(10027, 10030), 33004, -2015, 110018, 110065, 110067),
        **treated(Treatment.HALT, 110068, 110069, 170201, 170223, 170226),
        # The instrument is not there, not yet, or no more.
        **treated(Treatment.FREEZE, 110063, 110066, 110070, 170121, 170151, 170157, 170209, 170221),
        # The order itself is wrong.
        **treated(Treatment.REJECT, 10001, range(110003, 110008), 110009, range(110011, 110015)),
        **treated(Treatment.REJECT, 110016, 110017, range(110020, 110024), 110042, 110044, 110045),
        **treated(Treatment.REJECT, range(110051, 110054), 110092, 110093, 110094, 170010, 170011),
        **treated(Treatment.REJECT, 170019, 170031, 170033, 170034, 170105, range(170115, 170118)),
        **treated(Treatment.REJECT, 170124, range(170130, 170138), 170140, 170148, 170159),
        **treated(Treatment.REJECT, range(170192, 170201), 170210, 170217, 170218, 170228, 170229),
        **treated(Treatment.REJECT, 170371, 170372),
    },
    absent=frozenset(),  # lists are asked for: an order that is nowhere is in none of them
    over=frozenset(
        str(code) for code in (110001, 110008, 110010, 170139, 170142, 170143, 170190, 170213)
    ),
    mending={
        "10003": "the key is unknown: check that it was copied whole",
        "10010": "this machine's address is not on the key's list",
        "10028": "upgrade to a unified account in Bybit's settings",
    },
)

_STATUSES: Final = {
    "New": OrderStatus.ACCEPTED,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,  # of spot: filled in part, and over
    "Rejected": OrderStatus.REJECTED,
    "Deactivated": OrderStatus.CANCELLED,
}
_ADDRESS: Final = Limit(calls=600, window_s=5.0)
_CALLS: Final[dict[str, tuple[Rank, Limit]]] = {
    "cancel_order": (Rank.CANCEL, Limit(calls=10, window_s=1.0)),
    "create_order": (Rank.ORDER, Limit(calls=10, window_s=1.0)),
    "edit_order": (Rank.ORDER, Limit(calls=10, window_s=1.0)),
    "fetch_open_orders": (Rank.ACCOUNT, Limit(calls=50, window_s=1.0)),
    "fetch_canceled_and_closed_orders": (Rank.ACCOUNT, Limit(calls=50, window_s=1.0)),
    "fetch_my_trades": (Rank.ACCOUNT, Limit(calls=50, window_s=1.0)),
    "fetch_balance": (Rank.ACCOUNT, Limit(calls=50, window_s=1.0)),
    "fetch_positions": (Rank.ACCOUNT, Limit(calls=50, window_s=1.0)),
    "is_unified_enabled": (Rank.ACCOUNT, Limit(calls=10, window_s=1.0)),
    "fetch_time": (Rank.ACCOUNT, _ADDRESS),
    "load_markets": (Rank.ACCOUNT, _ADDRESS),
    "fetch_ohlcv": (Rank.BARS, _ADDRESS),
}
_UNLISTED: Final = (Rank.HISTORY, Limit(calls=5, window_s=1.0))


def counted(call: str, kind: str, _instrument: str) -> list[Counted]:
    """Each call of an account on its own, and all of an address within five seconds."""
    rank, limit = _CALLS.get(call, _UNLISTED)
    return [
        Counted(key=f"{call} {kind}", limit=limit),
        Counted(key="address", limit=_ADDRESS, share=SHARES[rank]),
    ]


def error_in(answer: Any) -> Told | None:
    """`{"retCode": 10001, "retMsg": "..."}`; 0 is success."""
    if not isinstance(answer, dict) or "retCode" not in answer:
        return "", "no retCode"
    code = str(answer["retCode"])
    return None if code == "0" else (code, str(answer.get("retMsg", "")))


def within(client: Any, within_ms: int, params: dict[str, Any], sign: Signer) -> dict[str, Any]:
    """`X-BAPI-RECV-WINDOW`: refused with 10002 if it is older than that when it arrives."""
    before = client.options["recvWindow"]
    client.options["recvWindow"] = within_ms
    try:
        return sign(params)
    finally:
        client.options["recvWindow"] = before


async def find(ask: Ask, order_id: OrderId, instrument: Symbol) -> Row | None:
    """Among open and newest orders, then in history; one with trades alone is not shown yet."""
    named = {"orderLinkId": order_id}
    for call in ("fetch_open_orders", "fetch_canceled_and_closed_orders"):
        for row in await ask(call, instrument, instrument.code, None, _LISTED, dict(named)):
            if row.get("clientOrderId") == order_id:
                found: Row = row
                return found
    if await ask("fetch_my_trades", instrument, instrument.code, None, _PAGE, dict(named)):
        raise BrokerUnavailableError(f"order {order_id} has trades and is not shown yet")
    return None


async def trades(ask: Ask, order: Row, instrument: Symbol) -> list[Row]:
    """By the venue's id of the order; the newest page first, put in order here."""

    async def page(cursor: str | None) -> list[Row]:
        more = {} if cursor is None else {"cursor": cursor}
        asked = {"orderId": str(order["id"]), **more}
        found: list[Row] = await ask(
            "fetch_my_trades", instrument, instrument.code, None, _PAGE, asked
        )
        return found

    def after(rows: list[Row]) -> str | None:
        if len(rows) < _PAGE:
            return None
        # The client sorts rows by time, so the cursor may be on either end.
        return next((str(c) for row in rows if (c := row["info"].get("nextPageCursor"))), None)

    found = await all_pages(page, after, f"trades of order {order['id']}")
    return sorted(found, key=lambda row: int(row["timestamp"]))


async def coins(ask: Ask) -> Mapping[str, Any]:
    shown: Mapping[str, Any] = await ask("fetch_balance", None)
    return shown


async def unfit(ask: Ask) -> str | None:
    _, is_unified = await ask("is_unified_enabled", None)
    return None if is_unified else CODES.mending["10028"]


BYBIT: Final = UnifiedVenue(
    name="BYBIT",
    client="bybit",
    options={"fetchMarkets": {"types": ["spot", "linear"]}},
    codes=CODES,
    counting=counted,
    statuses=_STATUSES,
    status_field="orderStatus",
    error_in=error_in,
    within=within,
    find=find,
    trades=trades,
    named_by="orderLinkId",
    coins=coins,
    unfit=unfit,
    amends=frozenset({InstrumentKind.SPOT, InstrumentKind.PERPETUAL}),
)
