"""The paper venue: orders of the engine, filled by the kernel's bar simulator (R7 to R23).

It answers as a venue does, in events, and knows no more than a venue: orders by their client id
and bars. The caller tells it each bar once it has closed; what the bar filled is told before the
bar itself is decided on. The same bars and orders in the same order give the same fills, so a
journal of both is enough to stand where it stood.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from algotrader import _kernel
from algotrader.core.events import (
    BarClosed,
    Event,
    FundingPaid,
    Liquidated,
    OrderAccepted,
    OrderAmended,
    OrderAmendRefused,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderSeen,
    StopTriggered,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import OrderId, TradeId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.orders import (
    OF_TARGETS,
    PROTECTIVE,
    Order,
    OrderStatus,
    Protection,
    Purpose,
    Side,
    TimeInForce,
)
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import length_ms
from algotrader.execution import simulation
from algotrader.execution.paper_guards import REASONS, GuardBook, KeptGuard
from algotrader.execution.paper_numbers import (
    fee_of,
    float_or_none,
    guard_id,
    lots_of,
    ms_or_none,
    nan_or,
    price_of,
    venue_id,
)
from algotrader.execution.paper_terms import PaperTerms
from algotrader.execution.simulated import fills_from
from algotrader.execution.simulation import (
    AmendRequest,
    CancelRequest,
    FillReason,
    OrderRequest,
    OrderState,
    Panel,
)
from algotrader.execution.simulator_input import check_instruments, checked_panel
from algotrader.portfolio.positions import exact

_FIELDS: Final = ("open", "high", "low", "close", "volume")
_TIF: Final = {tif: simulation.TimeInForce[tif.name] for tif in TimeInForce}
_ENDS: Final = {
    OrderState.FILLED: OrderStatus.FILLED,
    OrderState.CANCELLED: OrderStatus.CANCELLED,
    OrderState.EXPIRED: OrderStatus.EXPIRED,
    OrderState.REJECTED: OrderStatus.REJECTED,
    OrderState.DENIED: OrderStatus.REJECTED,
}


class PaperVenue:
    """One paper account. Deterministic; no clock of its own."""

    def __init__(self, terms: PaperTerms) -> None:
        self._terms = terms
        self._columns = {one.symbol: column for column, one in enumerate(terms.instruments)}
        shape = (len(terms.ts), len(terms.instruments))
        prices = {name: np.full(shape, np.nan) for name in _FIELDS}
        prices["volume"] = np.zeros(shape)
        marks = terms.marks or {}
        panel = Panel(
            ts=terms.ts,
            timeframe_ms=terms.timeframe_ms,
            session=terms.session,
            funding_ts=terms.funding_ts,
            funding_instrument=terms.funding_instrument,
            funding_rate=terms.funding_rate,
            **prices,
            mark_open=marks.get("mark_open"),
            mark_high=marks.get("mark_high"),
            mark_low=marks.get("mark_low"),
            mark_close=marks.get("mark_close"),
        )
        check_instruments(terms.simulated, terms.settings, shape[1])
        checked = checked_panel(panel, terms.settings)
        # The kernel reads a row when it steps onto it; until then its arrays may be written.
        self._prices = {name: getattr(checked, name) for name in _FIELDS}
        self._rates = checked.funding_rate
        self._stepper = _kernel.Stepper(
            _kernel.Panel(checked), list(terms.simulated), terms.settings
        )
        self._numbers: dict[OrderId, int] = {}
        self._orders: dict[int, Order] = {}
        self._filled: dict[int, Decimal] = {}
        self._fills: dict[int, list[Fill]] = {}
        self._held = {one.symbol: Decimal(0) for one in terms.instruments}
        self._told = 0  # fills of the kernel that were told
        self._guards = GuardBook(terms.instruments)
        self._protected: dict[int, Protection | None] = {}  # by column, as the simulator has it
        self._groups: dict[tuple[str, int, str], int] = {}

    @property
    def equity(self) -> float:
        """By the kernel's own books, after the last bar."""
        return self._stepper.equity

    @property
    def cash(self) -> float:
        """The wallet by the kernel's own books."""
        return self._stepper.cash

    def record(self, position: NDArray[np.float64], funding: NDArray[np.float64]) -> None:
        """Write what is held, and what funding the last bar brought, into rows of shape (N,)."""
        position[:] = self._stepper.positions
        funding[:] = self._stepper.funding

    def simulated(self) -> dict[str, Any]:
        """Fills, counters and ambiguous bars so far, as the simulator tells them."""
        return self._stepper.result()

    def submit(self, order: Order, now_ms: int) -> OrderAccepted | OrderRejected:
        """Take an order. It can trade from the next bar on."""
        if order.order_id in self._numbers:
            return self._rejected(order, now_ms, "duplicate", "this client order id is known")
        if order.intent.purpose is Purpose.BRACKET:
            return self._rejected(order, now_ms, "bracket", "stop and target rest apart here")
        if order.intent.purpose in PROTECTIVE and order.intent.parent is not None:
            return self._guard(order, now_ms)
        if order.intent.purpose in OF_TARGETS:
            self._protect_position(order)
        if order.intent.purpose is Purpose.TARGET:
            number = self._work(order)
        else:
            number = self._stepper.request(self._request(order))
        self._numbers[order.order_id] = number
        self._orders[number] = order
        self._filled[number] = Decimal(0)
        state = OrderState(self._stepper.order_state(number))
        if state in (OrderState.DENIED, OrderState.REJECTED):
            return self._rejected(order, now_ms, state.name.lower(), "refused by the paper venue")
        return self._accepted(order, now_ms)

    def amend(
        self,
        order_id: OrderId,
        instrument: Symbol,
        now_ms: int,
        *,
        quantity: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
    ) -> OrderAmended | OrderAmendRefused:
        """Change a resting order; a guard follows its position by itself."""
        guard, number = self._guards.find(order_id), self._numbers.get(order_id)
        rests = number is not None and self._state(number) is OrderState.WORKING
        if number is not None and rests:
            self._stepper.request(
                AmendRequest(
                    order=number,
                    quantity=float(quantity),
                    limit=float_or_none(limit),
                    stop=float_or_none(stop),
                )
            )
        if not rests and guard is None:
            return OrderAmendRefused(
                ts_event=now_ms,
                ts_known=now_ms,
                account=self._terms.account,
                order_id=order_id,
                instrument=instrument,
                code="over",
                reason="it does not rest here",
            )
        return OrderAmended(
            ts_event=now_ms,
            ts_known=now_ms,
            account=self._terms.account,
            order_id=order_id,
            instrument=instrument,
            quantity=quantity,
            limit=limit,
            stop=stop,
        )

    def _guard(self, order: Order, now_ms: int) -> OrderAccepted | OrderRejected:
        """A stop, target or trail: the simulator has it since the fill, or is to make it now."""
        if self._guards.find(order.order_id) is None:
            column = self._columns[order.instrument]
            self._stepper.protect(column, self._guards.opener_anew(order))
            self._guards.hear(self._stepper.take_guard_news(), self._orders)
        if self._guards.find(order.order_id) is None:
            return self._rejected(order, now_ms, "nothing_held", "there is nothing to guard")
        return self._accepted(order, now_ms)

    def _accepted(self, order: Order, now_ms: int) -> OrderAccepted:
        number = self._numbers.get(order.order_id)
        return OrderAccepted(
            ts_event=now_ms,
            ts_known=now_ms,
            account=order.account,
            order_id=order.order_id,
            instrument=order.instrument,
            venue_order_id=guard_id(order.order_id) if number is None else venue_id(number),
        )

    def cancel(self, order_id: OrderId, instrument: Symbol, now_ms: int) -> Event:
        """Take an order off the book; what it is now."""
        number, guard = self._numbers.get(order_id), self._guards.find(order_id)
        if number is not None and self._state(number) is OrderState.WORKING:
            self._stepper.request(CancelRequest(order=number))
        elif guard is not None and not guard.is_over:
            self._stepper.cancel_guard(*guard.key, guard.column)
            for _ in self._guards.ended(self._stepper.guards()):
                pass  # told by what is asked next
        return self.find(order_id, instrument, now_ms)

    def find(self, order_id: OrderId, instrument: Symbol, now_ms: int) -> OrderSeen | OrderNotFound:
        """What the venue knows of a client order id."""
        number, guard = self._numbers.get(order_id), self._guards.find(order_id)
        if guard is not None:
            return self._guard_seen(guard, now_ms, asked_ms=now_ms)
        if number is None:
            return OrderNotFound(
                ts_event=now_ms,
                ts_known=now_ms,
                account=self._terms.account,
                order_id=order_id,
                instrument=instrument,
                asked_ms=now_ms,
            )
        return self._seen(number, now_ms, asked_ms=now_ms)

    def trades(self, order_id: OrderId) -> tuple[Fill, ...]:
        """All fills of an order so far."""
        return tuple(self._fills.get(self._numbers.get(order_id, -1), ()))

    def lists(self, instrument: Symbol) -> bool:
        """Whether it is traded here."""
        return instrument in self._columns

    def takes(self, bar: BarClosed) -> bool:
        """Whether the bar is one of those that fill orders here."""
        is_ours = length_ms(bar.timeframe) == self._terms.timeframe_ms
        return is_ours and self.lists(bar.instrument)

    @property
    def next_ts(self) -> int:
        """Open of the next bar that it can take, UTC ms; beyond the last when there is none."""
        row = self._stepper.next_row
        return int(self._terms.ts[row]) if row < len(self._terms.ts) else self.last_ts + 1

    @property
    def last_ts(self) -> int:
        """Open of the last bar that it can take, UTC ms."""
        return int(self._terms.ts[-1])

    def settle(self, instrument: Symbol, ts: int, rate: float) -> None:
        """Tell a funding rate, settled at `ts`, before the bar that it is settled in."""
        terms = self._terms
        if self._rates is None or terms.funding_ts is None or terms.funding_instrument is None:
            return
        column = self._columns[instrument]
        self._rates[(terms.funding_ts == ts) & (terms.funding_instrument == column)] = rate

    def positions(self) -> dict[Symbol, Decimal]:
        """Signed quantities by all that was told, less the fees that were taken in coin (R14)."""
        return dict(self._held)

    def advance(self, bars: Iterable[BarClosed], now_ms: int) -> list[Event]:
        """Step over one row: funding, fills, liquidations and ends of orders.

        Rows before it that no bar came of are stepped over first: nothing fills in them (R3).
        """
        told: list[Event] = []
        here = list(bars)
        while here and int(self._terms.ts[self._stepper.next_row]) < here[0].ts:
            told += self._advance([], now_ms)
        return told + self._advance(here, now_ms)

    def _advance(self, bars: Sequence[BarClosed], now_ms: int) -> list[Event]:
        row, stepper = self._stepper.next_row, self._stepper
        self._write(bars, row)
        if row:
            stepper.decide()
        settles = self._rates is not None
        held = [quantity != 0.0 for quantity in stepper.positions] if settles else []
        stepper.step()
        self._guards.hear(stepper.take_guard_news(), self._orders)
        told: list[Event] = []
        # Settled on what was held before the bar, or else on what was opened in it (R7).
        if settles:
            told += self._new_funding(row, now_ms, [c for c, was in enumerate(held) if was])
        if stepper.fills != self._told:
            told += self._new_fills(now_ms)
        if settles:
            told += self._new_funding(row, now_ms, [c for c, was in enumerate(held) if not was])
        told += [self._seen(n, now_ms) for n in stepper.take_ended() if n in self._orders]
        if self._guards.has_any:
            told += self._guard_news(now_ms)
        return told

    def _write(self, bars: Sequence[BarClosed], row: int) -> None:
        prices, opens = self._prices, int(self._terms.ts[row])
        for bar in bars:
            if bar.ts != opens:
                raise ValueError(f"{bar.instrument}: the bar opens at {bar.ts}, not {opens}")
            at = (row, self._columns[bar.instrument])
            prices["open"][at] = bar.open
            prices["high"][at] = bar.high
            prices["low"][at] = bar.low
            prices["close"][at] = bar.close
            prices["volume"][at] = bar.volume if self._terms.volume_known else math.nan

    def _guard_news(self, now_ms: int) -> Iterator[Event]:
        rows = self._stepper.guards()
        for guard in self._guards.take_triggered():
            yield self._stop_triggered(guard, now_ms)
        for guard in self._guards.ended(rows):
            yield self._guard_seen(guard, now_ms)

    def _stop_triggered(
        self, guard: KeptGuard, now_ms: int, price: Decimal | None = None
    ) -> StopTriggered:
        close = float(self._prices["close"][self._stepper.next_row - 1, guard.column])
        return StopTriggered(
            ts_event=now_ms,
            ts_known=now_ms,
            account=self._terms.account,
            order_id=guard.order_id,
            instrument=guard.instrument.symbol,
            child_order_id=None,
            trigger_price=price_of(close, guard.instrument.tick) if price is None else price,
        )

    def _guard_seen(self, guard: KeptGuard, now_ms: int, asked_ms: int | None = None) -> OrderSeen:
        held = self._held[guard.instrument.symbol]
        working = OrderStatus.PARTIALLY_FILLED if guard.filled else OrderStatus.ACCEPTED
        whole = bool(guard.filled) and abs(held) < guard.instrument.lot
        end = OrderStatus.FILLED if whole else OrderStatus.CANCELLED
        return OrderSeen(
            ts_event=now_ms,
            ts_known=now_ms,
            account=self._terms.account,
            order_id=guard.order_id,
            instrument=guard.instrument.symbol,
            venue_order_id=guard_id(guard.order_id),
            status=end if guard.is_over else working,
            filled_quantity=guard.filled,
            asked_ms=asked_ms,
        )

    def _new_fills(self, now_ms: int) -> Iterator[Event]:
        columns = fills_from(self._stepper.fills_from(self._told))
        openers = self._stepper.openers_from(self._told)
        for k in range(len(columns.row)):
            instrument = self._terms.instruments[int(columns.instrument[k])]
            number = int(columns.order[k])
            trade_id = TradeId(f"p{self._told + k}")
            at = utc_at(int(self._terms.ts[columns.row[k]]))
            quantity = lots_of(float(columns.quantity[k]), instrument.lot)
            price = price_of(float(columns.price[k]), instrument.tick)
            fee, currency = fee_of(
                instrument, quantity, float(columns.fee[k]), float(columns.price[k])
            )
            with exact():
                self._held[instrument.symbol] += quantity
                if currency == instrument.base and instrument.is_spot_like:
                    self._held[instrument.symbol] -= fee
            if columns.reason[k] == FillReason.LIQUIDATION:
                yield Liquidated(
                    ts_event=utc_ms(at),
                    ts_known=now_ms,
                    account=self._terms.account,
                    instrument=instrument.symbol,
                    trade_id=trade_id,
                    quantity=quantity,
                    price=price,
                    fee=fee,
                    fee_currency=currency,
                )
                continue
            order, reason = self._orders.get(number), FillReason(columns.reason[k])
            order_id = None if order is None else order.order_id
            guard = self._guards.of_fill(*openers[k], reason) if reason in REASONS else None
            if guard is not None:
                order_id = guard.order_id
                if self._guards.is_newly_triggered(guard):
                    yield self._stop_triggered(guard, now_ms, price)
            fill = Fill(
                trade_id=trade_id,
                order_id=order_id,
                account=self._terms.account,
                instrument=instrument.symbol,
                side=Side.BUY if quantity > 0 else Side.SELL,
                quantity=abs(quantity),
                price=price,
                fee=fee,
                fee_currency=currency,
                filled_at=at,
                liquidity=Liquidity.MAKER if columns.maker[k] else Liquidity.TAKER,
            )
            if guard is not None:
                guard.filled += fill.quantity
            elif order is not None:
                self._filled[number] += fill.quantity
                self._fills.setdefault(number, []).append(fill)
            yield OrderFilled(ts_event=utc_ms(at), ts_known=now_ms, fill=fill)
        self._told += len(columns.row)

    def _new_funding(self, row: int, now_ms: int, columns: list[int]) -> Iterator[Event]:
        positions, amounts = self._stepper.positions, self._stepper.funding
        for column in columns:
            instrument = self._terms.instruments[column]
            if amounts[column]:
                yield FundingPaid(
                    ts_event=int(self._terms.ts[row]),
                    ts_known=now_ms,
                    account=self._terms.account,
                    instrument=instrument.symbol,
                    settlement_id=f"p{row}",
                    amount=Decimal(repr(amounts[column])),
                    currency=self._terms.currency,
                    rate=self._rate_in(row, column),
                    quantity=Decimal(repr(positions[column])),
                    mark=None,
                )

    def _rate_in(self, row: int, column: int) -> Decimal:
        """All that was settled in a row, as a fraction of notional."""
        terms = self._terms
        if self._rates is None or terms.funding_ts is None or terms.funding_instrument is None:
            return Decimal(0)
        first = int(terms.ts[row])
        inside = (terms.funding_ts >= first) & (terms.funding_ts < first + terms.timeframe_ms)
        own = inside & (terms.funding_instrument == column)
        return Decimal(repr(float(self._rates[own].sum())))

    def _seen(self, number: int, now_ms: int, asked_ms: int | None = None) -> OrderSeen:
        order, filled = self._orders[number], self._filled[number]
        state = self._state(number)
        working = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
        return OrderSeen(
            ts_event=now_ms,
            ts_known=now_ms,
            account=order.account,
            order_id=order.order_id,
            instrument=order.instrument,
            venue_order_id=venue_id(number),
            status=_ENDS.get(state, working),
            filled_quantity=filled,
            asked_ms=asked_ms,
        )

    def _state(self, number: int) -> OrderState:
        return OrderState(self._stepper.order_state(number))

    def _work(self, order: Order) -> int:
        """An order of a target: it works towards a position (R10)."""
        terms, intent = order.terms, order.intent
        column = self._columns[terms.instrument]
        with exact():
            reached = self._held[terms.instrument] + terms.signed_quantity
        return self._stepper.work(
            column,
            terms.side.sign,
            float(terms.quantity),
            float(reached if intent.towards is None else intent.towards),
            terms.limit is not None,
            terms.reduce_only,
            int(_TIF[terms.tif]),
        )

    def _protect_position(self, order: Order) -> None:
        """What guards the position that a target's orders make (R19)."""
        intent = order.intent
        column = self._columns[order.instrument]
        if self._protected.get(column) != intent.protection:
            self._protected[column] = intent.protection
            guards = intent.protection or Protection()
            self._stepper.set_protection(
                column,
                nan_or(guards.stop_loss),
                nan_or(guards.take_profit),
                nan_or(guards.trailing),
            )

    def _group(self, order: Order) -> int | None:
        """Legs of one decision of one strategy share what cash is there (R37)."""
        intent = order.intent
        if intent.group is None:
            return None
        key = (intent.strategy, utc_ms(intent.decided_at), intent.group)
        return self._groups.setdefault(key, len(self._groups))

    def _request(self, order: Order) -> OrderRequest:
        terms, guards = order.terms, order.intent.protection or Protection()
        if order.intent.purpose is Purpose.SLICE:
            guards = Protection()  # they are the position's
        return OrderRequest(
            stop_loss=guards.stop_loss,
            take_profit=guards.take_profit,
            trailing=guards.trailing,
            group=self._group(order),
            instrument=self._columns[terms.instrument],
            side=terms.side.sign,
            quantity=float(terms.quantity),
            limit=float_or_none(terms.limit),
            stop=float_or_none(terms.stop),
            trail=float_or_none(terms.trail),
            tif=_TIF[terms.tif],
            expires_at=ms_or_none(terms.expires_at),
            post_only=terms.post_only,
            reduce_only=terms.reduce_only,
        )

    @staticmethod
    def _rejected(order: Order, now_ms: int, code: str, reason: str) -> OrderRejected:
        return OrderRejected(
            ts_event=now_ms,
            ts_known=now_ms,
            account=order.account,
            order_id=order.order_id,
            instrument=order.instrument,
            code=code,
            reason=reason,
        )
