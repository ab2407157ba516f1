"""A desk as its journal tells it, followed while a trader writes: state, index, equity.

Everything is read; nothing here is asked by the trader or waited for. The state is the engine's own
fold, so what is shown is what the next decision starts from.
"""

from __future__ import annotations

import asyncio
import logging
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args

from algotrader.api.equity import EquityHistory
from algotrader.api.errors import ApiError
from algotrader.api.held_since import HeldSince
from algotrader.api.index import JournalIndex
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import (
    AccountMarked,
    CashMoved,
    Decided,
    Event,
    Liquidated,
    OrderFilled,
    OrderSubmitted,
    decode_event,
)
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.symbols import Symbol
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import IllegalTransitionError, LiveOrder, OrderEvent
from algotrader.live.journal.chain import Row
from algotrader.live.journal.errors import JournalMissingError
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.segments import SegmentRows
from algotrader.ops.config import Configuration
from algotrader.ops.standing import folder_of, read_stood

log = logging.getLogger(__name__)
T = TypeVar("T")

_LOOK_S: Final = 0.04  # between looks at the journal
_ABSENT_S: Final = 0.5  # between looks for a journal that is not there
_RETRY_S: Final = 5.0
_PAGE: Final = 40  # rows that are taken in before requests get a turn: a few milliseconds
_SCAN: Final = 20_000
_REMEMBERED: Final = frozenset(
    {one.__name__ for one in (AccountMarked, Decided, CashMoved, OrderSubmitted, Liquidated)}
    | {one.__name__ for one in get_args(OrderEvent)}
)
_WAIT_S: Final = 10.0
_RECENT: Final = 3_000  # rows that are told again at the beginning, for who keeps a few


@dataclass(slots=True)
class _Past:
    """What is remembered of all rows, beside the state."""

    index: JournalIndex = field(default_factory=JournalIndex)
    equity: EquityHistory = field(default_factory=EquityHistory)
    held: HeldSince = field(default_factory=lambda: HeldSince({}, lambda _: False))
    lives: dict[OrderId, array[int]] = field(default_factory=dict)  # rows of each order
    submitted: list[OrderId] = field(default_factory=list)  # as they were, of `submissions`
    submissions: array[int] = field(default_factory=lambda: array("q"))  # their rows, rising
    owners: dict[OrderId, StrategyId] = field(default_factory=dict)  # also of orders let go of
    paid: dict[OrderId, Decimal] = field(default_factory=dict)  # sum of price x quantity
    filled: dict[OrderId, Decimal] = field(default_factory=dict)
    latched: dict[tuple[StrategyId, Symbol], Decimal] = field(default_factory=dict)
    turns: array[int] = field(default_factory=lambda: array("q"))  # decisions that changed those

    def hear(self, seq: int, kind: str, event: Event | None) -> None:
        self.index.add(seq, kind)
        if event is None:
            return
        self.equity.hear(event)
        if isinstance(event, Decided):
            self._decided(seq, event)
        if isinstance(event, OrderFilled | Liquidated):
            self.held.hear(event)
        order = _order_of(event)
        if order is None:
            return
        self.lives.setdefault(order, array("q")).append(seq)
        if isinstance(event, OrderSubmitted):
            self.owners[order] = event.order.strategy
            self.submitted.append(order)
            self.submissions.append(seq)
        if isinstance(event, OrderFilled):
            fill = event.fill
            self.paid[order] = self.paid.get(order, Decimal(0)) + fill.price * fill.quantity
            self.filled[order] = self.filled.get(order, Decimal(0)) + fill.quantity

    def _decided(self, seq: int, event: Decided) -> None:
        """Whether it is another quantity that is worked towards; errors are turns as well."""
        place, wanted = (event.strategy, event.instrument), event.latched_quantity
        before = self.latched.get(place, Decimal(0))
        if event.error is not None or (wanted is not None and wanted != before):
            self.turns.append(seq)
        if wanted is not None:
            self.latched[place] = wanted


class DeskView:
    """`run` for ever in the event loop; everything else is asked in the same loop."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        on_event: Callable[[Row, Event], None] = lambda _row, _event: None,
        on_past: Callable[[Row, Event], None] = lambda _row, _event: None,
        on_begin: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_event` hears what is new, `on_past` some of what was before, after `on_begin`."""
        self.configuration = configuration
        self._folder = folder_of(configuration)
        self._on_event, self._on_past, self._on_begin = on_event, on_past, on_begin
        self._state: EngineState | None = None
        self._past = _Past()
        self.seq = 0
        self.failure: AlgotraderError | None = None
        self._rows: SegmentRows | None = None
        self._chain: int | None = None  # which folder the rows are of
        self._known: dict[str, Any] = {}  # answers that hold until the next row
        self._looked = asyncio.Event()

    async def run(self) -> None:
        """Follow the journal for ever."""
        while True:
            pause_s = _LOOK_S
            try:
                if self._state is None:
                    await self._begin()
                else:
                    await self._follow()
            except JournalMissingError:
                self._forget()
                self.failure, pause_s = None, _ABSENT_S
            except Exception as error:  # noqa: BLE001  else what was read last would stand as new
                log.error("the journal cannot be followed: %r", error)
                self._forget()
                self.failure, pause_s = _as_failure(error), _RETRY_S
            self._looked.set()
            await asyncio.sleep(pause_s)

    async def ready(self) -> None:
        """Wait until the journal was read once. ApiError if that takes too long."""
        try:
            await asyncio.wait_for(self._looked.wait(), _WAIT_S)
        except TimeoutError:
            raise ApiError(
                503, "api.reading", "the journal is still being read",
                hint="ask again in a few seconds", headers={"Retry-After": "5"},
            ) from None  # fmt: skip

    @property
    def state(self) -> EngineState | None:
        """Where the desk stands; None before its first start. ApiError if it cannot be read."""
        if self.failure is not None:
            raise ApiError(503, self.failure.code, self.failure.message, hint=self.failure.hint)
        return self._state

    @property
    def index(self) -> JournalIndex:
        return self._past.index

    @property
    def equity(self) -> EquityHistory:
        return self._past.equity

    @property
    def turns(self) -> array[int]:
        """Numbers of the decisions that changed what is worked towards, rising."""
        return self._past.turns

    def average(self, order: OrderId) -> Decimal | None:
        """What an order was filled at, None before its first fill."""
        filled = self._past.filled.get(order)
        return self._past.paid[order] / filled if filled else None

    def owner(self, order: OrderId | None) -> StrategyId | None:
        """Whose order it was; None for one that none of ours sent."""
        return None if order is None else self._past.owners.get(order)

    def held_since(self, account: AccountId, symbol: Symbol, held: Decimal) -> int | None:
        """When the first fill of a present position was, UTC ms; None where that is not known."""
        return self._past.held.of(account, symbol, held)

    def picked(self, seqs: list[int]) -> list[Row]:
        """Rows of the journal by number, in the order asked for."""
        if self._rows is None:
            return []
        found = {row.seq: row for row in self._rows.picked(sorted(seqs))}
        return [found[seq] for seq in seqs if seq in found]

    def order_rows(self, order: OrderId) -> list[Row]:
        """The rows of an order's life, the oldest first."""
        return self.picked(list(self._past.lives.get(order, ())))

    def newest_orders(self, before: int | None, limit: int) -> tuple[list[OrderId], int | None]:
        """Orders sent before a row, the newest first, and the row to go on from; None: no more."""
        past = self._past
        end = len(past.submitted) if before is None else bisect_left(past.submissions, before)
        begin = max(end - limit, 0)
        return past.submitted[begin:end][::-1], past.submissions[begin] if begin else None

    def live_order(self, state: EngineState, order: OrderId) -> LiveOrder | None:
        """An order as it stands, or as it ended; of one that was let go of, from its rows."""
        if order in state.orders:
            return state.orders[order]
        live: LiveOrder | None = None
        for row in self.order_rows(order):
            event = decode_event(row.body)
            if isinstance(event, OrderSubmitted):
                live = LiveOrder.submitted(event)
            elif live is not None and isinstance(event, OrderEvent):
                with suppress(IllegalTransitionError):  # it changed nothing then either
                    live = live.hear(event)
        return live

    def step_from(self, seq: int) -> list[Row]:
        """A row, and those that its step wrote after it."""
        first = self.picked([seq])
        return (
            first + self.picked(list(range(seq + 1, seq + 1 + first[0].remaining))) if first else []
        )

    def once(self, name: str, made: Callable[[], T]) -> T:
        """What `made` gives, made once between two rows of the journal."""
        if name not in self._known:
            self._known[name] = made()
        found: T = self._known[name]
        return found

    async def _begin(self) -> None:
        self._folder.require()
        chain = self._chain_id()
        stood = await asyncio.to_thread(read_stood, self.configuration)
        rows = self._folder.rows(self._folder.chain)
        past = await asyncio.to_thread(_read_past, rows, stood.seq, _held_since(stood.state))
        self._forget()
        self._rows, self._chain, self._past = rows, chain, past
        self._state, self.seq, self.failure = stood.state, stood.seq, None
        self._on_begin()
        for row in self.picked(past.index.newest((), None, _RECENT)[::-1]):
            if not row.kind.startswith(PREFIX):
                self._on_past(row, decode_event(row.body))

    async def _follow(self) -> None:
        """Take in what is new; begin anew where the journal is another."""
        if self._chain_id() != self._chain:
            self._forget()
        while self._rows is not None and self._state is not None:
            page = self._rows.page(self.seq + 1, _PAGE)
            if not page:
                return
            self._take(self._state, page)
            await asyncio.sleep(0)

    def _take(self, state: EngineState, page: list[Row]) -> None:
        self._known.clear()
        for row in page:
            event = None if row.kind.startswith(PREFIX) else decode_event(row.body)
            if event is not None:
                state.apply(event)
            self._past.hear(row.seq, row.kind, event)
            self.seq = row.seq
            if event is not None:
                self._on_event(row, event)

    def _chain_id(self) -> int:
        with suppress(OSError):
            return self._folder.chain.stat().st_ino
        self._folder.require()
        return -1

    def _forget(self) -> None:
        if self._rows is not None:
            self._rows.close()
        self._rows, self._chain, self._state, self.seq = None, None, None, 0
        self._past, self._known = _Past(), {}


def _held_since(state: EngineState) -> HeldSince:
    contracts = {name: one.whole.contracts for name, one in state.books.items()}
    return HeldSince(contracts, state.is_left_alone)


def _read_past(rows: SegmentRows, last: int, held: HeldSince) -> _Past:
    """All rows up to a number. Only what is remembered is decoded."""
    past, at = _Past(held=held), 1
    while at <= last:
        listed = [one for one in rows.kinds(at, _SCAN) if one[0] <= last]
        if not listed:
            break
        wanted = [seq for seq, kind in listed if kind in _REMEMBERED]
        events = {row.seq: decode_event(row.body) for row in rows.picked(wanted)}
        for seq, kind in listed:
            past.hear(seq, kind, events.get(seq))
        at = listed[-1][0] + 1
        time.sleep(0)  # let requests have the interpreter
    return past


def _order_of(event: Event) -> OrderId | None:
    """The order that an event is about."""
    if isinstance(event, OrderSubmitted):
        return event.order.order_id
    if isinstance(event, OrderFilled):
        return event.fill.order_id
    return event.order_id if isinstance(event, OrderEvent) else None


def _as_failure(error: Exception) -> AlgotraderError:
    if isinstance(error, AlgotraderError):
        return error
    return AlgotraderError(
        "api.journal", f"the journal cannot be read: {error!r}", hint="algotrader journal verify"
    )
