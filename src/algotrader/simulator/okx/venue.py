"""The state of the venue that its parts work on: markets, wallet, records, time, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from algotrader.portfolio.positions import Position
from algotrader.simulator.okx import rows
from algotrader.simulator.okx.market import Candle, Market
from algotrader.simulator.okx.numerals import ZERO, amount
from algotrader.simulator.okx.orders import Algo, Fill, Order
from algotrader.simulator.okx.records import Bill, Records
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.wallet import Held, HeldKey, Wallet

FIRST_ID = 2_500_000_000_000_000_000

MARKET_TOPICS = frozenset({"candle", "tick", "trade", "instruments"})
"""What is told of a market, and concerns no account."""


class Event(NamedTuple):
    """Something subscribers may want to hear of. `data` is a row, or the candle that closed."""

    topic: str  # orders, orders-algo, algo-advance, account, positions, candle, tick, trade, instruments
    inst_type: str
    inst_id: str
    data: Any


@dataclass(slots=True)
class Venue:
    """Shared by trading, algo orders and margin; `exchange.Exchange` moves its time."""

    markets: Mapping[str, Market]  # by instrument id, in that order
    wallet: Wallet
    draw: np.random.Generator
    now: float  # UTC ms
    records: Records = field(default_factory=Records)
    events: list[Event] = field(default_factory=list)
    ended: list[Order] = field(default_factory=list)  # with attached orders yet to spring
    first_id: int = FIRST_ID  # ids of different accounts differ
    trace: bytes = b""  # chained hash of everything private that happened
    _number: int = 0
    _tape: int = 700_000_000
    _account_changed: bool = False
    _positions_changed: set[HeldKey] = field(default_factory=set)

    @property
    def now_ms(self) -> int:
        return int(self.now)

    def next_id(self) -> str:
        """Ids ascend with time, as the venue's do."""
        self._number += 1
        return str(self.first_id + self._number * 4096 + int(self.draw.integers(4096)))

    def next_tape_id(self) -> str:
        """Of public trades: apart, so that ours do not depend on how often prices are looked at."""
        self._tape += 1
        return str(self._tape)

    def market(self, inst_id: str) -> Market:
        found = self.markets.get(inst_id)
        if found is None:
            raise Refusal("51001")
        return found

    def held(self, key: HeldKey) -> Held:
        """The position under a key, an empty new one if there was none."""
        held = self.wallet.held.get(key)
        if held is None or not held.quantity:
            position = Position(contract=self.markets[key.inst_id].contract)
            pos_id = self.next_id() if held is None else held.pos_id
            held = Held(key=key, position=position, pos_id=pos_id,
                        created_ms=self.now_ms, updated_ms=self.now_ms)  # fmt: skip
            self.wallet.held[key] = held
        return held

    def note_end(self, held: Held, ended_by: str) -> None:
        """Keep a position that has become flat; `ended_by` as the venue numbers it."""
        if not held.quantity:
            held.ended_by = ended_by
            self.records.ended.append(held)

    def tell_order(self, order: Order) -> None:
        order.updated_ms = self.now_ms
        market = self.markets[order.asked.inst_id]
        self._tell("orders", market, rows.pushed_order_row(order, market.last))
        order.amend_result = order.request_id = ""
        if order.asked.attached and not order.is_open:
            self.ended.append(order)

    def tell_algo(self, algo: Algo) -> None:
        algo.updated_ms = self.now_ms
        market = self.markets[algo.asked.inst_id]
        # Trailing stops are "advance" algo orders: OKX tells them on a channel of their own.
        topic = "algo-advance" if algo.asked.kind == "move_order_stop" else "orders-algo"
        self._tell(topic, market, rows.algo_row(algo, market.last))

    def tell_candle(self, market: Market, candle: Candle) -> None:
        kind, name = market.listing.inst_type, market.inst_id
        self.events.append(Event("candle", kind, name, candle))

    def tell_market(self, topic: str, market: Market, data: Any = None) -> None:
        self.events.append(Event(topic, market.listing.inst_type, market.inst_id, data))

    def touch_account(self, *keys: HeldKey) -> None:
        """Balances, and the positions named, are pushed when the step is over."""
        self._account_changed = True
        self._positions_changed.update(keys)

    def flush_account(self) -> None:
        """Push what changed since the last time, once."""
        for key in sorted(self._positions_changed):
            self.tell_market("positions", self.markets[key.inst_id], key)
        if self._account_changed:
            self.events.append(Event("account", "", "", None))
            self.mark_trace("cash", {c: amount(v) for c, v in sorted(self.wallet.cash.items())})
        self._account_changed = False
        self._positions_changed.clear()

    def write_bill(
        self, kind: str, sub_kind: str, currency: str, change: Decimal, **more: Any
    ) -> Bill:
        """Keep one change of a balance; the change itself was made before."""
        bill = Bill(
            bill_id=self.next_id(), at_ms=self.now_ms, kind=kind, sub_kind=sub_kind,
            currency=currency, change=change, balance=self.wallet.cash.get(currency, ZERO), **more,
        )  # fmt: skip
        self.records.bills.append(bill)
        return bill

    def keep_fill(self, fill: Fill) -> None:
        self.records.fills.append(fill)
        self.mark_trace("fill", rows.fill_row(fill))

    def mark_trace(self, what: str, row: object) -> None:
        """Chain a private happening into the trace: same seed and requests, same trace."""
        self.trace = sha256(self.trace + f"{what} {self.now_ms} {row}".encode()).digest()

    def _tell(self, topic: str, market: Market, row: rows.Row) -> None:
        self.events.append(Event(topic, market.listing.inst_type, market.inst_id, row))
        self.mark_trace(topic, row)
