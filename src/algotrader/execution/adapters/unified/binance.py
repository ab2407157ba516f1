"""Binance: spot, and perpetuals settled in USDT. The differences, and where they are documented.

Codes: https://developers.binance.com/docs/binance-spot-api-docs/errors and
https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code; limits:
https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits.
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
from algotrader.execution.adapters.unified.venue import Ask, CodeError, Signer, Told, UnifiedVenue
from algotrader.execution.broker import BrokerUnavailableError

_PAGE: Final = 1_000
_LISTED: Final = 500
_SPOT: Final = str(InstrumentKind.SPOT)

CODES: Final = CodeTable(
    source="https://developers.binance.com/docs/binance-spot-api-docs/errors",
    treatments={
        # Nothing is known: the venue says so itself, or does not say what it did.
        **treated(Treatment.LOOK_UP, -1000, -1001, -1006, -1007, -1010, -2013, -4116),
        # Too much at once, or too busy: it was not taken.
        **treated(Treatment.RETRY, -1003, -1008, -1015),
        **treated(Treatment.CLOCK, -1021),
        # Keys, rights, account settings.
        **treated(Treatment.HALT, -1002, -1011, -1022, -1099, -2008, -2014, -2015, -2017, -2023),
        **treated(Treatment.HALT, -4061),  # the account keeps long and short apart
        # The instrument is not there, not yet, or no more.
        **treated(Treatment.FREEZE, -1016, -1121, -1122, -4108, -4140, -4141),
        # The order itself is wrong.
        **treated(Treatment.REJECT, -1013, -1014, -1020, range(-1106, -1099), -1108, -1111, -1112),
        **treated(Treatment.REJECT, range(-1119, -1113), -1128, -1130, -1131, -2010, -2018, -2019),
        **treated(Treatment.REJECT, -2020, -2021, -2022, -2024, -2025, -2026, -2027, -2028),
        **treated(Treatment.REJECT, range(-4006, -4000), -4013, -4014, -4015, -4023, -4024, -4045),
        **treated(Treatment.REJECT, -4055, -4118, -4131, -4164, -4183, -4184, -4192, -5021, -5022),
    },
    # What -2010 says of an id that is taken: our own order may be the one that has it.
    look_up_texts=("Duplicate order sent", "ClientOrderId is duplicated"),
    absent=frozenset({"-2013"}),
    over=frozenset({"-2011", "-2013", "-2026"}),
    mending={
        "-2015": "the key, its address list or its rights: see Binance's API management",
        "-4061": "choose one-way position mode in the preferences of Binance's futures",
    },
)

_STATUSES: Final = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_WEIGHT_LIMITS: Final = {_SPOT: Limit(calls=6_000, window_s=60.0)}
_FUTURES_WEIGHT: Final = Limit(calls=2_400, window_s=60.0)
_ORDER_LIMITS: Final = {_SPOT: Limit(calls=100, window_s=10.0)}
_FUTURES_ORDERS: Final = Limit(calls=300, window_s=10.0)
_WEIGHTS: Final[dict[str, tuple[Rank, int, int]]] = {  # rank, weight on spot and on futures
    "cancel_order": (Rank.CANCEL, 1, 1),
    "create_order": (Rank.ORDER, 1, 1),
    "edit_order": (Rank.ORDER, 1, 1),
    "fetch_order": (Rank.ACCOUNT, 4, 1),
    "fetch_open_orders": (Rank.ACCOUNT, 6, 1),
    "fetch_orders": (Rank.ACCOUNT, 20, 5),
    "fetch_my_trades": (Rank.ACCOUNT, 20, 5),
    "fetch_balance": (Rank.ACCOUNT, 20, 5),
    "fetch_positions": (Rank.ACCOUNT, 6, 6),
    "fetch_time": (Rank.ACCOUNT, 1, 1),
    "load_markets": (Rank.ACCOUNT, 21, 1),
    "fetch_ohlcv": (Rank.BARS, 2, 10),
}
_UNLISTED: Final = (Rank.HISTORY, 20, 20)
_NEW_ORDERS: Final = frozenset({"create_order", "edit_order"})


def counted(call: str, kind: str, _instrument: str) -> list[Counted]:
    """Weights of an address within a minute, and orders of an account within ten seconds."""
    rank, spot, futures = _WEIGHTS.get(call, _UNLISTED)
    limit = _WEIGHT_LIMITS.get(kind, _FUTURES_WEIGHT)
    side = _SPOT if kind in (_SPOT, "public") else kind
    if kind == "public":
        limit = _WEIGHT_LIMITS[_SPOT]
    weight = spot if side == _SPOT else futures
    found = [Counted(key=f"weight {side}", limit=limit, weight=weight, share=SHARES[rank])]
    if call in _NEW_ORDERS:
        found.append(Counted(key=f"orders {kind}", limit=_ORDER_LIMITS.get(kind, _FUTURES_ORDERS)))
    return found


def error_in(answer: Any) -> Told | None:
    """`{"code": -1121, "msg": "Invalid symbol."}`; 200 and 0 are success."""
    if isinstance(answer, dict) and "code" in answer and str(answer["code"]) not in ("0", "200"):
        return str(answer["code"]), str(answer.get("msg", ""))
    return None


def within(_client: Any, within_ms: int, params: dict[str, Any], sign: Signer) -> dict[str, Any]:
    """`recvWindow`: refused with -1021 if it is older than that when it is matched."""
    return sign({**params, "recvWindow": within_ms})


async def find(ask: Ask, order_id: OrderId, instrument: Symbol) -> Row | None:
    code = instrument.code
    try:
        row: Row = await ask("fetch_order", instrument, None, code, {"clientOrderId": order_id})
    except CodeError as error:
        if error.code not in CODES.absent or not error.is_definite:
            raise BrokerUnavailableError(f"order {order_id}: {error}") from error
    else:
        if row.get("clientOrderId") == order_id:
            return row
        raise BrokerUnavailableError(f"order {order_id}: another was shown")
    for call, *more in (("fetch_open_orders",), ("fetch_orders", None, _LISTED)):
        for row in await ask(call, instrument, code, *more):
            if row.get("clientOrderId") == order_id:
                return row
    return None


async def trades(ask: Ask, order: Row, instrument: Symbol) -> list[Row]:
    """By the venue's id of the order: trades do not name ours. Page by page from the first."""

    async def page(first: int | None) -> list[Row]:
        more = {} if first is None else {"fromId": first}
        asked = {"orderId": str(order["id"]), **more}
        found: list[Row] = await ask(
            "fetch_my_trades", instrument, instrument.code, None, _PAGE, asked
        )
        return [row for row in found if str(row.get("order")) == str(order["id"])]

    def after(rows: list[Row]) -> int | None:
        return int(rows[-1]["id"]) + 1 if len(rows) >= _PAGE else None

    return await all_pages(page, after, f"trades of order {order['id']}")


async def coins(ask: Ask) -> Mapping[str, Any]:
    shown: Mapping[str, Any] = await ask("fetch_balance", None, {"type": "spot"})
    return shown


async def unfit(ask: Ask) -> str | None:
    """Rights and position mode show in the first refusal: -2015 and -4061 stop trading."""
    await coins(ask)
    return None


BINANCE: Final = UnifiedVenue(
    name="BINANCE",
    client="binance",
    options={
        "fetchCurrencies": False,
        "fetchMargins": False,
        "fetchMarkets": {"types": ["spot", "linear"]},
    },
    codes=CODES,
    counting=counted,
    statuses=_STATUSES,
    status_field="status",
    error_in=error_in,
    within=within,
    find=find,
    trades=trades,
    named_by="origClientOrderId",
    coins=coins,
    unfit=unfit,
    amends=frozenset({InstrumentKind.PERPETUAL}),  # of a spot order nothing but the rest shrinks
)
