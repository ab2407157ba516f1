"""The Broker port on OKX: orders by REST, their news by asking.

What an answer means is judged by its content: accepted if there is an order id with code 0,
refused if the code is on the list of refusals, unknown otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypedDict

from algotrader.core.events import (
    Event,
    OrderAccepted,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, TradeId, VenueOrderId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import Approved, Order, OrderKind, OrderStatus, Side, TimeInForce
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.execution.adapters.okx.client import Answer, OkxClient
from algotrader.execution.adapters.okx.codes import ABSENT, REFUSALS, Treatment, treatment
from algotrader.execution.adapters.okx.names import inst_id, inst_type
from algotrader.execution.broker import BrokerUnavailableError

_STATES: Final = {
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "mmp_canceled": OrderStatus.CANCELLED,
}
_RETRY_S: Final = 0.25
_LOOK_AGAIN_S: Final = 1.0


class _Times(TypedDict):
    ts_event: int
    ts_known: int


class OkxBroker:
    """One OKX account in net position mode."""

    def __init__(
        self,
        account: AccountId,
        client: OkxClient,
        clock: Clock,
        *,
        margin_mode: str = "cross",
    ) -> None:
        self._account = account
        self._client = client
        self._clock = clock
        self._margin_mode = margin_mode
        self._open: dict[OrderId, Symbol] = {}  # sent and not known to have ended

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        order = approved.order
        if order.terms.kind not in (OrderKind.MARKET, OrderKind.LIMIT):
            return self._rejected(
                order, "unsupported", f"{order.terms.kind} orders are not sent yet"
            )
        request = self._request(order)
        self._open[order.order_id] = order.instrument
        while True:
            try:
                answer = await self._client.post("trade/order", request, deadline_ms=deadline_ms)
            except BrokerUnavailableError as error:
                return self._unknown(order, deadline_ms, str(error))
            verdict = self._judged(order, answer, deadline_ms)
            if verdict is not None:
                return verdict
            await asyncio.sleep(_RETRY_S)
            if self._now_ms() >= deadline_ms:
                return self._unknown(order, deadline_ms, answer.row_message)

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        answer = await self._client.post(
            "trade/cancel-order", {"instId": inst_id(instrument), "clOrdId": order_id}
        )
        if answer.row_code == "0":
            return None
        return OrderCancelRefused(
            **self._times(),
            account=self._account,
            order_id=order_id,
            instrument=instrument,
            code=answer.row_code,
            reason=answer.row_message,
        )

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        asked_ms = self._now_ms()
        row = await self._find(order_id, instrument)
        if row is None:
            return OrderNotFound(
                **self._times(),
                account=self._account,
                order_id=order_id,
                instrument=instrument,
                asked_ms=asked_ms,
            )
        status = _STATES.get(str(row.get("state")))
        if status is None:
            raise BrokerUnavailableError(f"order {order_id} is in state {row.get('state')!r}")
        if status.is_final:
            self._open.pop(order_id, None)
        return OrderSeen(
            ts_event=_integer(row, "uTime"),
            ts_known=self._now_ms(),
            account=self._account,
            order_id=order_id,
            instrument=instrument,
            venue_order_id=VenueOrderId(str(row["ordId"])),
            status=status,
            filled_quantity=_decimal(row, "accFillSz"),
            asked_ms=asked_ms,
        )

    async def trades(self, order_id: OrderId, instrument: Symbol) -> Sequence[OrderFilled]:
        row = await self._find(order_id, instrument)
        if row is None:
            return ()
        answer = await self._client.get(
            "trade/fills",
            {
                "instType": inst_type(instrument),
                "instId": inst_id(instrument),
                "ordId": str(row["ordId"]),
            },
        )
        _require_ok(answer)
        return tuple(self._fill(order_id, instrument, fill) for fill in reversed(answer.rows))

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        held = dict.fromkeys(instruments, Decimal(0))
        coins = {one.base: one for one in instruments if one.kind is InstrumentKind.SPOT}
        if coins:
            answer = await self._client.get("account/balance", {})
            _require_ok(answer)
            for detail in answer.row.get("details", ()):
                if (symbol := coins.get(detail.get("ccy"))) is not None:
                    held[symbol] = _decimal(detail, "eq")
        swaps = {inst_id(one): one for one in instruments if one.kind is not InstrumentKind.SPOT}
        if swaps:
            answer = await self._client.get("account/positions", {"instType": "SWAP"})
            _require_ok(answer)
            for row in answer.rows:
                if (symbol := swaps.get(str(row.get("instId")))) is not None:
                    held[symbol] = _decimal(row, "pos")
        return held

    async def news(self) -> AsyncIterator[Event]:
        """Each open order asked for once a second: slower than a push, and never lost."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            for order_id, instrument in list(self._open.items()):
                try:
                    found = await self.look_up(order_id, instrument)
                except BrokerUnavailableError:
                    continue
                if isinstance(found, OrderSeen):
                    yield found

    async def close(self) -> None:
        await self._client.close()

    def _request(self, order: Order) -> dict[str, str]:
        terms = order.terms
        spot = terms.instrument.kind is InstrumentKind.SPOT
        request = {
            "instId": inst_id(terms.instrument),
            "tdMode": "cash" if spot else self._margin_mode,
            "clOrdId": order.order_id,
            "side": str(terms.side),
            "ordType": _order_type(order),
            "sz": f"{terms.quantity:f}",
        }
        if terms.limit is not None:
            request["px"] = f"{terms.limit:f}"
        if spot and terms.kind is OrderKind.MARKET:
            request["tgtCcy"] = "base_ccy"  # sizes go out in base units, never in quote (R13)
        if not spot and terms.reduce_only:
            request["reduceOnly"] = "true"
        return request

    def _judged(
        self, order: Order, answer: Answer, deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown | None:
        """What an answer to an order means; None: the same again after a wait."""
        code = answer.row_code
        if code == "0" and answer.row.get("ordId"):
            return OrderAccepted(
                **self._times(),
                account=self._account,
                order_id=order.order_id,
                instrument=order.instrument,
                venue_order_id=VenueOrderId(str(answer.row["ordId"])),
            )
        meaning = treatment(code)
        if meaning is Treatment.RETRY:
            return None
        if code != "0" and meaning in REFUSALS:
            self._open.pop(order.order_id, None)
            return self._rejected(order, code, answer.row_message)
        return self._unknown(order, deadline_ms, f"{code} {answer.row_message}".strip())

    def _rejected(self, order: Order, code: str, reason: str) -> OrderRejected:
        return OrderRejected(
            **self._times(),
            account=self._account,
            order_id=order.order_id,
            instrument=order.instrument,
            code=code,
            reason=reason,
        )

    def _unknown(self, order: Order, deadline_ms: int, reason: str) -> OrderUnknown:
        return OrderUnknown(
            **self._times(),
            account=self._account,
            order_id=order.order_id,
            instrument=order.instrument,
            deadline_ms=deadline_ms,
            reason=reason,
        )

    async def _find(self, order_id: OrderId, instrument: Symbol) -> Mapping[str, Any] | None:
        """The order's row, or None where neither its detail, history nor trades know it."""
        named = {"instId": inst_id(instrument), "clOrdId": order_id}
        answer = await self._client.get("trade/order", named)
        if answer.is_ok and answer.row.get("ordId"):
            return answer.row
        if answer.code not in ABSENT and not answer.is_ok:
            raise BrokerUnavailableError(f"order {order_id}: {answer.code} {answer.message}")
        scope = {"instType": inst_type(instrument), "instId": inst_id(instrument)}
        for path in ("trade/orders-pending", "trade/orders-history"):
            listed = await self._client.get(path, scope)
            _require_ok(listed)
            for row in listed.rows:
                if row.get("clOrdId") == order_id:
                    return row
        return None

    def _fill(self, order_id: OrderId, instrument: Symbol, row: Mapping[str, Any]) -> OrderFilled:
        at_ms = _integer(row, "ts")
        return OrderFilled(
            ts_event=at_ms,
            ts_known=self._now_ms(),
            fill=Fill(
                trade_id=TradeId(str(row["tradeId"])),
                order_id=order_id,
                account=self._account,
                instrument=instrument,
                side=Side(str(row["side"])),
                quantity=_decimal(row, "fillSz"),
                price=_decimal(row, "fillPx"),
                fee=-_decimal(row, "fee"),  # OKX tells what you pay as negative
                fee_currency=Currency(str(row["feeCcy"])),
                filled_at=utc_at(at_ms),
                liquidity=Liquidity.TAKER if row.get("execType") == "T" else Liquidity.MAKER,
            ),
        )

    def _times(self) -> _Times:
        now_ms = self._now_ms()
        return {"ts_event": now_ms, "ts_known": now_ms}

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())


def _order_type(order: Order) -> str:
    terms = order.terms
    if terms.kind is OrderKind.MARKET:
        return "market"
    if terms.post_only:
        return "post_only"
    return {TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}.get(terms.tif, "limit")


def _require_ok(answer: Answer) -> None:
    if not answer.is_ok:
        raise BrokerUnavailableError(f"{answer.code} {answer.message}")


def _decimal(row: Mapping[str, Any], name: str) -> Decimal:
    """A number of the venue; an empty text is 0. BrokerUnavailableError for what is none."""
    text = str(row.get(name) or "0")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BrokerUnavailableError(f"{name} {text!r} is no number") from error
    if not value.is_finite():
        raise BrokerUnavailableError(f"{name} {text!r} is no number")
    return value


def _integer(row: Mapping[str, Any], name: str) -> int:
    return int(_decimal(row, name))
