"""The way out: intents through the gate, orders durable before they are sent, cancels."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from algotrader.core.events import (
    OrderCancelRequested,
    OrderDenied,
    OrderSubmitted,
)
from algotrader.core.ids import AccountId
from algotrader.core.orders import PROTECTIVE, Approved, Denied, Intent, Order, Side
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Cancel, Submit
from algotrader.engine.step import Step, names, now
from algotrader.execution.order_book import OrderBook
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.gate import Gate, with_order


class Sender:
    """Sends what the gate lets through."""

    def __init__(self, step: Step, gate: Gate) -> None:
        self._step = step
        self._gate = gate

    def judge(
        self, account: AccountId, intents: list[Intent] | tuple[Intent, ...], now_ms: int
    ) -> None:
        """Through the gate, one after the other, each counting what was let through before it."""
        if not intents:
            return
        exposure = self._exposure(account, now_ms)
        for intent in intents:
            guards = intent.purpose in PROTECTIVE
            verdict = self._gate.judge(intent, _alone(exposure, intent) if guards else exposure)
            if isinstance(verdict, Denied):
                self._step.tell(
                    OrderDenied(
                        **now(now_ms),
                        intent=verdict.intent,
                        reasons=verdict.reasons,
                        gate_sequence=verdict.gate_sequence,
                        state_hash=verdict.state_hash,
                    )
                )
                continue
            if not intent.terms.reduce_only:  # see `_increasing`
                exposure = with_order(exposure, verdict.order)
            self._submit(verdict, now_ms)

    def _submit(self, approved: Approved[Order], now_ms: int) -> None:
        deadline = now_ms + self._step.settings.order_deadline_ms
        self._step.tell(
            OrderSubmitted(
                **now(now_ms),
                order=approved.order,
                gate_sequence=approved.gate_sequence,
                state_hash=approved.state_hash,
                deadline_ms=deadline,
            )
        )
        self._step.do(Submit(approved=approved, deadline_ms=deadline))
        live = self._step.state.orders[approved.order.order_id]
        self._step.wake(live, deadline + self._step.settings.skew_ms)

    def cancel(self, live: LiveOrder, now_ms: int, reason: str) -> None:
        self._step.tell(OrderCancelRequested(**now(now_ms), **names(live), reason=reason))
        self._step.do(Cancel(**names(live)))

    def _exposure(self, account: AccountId, now_ms: int) -> AccountExposure:
        state = self._step.state
        book = state.books[account].whole
        marks = state.marks()
        return AccountExposure(
            account=account,
            mode=state.modes[account],
            now_ms=now_ms,
            equity=book.equity(marks),
            cash=book.cash(),
            instruments={
                symbol: InstrumentExposure(
                    instrument=self._step.settings.instruments[symbol],
                    position=book.position(symbol).quantity,
                    buying=_increasing(state.orders, account, symbol, Side.BUY),
                    selling=_increasing(state.orders, account, symbol, Side.SELL),
                    price=marks.get(symbol),
                    has_doubt=state.orders.has_doubt(account, symbol),
                )
                for symbol in sorted(book.contracts)
            },
        )


def _alone(exposure: AccountExposure, intent: Intent) -> AccountExposure:
    """A guard stands beside every other order: whatever they do, what is left is guarded."""
    symbol = intent.terms.instrument
    here = replace(exposure.instruments[symbol], buying=ZERO, selling=ZERO)
    return replace(exposure, instruments={**exposure.instruments, symbol: here})


def _increasing(orders: OrderBook, account: AccountId, symbol: Symbol, side: Side) -> Decimal:
    """What open orders of a side may still add. What only reduces adds nothing, and may be sent
    twice: a stop and a target each guard the whole position."""
    return sum(
        (
            live.open_quantity
            for live in orders.open(account, symbol)
            if live.order.side is side and not live.order.terms.reduce_only
        ),
        ZERO,
    )
