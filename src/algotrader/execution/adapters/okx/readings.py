"""What rows of OKX say about orders, in our events. Pure functions: no I/O, no clock, no state.

A child of an algo order names its parent by our id (`algoClOrdId`) or by the venue's (`algoId`,
`linkedAlgoOrd`), so whatever it does is told under the parent's id: the fills of a stop are the
stop's (F84).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypedDict

from algotrader.core.events import (
    Event,
    Liquidated,
    OrderAmended,
    OrderFilled,
    OrderSeen,
    StopTriggered,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, TradeId, VenueOrderId, run_tag_of
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import OrderStatus, Side
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.names import symbol_of
from algotrader.execution.adapters.numbers import Row, decimal, integer, needed, text
from algotrader.execution.adapters.telling import Names

ORDER_STATES: Final = {
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "mmp_canceled": OrderStatus.CANCELLED,
}
ALGO_STATES: Final = {
    "live": OrderStatus.ACCEPTED,
    "pause": OrderStatus.ACCEPTED,
    "effective": OrderStatus.TRIGGERED,
    "order_placed": OrderStatus.TRIGGERED,
    "partially_effective": OrderStatus.TRIGGERED,
    "canceled": OrderStatus.CANCELLED,
    "order_failed": OrderStatus.CANCELLED,  # it triggered, and its child was refused
    "partially_failed": OrderStatus.CANCELLED,
}
_NOT_OURS: Final = frozenset({"full_liquidation", "partial_liquidation", "adl"})
_LIQUIDATION_SUBTYPES: Final = frozenset(str(n) for n in (*range(100, 111), *range(125, 129)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whose rows are read. `run_tag` None takes every id of our form for ours."""

    account: AccountId
    run_tag: str | None = None
    watched: frozenset[Symbol] = frozenset()  # what others trade in these is told as well
    parents: Mapping[str, OrderId | None] = field(default_factory=dict)
    """Algo orders by the venue's id: ours, or None for one of somebody else."""

    def own_id(self, row: Row) -> OrderId | None:
        """Our id of an order or of the algo order it came from; None if we did not send it."""
        for name in ("algoClOrdId", "clOrdId"):
            named = str(row.get(name) or "")
            tag = run_tag_of(named)
            if tag is not None and self.run_tag in (None, tag):
                return OrderId(named)
        return self.parents.get(parent_id(row))

    def is_orphan(self, row: Row) -> bool:
        """Whether it is the child of an algo order that is not known yet: ask whose it is."""
        parent = parent_id(row)
        return self.own_id(row) is None and bool(parent) and parent not in self.parents

    def pushed_order(self, row: Row, now_ms: int) -> list[Event]:
        """A push of the orders channel: its execution first, then what the order is now.

        Of an orphan nothing is told, and no execution without the fee that was taken for it: the
        trades that are then missing are asked for.
        """
        symbol = symbol_of(str(row.get("instId", "")))
        if symbol is None or self.is_orphan(row):
            return []
        own = self.own_id(row)
        told: list[Event] = []
        if row.get("tradeId") and decimal(row, "fillSz") > 0 and row.get("fillFeeCcy"):
            told += self._execution(_of_push(row), own, symbol, now_ms)
        if own is not None and (status := order_status(row)) is not None:
            told.append(self.seen(row, own, symbol, status, now_ms))
        return told

    def pushed_algo(self, row: Row, now_ms: int) -> list[Event]:
        """A push of the algo channel. What the child does is told by the orders channel."""
        symbol, own = symbol_of(str(row.get("instId", ""))), self.own_id(row)
        status = ALGO_STATES.get(str(row.get("state")))
        if symbol is None or own is None or status is None:
            return []
        if status is OrderStatus.TRIGGERED:
            return [self.triggered(row, own, symbol, now_ms)]
        return [self.seen({**row, "accFillSz": "0"}, own, symbol, status, now_ms)]

    def triggered(self, row: Row, own: OrderId, symbol: Symbol, now_ms: int) -> StopTriggered:
        child = str(row.get("ordId") or "")
        return StopTriggered(
            ts_event=integer(row, "triggerTime") or integer(row, "uTime"),
            ts_known=now_ms,
            account=self.account,
            order_id=own,
            instrument=symbol,
            child_order_id=VenueOrderId(child) if child else None,
            trigger_price=trigger_price(row),
        )

    def seen(
        self,
        row: Row,
        own: OrderId,
        symbol: Symbol,
        status: OrderStatus,
        now_ms: int,
        asked_ms: int | None = None,
    ) -> OrderSeen:
        """The venue's word on an order; of an algo order without a child nothing is filled."""
        return OrderSeen(
            **self._names(row, own, symbol, now_ms),
            venue_order_id=VenueOrderId(parent_id(row) or text(row, "ordId")),
            status=status,
            filled_quantity=needed(row, "accFillSz"),
            asked_ms=asked_ms,
            quantity=decimal(row, "sz") or None,
            **prices_of(row),
        )

    def amended(self, row: Row, own: OrderId, symbol: Symbol, now_ms: int) -> OrderAmended:
        """An order as the venue shows it after a change."""
        return OrderAmended(
            **self._names(row, own, symbol, now_ms),
            quantity=needed(row, "sz"),
            **prices_of(row),
        )

    def _names(self, row: Row, own: OrderId, symbol: Symbol, now_ms: int) -> Names:
        """Of which order, and when the venue changed it."""
        return {
            "ts_event": integer(row, "uTime") or integer(row, "cTime"),
            "ts_known": now_ms,
            "account": self.account,
            "order_id": own,
            "instrument": symbol,
        }

    def listed_fill(self, row: Row, own: OrderId | None, now_ms: int) -> list[Event]:
        """A row of `trade/fills`. `own` as its order says, which the row itself does not."""
        symbol = symbol_of(str(row.get("instId", "")))
        return [] if symbol is None else self._execution(row, own, symbol, now_ms)

    def _execution(self, row: Row, own: OrderId | None, symbol: Symbol, now_ms: int) -> list[Event]:
        if own is None and symbol not in self.watched:
            return []
        if own is None and is_liquidation(row):
            return [self._liquidated(row, symbol, now_ms)]
        return [self.fill(row, own, symbol, now_ms)]

    def fill(self, row: Row, own: OrderId | None, symbol: Symbol, now_ms: int) -> OrderFilled:
        at_ms = integer(row, "fillTime") or int(needed(row, "ts"))
        return OrderFilled(
            ts_event=at_ms,
            ts_known=now_ms,
            fill=Fill(
                trade_id=TradeId(text(row, "tradeId")),
                order_id=own,
                account=self.account,
                instrument=symbol,
                side=Side(text(row, "side")),
                quantity=needed(row, "fillSz"),
                price=needed(row, "fillPx"),
                fee=-needed(row, "fee"),  # OKX tells what you pay as negative
                fee_currency=Currency(text(row, "feeCcy")),
                filled_at=utc_at(at_ms),
                liquidity=Liquidity.TAKER if row.get("execType") == "T" else Liquidity.MAKER,
            ),
        )

    def _liquidated(self, row: Row, symbol: Symbol, now_ms: int) -> Liquidated:
        return Liquidated(
            ts_event=integer(row, "fillTime") or int(needed(row, "ts")),
            ts_known=now_ms,
            account=self.account,
            instrument=symbol,
            trade_id=TradeId(text(row, "tradeId")),
            quantity=Side(text(row, "side")).sign * needed(row, "fillSz"),
            price=needed(row, "fillPx"),
            fee=-needed(row, "fee"),
            fee_currency=Currency(text(row, "feeCcy")),
        )


def parent_id(row: Row) -> str:
    """The venue's id of the algo order that an order came from; empty for one that has none."""
    linked = row.get("linkedAlgoOrd")
    of_link = linked.get("algoId") if isinstance(linked, Mapping) else ""
    return str(row.get("algoId") or of_link or "")


def is_algo_row(row: Row) -> bool:
    """Whether a row is of an algo order itself: its child, which names it too, says what it filled."""
    return bool(row.get("algoId")) and not row.get("accFillSz")


def order_status(row: Row) -> OrderStatus | None:
    """What an order is; the resting child of an algo order is its parent, triggered."""
    if is_algo_row(row):
        return ALGO_STATES.get(str(row.get("state")))
    status = ORDER_STATES.get(str(row.get("state")))
    if status is OrderStatus.ACCEPTED and parent_id(row):
        return OrderStatus.TRIGGERED
    return status


def _of_push(row: Row) -> Row:
    """A push names the fee of this execution apart from the order's whole fee."""
    return {**row, "fee": row.get("fillFee"), "feeCcy": row.get("fillFeeCcy")}


def is_liquidation(row: Row) -> bool:
    """Whether the venue, not a person, closed a position with this execution (F33)."""
    category, kind = str(row.get("category", "")), str(row.get("subType", ""))
    return category in _NOT_OURS or kind in _LIQUIDATION_SUBTYPES


class Prices(TypedDict):
    """Where an order trades and where it triggers."""

    limit: Decimal | None
    stop: Decimal | None


def prices_of(row: Row) -> Prices:
    """Of an order or an algo order; of a bracket the target's limit and the stop's level."""
    return {
        "limit": _price(row, "px", "slOrdPx", "tpOrdPx", "ordPx"),
        "stop": _price(row, "slTriggerPx", "tpTriggerPx", "triggerPx"),
    }


def _price(row: Row, *names: str) -> Decimal | None:
    """The first one that is there; -1 stands for the market."""
    return next((price for name in names if (price := decimal(row, name)) > 0), None)


def trigger_price(row: Row) -> Decimal:
    """The level at which an algo order acted, or would act; 0 where the venue names none."""
    leg = "tp" if row.get("actualSide") == "tp" else "sl"
    for name in (f"{leg}TriggerPx", "triggerPx", "moveTriggerPx", "slTriggerPx", "tpTriggerPx"):
        if value := decimal(row, name):
            return value
    return Decimal(0)
