"""The gate: every order passes it, and only it can make an `Approved` one (R28).

An increase that a target asked for is cut to the largest size that every limit allows, and denied
below the venue's minimum; what of it only reduces goes through in any case. An explicit order is
denied with every reason. A reduction passes all limits but a halt and a stale price. Open orders
count as if they filled in whole. What cannot be judged is denied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from algotrader.core.events import TradingMode
from algotrader.core.hashing import content_hash
from algotrader.core.ids import RunId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import (
    OF_TARGETS,
    PROTECTIVE,
    Approved,
    DenialReason,
    Denied,
    GateSeal,
    Intent,
    Order,
    OrderKind,
    Purpose,
)
from algotrader.portfolio.positions import exact
from algotrader.risk.days import local
from algotrader.risk.exposure import ZERO, AccountExposure, InstrumentExposure, OpenOrder
from algotrader.risk.holds import ALLOWED, Operation
from algotrader.risk.hours import is_open
from algotrader.risk.rooms import Question, Room, rooms
from algotrader.risk.state import RiskState

_PROTECTIVE: Final = PROTECTIVE | {Purpose.RISK, Purpose.OPERATOR, Purpose.GROUP}
_MODE_RULES: Final = {TradingMode.HALTED: "halt", TradingMode.STARTING: "starting"}


class Gate:
    """Judges intents one after the other, each on the state as it is by then."""

    def __init__(self, state: RiskState, run_id: RunId) -> None:
        self._state = state
        self._run_id = run_id

    def judge(self, intent: Intent, exposure: AccountExposure) -> Approved[Order] | Denied:
        """The order an intent becomes, perhaps smaller, or every reason why it does not.

        What is approved counts for the next one only once its `OrderSubmitted` was applied to the
        state and `with_order` to the exposure.
        """
        mark = _state_hash(exposure)
        here = exposure.instruments.get(intent.terms.instrument)
        if here is None:
            reason = DenialReason(
                rule="instrument",
                message=f"{intent.terms.instrument} is not traded on account {exposure.account}",
            )
            return self._denied(intent, (reason,), mark)
        with exact():
            return self._judged(intent, exposure, here, mark)

    def refuses_change(
        self,
        live: OpenOrder,
        rest: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
        exposure: AccountExposure,
    ) -> tuple[DenialReason, ...]:
        """Why an open order may not become one of `rest` still to trade at these prices; () if it may.

        It is judged as a new order in its place: less at the same prices always passes.
        """
        terms = live.order.terms
        if rest <= live.open_quantity and (limit, stop) == (terms.limit, terms.stop):
            return ()
        wanted = replace(terms, quantity=rest, limit=limit, stop=stop)
        purpose = live.order.intent.purpose
        if purpose in OF_TARGETS:
            purpose = Purpose.ORDER  # nothing is cut: it is changed, or it stays as it was
        intent = replace(live.order.intent, terms=wanted, purpose=purpose)
        verdict = self.judge(intent, without_order(exposure, live))
        return verdict.reasons if isinstance(verdict, Denied) else ()

    def _judged(
        self, intent: Intent, exposure: AccountExposure, here: InstrumentExposure, mark: str
    ) -> Approved[Order] | Denied:
        terms = intent.terms
        known = _is_known(here)
        reducing = min(here.reducible(terms.side), terms.quantity) if known else ZERO
        refusals = (*self._always(intent, exposure, here, reducing),)
        if refusals:
            return self._denied(intent, refusals, mark)
        if terms.reduce_only or reducing == terms.quantity:
            return self._approved(intent, terms.quantity, mark)
        refusals = (*self._on_increase(intent, exposure, here),)
        if refusals:
            return self._reduced(intent, here, reducing, refusals, mark)
        asked = Question(
            state=self._state, exposure=exposure, here=here, side=terms.side,
            strategy=intent.strategy, terms=terms, purpose=intent.purpose, reducing=reducing,
        )  # fmt: skip
        increase = terms.quantity - reducing
        binding = [room for room in rooms(asked) if room.most < increase]
        if not binding:
            return self._approved(intent, terms.quantity, mark)
        reasons = tuple(_reason(room, increase) for room in binding)
        if not all(room.cuts for room in binding):
            return self._reduced(intent, here, reducing, reasons, mark)
        most = reducing + min(room.most for room in binding)
        return self._reduced(intent, here, most, reasons, mark)

    def _reduced(
        self,
        intent: Intent,
        here: InstrumentExposure,
        most: Decimal,
        reasons: tuple[DenialReason, ...],
        mark: str,
    ) -> Approved[Order] | Denied:
        """A target at what is allowed of it; an explicit order is all or nothing (R28)."""
        if intent.purpose in OF_TARGETS:
            allowed = _whole_lots(most, here)
            if allowed > 0 and not _below_minimum(allowed, here):
                return self._approved(intent, allowed, mark)
        return self._denied(intent, reasons, mark)

    def _always(
        self,
        intent: Intent,
        exposure: AccountExposure,
        here: InstrumentExposure,
        reducing: Decimal,
    ) -> Iterator[DenialReason]:
        """What stops reductions too."""
        symbol, account = here.instrument.symbol, exposure.account
        wanted = Operation.PROTECT if intent.purpose in _PROTECTIVE else Operation.REDUCE
        if wanted not in ALLOWED[exposure.mode]:
            rule = _MODE_RULES[exposure.mode]
            text = "is halted" if rule == "halt" else "is not yet reconciled"
            yield DenialReason(rule=rule, message=f"account {account} {text}")
        for hold in self._state.holds_on(account, intent.strategy, symbol, exposure.now_ms):
            if wanted not in ALLOWED[hold.mode]:
                yield DenialReason(rule=hold.rule, message=hold.text)
        if here.frozen is not None:
            yield DenialReason(rule="frozen", message=f"{symbol} is frozen: {here.frozen}")
        # A guard rests at a level of its entry: it needs no price of now, and must be there (R19).
        rests = intent.purpose in PROTECTIVE and intent.terms.kind is not OrderKind.MARKET
        if not rests and (here.is_stale or self._is_stale(exposure, here)):
            yield DenialReason(rule="stale", message=f"the price of {symbol} is stale")
        if not _is_known(here):
            yield DenialReason(rule="unjudged", message=f"the position of {symbol} is not known")
        elif intent.terms.reduce_only and reducing == 0:
            yield DenialReason(rule="reduce_only", message=f"nothing of {symbol} is left to reduce")

    def _on_increase(
        self, intent: Intent, exposure: AccountExposure, here: InstrumentExposure
    ) -> Iterator[DenialReason]:
        symbol = here.instrument.symbol
        if Operation.INCREASE not in ALLOWED[exposure.mode]:
            yield DenialReason(
                rule=str(exposure.mode), message=f"account {exposure.account} may only reduce"
            )
        for hold in self._state.holds_on(
            exposure.account, intent.strategy, symbol, exposure.now_ms
        ):
            if Operation.INCREASE not in ALLOWED[hold.mode]:
                yield DenialReason(rule=hold.rule, message=hold.text)
        if here.has_doubt:
            yield DenialReason(
                rule="unknown_order",
                message=f"an order of {symbol} has no answer yet: nothing is added to it",
            )
        yield from _unjudged(exposure, here)
        yield from self._not_now(exposure, here)
        yield from self._price_band(intent, here)

    def _is_stale(self, exposure: AccountExposure, here: InstrumentExposure) -> bool:
        """Whether the last price is older than its limits allow."""
        limits = self._state.limits.of_instrument(here.instrument.symbol)
        if limits.max_missed_bars is not None:
            recent = self._state.bars.by_symbol.get(here.instrument.symbol)
            never_closes = here.instrument.calendar == "24/7"
            if recent is None or recent.is_stale(
                exposure.now_ms, limits.max_missed_bars, never_closes=never_closes
            ):
                return True
        if limits.max_quote_age is None:
            return False
        age = exposure.now_ms - here.quote.at_ms if here.quote is not None else None
        return age is None or age > limits.max_quote_age

    def _not_now(
        self, exposure: AccountExposure, here: InstrumentExposure
    ) -> Iterator[DenialReason]:
        """Hours and listing: when nothing is added."""
        instrument, now_ms = here.instrument, exposure.now_ms
        hours = self._state.limits.of_instrument(instrument.symbol).hours
        zone = self._state.limits.day
        if hours is not None and not is_open(hours, local(now_ms, zone)):
            yield DenialReason(
                rule="hours", message=f"{instrument.symbol} is increased {hours} ({zone}) only"
            )
        if here.is_ending:  # F32
            yield DenialReason(rule="ending", message=f"{instrument.symbol} is about to end")
        ends = [at for at in (instrument.expires_at, instrument.delisted_at) if at is not None]
        if any(now_ms >= utc_ms(at) for at in ends):
            yield DenialReason(rule="listing", message=f"{instrument.symbol} no longer trades")
        if instrument.listed_at is not None and now_ms < utc_ms(instrument.listed_at):
            yield DenialReason(rule="listing", message=f"{instrument.symbol} is not listed yet")

    def _price_band(self, intent: Intent, here: InstrumentExposure) -> Iterator[DenialReason]:
        band, price = self._state.limits.order.price_band, here.price
        wanted = intent.terms.limit or intent.terms.stop
        if band is None or wanted is None or not _is_price(price):
            return
        assert price is not None
        distance = abs(wanted - price) / price
        if distance > band:
            yield DenialReason(
                rule="price_band",
                message=f"{wanted} is {distance:.2%} from the last price {price}, "
                f"{band:.2%} is allowed",
            )

    def _approved(self, intent: Intent, quantity: Decimal, mark: str) -> Approved[Order]:
        return Approved(
            order=Order.from_intent(intent, self._run_id, quantity),
            gate_sequence=self._state.gate_sequence + 1,
            state_hash=mark,
            seal=GateSeal(),
        )

    def _denied(self, intent: Intent, reasons: tuple[DenialReason, ...], mark: str) -> Denied:
        return Denied(
            intent=intent,
            reasons=tuple(dict.fromkeys(reasons)),
            gate_sequence=self._state.gate_sequence + 1,
            state_hash=mark,
        )


def with_order(exposure: AccountExposure, order: Order) -> AccountExposure:
    """The exposure after one more order: what the next intent of the same step is judged on."""
    here = exposure.instruments[order.instrument]
    grown = (
        replace(here, buying=here.buying + order.quantity, open_orders=here.open_orders + 1)
        if order.side.sign > 0
        else replace(here, selling=here.selling + order.quantity, open_orders=here.open_orders + 1)
    )
    return replace(exposure, instruments={**exposure.instruments, order.instrument: grown})


def without_order(exposure: AccountExposure, live: OpenOrder) -> AccountExposure:
    """The exposure as if an order were not there."""
    here = exposure.instruments.get(live.order.instrument)
    if here is None or live.order.terms.reduce_only:
        return exposure
    count, rest = max(here.open_orders - 1, 0), live.most_open
    less = (
        replace(here, buying=max(here.buying - rest, ZERO), open_orders=count)
        if live.order.side.sign > 0
        else replace(here, selling=max(here.selling - rest, ZERO), open_orders=count)
    )
    return replace(exposure, instruments={**exposure.instruments, live.order.instrument: less})


def _unjudged(exposure: AccountExposure, here: InstrumentExposure) -> Iterator[DenialReason]:
    """What must be known before anything is added."""
    if not _is_price(here.price):
        yield DenialReason(rule="no_price", message=f"{here.instrument.symbol} has no price")
    if not (exposure.equity.is_finite() and exposure.equity > 0):
        yield DenialReason(rule="equity", message=f"equity is {exposure.equity}")
    for account in (exposure, *exposure.others):
        if account is not exposure and not account.equity.is_finite():
            yield DenialReason(
                rule="unjudged", message=f"equity of account {account.account} is not known"
            )
        for other in account.instruments.values():
            used = any((other.position, other.buying, other.selling))
            priced = _is_price(other.price) or other is here
            if not _is_known(other) or (used and not priced):
                yield DenialReason(
                    rule="unjudged",
                    message=f"what {other.instrument.symbol} is worth on account "
                    f"{account.account} is not known",
                )


def _is_known(here: InstrumentExposure) -> bool:
    return all(amount.is_finite() for amount in (here.position, here.buying, here.selling))


def _is_price(price: Decimal | None) -> bool:
    return price is not None and price.is_finite() and price > 0


def _reason(room: Room, increase: Decimal) -> DenialReason:
    return DenialReason(rule=room.rule, message=room.sentence(increase))


def _whole_lots(quantity: Decimal, here: InstrumentExposure) -> Decimal:
    lot = here.instrument.lot
    return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def _below_minimum(quantity: Decimal, here: InstrumentExposure) -> bool:
    instrument = here.instrument
    worth = here.notional(quantity) if _is_price(here.price) else ZERO
    return quantity < instrument.min_quantity or worth < instrument.min_notional


def _state_hash(exposure: AccountExposure) -> str:
    rows = [
        [str(symbol), here.position, here.buying, here.selling, here.price, here.has_doubt]
        for symbol, here in sorted(exposure.instruments.items())
    ]
    return content_hash([exposure.account, exposure.mode, exposure.equity, exposure.cash, rows])
