"""News of one account: pushes as they come, and REST as the check of what they left out.

Everything may be told twice and in any order; trades are known by their ids. After each gap of a
stream, and every so often, open orders, trades and funding are asked for (F18, F19).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from dataclasses import dataclass
from typing import Any, Final

from algotrader.core.events import (
    Event,
    HeartbeatMissed,
    ModeChanged,
    OrderSeen,
    TradingMode,
)
from algotrader.core.ids import OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.names import symbol_of
from algotrader.data.adapters.okx.streams import (
    Arg,
    Heard,
    Lost,
    OkxStreams,
    Opened,
    Pushed,
)
from algotrader.data.supervision import keep_running
from algotrader.execution.adapters.numbers import UNREADABLE, Row, needed, text
from algotrader.execution.adapters.okx.codes import Treatment, treatment
from algotrader.execution.adapters.okx.funding import SAME_SETTLEMENT_MS, funding_paid
from algotrader.execution.adapters.okx.questions import OkxQuestions, foreign_tags
from algotrader.execution.adapters.okx.readings import Reader, is_algo_row, order_status, parent_id
from algotrader.execution.broker import BrokerUnavailableError

log = logging.getLogger(__name__)

ORDERS: Final[Arg] = {"channel": "orders", "instType": "ANY"}
ALGO_ORDERS: Final[tuple[Arg, ...]] = (
    {"channel": "orders-algo", "instType": "ANY"},
    {"channel": "algo-advance", "instType": "ANY"},  # trailing stops
)
_FAILURES: Final = 3  # in ten minutes, after which no new risk is taken (F09)
_STRANGE_S: Final = 60.0  # between two words about an order that should not be open
_MARGIN_MS: Final = 60_000  # trades are asked for again from so long before the last check

LookUp = Callable[[OrderId, Symbol], Coroutine[Any, Any, Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsSettings:
    """How often is checked what the streams said. Seconds."""

    check_s: float = 30.0  # between checks while both streams are open
    blind_s: float = 1.0  # while a stream is down, and after a check without an answer
    heartbeat_ms: int = 45_000  # what a silent stream is allowed, as it is told


class _Unread:
    """Errors of rows that could not be read, while those beside them are."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, UNREADABLE):
            self.errors.append(error)
            return True
        return False


class OkxNews:
    """Merges the two streams of an account with timed checks."""

    def __init__(
        self,
        *,
        reader: Reader,
        parents: dict[str, OrderId | None],
        questions: OkxQuestions,
        streams: OkxStreams,
        look_up: LookUp,
        clock: Clock,
        settings: NewsSettings,
        since_ms: int | None,
        books_ms: int | None,
    ) -> None:
        """Trades and funding are told from a minute before `since_ms` on, none before `books_ms`,
        when the books began; both by the venue's clock. None: from now on."""
        self._reader = reader
        self.parents = parents
        self._questions = questions
        self._streams = streams
        self._look_up = look_up
        self._clock = clock
        self._settings = settings
        self._floor_ms = books_ms
        self._since_ms = since_ms
        self._strange: dict[OrderId, float] = {}  # orders that should not be open: when told
        self._down = {"private", "business"}
        self._told_down: set[str] = set()
        self._check = asyncio.Event()  # wakes the check before its time
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    async def events(self, open_orders: Mapping[OrderId, Symbol]) -> AsyncIterator[Event]:
        """For ever. `open_orders` is looked at anew at each check."""
        tasks = [
            asyncio.create_task(self._kept("private", lambda: self._listen("private", ORDERS))),
            asyncio.create_task(
                self._kept("business", lambda: self._listen("business", *ALGO_ORDERS))
            ),
            asyncio.create_task(self._kept("check", lambda: self._check_on(open_orders))),
        ]
        try:
            while True:
                yield await self._queue.get()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _kept(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        def failed(error: Exception, count: int) -> None:
            self._down.add(part)  # asked by REST until it is open again
            self._check.set()
            if count >= _FAILURES:
                reason = f"the {part} part of OKX's news failed {count} times: {error!r}"
                self._tell(self._mode(TradingMode.REDUCE_ONLY, reason))

        await keep_running(
            f"OKX news, {part}", work, failed=failed, monotonic_s=self._clock.monotonic_s
        )

    def _tell(self, *events: Event) -> None:
        for event in events:
            self._queue.put_nowait(event)

    async def _listen(self, access: str, *args: Arg) -> None:
        async for heard in self._streams.follow(access, args):
            self._take(access, heard)

    def _take(self, access: str, heard: Heard) -> None:
        match heard:
            case Opened():
                self._down.discard(access)
                self._told_down.discard(access)
                self._check.set()
            case Lost():
                self._lost(access, heard)
            case Pushed():
                self._tell(*self._read(heard))

    def _lost(self, access: str, heard: Lost) -> None:
        log.warning("the %s stream was lost: %s", access, heard.reason)
        if treatment(heard.code) is Treatment.HALT and heard.code:
            self._tell(self.halted(f"{heard.code}: {heard.reason}"))
        if access not in self._told_down:  # once, however many connects fail after it
            self._told_down.add(access)
            now_ms = self._now_ms()
            self._tell(
                HeartbeatMissed(
                    ts_event=now_ms,
                    ts_known=now_ms,
                    component=f"stream:OKX {access} of {self._reader.account}",
                    last_seen_ms=None,
                    allowed_ms=self._settings.heartbeat_ms,
                )
            )
        self._down.add(access)
        self._check.set()

    def _read(self, pushed: Pushed) -> list[Event]:
        """What a push tells; a row that cannot be read is asked about instead (F37)."""
        read = self._reader.pushed_order if pushed.channel == "orders" else self._reader.pushed_algo
        told: list[Event] = []
        self._halt_for_another(row for row in pushed.rows if isinstance(row, Mapping))
        for row in pushed.rows:
            try:
                self._know_parent(row)
                if pushed.channel == "orders" and self._reader.is_orphan(row):
                    self._check.set()
                told += read(row, self._now_ms())
            except UNREADABLE as error:
                log.warning("a push of %s cannot be read: %s: %r", pushed.channel, error, row)
                self._check.set()
        return told

    def _know_parent(self, row: Row) -> None:
        """An algo order's own row says by both ids which it is."""
        if row.get("algoId") and (row.get("algoClOrdId") or "accFillSz" not in row):
            self.parents.setdefault(str(row["algoId"]), self._reader.own_id(row))

    async def _check_on(self, open_orders: Mapping[OrderId, Symbol]) -> None:
        self._down.discard("check")
        while True:
            self._check.clear()
            wait_s = self._settings.check_s
            try:
                await self._check_all(open_orders)
            except UNREADABLE as error:
                log.warning("the account could not be checked: %s", error)
                wait_s = self._settings.blind_s
            if self._down:
                wait_s = self._settings.blind_s
                await asyncio.sleep(wait_s)
                continue
            try:
                async with asyncio.timeout(wait_s):
                    await self._check.wait()
            except TimeoutError:
                continue

    async def _check_all(self, open_orders: Mapping[OrderId, Symbol]) -> None:
        """Ask for all there is. BrokerUnavailableError for what is not known, in the end: what
        cannot be read hides nothing of the others."""
        began_ms = await self._questions.now_ms()
        since_ms = self._from(began_ms)
        unseen = _Unread()
        for order_id, instrument in list(open_orders.items()):
            with unseen:
                seen = await self._look_up(order_id, instrument)
                if isinstance(seen, OrderSeen):
                    self._tell(seen)
        unbooked = _Unread()
        with unbooked:
            await self._check_fills(
                await self._questions.fills_since(since_ms, began_ms), unbooked
            )  # fmt: skip
        if any(symbol.kind is not InstrumentKind.SPOT for symbol in self._reader.watched):
            with unbooked:
                for row in await self._questions.funding_since(since_ms, began_ms):
                    with unbooked:
                        self._tell(*await self._funding(row))
        with unseen:
            asked_ms = self._now_ms()
            self._watch(await self._questions.open_orders(), asked_ms, open_orders, unseen)
        if not unbooked.errors:
            self._since_ms = began_ms  # else what was not read is asked for again
        if errors := unbooked.errors + unseen.errors:
            raise BrokerUnavailableError("; ".join(dict.fromkeys(map(str, errors))))

    def begin(self, books_ms: int) -> None:
        """The books begin with what the account had at that moment of the venue's time."""
        self._floor_ms = self._since_ms = books_ms

    def _from(self, now_ms: int) -> int:
        """Since when trades are asked for: a minute more than seems needed, by the venue's clock,
        for what was on its way when it was asked last; but nothing that the books began with."""
        if self._since_ms is None:
            self._floor_ms = self._since_ms = now_ms
        if self._floor_ms is not None and self._floor_ms > now_ms:  # of another clock
            self._floor_ms = self._since_ms
        since_ms = self._since_ms - _MARGIN_MS
        return since_ms if self._floor_ms is None else max(since_ms, self._floor_ms)

    async def _check_fills(self, rows: list[Row], unread: _Unread) -> None:
        """Trades do not name the algo order they came from; their order does."""
        orders: dict[str, Row | None] = {}
        self._halt_for_another(rows)
        for row in rows:
            with unread:
                symbol = symbol_of(str(row.get("instId", "")))
                own = self._reader.own_id(row)
                if symbol is not None and own is None:
                    venue_id = text(row, "ordId")
                    if venue_id not in orders:
                        orders[venue_id] = await self._order_and_parent(venue_id, symbol)
                    own = self._reader.own_id(orders[venue_id] or {})
                self._tell(*self._reader.listed_fill(row, own, self._now_ms()))

    async def _order_and_parent(self, venue_id: str, symbol: Symbol) -> Row | None:
        """An order, with the algo order it came from made known."""
        order = await self._questions.order(venue_id, symbol)
        if order is not None and self._reader.is_orphan(order):
            parent = parent_id(order)
            algo = await self._questions.algo(parent)
            self.parents[parent] = self._reader.own_id(algo or {})
        return order

    async def _funding(self, row: Row) -> list[Event]:
        symbol = symbol_of(str(row.get("instId", "")))
        if symbol is None or symbol not in self._reader.watched:
            return []
        at_ms = int(needed(row, "ts"))
        near = {"before": str(at_ms - SAME_SETTLEMENT_MS), "after": str(at_ms + 1)}
        rates = await self._questions.rows(
            "public/funding-rate-history", {"instId": text(row, "instId"), **near}
        )
        return [funding_paid(row, rates, symbol, self._reader.account, self._now_ms())]

    def _watch(
        self,
        rows: list[Row],
        asked_ms: int,
        open_orders: Mapping[OrderId, Symbol],
        unread: _Unread,
    ) -> None:
        """Orders that should not be open: of another instance (F65), or closed here (P21).

        After a restart as well: what the journal closed may live on, sent by an earlier process.
        """
        self._halt_for_another(rows)
        told_s, self._strange = self._strange, {}
        for row in rows:
            with unread:
                own, symbol = self._reader.own_id(row), symbol_of(str(row.get("instId", "")))
                if own is None or symbol is None or own in open_orders:
                    continue
                if self._clock.monotonic_s() < told_s.get(own, -_STRANGE_S) + _STRANGE_S:
                    self._strange[own] = told_s[own]
                    continue
                shown = {**row, "accFillSz": "0"} if is_algo_row(row) else row
                if (status := order_status(row)) is not None:
                    now_ms = self._now_ms()
                    self._tell(self._reader.seen(shown, own, symbol, status, now_ms, asked_ms))
                    self._strange[own] = self._clock.monotonic_s()

    def _halt_for_another(self, rows: Iterable[Row]) -> None:
        """An order or a trade under the tag of another run: two traders on one account (F65)."""
        if foreign_tags(rows, self._reader.run_tag):
            self._tell(self.halted("another instance of algotrader has orders on this account"))

    def halted(self, reason: str) -> ModeChanged:
        """What tells that nothing may go out before a person has looked."""
        return self._mode(TradingMode.HALTED, reason)

    def _mode(self, mode: TradingMode, reason: str) -> ModeChanged:
        now_ms = self._now_ms()
        return ModeChanged(
            ts_event=now_ms,
            ts_known=now_ms,
            account=self._reader.account,
            mode=mode,
            reason=reason,
            by="venue",
        )

    def tell(self, event: Event) -> None:
        """News that came by another way: an answer that halts the account."""
        self._tell(event)

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())
