"""Place, change and withdraw an order by hand: by the command line and by the API.

Each request has a name of its own; asked again by that name it is not done twice. What a trader
does not take within a minute it does not do: the price was another then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, cast

from algotrader.core.errors import UsageError
from algotrader.core.events import (
    Event,
    HandAmendRequested,
    HandAnswered,
    HandOrderRequested,
    OrderAmendRequested,
)
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import DenialReason, Denied, Intent, OrderTerms, Side
from algotrader.core.ports import SystemClock
from algotrader.core.spelling import hint_among
from algotrader.core.symbols import Symbol
from algotrader.engine.by_hand import ByHand, wanted_by_hand
from algotrader.engine.exposures import account_exposure
from algotrader.engine.sending import Sender, seen_by_gate
from algotrader.engine.settings import StrategyInstance
from algotrader.engine.state import EngineState
from algotrader.engine.step import Outcome, Step
from algotrader.execution.order_life import LiveOrder
from algotrader.live.requests import Hand, HandAmend, HandOrder, event_of
from algotrader.ops.asking import WAIT_S, answered, is_running
from algotrader.ops.config import Configuration
from algotrader.ops.standing import folder_of, read_state
from algotrader.portfolio.positions import exact
from algotrader.risk.exposure import ZERO, AccountExposure
from algotrader.risk.gate import without_order
from algotrader.risk.margin import free_of
from algotrader.risk.rooms import Question, Room, Unit, rooms

_NO_OPINION: Final = "ByHand"
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

    account: AccountId
    instrument: Symbol
    side: Side
    reduce_only: bool
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
    common = _common(state, exposure, asked.instrument) | {
        "side": asked.side, "reduce_only": asked.reduce_only,
    }  # fmt: skip
    if isinstance(made, DenialReason):
        return _unmade((made,), common)
    verdict = state.risk.judge(made, seen_by_gate(exposure, made))
    reasons = verdict.reasons if isinstance(verdict, Denied) else ()
    return _made(state, made, exposure, reasons, common)


def preview_change(state: EngineState, asked: HandAmend, now_ms: int) -> Preview:
    """What every rule says of another quantity or price of an open order; nothing is changed.

    The engine is asked itself, and what it would then do is not done. `intent` is what would be
    left to trade. DataError without prices. KeyError for an order that is not known.
    """
    rehearsal = _Rehearsal(state)
    ByHand(rehearsal, Sender(rehearsal)).hear(cast("HandAmendRequested", event_of(asked, now_ms)))
    told = rehearsal.outcome.events
    reasons = tuple(r for one in told if isinstance(one, HandAnswered) for r in one.reasons)
    live = state.orders[asked.order]
    terms = live.order.terms
    exposure = without_order(account_exposure(state, asked.account, now_ms), live)
    common = _common(state, exposure, terms.instrument) | {
        "side": terms.side, "reduce_only": terms.reduce_only,
    }  # fmt: skip
    change = next((one for one in told if isinstance(one, OrderAmendRequested)), None)
    wanted = _changed(live, asked if change is None else change)
    if wanted is None:
        return _unmade(reasons, common)
    return _made(state, replace(live.order.intent, terms=wanted), exposure, reasons, common)


class _Rehearsal(Step):
    """A step that moves nothing: what would be told and done is kept, and that is all."""

    def __init__(self, state: EngineState) -> None:
        self.state, self.settings, self.outcome = state, state.settings, Outcome()

    def tell(self, event: Event) -> None:
        self.outcome.events.append(event)


def _changed(live: LiveOrder, to: HandAmend | OrderAmendRequested) -> OrderTerms | None:
    """What would be left to trade; None where that is no order, which the reasons say."""
    with exact():
        rest = (live.quantity if to.quantity is None else to.quantity) - live.filled
    if rest <= 0:
        return None
    limit = live.limit if to.limit is None else to.limit
    stop = live.stop if to.stop is None else to.stop
    try:
        return replace(live.order.terms, quantity=rest, limit=limit, stop=stop)
    except ValueError:
        return None


def _common(state: EngineState, exposure: AccountExposure, symbol: Symbol) -> dict[str, Any]:
    here = exposure.instruments.get(symbol)
    owner = _owner(state, exposure.account, symbol)
    return {
        "account": exposure.account, "instrument": symbol,
        "free": free_of(exposure), "position": ZERO if here is None else here.position,
        "strategy": None if owner is None else owner.strategy,
        "rebalance": None if owner is None else _looks_when(owner),
        "is_guarded": owner is not None and bool(owner.protection),
    }  # fmt: skip


def _unmade(reasons: tuple[DenialReason, ...], common: dict[str, Any]) -> Preview:
    """Of what no order can be made of."""
    return Preview(
        reasons=reasons, rules=(), intent=None, price=None, notional=None, fee=None,
        after=common["position"], **common,
    )  # fmt: skip


def _made(
    state: EngineState,
    intent: Intent,
    exposure: AccountExposure,
    reasons: tuple[DenialReason, ...],
    common: dict[str, Any],
) -> Preview:
    terms = intent.terms
    here = exposure.instruments[terms.instrument]
    own = terms.limit if terms.limit is not None else terms.stop
    price = here.price if own is None else own
    with exact():
        notional = None if price is None else here.notional(terms.quantity, price)
        fee = None if notional is None else notional * here.instrument.fees.taker
        after = here.position + terms.signed_quantity
    return Preview(
        reasons=reasons,
        rules=() if price is None else tuple(_looks(state, intent, exposure)),
        intent=intent, price=price, notional=notional, fee=fee, after=after,
        **common | {"reduce_only": terms.reduce_only},
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


def _looks_when(owner: StrategyInstance) -> str:
    """When a strategy looks at what it wants (R10)."""
    return "by_bar" if owner.by_bar else owner.rebalance.value


def _owner(state: EngineState, account: AccountId, symbol: Symbol) -> StrategyInstance | None:
    for one in state.settings.strategies:
        if one.account == account and symbol in one.instruments:
            return one
    return None


def preview_row(found: Preview, configuration: Configuration) -> dict[str, Any]:
    """A preview in plain values: what the command line and the API show."""
    terms = None if found.intent is None else found.intent.terms
    return {
        "account": found.account,
        "strategy": found.strategy,
        "instrument": str(found.instrument),
        "side": found.side.value,
        "kind": None if terms is None else terms.kind.value,
        "quantity": None if terms is None else _text(terms.quantity),
        "limit": None if terms is None else _text(terms.limit),
        "stop": None if terms is None else _text(terms.stop),
        "reduce_only": found.reduce_only,
        "price": _text(found.price),
        "notional": _text(found.notional),
        "fee": _text(found.fee),
        "free": _text(found.free),
        "position": _text(found.position),
        "after": _text(found.after),
        "rebalance": found.rebalance if _decides(configuration, found.strategy) else None,
        "guarded": found.is_guarded,
        "allowed": found.is_allowed,
        "reasons": [{"rule": one.rule, "message": one.message} for one in found.reasons],
        "rules": [
            {
                "rule": one.rule, "subject": one.subject, "used": _short(one.used),
                "after": _short(one.after), "limit": _short(one.limit), "unit": one.unit.value,
                "allows": one.allows,
            }
            for one in found.rules
        ],
    }  # fmt: skip


def _decides(configuration: Configuration, strategy: StrategyId | None) -> bool:
    """Whether the strategy ever wants a position by itself."""
    settings = configuration.settings.strategies.get(strategy or "")
    return settings is not None and settings.use != _NO_OPINION


def _text(value: Decimal | None) -> str | None:
    """Exact, never as a power of ten."""
    return None if value is None else f"{value.normalize() + 0:f}"


def _short(value: Decimal) -> str:
    return f"{Decimal(f'{value:.8g}').normalize() + 0:f}"


def account_of(configuration: Configuration, symbol: str, named: str | None) -> AccountId:
    """The account that an order by hand is for: the one of a strategy that trades its instrument.

    UsageError if none does, or several and none is named.
    """
    strategies = configuration.settings.strategies.values()
    trading = sorted({one.account for one in strategies if symbol in map(str, one.symbols)})
    known = sorted({one.account for one in strategies})
    if named is not None and named not in known:
        raise UsageError(
            "usage.account", f"no strategy trades on account {named!r}",
            hint=hint_among(named, known, f"accounts are: {', '.join(known) or 'none'}"),
        )  # fmt: skip
    found = trading if named is None else [named]
    if len(found) > 1:
        raise UsageError(
            "usage.account", f"{symbol} is traded on several accounts: {', '.join(found)}",
            hint=f"name one: --account {found[0]}",
        )  # fmt: skip
    if not found:
        raise UsageError(
            "usage.symbol", f"no strategy trades {symbol}",
            hint="name it in a strategy's symbols; `use: ByHand` decides nothing by itself",
        )  # fmt: skip
    return AccountId(found[0])


def require_running(configuration: Configuration) -> None:
    """UsageError without a trader: an order is not kept until somebody starts one."""
    if not is_running(configuration):
        raise UsageError(
            "order.no_trader", "no trader runs, and an order is not kept for a later start",
            hint="start it: algotrader trade; with --dry-run nothing is asked for",
        )  # fmt: skip


def now_of(configuration: Configuration, state: EngineState) -> int:
    """UTC ms by the clock that a desk trades on: a recording's stands at its newest bar."""
    trading = configuration.settings.trading
    if trading.mode != "paper" or trading.data == "live":
        return utc_ms(SystemClock().now())
    return max((one.decision_ts for one in state.slices.values()), default=0)


def account_of_order(configuration: Configuration, order: OrderId) -> AccountId:
    """The account that an order was sent on. UsageError if the journal does not know it."""
    has_journal = folder_of(configuration).chain.exists()
    state = read_state(configuration) if has_journal else None
    if state is None or order not in state.orders:
        raise UsageError(
            "usage.order", f"no order is called {order!r}", hint="algotrader orders lists them"
        )
    return state.orders[order].order.account
