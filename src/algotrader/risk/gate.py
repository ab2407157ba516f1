"""The gate: every order passes it, and only it can make an `Approved` one (R28).

An increase that a target asked for is cut to the largest size that every limit allows, and denied
below the venue's minimum. An explicit order is denied with every reason. A reduction passes all
limits but a halt. Open orders count as if they filled in whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from algotrader.core.events import TradingMode
from algotrader.core.hashing import content_hash
from algotrader.core.ids import RunId
from algotrader.core.orders import (
    Approved,
    DenialReason,
    Denied,
    GateSeal,
    Intent,
    Order,
    Purpose,
)
from algotrader.portfolio.positions import exact
from algotrader.risk.exposure import ZERO, AccountExposure, InstrumentExposure
from algotrader.risk.settings import RiskSettings

_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_PROTECTIVE: Final = frozenset(
    {
        Purpose.STOP_LOSS,
        Purpose.TAKE_PROFIT,
        Purpose.TRAILING,
        Purpose.RISK,
        Purpose.OPERATOR,
        Purpose.GROUP,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """The most that one limit lets an order trade, and the sentence if that is too little."""

    rule: str
    most: Decimal
    message: str


class Gate:
    """Judges intents one after the other. What it let through counts in its rates."""

    def __init__(self, limits: RiskSettings, run_id: RunId) -> None:
        self._limits = limits
        self._run_id = run_id
        self._sequence = 0
        self._sent_ms: deque[int] = deque()

    @property
    def sequence(self) -> int:
        """How many intents it has judged."""
        return self._sequence

    def resume(self, sequence: int, sent_ms: int | None = None) -> None:
        """Take up the count where the journal left it; `sent_ms` is when that order was let out."""
        self._sequence = max(self._sequence, sequence)
        if sent_ms is not None:
            self._sent_ms.append(sent_ms)

    def judge(self, intent: Intent, state: AccountExposure) -> Approved[Order] | Denied:
        """The order an intent becomes, perhaps smaller, or every reason why it does not."""
        self._sequence += 1
        mark = _state_hash(state)
        here = state.instruments.get(intent.terms.instrument)
        if here is None:
            reason = DenialReason(
                rule="instrument",
                message=f"{intent.terms.instrument} is not traded on account {state.account}",
            )
            return self._denied(intent, (reason,), mark)
        with exact():
            return self._judged(intent, state, here, mark)

    def _judged(
        self, intent: Intent, state: AccountExposure, here: InstrumentExposure, mark: str
    ) -> Approved[Order] | Denied:
        terms = intent.terms
        reducing = min(here.reducible(terms.side), terms.quantity)
        refusals = [*self._always(intent, state, here, reducing)]
        if terms.reduce_only or reducing == terms.quantity:
            if refusals:
                return self._denied(intent, tuple(refusals), mark)
            return self._approved(intent, terms.quantity, state, mark)
        refusals += self._on_increase(state, here)
        if refusals:
            # A target may still do its reducing half; an explicit order is all or nothing.
            return self._denied(intent, tuple(refusals), mark)
        bounds = [*self._bounds(intent, state, here, reducing)]
        binding = [bound for bound in bounds if bound.most < terms.quantity]
        if not binding:
            return self._approved(intent, terms.quantity, state, mark)
        if intent.purpose is Purpose.TARGET:
            allowed = _whole_lots(min(bound.most for bound in binding), here)
            if allowed > 0 and not _below_minimum(allowed, here):
                return self._approved(intent, allowed, state, mark)
        reasons = tuple(DenialReason(rule=b.rule, message=b.message) for b in binding)
        return self._denied(intent, reasons, mark)

    def _always(
        self, intent: Intent, state: AccountExposure, here: InstrumentExposure, reducing: Decimal
    ) -> Iterator[DenialReason]:
        """What stops reductions too."""
        if state.mode is TradingMode.HALTED and intent.purpose not in _PROTECTIVE:
            yield DenialReason(rule="halt", message=f"account {state.account} is halted")
        if state.mode is TradingMode.STARTING:
            yield DenialReason(
                rule="starting", message=f"account {state.account} is not yet reconciled"
            )
        if here.is_stale:
            yield DenialReason(
                rule="stale", message=f"the price of {here.instrument.symbol} is stale"
            )
        if intent.terms.reduce_only and reducing == 0:
            yield DenialReason(
                rule="reduce_only",
                message=f"nothing of {here.instrument.symbol} is left to reduce",
            )

    def _on_increase(
        self, state: AccountExposure, here: InstrumentExposure
    ) -> Iterator[DenialReason]:
        symbol = here.instrument.symbol
        if state.mode in (TradingMode.REDUCE_ONLY, TradingMode.HALTED):
            yield DenialReason(
                rule=str(state.mode), message=f"account {state.account} may only reduce"
            )
        if here.has_doubt:
            yield DenialReason(
                rule="unknown_order",
                message=f"an order of {symbol} has no answer yet: nothing is added to it",
            )
        if here.price is None:
            yield DenialReason(rule="no_price", message=f"{symbol} has no price")
        if not state.equity > 0:
            yield DenialReason(rule="equity", message=f"equity is {state.equity}")
        order = self._limits.order
        for limit, window, name in (
            (order.max_per_second, _SECOND_MS, "max_per_second"),
            (order.max_per_minute, _MINUTE_MS, "max_per_minute"),
        ):
            if limit is not None and self._sent_within(state.now_ms, window) >= limit:
                yield DenialReason(
                    rule=name, message=f"{limit} orders were sent in the last {window // 1000} s"
                )

    def _bounds(
        self, intent: Intent, state: AccountExposure, here: InstrumentExposure, reducing: Decimal
    ) -> Iterator[_Bound]:
        """The most that each limit in force lets this order trade, its reducing part included."""
        terms, limits = intent.terms, self._limits
        unit = here.notional(Decimal(1))
        held, wanted = here.worst(terms.side), here.worst(terms.side, terms.quantity)
        room = {
            "max_quantity": limits.instrument.max_quantity,
            "max_notional": _quantity(limits.instrument.max_notional, unit),
            "max_weight": _quantity(_of(limits.instrument.max_weight, state.equity), unit),
        }
        for rule, most in room.items():
            if most is not None:
                yield _Bound(
                    rule=rule,
                    most=max(most - held, ZERO) + reducing,
                    message=f"{here.instrument.symbol} would be {wanted}, "
                    f"{rule} allows {_whole_lots(most, here)}",
                )
        if limits.order.max_notional is not None:
            at = here.notional(Decimal(1), terms.limit or terms.stop)
            yield _Bound(
                rule="order.max_notional",
                most=limits.order.max_notional / at,
                message=f"the order is worth {at * terms.quantity:.2f}, "
                f"{limits.order.max_notional} is allowed",
            )
        if limits.account.max_leverage is not None:
            free = limits.account.max_leverage * state.equity - state.gross()
            yield _Bound(
                rule="max_leverage",
                most=max(free, ZERO) / unit + reducing,
                message=f"open positions and orders would be worth "
                f"{state.gross() + unit * terms.quantity:.2f}, {limits.account.max_leverage} "
                f"times the equity of {state.equity:.2f} is allowed",
            )
        yield from self._price_band(intent, here)

    def _price_band(self, intent: Intent, here: InstrumentExposure) -> Iterator[_Bound]:
        band, price = self._limits.order.price_band, here.price
        wanted = intent.terms.limit or intent.terms.stop
        if band is None or wanted is None or price is None:
            return
        distance = abs(wanted - price) / price
        if distance > band:
            yield _Bound(
                rule="price_band",
                most=ZERO,
                message=f"{wanted} is {distance:.2%} from the last price {price}, "
                f"{band:.2%} is allowed",
            )

    def _sent_within(self, now_ms: int, window_ms: int) -> int:
        while self._sent_ms and self._sent_ms[0] <= now_ms - _MINUTE_MS:
            self._sent_ms.popleft()
        return sum(1 for sent in self._sent_ms if sent > now_ms - window_ms)

    def _approved(
        self, intent: Intent, quantity: Decimal, state: AccountExposure, mark: str
    ) -> Approved[Order]:
        self._sent_ms.append(state.now_ms)
        return Approved(
            order=Order.from_intent(intent, self._run_id, quantity),
            gate_sequence=self._sequence,
            state_hash=mark,
            seal=GateSeal(),
        )

    def _denied(self, intent: Intent, reasons: tuple[DenialReason, ...], mark: str) -> Denied:
        return Denied(intent=intent, reasons=reasons, gate_sequence=self._sequence, state_hash=mark)


def with_order(state: AccountExposure, order: Order) -> AccountExposure:
    """The exposure after one more order: what the next intent of the same step is judged on."""
    here = state.instruments[order.instrument]
    grown = (
        replace(here, buying=here.buying + order.quantity)
        if order.side.sign > 0
        else replace(here, selling=here.selling + order.quantity)
    )
    return replace(state, instruments={**state.instruments, order.instrument: grown})


def _of(fraction: Decimal | None, amount: Decimal) -> Decimal | None:
    return None if fraction is None else fraction * amount


def _quantity(notional: Decimal | None, unit: Decimal) -> Decimal | None:
    return None if notional is None else notional / unit


def _whole_lots(quantity: Decimal, here: InstrumentExposure) -> Decimal:
    lot = here.instrument.lot
    return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def _below_minimum(quantity: Decimal, here: InstrumentExposure) -> bool:
    instrument = here.instrument
    return quantity < instrument.min_quantity or here.notional(quantity) < instrument.min_notional


def _state_hash(state: AccountExposure) -> str:
    rows = [
        [str(symbol), here.position, here.buying, here.selling, here.price, here.has_doubt]
        for symbol, here in sorted(state.instruments.items())
    ]
    return content_hash([state.account, state.mode, state.equity, state.cash, rows])
