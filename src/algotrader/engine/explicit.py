"""What a bar-by-bar strategy asked for, made into intents, cancels and changes (R9, R28, R36).

Sizes and prices are the kernel's functions on the account as it stands at the decision, the same
that the simulator calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from algotrader._kernel import sizing as kernel
from algotrader.core.events import (
    AskedAmend,
    AskedCancel,
    AskedOrder,
    OrderAmendRefused,
    OrderDenied,
    StrategyAnswered,
)
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.orders import (
    DenialReason,
    Intent,
    OrderStatus,
    OrderTerms,
    Protection,
    Side,
    TimeInForce,
)
from algotrader.engine.planning import basis_of, next_leg
from algotrader.engine.sending import Sender
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.step import Step, names, now
from algotrader.execution.order_life import LiveOrder
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import (
    SizingBasis,
    SizingRules,
    limit_price,
    stop_price,
    whole_lots,
)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Our own rules refuse it before it is an order."""

    intent: Intent
    rule: str
    message: str


class Explicit:
    """Carries out what was asked for, in the order in which it was asked."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def carry_out(self, answer: StrategyAnswered, now_ms: int) -> None:
        if not answer.asked:
            return
        instance = self._step.settings.instance(answer.strategy)
        basis = basis_of(self._step.state, instance)
        for one in answer.asked:
            match one:
                case AskedOrder():
                    self._place(one, answer, instance, basis, now_ms)
                case AskedCancel():
                    self._cancel(answer, one.number, now_ms)
                case AskedAmend():
                    self._amend(answer, one, now_ms)
                case _:
                    pass  # a position: planned with the targets

    def _place(
        self,
        asked: AskedOrder,
        answer: StrategyAnswered,
        instance: StrategyInstance,
        basis: SizingBasis,
        now_ms: int,
    ) -> None:
        made = self._intent(asked, answer, instance, basis)
        if isinstance(made, Intent):
            self._sender.judge(instance.account, (made,), now_ms)
            return
        self._step.tell(
            OrderDenied(
                **now(now_ms),
                intent=made.intent,
                reasons=(DenialReason(rule=made.rule, message=made.message),),
                gate_sequence=self._step.state.gate_sequence,
                state_hash="",
            )
        )

    def _intent(
        self,
        asked: AskedOrder,
        answer: StrategyAnswered,
        instance: StrategyInstance,
        basis: SizingBasis,
    ) -> Intent | _Refused:
        """The order asked for in whole lots and ticks, or the rule that it breaks."""
        symbol = asked.instrument
        instrument = self._step.settings.instruments[symbol]
        close = basis.prices[symbol]
        present = self._step.state.slices[instance.timeframe].instruments
        lots = _lots(asked, basis, instance.sizing) if symbol in present else 0.0
        with exact():
            quantity = max(int(lots) if math.isfinite(lots) else 0, 1) * instrument.lot
        intent = Intent(
            account=instance.account,
            strategy=instance.strategy,
            decided_at=utc_at(answer.decision_ts),
            terms=_terms(asked, instrument, quantity),
            leg=next_leg(self._step.state, instance.strategy, symbol, answer.decision_ts),
            group=asked.group,
            tag=asked.tag,
            protection=_protection(asked),
            number=asked.number,
        )
        if symbol not in present:
            return _Refused(intent, "no_bar", f"{symbol} has no bar at this decision")
        if math.isnan(lots):
            return _Refused(intent, "max_lots", f"{symbol}: more lots than can be counted")
        price = intent.terms.limit or intent.terms.stop
        at = close if price is None else float(price)
        terms = basis.terms[symbol]
        if lots <= 0 or kernel.below_minimum(terms, lots * terms.lot, at):
            return _Refused(
                intent, "below_minimum", f"{symbol}: {lots:g} lots are less than the venue trades"
            )
        if self._increases(asked, lots, basis):
            if not basis.equity > 0:
                return _Refused(intent, "equity", f"equity is {basis.equity}")
            if rule := _over_limit(asked, lots, instance, basis):
                return _Refused(intent, rule, f"{symbol} would be over {rule}")
        return intent

    def _increases(self, asked: AskedOrder, lots: float, basis: SizingBasis) -> bool:
        instrument = basis.instruments[asked.instrument]
        if asked.reduce_only or (instrument.is_spot_like and asked.side is Side.SELL):
            return False
        held = _held(asked, basis)
        opposes = held != 0 and (held > 0) != (asked.side is Side.BUY)
        return not opposes or lots > abs(held)

    def _cancel(self, answer: StrategyAnswered, number: int, now_ms: int) -> None:
        live = self._live(answer, number)
        if live is None:
            return
        if live.may_be_cancelled:
            self._sender.cancel(live, now_ms, "the strategy asked for it")

    def _amend(self, answer: StrategyAnswered, asked: AskedAmend, now_ms: int) -> None:
        live = self._live(answer, asked.number)
        if live is None or not live.status.may_become(OrderStatus.PENDING_AMEND):
            return
        terms = live.order.terms
        instrument = self._step.settings.instruments[terms.instrument]
        quantity, limit, stop = live.quantity, live.limit, live.stop
        if asked.limit is not None and limit is not None:
            limit = limit_price(asked.limit, instrument, terms.side)
        if asked.stop is not None and stop is not None:
            stop = stop_price(asked.stop, instrument, terms.side)
        if asked.quantity is not None:
            with exact():
                quantity = (
                    whole_lots(Decimal(repr(asked.quantity)), instrument.lot) * instrument.lot
                )
            close = self._step.state.price(terms.instrument)
            kernel_terms = self._step.state.terms[terms.instrument]
            if quantity and kernel.below_minimum(kernel_terms, float(quantity), close):
                return  # R9: it stays as it was
        if quantity <= live.filled:
            self._cancel(answer, asked.number, now_ms)
            return
        asked_for = "the strategy asked for it"
        reasons = self._sender.amend(live, quantity, limit, stop, now_ms, asked_for)
        if reasons:  # R28: it stays as it was
            self._step.tell(
                OrderAmendRefused(
                    **now(now_ms), **names(live), code=reasons[0].rule,
                    reason="; ".join(reason.message for reason in reasons),
                )
            )  # fmt: skip

    def _live(self, answer: StrategyAnswered, number: int) -> LiveOrder | None:
        """The order of that number if it is not over; none if it was denied."""
        order_id = self._step.state.talks.orders.get(answer.strategy, {}).get(number)
        live = None if order_id is None else self._step.state.orders[order_id]
        return None if live is None or live.is_final else live


def _terms(asked: AskedOrder, instrument: Instrument, quantity: Decimal) -> OrderTerms:
    """On the instrument's ticks: limits passively, stops away from the market (R9)."""
    side = asked.side
    limit = None if asked.limit is None else limit_price(asked.limit, instrument, side)
    dated = asked.tif is TimeInForce.GTD and asked.expires_at is not None
    undated = TimeInForce.GTC if asked.tif is TimeInForce.GTD else asked.tif
    rests = asked.tif not in (TimeInForce.IOC, TimeInForce.FOK)
    return OrderTerms(
        instrument=asked.instrument,
        side=side,
        quantity=quantity,
        limit=limit,
        stop=None if asked.stop is None else stop_price(asked.stop, instrument, side),
        trail=None if asked.trail is None else Decimal(repr(asked.trail)),
        tif=asked.tif if dated else undated,
        expires_at=utc_at(asked.expires_at) if dated and asked.expires_at is not None else None,
        post_only=asked.post_only and limit is not None and asked.stop is None and rests,
        reduce_only=asked.reduce_only,
    )


def _protection(asked: AskedOrder) -> Protection | None:
    wanted = Protection(
        stop_loss=asked.stop_loss, take_profit=asked.take_profit, trailing=asked.trailing
    )
    return wanted if wanted else None


def _lots(asked: AskedOrder, basis: SizingBasis, rules: SizingRules) -> float:
    """Whole lots of one of the three sizes (R9); NaN for more than are exact."""
    symbol = asked.instrument
    terms, close = basis.terms[symbol], basis.prices[symbol]
    if asked.quantity is not None:
        return kernel.whole_lots(asked.quantity / terms.lot)
    if asked.weight is not None:
        weight = asked.weight * basis.shares.get(symbol, 1.0)
        return kernel.lots_from_weight(terms, weight, basis.sizing_equity(rules), close)
    return kernel.whole_lots((asked.value or 0.0) / kernel.notional(terms, terms.lot, close))


def _over_limit(
    asked: AskedOrder, lots: float, instance: StrategyInstance, basis: SizingBasis
) -> str | None:
    """R28: which limit the position would be over once this order is filled."""
    terms, close = basis.terms[asked.instrument], basis.prices[asked.instrument]
    quantity = abs(_held(asked, basis) + asked.side.sign * lots) * terms.lot
    slack, equity = 1.0 + 1e-12, float(basis.equity)
    if kernel.notional(terms, quantity, close) > instance.sizing.max_weight * equity * slack:
        return "max_weight"
    if kernel.quote_notional(terms, quantity, close) > instance.sizing.max_notional * slack:
        return "max_notional"
    return None


def _held(asked: AskedOrder, basis: SizingBasis) -> int:
    lot = basis.instruments[asked.instrument].lot
    return whole_lots(basis.positions.get(asked.instrument, Decimal(0)), lot)
