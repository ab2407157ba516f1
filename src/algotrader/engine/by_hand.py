"""Orders that a person places, changes or withdraws: the same way out as those of strategies.

An order by hand belongs to the strategy that trades its instrument (R27), so its fills are that
strategy's position: the next target that is acted on starts from what is held (R10), and neither
doubles it nor knows it apart. What a person withdrew of a target is not sent again for that target.
Stops of what is held, and what risk sends, are not a person's to change: they would come back.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Final

from algotrader._kernel import sizing as kernel
from algotrader.core.errors import DataError
from algotrader.core.events import (
    HandAction,
    HandAmendRequested,
    HandAnswered,
    HandCancelRequested,
    HandOrderRequested,
    OrderDenied,
    TradingMode,
    WorkEnded,
)
from algotrader.core.ids import OrderId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.orders import (
    OF_TARGETS,
    PROTECTIVE,
    DenialReason,
    Intent,
    OrderStatus,
    OrderTerms,
    Purpose,
    Side,
)
from algotrader.core.timeframes import Timeframe
from algotrader.engine.exposures import account_exposure
from algotrader.engine.planning import next_leg
from algotrader.engine.sending import Sender
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.engine.step import Step, now
from algotrader.execution.order_life import ZERO, LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import limit_price, stop_price, whole_lots
from algotrader.risk.exposure import AccountExposure
from algotrader.risk.gate import without_order
from algotrader.risk.margin import free_of

_ASKED_FOR: Final = frozenset({Purpose.ORDER, Purpose.OPERATOR})
_MOST_BARS: Final = 2
"""So many bars may the last price be old that something is added on (R3)."""

Request = HandOrderRequested | HandAmendRequested | HandCancelRequested


class ByHand:
    """Does what a person asks of orders, once for each request, and answers it."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def hear(self, event: Request) -> None:
        known = self._step.state.by_hand.answers.get(event.request)
        if known is not None:
            self._answer(event, known.action, known.order, known.reasons)
            return
        match event:
            case HandOrderRequested():
                self._place(event)
            case HandAmendRequested():
                self._answer(event, HandAction.AMEND, event.order, self._amend(event))
            case HandCancelRequested():
                self._answer(event, HandAction.CANCEL, event.order, self._cancel(event))

    def _answer(
        self,
        event: Request,
        action: HandAction,
        order: OrderId | None,
        reasons: tuple[DenialReason, ...],
    ) -> None:
        self._step.tell(
            HandAnswered(
                **now(event.ts_known), request=event.request, action=action,
                account=event.account, order=order, reasons=reasons,
            )
        )  # fmt: skip

    def _place(self, event: HandOrderRequested) -> None:
        made = wanted_by_hand(self._step.state, event)
        if isinstance(made, DenialReason):
            self._answer(event, HandAction.PLACE, None, (made,))
            return
        before = len(self._step.outcome.events)
        self._sender.judge(event.account, (made,), event.ts_known)
        told = self._step.outcome.events[before:]
        reasons = tuple(
            reason for one in told if isinstance(one, OrderDenied) for reason in one.reasons
        )
        order = None if reasons else made.order_id(self._step.settings.run_id)
        self._answer(event, HandAction.PLACE, order, reasons)

    def _amend(self, event: HandAmendRequested) -> tuple[DenialReason, ...]:
        live = _open_order(self._step.state, event)
        if isinstance(live, DenialReason):
            return (live,)
        if live.order.intent.purpose not in _ASKED_FOR:
            return (_not_theirs(live, "changed"),)
        waits = live.status is OrderStatus.PENDING_AMEND
        if waits or not live.status.may_become(OrderStatus.PENDING_AMEND):
            return (DenialReason(rule="order", message=f"it is {live.status}: ask again"),)
        terms = _changed(self._step.state, live, event)
        if isinstance(terms, DenialReason):
            return (terms,)
        if not live.order.terms.reduce_only:
            instance = self._step.settings.instance(live.order.strategy)
            old = _old_price(self._step.state, instance, live.order.instrument, event.ts_known)
            if old is not None:
                return (old,)
        try:
            if (short := _unpaid_change(self._step.state, live, terms, event)) is not None:
                return (short,)
            return self._sender.amend(live, *terms, event.ts_known, f"asked for by {event.by}")
        except DataError as error:
            return (DenialReason(rule="unjudged", message=error.message),)

    def _cancel(self, event: HandCancelRequested) -> tuple[DenialReason, ...]:
        live = _open_order(self._step.state, event)
        if isinstance(live, DenialReason):
            return (live,)
        purpose = live.order.intent.purpose
        if purpose not in _ASKED_FOR | OF_TARGETS:
            return (_not_theirs(live, "cancelled"),)
        if live.status is OrderStatus.PENDING_CANCEL:
            return ()
        if not live.status.may_become(OrderStatus.PENDING_CANCEL):
            return (DenialReason(rule="order", message=f"it is {live.status}"),)
        if purpose is Purpose.SLICE:
            self._end_work(live, event)
        self._sender.cancel(live, event.ts_known, f"asked for by {event.by}")
        return ()

    def _end_work(self, live: LiveOrder, event: HandCancelRequested) -> None:
        """Whoever cancels a slice means the order that it is a part of."""
        order = live.order
        work = self._step.state.works.get((order.strategy, order.instrument))
        if work is not None:
            self._step.tell(
                WorkEnded(
                    **now(event.ts_known), account=order.account, strategy=order.strategy,
                    instrument=order.instrument, filled=work.filled, left=work.left,
                    reason=f"asked for by {event.by}",
                )
            )  # fmt: skip


def wanted_by_hand(state: EngineState, event: HandOrderRequested) -> Intent | DenialReason:
    """The order a person asks for, in whole lots and ticks, or the rule that it breaks.

    The gate judges it after this. Nothing is changed here: it also answers "what would happen".
    """
    instance = _owner(state, event)
    if instance is None:
        return DenialReason(
            rule="instrument",
            message=f"no strategy of account {event.account} trades {event.instrument}: "
            "name it in a strategy's symbols; `use: ByHand` decides nothing by itself",
        )
    try:
        exposure = account_exposure(state, event.account, event.ts_known)
        quantity = _quantity(state, event)
        terms = _terms(state, event, quantity) if isinstance(quantity, Decimal) else quantity
    except DataError as error:
        return DenialReason(rule="unjudged", message=error.message)
    except (ValueError, ArithmeticError) as error:
        return DenialReason(rule="terms", message=str(error))
    if isinstance(terms, DenialReason):
        return terms
    is_reducing = _is_reducing(exposure, terms)
    if (
        not is_reducing
        and (old := _old_price(state, instance, event.instrument, event.ts_known)) is not None
    ):
        return old
    if not is_reducing and (short := _unpaid(exposure, terms)) is not None:
        return short
    if is_reducing and _mode(state, instance, exposure, event) is not TradingMode.TRADING:
        # What is stopped lets nothing leave but what says itself that it only reduces (F71).
        terms = _terms(state, event, terms.quantity, reduce_only=True)
    return Intent(
        account=event.account,
        strategy=instance.strategy,
        decided_at=utc_at(event.ts_known),
        terms=terms,
        purpose=Purpose.OPERATOR,
        leg=next_leg(state, instance.strategy, event.instrument, event.ts_known),
    )


def _owner(state: EngineState, event: HandOrderRequested) -> StrategyInstance | None:
    """Whose position it becomes (R27)."""
    for instance in state.settings.strategies:
        if instance.account == event.account and event.instrument in instance.instruments:
            return instance
    return None


def _quantity(state: EngineState, event: HandOrderRequested) -> Decimal | DenialReason:
    """Whole lots of what is asked for, toward zero (R9). ValueError for two sizes or none."""
    asked = [one for one in (event.quantity, event.value) if one is not None]
    if len(asked) != 1 or not (asked[0].is_finite() and asked[0] > 0):
        raise ValueError("give a quantity or a value, one of them, above 0")
    instrument, terms = state.settings.instruments[event.instrument], state.terms[event.instrument]
    price = event.limit if event.limit is not None else event.stop
    at = state.price(event.instrument) if price is None else _positive(price)
    if math.isnan(at):
        return DenialReason(rule="no_price", message=f"{event.instrument} has no price")
    if event.quantity is not None:
        lots = kernel.whole_lots(float(event.quantity) / terms.lot)
    else:
        lots = kernel.whole_lots(float(asked[0]) / kernel.quote_notional(terms, terms.lot, at))
    if _only_reduces(event, instrument):  # R12: cut to what is held, not at the fill alone
        free = whole_lots(_free(state, event), instrument.lot)
        if free <= 0:
            message = f"nothing of {event.instrument} is left to reduce"
            return DenialReason(rule="reduce_only", message=message)
        lots = min(lots, float(free))
    return _in_lots(lots, instrument, state, at)


def _only_reduces(event: HandOrderRequested, instrument: Instrument) -> bool:
    """A sale of coins never crosses zero (R12)."""
    return event.reduce_only or (instrument.is_spot_like and event.side is Side.SELL)


def _free(state: EngineState, event: HandOrderRequested) -> Decimal:
    """What is held against the order's side, less what open orders take of it; guards take none."""
    held = state.books[event.account].whole.position(event.instrument).quantity
    with exact():
        taken = sum(
            (
                live.most_open
                for live in state.orders.open(event.account, event.instrument)
                if live.order.side is event.side and live.order.intent.purpose not in PROTECTIVE
            ),
            ZERO,
        )
        return -event.side.sign * held - taken


def _in_lots(
    lots: float, instrument: Instrument, state: EngineState, at: float
) -> Decimal | DenialReason:
    symbol, terms = instrument.symbol, state.terms[instrument.symbol]
    if not math.isfinite(lots):
        return DenialReason(rule="max_lots", message=f"{symbol}: more lots than can be counted")
    if lots <= 0 or kernel.below_minimum(terms, lots * terms.lot, at):
        return DenialReason(
            rule="below_minimum", message=f"{symbol}: {lots:g} lots are less than the venue trades"
        )
    with exact():
        return int(lots) * instrument.lot


def _terms(
    state: EngineState, event: HandOrderRequested, quantity: Decimal, *, reduce_only: bool = False
) -> OrderTerms:
    """On the instrument's ticks (R9). ValueError for what does not go together."""
    instrument, side = state.settings.instruments[event.instrument], event.side
    if event.trail is not None and not event.trail < 1:
        raise ValueError(f"a trail is a fraction of the price below 1, got {event.trail}")
    return OrderTerms(
        instrument=event.instrument,
        side=side,
        quantity=quantity,
        limit=_on_ticks(event.limit, instrument, side),
        stop=_off_market(event.stop, instrument, side),
        trail=event.trail,
        tif=event.tif,
        expires_at=None if event.expires_ms is None else utc_at(event.expires_ms),
        post_only=event.post_only,
        reduce_only=reduce_only or _only_reduces(event, instrument),
    )


def _on_ticks(price: Decimal | None, instrument: Instrument, side: Side) -> Decimal | None:
    return None if price is None else limit_price(_positive(price), instrument, side)


def _off_market(price: Decimal | None, instrument: Instrument, side: Side) -> Decimal | None:
    return None if price is None else stop_price(_positive(price), instrument, side)


def _positive(price: Decimal) -> float:
    at = float(price) if price.is_finite() else math.inf
    if not 0 < at < math.inf:
        raise ValueError(f"a price must be a positive number, got {price}")
    return at


def _is_reducing(exposure: AccountExposure, terms: OrderTerms) -> bool:
    here = exposure.instruments[terms.instrument]
    return terms.reduce_only or here.reducible(terms.side) >= terms.quantity


def _unpaid(exposure: AccountExposure, terms: OrderTerms) -> DenialReason | None:
    """R11: what it adds must be paid for; a person hears it here, and not from the venue."""
    here = exposure.instruments[terms.instrument]
    price = terms.limit or terms.stop or here.price
    if price is None:
        return None  # the gate says so
    instrument = here.instrument
    with exact():
        adds = terms.quantity - min(here.reducible(terms.side), terms.quantity)
        worth = here.worth(adds, price)
        leverage = Decimal(1) if instrument.is_spot_like else instrument.margin.leverage
        cost = worth / leverage + worth * max(instrument.fees.taker, ZERO)
        free = free_of(exposure)
    if cost <= free:
        return None
    message = f"it costs {cost:,.2f} with its fee, {max(free, ZERO):,.2f} is free"
    return DenialReason(rule="cash", message=message)


def _unpaid_change(
    state: EngineState,
    live: LiveOrder,
    changed: tuple[Decimal, Decimal | None, Decimal | None],
    event: HandAmendRequested,
) -> DenialReason | None:
    """The same of an order in its new form, in the place of its old one."""
    quantity, limit, stop = changed
    exposure = account_exposure(state, event.account, event.ts_known)
    if live.order.terms.reduce_only:
        return None
    with exact():
        rest = quantity - live.filled
    terms = replace(live.order.terms, quantity=rest, limit=limit, stop=stop)
    return _unpaid(without_order(exposure, live), terms)


def _mode(
    state: EngineState,
    instance: StrategyInstance,
    exposure: AccountExposure,
    event: HandOrderRequested,
) -> TradingMode:
    return state.risk.state.mode(
        exposure.mode, event.account, instance.strategy, event.instrument, event.ts_known
    )


def _old_price(
    state: EngineState, instance: StrategyInstance, symbol: object, now_ms: int
) -> DenialReason | None:
    """R3, R24: nothing is added without a bar of now."""
    newest = state.slices.get(instance.timeframe)
    if newest is None or symbol not in newest.instruments:
        return DenialReason(rule="no_bar", message=f"{symbol} has no bar at the newest decision")
    never_closes = all(
        state.settings.instruments[one].calendar == "24/7" for one in newest.instruments
    )
    age_ms = now_ms - newest.decision_ts
    if never_closes and age_ms > _MOST_BARS * Timeframe.parse(instance.timeframe).ms:
        return DenialReason(
            rule="stale", message=f"the last bar of {symbol} closed {age_ms / 1000:.0f} s ago"
        )
    return None


def _open_order(
    state: EngineState, event: HandAmendRequested | HandCancelRequested
) -> LiveOrder | DenialReason:
    if event.order not in state.orders or state.orders[event.order].order.account != event.account:
        return DenialReason(rule="order", message=f"account {event.account} has no such order")
    live = state.orders[event.order]
    if live.is_final or live.status is OrderStatus.SETTLING:
        return DenialReason(rule="order", message=f"it is over: {live.ending or live.status}")
    return live


def _not_theirs(live: LiveOrder, verb: str) -> DenialReason:
    purpose = live.order.intent.purpose
    return DenialReason(
        rule="purpose",
        message=f"a {purpose} order is not {verb} by hand: it would come back; close the position, "
        f"or stop strategy {live.order.strategy}",
    )


def _changed(
    state: EngineState, live: LiveOrder, event: HandAmendRequested
) -> tuple[Decimal, Decimal | None, Decimal | None] | DenialReason:
    """Quantity, limit and stop that an order is to have."""
    terms = live.order.terms
    instrument = state.settings.instruments[terms.instrument]
    for name in ("limit", "stop"):
        if getattr(event, name) is not None and getattr(live, name) is None:
            return DenialReason(rule="terms", message=f"a {terms.kind} order has no {name}")
    quantity: Decimal | DenialReason = live.quantity
    try:
        limit = _on_ticks(event.limit, instrument, terms.side) or live.limit
        stop = _off_market(event.stop, instrument, terms.side) or live.stop
    except (ValueError, ArithmeticError) as error:
        return DenialReason(rule="terms", message=str(error))
    if event.quantity is not None:
        if not (event.quantity.is_finite() and event.quantity > 0):
            return DenialReason(rule="terms", message="a quantity is above 0")
        price = limit if limit is not None else stop
        at = state.price(terms.instrument) if price is None else float(price)
        lots = kernel.whole_lots(float(event.quantity) / state.terms[terms.instrument].lot)
        quantity = _in_lots(lots, instrument, state, at)
    if isinstance(quantity, DenialReason):
        return quantity
    if quantity <= live.filled:
        message = f"{live.filled.normalize():f} of it has traded: cancel the rest instead"
        return DenialReason(rule="terms", message=message)
    if (quantity, limit, stop) == (live.quantity, live.limit, live.stop):
        return DenialReason(rule="terms", message="that is what it is already")
    return quantity, limit, stop
