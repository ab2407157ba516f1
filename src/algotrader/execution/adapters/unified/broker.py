"""The Broker port over ccxt's unified calls: what a venue's table does not say.

Orders at the market and limits, found by our ids; news by asking, for no stream is read. Stops,
brackets and trailing stops are refused before they are sent. Positions are one-way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.events import (
    Event,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderCancelRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from algotrader.core.ids import AccountId, OrderId, TradeId, VenueOrderId
from algotrader.core.orders import Approved, Order, OrderKind, TimeInForce
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.venue_clock import surest_reading
from algotrader.execution.adapters.numbers import Row, decimal, integer
from algotrader.execution.adapters.sending import insist, send_until
from algotrader.execution.adapters.sent_orders import SentOrders
from algotrader.execution.adapters.telling import Teller
from algotrader.execution.adapters.treatments import REFUSALS, Treatment
from algotrader.execution.adapters.unified.client import DEADLINE, UnifiedClient
from algotrader.execution.adapters.unified.readings import amended, fill_of, seen, status_of
from algotrader.execution.adapters.unified.venue import CodeError
from algotrader.execution.adapters.verdicts import (
    Accepted,
    Refused,
    Unknown,
    Verdict,
    verdict_on_code,
)
from algotrader.execution.broker import BrokerUnavailableError

_WORDS: Final = {TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedBrokerSettings:
    """What may differ between accounts."""

    check_s: float = 5.0  # between looks at open orders, the only source of news
    skew_ms: int = 2_000  # how far the clocks may be apart


class UnifiedBroker:
    """One account in one-way position mode. `ready` comes first."""

    def __init__(
        self,
        account: AccountId,
        client: UnifiedClient,
        clock: Clock,
        settings: UnifiedBrokerSettings | None = None,
    ) -> None:
        self._account = account
        self._client = client
        self._venue = client.venue
        self._codes = client.venue.codes
        self._settings = settings or UnifiedBrokerSettings()
        self._teller = Teller(account, clock)
        self._open: dict[OrderId, Symbol] = {}  # known at the venue, or not known to have ended
        self._sent = SentOrders()
        self._gap_ms = 0  # the venue's clock less ours, for comparing times

    async def ready(self) -> str | None:
        """Read the rules and the clock; why the account cannot be traded, None if it can."""
        await self._client.load()
        self._gap_ms = await self._measured_gap_ms()
        try:
            return await self._venue.unfit(self._client.ask)
        except CodeError as error:
            return str(error)

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        order = approved.order
        refusal = self._refused_here(order, deadline_ms)
        if refusal is not None:
            return self._teller.rejected(order, refusal.code, refusal.reason)
        self._open[order.order_id] = order.instrument
        self._sent.remember(order, self._teller.now_ms())

        async def attempt(clock_was_set: bool) -> Verdict:
            return await self._placed(order, deadline_ms, clock_was_set=clock_was_set)

        verdict = await send_until(
            attempt, set_clock=self._set_clock, now_ms=self._teller.now_ms, deadline_ms=deadline_ms
        )
        if isinstance(verdict, Refused):
            self._open.pop(order.order_id, None)
        return self._teller.outcome(order, deadline_ms, verdict)

    def _refused_here(self, order: Order, deadline_ms: int) -> Refused | None:
        """What is not sent at all, and why."""
        terms, name = order.terms, self._venue.name
        if terms.kind not in (OrderKind.MARKET, OrderKind.LIMIT):
            code = "bracket" if terms.limit is not None and terms.stop is not None else "order_kind"
            return Refused(code=code, reason=f"{terms.kind} orders are not sent to {name} yet")
        if not self._client.is_exact(order.instrument, order.quantity, terms.limit):
            reason = f"{order.quantity:f} at {terms.limit} is not on the lots and ticks of {name}"
            return Refused(code="precision", reason=reason)
        wait_s = self._client.wait_s("create_order", order.instrument)
        if self._teller.now_ms() + 1_000 * wait_s >= deadline_ms:
            return Refused(code="rate_limit", reason=f"no turn for {wait_s:.0f} s at {name}")
        return None

    async def _placed(self, order: Order, deadline_ms: int, *, clock_was_set: bool) -> Verdict:
        try:
            row = await self._client.ask(
                "create_order", order.instrument, *self._call(order, deadline_ms)
            )
        except CodeError as error:
            return self._verdict(error, clock_was_set=clock_was_set)
        named, ours = str(row.get("id") or ""), row.get("clientOrderId")
        if named and ours == order.order_id:
            return Accepted(venue_order_id=VenueOrderId(named))
        return Unknown(reason=f"the answer names order {named!r} of {ours!r}")

    def _verdict(self, error: CodeError, *, clock_was_set: bool) -> Verdict:
        if not error.is_definite:
            return Unknown(reason=str(error))
        meaning = self._codes.treatment(error.code, error.message)
        return verdict_on_code(error.code, error.message, meaning, clock_was_set=clock_was_set)

    def _call(self, order: Order, deadline_ms: int) -> tuple[Any, ...]:
        """The arguments of `create_order`."""
        terms = order.terms
        params: dict[str, Any] = {
            "clientOrderId": order.order_id,
            DEADLINE: deadline_ms + self._client.offset_ms,
        }
        if terms.post_only:
            params["postOnly"] = True
        elif terms.kind is OrderKind.LIMIT:
            params["timeInForce"] = _WORDS.get(terms.tif, "GTC")
        if terms.reduce_only and order.instrument.kind in self._venue.reduce_only_kinds:
            params["reduceOnly"] = True
        limit = None if terms.limit is None else f"{terms.limit:f}"
        return (
            order.instrument.code, str(terms.kind), str(order.side), f"{order.quantity:f}", limit,
            params,
        )  # fmt: skip

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        """Ask for the end of an order. What became of it is for `look_up` to say."""
        told = await self._insisted(
            "cancel_order", instrument, None, instrument.code, {self._venue.named_by: order_id}
        )
        if not isinstance(told, CodeError) or not self._is_definite(told):
            return None
        return self._teller.cancel_refused(order_id, instrument, told.code, told.message)

    async def amend(
        self,
        order_id: OrderId,
        instrument: Symbol,
        *,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused | None:
        """Change an open order where the venue can under its id; else it is refused here."""
        if instrument.kind not in self._venue.amends or stop is not None:
            reason = f"{self._venue.name} changes no {instrument.kind} order: cancel, and send anew"
            return self._teller.amend_refused(order_id, instrument, "amend", reason)
        found = await self._find(order_id, instrument)
        if found is None or status_of(self._venue, found).is_final:
            return self._teller.amend_refused(order_id, instrument, "over", "no such open order")
        price = f"{limit:f}" if limit is not None else str(found.get("price"))
        told = await self._insisted(
            "edit_order", instrument, str(found["id"]), instrument.code, "limit",
            str(found["side"]), f"{quantity:f}", price, {self._venue.named_by: order_id},
        )  # fmt: skip
        if isinstance(told, CodeError):
            if not self._is_definite(told):
                return None
            return self._teller.amend_refused(order_id, instrument, told.code, told.message)
        now = await self._find(order_id, instrument)
        if now is None:
            return None
        return amended(now, self._teller.names(order_id, instrument))

    async def _insisted(self, call: str, instrument: Symbol, *arguments: Any) -> Any | CodeError:
        async def ask() -> Any | CodeError:
            try:
                return await self._client.ask(call, instrument, *arguments)
            except CodeError as error:
                return error

        def meaning(told: Any | CodeError) -> Treatment:
            if not isinstance(told, CodeError):
                return Treatment.LOOK_UP
            return self._codes.treatment(told.code, told.message)

        return await insist(ask, meaning, set_clock=self._set_clock)

    def _is_definite(self, told: CodeError) -> bool:
        """Whether a code says what became of a cancel or a change; else the order is looked up."""
        known = told.code in self._codes.over
        return told.is_definite and (
            known or self._codes.treatment(told.code, told.message) in REFUSALS
        )

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        asked_ms = self._teller.now_ms()
        found = await self._find(order_id, instrument)
        if found is None:
            return self._teller.not_found(order_id, instrument, asked_ms)
        try:
            told = seen(self._venue, found, self._teller.names(order_id, instrument), asked_ms)
        except (KeyError, ValueError) as error:
            raise BrokerUnavailableError(f"order {order_id} cannot be read: {error}") from error
        if told.status.is_final:
            self._open.pop(order_id, None)
        else:
            self._open[order_id] = instrument
        return told

    async def trades(self, order_id: OrderId, instrument: Symbol) -> Sequence[OrderFilled]:
        found = await self._find(order_id, instrument)
        if found is None:
            return ()
        now_ms = self._teller.now_ms()
        try:
            rows = await self._venue.trades(self._client.ask, found, instrument)
            return tuple(fill_of(row, self._account, order_id, instrument, now_ms) for row in rows)
        except CodeError as error:
            raise BrokerUnavailableError(f"trades of {order_id}: {error}") from error
        except (KeyError, ValueError) as error:
            raise BrokerUnavailableError(f"trades of {order_id} cannot be read: {error}") from error

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        held = dict.fromkeys(instruments, Decimal(0))
        coins = {one.base: one for one in instruments if one.kind is InstrumentKind.SPOT}
        swaps = {one.code: one for one in instruments if one.kind is InstrumentKind.PERPETUAL}
        try:
            if coins:
                shown = await self._venue.coins(self._client.ask)
                for coin, symbol in coins.items():
                    held[symbol] = decimal(shown.get(str(coin)) or {}, "total")
            if swaps:
                first = next(iter(swaps.values()))
                for row in await self._client.ask("fetch_positions", first, list(swaps)):
                    if (symbol_held := swaps.get(str(row.get("symbol")))) is not None:
                        held[symbol_held] += _signed(row)
        except CodeError as error:
            raise BrokerUnavailableError(f"positions: {error}") from error
        return held

    async def open_orders(self, instruments: Sequence[Symbol]) -> Sequence[Row]:
        """Every open order of some instruments, ours or not, as ccxt shows it."""
        found: list[Row] = []
        for one in instruments:
            try:
                found += await self._client.ask("fetch_open_orders", one, one.code)
            except CodeError as error:
                raise BrokerUnavailableError(f"open orders of {one}: {error}") from error
        return found

    async def news(self) -> AsyncIterator[Event]:
        """What became of our open orders, asked for now and then; for ever.

        Trades and orders of others are not told: comparing positions shows them.
        """
        told: dict[OrderId, tuple[OrderSeen, set[TradeId]]] = {}
        while True:
            for order_id, instrument in list(self._open.items()):
                try:
                    events = await self._news_of(order_id, instrument, told)
                except BrokerUnavailableError:
                    continue  # asked for again at the next look
                for event in events:
                    yield event
            for gone in told.keys() - self._open.keys():
                del told[gone]
            await asyncio.sleep(self._settings.check_s)

    async def _news_of(
        self,
        order_id: OrderId,
        instrument: Symbol,
        told: dict[OrderId, tuple[OrderSeen, set[TradeId]]],
    ) -> list[Event]:
        """Trades first, then the state they led to."""
        found = await self.look_up(order_id, instrument)
        if isinstance(found, OrderNotFound):
            return []  # absence is the engine's to judge: it asks by itself
        before, known = told.get(order_id, (None, set()))
        events: list[Event] = []
        filled_before = Decimal(0) if before is None else before.filled_quantity
        if found.filled_quantity != filled_before:
            for fill in await self.trades(order_id, instrument):
                if fill.fill.trade_id not in known:
                    known.add(fill.fill.trade_id)
                    events.append(fill)
        if before is None or (found.status, found.filled_quantity) != (
            before.status, before.filled_quantity,
        ):  # fmt: skip
            events.append(found)
        told[order_id] = (found, known)
        return events

    async def close(self) -> None:
        await self._client.close()

    async def _find(self, order_id: OrderId, instrument: Symbol) -> Row | None:
        """As the venue knows it, unless what it shows is an older order of the same id (F35)."""
        try:
            found = await self._venue.find(self._client.ask, order_id, instrument)
        except CodeError as error:
            raise BrokerUnavailableError(f"order {order_id}: {error}") from error
        sent = self._sent.get(order_id)
        if found is None or sent is None:
            return found
        if sent.is_shown(
            side=str(found.get("side")), created_ms=integer(found, "timestamp"),
            gap_ms=self._gap_ms, skew_ms=self._settings.skew_ms,
        ):  # fmt: skip
            return found
        try:
            gap_ms = await self._measured_gap_ms()
        except (BrokerUnavailableError, CodeError):
            return found
        run_apart = abs(gap_ms - self._gap_ms) > self._settings.skew_ms
        return found if run_apart else None  # where clocks run apart, times prove nothing

    async def _measured_gap_ms(self) -> int:
        async def ask_ms() -> int:
            return int(await self._client.ask("fetch_time", None))

        return (await surest_reading(ask_ms, self._teller.now_ms)).offset_ms

    async def _set_clock(self) -> bool:
        """Stamp requests with the venue's time; True, so that it is done once (F30)."""
        try:
            self._gap_ms = await self._measured_gap_ms()
        except (BrokerUnavailableError, CodeError):
            return True
        self._client.set_offset(self._gap_ms)
        return True


def _signed(row: Row) -> Decimal:
    """Contracts of a one-way position. BrokerUnavailableError for one of another mode."""
    side, contracts = row.get("side"), decimal(row, "contracts")
    if side not in ("long", "short") and contracts:
        raise BrokerUnavailableError(f"a position of side {side!r}")
    return -contracts if side == "short" else contracts
