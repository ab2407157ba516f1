"""The Broker port on OKX: orders by REST, their news by streams that REST checks.

Requests are made by `requests.py`, answers judged by `verdicts.py`, rows read by `readings.py`:
pure functions all, so that simulations drive the very code that trades. What is left here is the
order in which the venue is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.orders import Approved, Order, OrderStatus
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.clock import measure_clock
from algotrader.data.adapters.okx.names import inst_id, symbol_of
from algotrader.data.adapters.okx.rest import Answer, NoAnswerError
from algotrader.data.adapters.okx.streams import OkxStreams, StreamSettings
from algotrader.execution.adapters.numbers import Row, needed, reading, text
from algotrader.execution.adapters.okx.account import balance_details
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.codes import OVER, treatment
from algotrader.execution.adapters.okx.news import NewsSettings, OkxNews
from algotrader.execution.adapters.okx.questions import Found, OkxQuestions, require_ok, rows_of
from algotrader.execution.adapters.okx.readings import (
    ALGO_STATES,
    Reader,
    is_algo_row,
    order_status,
)
from algotrader.execution.adapters.okx.requests import OrderCall, order_call
from algotrader.execution.adapters.okx.verdicts import is_definite, verdict_on
from algotrader.execution.adapters.sending import insist, send_until
from algotrader.execution.adapters.sent_orders import REMEMBERED, SentOrders
from algotrader.execution.adapters.telling import Teller
from algotrader.execution.adapters.treatments import Treatment
from algotrader.execution.adapters.verdicts import Accepted, Refused, Verdict
from algotrader.execution.broker import BrokerUnavailableError

_MAINTENANCE: Final = "50001"
_PROBE_S: Final = 30.0  # between orders that are sent while the venue is in maintenance (F29)
_BATCH: Final = 10  # algo orders that one call cancels; of orders it takes 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OkxBrokerSettings:
    """What may differ between accounts. The defaults are safe with any."""

    margin_mode: str = "cross"  # of swaps: cross, isolated
    run_tag: str | None = None  # of our run (`run_tag`); None takes any id of our form for ours
    watched: frozenset[Symbol] = frozenset()  # where trades of others are told, and funding
    trades_since_ms: int | None = None  # trades of others are told from then on; None: from now
    books_since_ms: int | None = None  # and none from before, by the venue's clock as well
    skew_ms: int = 2_000  # how far the clocks may be apart
    news: NewsSettings = field(default_factory=NewsSettings)
    streams: StreamSettings = field(default_factory=StreamSettings)


class OkxBroker:
    """One OKX account in net position mode."""

    def __init__(
        self,
        account: AccountId,
        client: OkxClient,
        clock: Clock,
        settings: OkxBrokerSettings | None = None,
    ) -> None:
        chosen = settings or OkxBrokerSettings()
        self._client = client
        self._clock = clock
        self._teller = Teller(account, clock)
        self._settings = chosen
        self._parents: dict[str, OrderId | None] = {}  # algo orders by the venue's id
        self._reader = Reader(
            account=account,
            run_tag=chosen.run_tag,
            watched=chosen.watched,
            parents=self._parents,
        )
        self._questions = OkxQuestions(client)
        self._open: dict[OrderId, Symbol] = {}  # known at the venue, or not known to have ended
        self._sent = SentOrders()
        self._closed_until_s = -1.0  # by the monotonic clock: the venue is in maintenance
        self._gap_ms: int | None = None  # the venue's clock less ours, for comparing times
        self._streams = OkxStreams(client.keys, client.address, chosen.streams)
        self._news = OkxNews(
            reader=self._reader,
            parents=self._parents,
            questions=self._questions,
            streams=self._streams,
            look_up=self.look_up,
            clock=clock,
            settings=chosen.news,
            since_ms=chosen.trades_since_ms,
            books_ms=chosen.books_since_ms,
        )

    async def submit(
        self, approved: Approved[Order], deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        """Send an order. Algo orders have no deadline at the venue: OKX takes it from plain ones."""
        order = approved.order
        return await self._place(order, order_call(order, self._settings.margin_mode), deadline_ms)

    async def _place(
        self, order: Order, call: OrderCall, deadline_ms: int
    ) -> OrderAccepted | OrderRejected | OrderUnknown:
        if self._clock.monotonic_s() < self._closed_until_s:
            return self._refused(order, _MAINTENANCE, "OKX is in maintenance: it was not sent")
        self._open[order.order_id] = order.instrument
        if self._gap_ms is None:
            self._gap_ms = await self._measured_gap_ms()
        self._remember(order)

        async def attempt(clock_was_set: bool) -> Verdict:
            answer = await self._client.post(call.path, call.body, deadline_ms=deadline_ms)
            if answer.code == _MAINTENANCE:
                self._closed_until_s = self._clock.monotonic_s() + _PROBE_S
            return verdict_on(answer, call.id_field, clock_was_set=clock_was_set)

        verdict = await send_until(
            attempt, set_clock=self._set_clock, now_ms=self._now_ms, deadline_ms=deadline_ms
        )
        if isinstance(verdict, Accepted) and call.id_field == "algoId":
            self._parents[verdict.venue_order_id] = order.order_id
        if isinstance(verdict, Refused):
            return self._refused(order, verdict.code, verdict.reason)
        return self._teller.outcome(order, deadline_ms, verdict)

    def _remember(self, order: Order) -> None:
        self._sent.remember(order, self._now_ms())
        while len(self._parents) > REMEMBERED:
            del self._parents[next(iter(self._parents))]  # the oldest

    def _refused(self, order: Order, code: str, reason: str) -> OrderRejected:
        self._open.pop(order.order_id, None)
        if treatment(code) is Treatment.HALT:
            self._news.tell(self._news.halted(f"{code}: {reason}"))
        return self._teller.rejected(order, code, reason)

    async def cancel(
        self, order_id: OrderId, instrument: Symbol
    ) -> OrderSeen | OrderCancelRefused | None:
        """End an order, or an algo order, or the child of one that triggered."""
        named = {"instId": inst_id(instrument)}
        answer = await self._insist("trade/cancel-order", {**named, "clOrdId": order_id})
        if answer.row_code in OVER:  # over, or no plain order
            found = await self._questions.find(order_id, instrument)
            if found is not None and found.is_algo:
                answer = await self._cancel_algo(found, named)
        if answer.row_code == "0" or not is_definite(answer):
            return None
        return self._teller.cancel_refused(
            order_id, instrument, answer.row_code, answer.row_message
        )

    async def _cancel_algo(self, found: Found, named: Mapping[str, str]) -> Answer:
        if found.child is None:
            ask = [{**named, "algoId": text(found.row, "algoId")}]
            return await self._insist("trade/cancel-algos", ask)
        return await self._insist(
            "trade/cancel-order", {**named, "ordId": text(found.child, "ordId")}
        )

    async def _insist(
        self, path: str, body: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> Answer:
        """Ask for a cancel or a change, again while the venue says "too often" or "your clock"."""
        return await insist(
            lambda: self._client.post(path, body),
            lambda answer: treatment(answer.row_code),
            set_clock=self._set_clock,
        )

    async def amend(
        self,
        order_id: OrderId,
        instrument: Symbol,
        *,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused | None:
        """Change an open order; None if what became of it has to be looked up.

        A fill may have crossed the change: what is told is what the venue shows after it (F27).
        BrokerUnavailableError without an answer.
        """
        found = await self._questions.find(order_id, instrument)
        if found is None:
            return self._teller.amend_refused(order_id, instrument, "51603", "no such order")
        answer = await self._insist(*_amendment(found, instrument, quantity, limit, stop))
        if not is_definite(answer):
            return None
        if answer.row_code != "0":
            return self._teller.amend_refused(
                order_id, instrument, answer.row_code, answer.row_message
            )
        now = await self._questions.find(order_id, instrument)
        if now is None:
            return None
        with reading(f"order {order_id}"):
            return self._reader.amended(now.shown, order_id, instrument, self._now_ms())

    async def cancel_all(self, instruments: Iterable[Symbol] | None = None) -> int:
        """Cancel what is open of ours, everywhere or in some instruments; how many were asked for.

        Orders of others stay. What became of each is for `look_up` to say. BrokerUnavailableError
        if one of ours cannot be read; the others are cancelled first.
        """
        chosen = None if instruments is None else set(instruments)
        plain: list[dict[str, str]] = []
        algos: list[dict[str, str]] = []
        unread: BrokerUnavailableError | None = None
        for row in await self._questions.open_orders():
            symbol = symbol_of(str(row.get("instId", "")))
            if self._reader.own_id(row) is None or (chosen is not None and symbol not in chosen):
                continue
            asked, name = (algos, "algoId") if is_algo_row(row) else (plain, "ordId")
            try:
                asked.append({"instId": text(row, "instId"), name: text(row, name)})
            except BrokerUnavailableError as error:
                unread = error
        for path, asked in (
            ("trade/cancel-batch-orders", plain),
            ("trade/cancel-algos", algos),
        ):
            for first in range(0, len(asked), _BATCH):
                await self._client.post(path, asked[first : first + _BATCH])
        if unread is not None:
            raise unread
        return len(plain) + len(algos)

    async def cancel_all_after(self, seconds: int) -> None:
        """Have the venue cancel all orders of the account unless told again in time; 0: never.

        10 to 120 seconds. It takes no algo orders: stops stay. BrokerUnavailableError if refused.
        """
        answer = await self._client.post("trade/cancel-all-after", {"timeOut": str(seconds)})
        require_ok(answer, "trade/cancel-all-after")

    async def look_up(self, order_id: OrderId, instrument: Symbol) -> OrderSeen | OrderNotFound:
        asked_ms = self._now_ms()
        found = await self._find(order_id, instrument)
        if found is None:
            return self._teller.not_found(order_id, instrument, asked_ms)
        status = _status(found)
        if status is None:
            raise BrokerUnavailableError(f"order {order_id} is in state {found.row.get('state')!r}")
        with reading(f"order {order_id}"):
            seen = self._reader.seen(
                found.shown, order_id, instrument, status, self._now_ms(), asked_ms=asked_ms
            )
        if status.is_final:
            self._open.pop(order_id, None)
        else:
            self._open[order_id] = instrument
        return seen

    async def trades(self, order_id: OrderId, instrument: Symbol) -> Sequence[OrderFilled]:
        found = await self._find(order_id, instrument)
        if found is None:
            return ()
        rows = await self._questions.trades(found, instrument)
        with reading(f"trades of {order_id}"):
            return tuple(
                self._reader.fill(row, order_id, instrument, self._now_ms()) for row in rows
            )

    async def positions(self, instruments: Sequence[Symbol]) -> Mapping[Symbol, Decimal]:
        """Signed quantities. BrokerUnavailableError for what cannot be read: it is never flat."""
        held = dict.fromkeys(instruments, Decimal(0))
        coins = {one.base: one for one in instruments if one.kind is InstrumentKind.SPOT}
        if coins:
            answer = await self._client.get("account/balance", {})
            for detail in balance_details(rows_of(answer, "account/balance")):
                if (symbol := coins.get(text(detail, "ccy"))) is not None:
                    held[symbol] = needed(detail, "eq")
        swaps = {inst_id(one): one for one in instruments if one.kind is not InstrumentKind.SPOT}
        if swaps:
            for row in await self._questions.rows("account/positions", {"instType": "SWAP"}):
                if (symbol := swaps.get(text(row, "instId"))) is not None:
                    held[symbol] += needed(row, "pos")  # cross and isolated are two rows
        return held

    async def open_orders(self) -> Sequence[Row]:
        """Every open order of the account, ours or not, as the venue shows it."""
        return await self._questions.open_orders()

    def news(self) -> AsyncIterator[Event]:
        """Pushes as they come, checked by REST; for ever."""
        return self._news.events(self._open)

    def begin_books(self, at_ms: int) -> None:
        """The books begin with what the account had at `at_ms` of the venue's clock."""
        self._news.begin(at_ms)

    async def close(self) -> None:
        await self._client.close()

    async def _find(self, order_id: OrderId, instrument: Symbol) -> Found | None:
        """As the venue knows it, unless what it shows is an older order of the same id (F35)."""
        found = await self._questions.find(order_id, instrument)
        sent = self._sent.get(order_id)
        if found is not None and found.is_algo:
            self._parents[str(found.row["algoId"])] = order_id
        if found is None or sent is None or self._gap_ms is None:
            return found
        if sent.is_shown(
            side=text(found.row, "side"), created_ms=int(needed(found.row, "cTime")),
            gap_ms=self._gap_ms, skew_ms=self._settings.skew_ms,
        ):  # fmt: skip
            return found
        gap_ms = await self._measured_gap_ms()
        if gap_ms is None or abs(gap_ms - self._gap_ms) > self._settings.skew_ms:
            return found  # the clocks run apart, as in a replay: times prove nothing
        return None

    async def _measured_gap_ms(self) -> int | None:
        try:
            return (await measure_clock(self._client.rest, self._now_ms, samples=1)).offset_ms
        except NoAnswerError:
            return None

    async def _set_clock(self) -> bool:
        """Stamp requests with the venue's time; True, so that it is done once (F30)."""
        try:
            reading = await measure_clock(self._client.rest, self._now_ms)
        except NoAnswerError:
            return True
        self.set_offset(reading.offset_ms)
        return True

    @property
    def offset_ms(self) -> int:
        """The venue's clock less ours, as requests are stamped."""
        return self._client.rest.offset_ms

    def set_offset(self, offset_ms: int) -> None:
        """Stamp requests and logins with the venue's time."""
        self._client.rest.set_offset(offset_ms)
        self._streams.offset_ms = offset_ms

    def _now_ms(self) -> int:
        return self._teller.now_ms()


def _status(found: Found) -> OrderStatus | None:
    """What an order is; an algo order that triggered is what its child is."""
    if not found.is_algo:
        return order_status(found.row)
    if found.child is not None:
        return order_status({**found.child, "algoId": found.row["algoId"]})
    return ALGO_STATES.get(str(found.row.get("state")))


def _amendment(
    found: Found,
    instrument: Symbol,
    quantity: Decimal,
    limit: Decimal | None,
    stop: Decimal | None,
) -> tuple[str, dict[str, str]]:
    """The call that changes an order: an algo order's levels have names of their own."""
    row = found.row
    body = {"instId": inst_id(instrument), "newSz": f"{quantity:f}"}
    if not found.is_algo or found.child is not None:
        shown = found.child or row
        if limit is not None:
            body["newPx"] = f"{limit:f}"
        return "trade/amend-order", {**body, "ordId": text(shown, "ordId")}
    if row.get("slTriggerPx") and row.get("tpTriggerPx"):  # a bracket: its limit is the target's
        levels = {"newSlTriggerPx": stop, "newTpTriggerPx": limit, "newTpOrdPx": limit}
        body |= {name: f"{level:f}" for name, level in levels.items() if level is not None}
        return "trade/amend-algos", {**body, "algoId": str(row["algoId"])}
    leg = "Sl" if row.get("slTriggerPx") else "Tp" if row.get("tpTriggerPx") else ""
    if stop is not None:
        body[f"new{leg}TriggerPx"] = f"{stop:f}"
    if limit is not None:
        body[f"new{leg}OrdPx"] = f"{limit:f}"
    return "trade/amend-algos", {**body, "algoId": str(row["algoId"])}
