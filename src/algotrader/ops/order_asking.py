"""Place, change and withdraw an order by hand: by the command line and by the API.

Each request has a name of its own; asked again by that name it is not done twice. What a trader
does not take within a minute it does not do: the price was another then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.events import (
    Event,
    HandAnswered,
    HandOrderRequested,
)
from algotrader.core.ids import StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import DenialReason, Denied, Intent
from algotrader.core.ports import SystemClock
from algotrader.engine.by_hand import wanted_by_hand
from algotrader.engine.exposures import account_exposure
from algotrader.engine.sending import seen_by_gate
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.live.requests import Hand, HandOrder, event_of
from algotrader.ops.asking import WAIT_S, answered
from algotrader.ops.config import Configuration
from algotrader.portfolio.positions import exact
from algotrader.risk.exposure import ZERO, AccountExposure
from algotrader.risk.margin import free_of
from algotrader.risk.rooms import Question, Room, Unit, rooms

VALID_MS: Final = 60_000
"""A request that no trader took by then has to be made again."""


def new_request() -> str:
    """A name that no other request has."""
    return secrets.token_hex(8)


def valid_until() -> int:
    """UTC ms, for a request made now."""
    return utc_ms(SystemClock().now()) + VALID_MS


def ask(
    configuration: Configuration, asked: Hand, *, wait_s: float = WAIT_S
) -> HandAnswered | None:
    """Leave a request, and what the trader made of it; None if it did not answer.

    RunError if the request cannot be left.
    """

    def is_answer(event: Event) -> bool:
        return isinstance(event, HandAnswered) and event.request == asked.request

    told = answered(configuration, asked, is_answer, wait_s=wait_s) or ()
    answers = [one for one in told if isinstance(one, HandAnswered) and is_answer(one)]
    return answers[-1] if answers else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLook:
    """One limit as an order would leave it. Fractions are of equity."""

    rule: str
    subject: str
    used: Decimal
    after: Decimal
    limit: Decimal
    unit: Unit
    allows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would come of an order by hand, as things stand. Amounts in quote currency."""

    reasons: tuple[DenialReason, ...]  # empty: it would go out
    rules: tuple[RuleLook, ...]  # every limit that it uses; what reduces uses none (R28)
    intent: Intent | None  # None where none could be made
    price: Decimal | None  # its own, or the last
    notional: Decimal | None
    fee: Decimal | None  # as a taker
    free: Decimal  # money that may be spent, account currency
    position: Decimal
    after: Decimal  # the position, once it is filled in whole
    strategy: StrategyId | None  # whose it becomes
    rebalance: str | None  # when that strategy looks at its targets
    is_guarded: bool  # its strategy declares a stop for what it holds

    @property
    def is_allowed(self) -> bool:
        return not self.reasons


def preview(state: EngineState, asked: HandOrder, now_ms: int) -> Preview:
    """What every rule says of an order, without asking for it. DataError without prices."""
    event = event_of(asked, now_ms)
    assert isinstance(event, HandOrderRequested)
    made = wanted_by_hand(state, event)
    exposure = account_exposure(state, asked.account, now_ms)
    here = exposure.instruments.get(asked.instrument)
    position = ZERO if here is None else here.position
    owner = _owner(state, asked)
    common: dict[str, Any] = {
        "free": free_of(exposure), "position": position,
        "strategy": None if owner is None else owner.strategy,
        "rebalance": None if owner is None else owner.rebalance.value,
        "is_guarded": owner is not None and bool(owner.protection),
    }  # fmt: skip
    if isinstance(made, DenialReason):
        return Preview(
            reasons=(made,), rules=(), intent=None, price=None, notional=None, fee=None,
            after=position, **common,
        )  # fmt: skip
    return _judged(state, made, exposure, common)


def _judged(
    state: EngineState, intent: Intent, exposure: AccountExposure, common: dict[str, Any]
) -> Preview:
    terms = intent.terms
    here = exposure.instruments[terms.instrument]
    verdict = state.risk.judge(intent, seen_by_gate(exposure, intent))
    own = terms.limit if terms.limit is not None else terms.stop
    price = here.price if own is None else own
    with exact():
        notional = None if price is None else here.notional(terms.quantity, price)
        fee = None if notional is None else notional * here.instrument.fees.taker
        after = here.position + terms.signed_quantity
    return Preview(
        reasons=verdict.reasons if isinstance(verdict, Denied) else (),
        rules=() if price is None else tuple(_looks(state, intent, exposure)),
        intent=intent, price=price, notional=notional, fee=fee, after=after, **common,
    )  # fmt: skip


def _looks(state: EngineState, intent: Intent, exposure: AccountExposure) -> list[RuleLook]:
    """Each limit in force, as the gate looks at it."""
    terms = intent.terms
    here = exposure.instruments[terms.instrument]
    reducing = min(here.reducible(terms.side), terms.quantity)
    if terms.reduce_only or reducing == terms.quantity:
        return []
    question = Question(
        state=state.risk.state, exposure=exposure, here=here, side=terms.side,
        strategy=intent.strategy, terms=terms, purpose=intent.purpose, reducing=reducing,
    )  # fmt: skip
    with exact():
        return [_look(room, terms.quantity - reducing) for room in rooms(question)]


def _look(room: Room, increase: Decimal) -> RuleLook:
    per = room.per if room.unit is Unit.FRACTION and room.per > 0 else Decimal(1)
    after = room.used + (increase * room.step if room.step else 1)
    return RuleLook(
        rule=room.rule, subject=room.subject, used=room.used / per, after=after / per,
        limit=room.limit / per, unit=room.unit, allows=room.most >= increase,
    )  # fmt: skip


def _owner(state: EngineState, asked: HandOrder) -> StrategyInstance | None:
    for one in state.settings.strategies:
        if one.account == asked.account and asked.instrument in one.instruments:
            return one
    return None
