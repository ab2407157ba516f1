"""What must be cancelled and sent so that an account obeys its holds (R28).

Asked again after every step, it answers with what is still missing, so it is the same after a
restart: `flatten` cancels, sells what is left with a capped order that is filled at once or not at
all, and again at a fresh price, until nothing is held. A halt stands after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from algotrader.core.events import RiskAction, TradingMode
from algotrader.core.ids import OrderId, StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.orders import PROTECTIVE, Intent, OrderTerms, Purpose, Side, TimeInForce
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import limit_price
from algotrader.risk.exposure import ZERO, AccountExposure, InstrumentExposure, OpenOrder
from algotrader.risk.holds import ALLOWED, Hold, Operation, strictest
from algotrader.risk.state import RiskState

CAP: Final = 0.005
"""How far from the last price a reduction by risk may fill, a fraction (R13)."""
RETRY_MS: Final = 2_000
"""After one that went out; one that was denied is tried again at the next bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Cancel first; intents go through the gate like any other."""

    cancels: tuple[OrderId, ...] = ()
    intents: tuple[Intent, ...] = ()
    wake_ms: int | None = None  # ask again at this time, UTC ms


def remedy(state: RiskState, exposure: AccountExposure, orders: Iterable[OpenOrder]) -> Remedy:
    """What an account's holds ask for now. `orders` are its open ones."""
    if exposure.mode is TradingMode.STARTING:
        return Remedy()  # not before the venue was compared with the books
    pending: dict[Symbol, list[OpenOrder]] = {}
    for live in orders:
        pending.setdefault(live.order.instrument, []).append(live)
    found = [
        _of_instrument(state, exposure, here, pending.get(symbol, []))
        for symbol, here in sorted(exposure.instruments.items())
    ]
    wakes = [one.wake_ms for one in found if one.wake_ms is not None]
    return Remedy(
        cancels=tuple(order_id for one in found for order_id in one.cancels),
        intents=tuple(intent for one in found for intent in one.intents),
        wake_ms=min(wakes, default=None),
    )


def _of_instrument(
    state: RiskState,
    exposure: AccountExposure,
    here: InstrumentExposure,
    pending: list[OpenOrder],
) -> Remedy:
    symbol = here.instrument.symbol
    holds = list(state.holds_on(exposure.account, here.owner, symbol, exposure.now_ms))
    mode = strictest(exposure.mode, *(hold.mode for hold in holds))
    flattens = any(hold.action is RiskAction.FLATTEN for hold in holds)
    cancels = tuple(
        live.order.order_id for live in pending if _must_go(live, here, mode, flattens=flattens)
    )
    excess = abs(here.position) if flattens else _excess(state, exposure, here, holds)
    if not _is_worth_selling(excess, here):
        return Remedy(cancels=cancels)
    # Flattening waits for all to go, stops too: they freeze spot coins. A smaller position keeps
    # its stops, waits for what reduces already, and has cancelled what would add to it.
    waits = pending if flattens else [live for live in pending if not _protects(live)]
    if waits:
        adding = () if flattens else [live.order.order_id for live in waits if _adds(live, here)]
        return Remedy(cancels=tuple(dict.fromkeys((*cancels, *adding))))
    last = state.activity.flattened_ms.get((exposure.account, symbol))
    if last is not None and exposure.now_ms < last + RETRY_MS:
        return Remedy(cancels=cancels, wake_ms=last + RETRY_MS)
    intent = _reduction(exposure, here, excess, holds)
    return Remedy(cancels=cancels, intents=(intent,))


def _must_go(
    live: OpenOrder, here: InstrumentExposure, mode: TradingMode, *, flattens: bool
) -> bool:
    """Increasing orders go under every hold; under `flatten` all but its own."""
    if flattens:
        return live.order.intent.purpose is not Purpose.RISK
    if Operation.INCREASE in ALLOWED[mode]:
        return False
    return _adds(live, here)


def _adds(live: OpenOrder, here: InstrumentExposure) -> bool:
    """Whether an order may still add to the position, or turn it over."""
    order = live.order
    if order.terms.reduce_only or _protects(live) or order.intent.purpose is Purpose.RISK:
        return False
    with exact():
        held = -order.side.sign * here.position  # what it could take off
        return live.most_open > max(held, ZERO)


def _protects(live: OpenOrder) -> bool:
    return live.order.intent.purpose in PROTECTIVE


def _excess(
    state: RiskState,
    exposure: AccountExposure,
    here: InstrumentExposure,
    holds: list[Hold],
) -> Decimal:
    """What is held beyond the smallest scale of what was latched."""
    latched = _latched(state, exposure, here)
    scales = [hold.scale for hold in holds if hold.scale is not None]
    if not scales or latched is None:
        return ZERO
    with exact():
        allowed = abs(latched) * min(scales) if latched * here.position > 0 else ZERO
        return max(abs(here.position) - allowed, ZERO)


def _latched(
    state: RiskState, exposure: AccountExposure, here: InstrumentExposure
) -> Decimal | None:
    if here.owner is None:
        return None
    return state.latched.get((exposure.account, here.owner, here.instrument.symbol))


def _is_worth_selling(excess: Decimal, here: InstrumentExposure) -> bool:
    """Whole lots above the venue's minimums, at a price that is known; dust counts as flat (R9)."""
    if here.price is None or not here.price.is_finite() or here.price <= 0:
        return False
    instrument = here.instrument
    quantity = _lots(excess, here)
    if quantity <= 0 or quantity < instrument.min_quantity:
        return False
    return here.notional(quantity) >= instrument.min_notional


def _lots(quantity: Decimal, here: InstrumentExposure) -> Decimal:
    with exact():
        lot = here.instrument.lot
        return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def _reduction(
    exposure: AccountExposure, here: InstrumentExposure, excess: Decimal, holds: list[Hold]
) -> Intent:
    side = Side.SELL if here.position > 0 else Side.BUY
    assert here.price is not None
    worst = float(here.price) * (1.0 + side.sign * CAP)
    return Intent(
        account=exposure.account,
        strategy=here.owner or StrategyId("risk"),
        decided_at=utc_at(exposure.now_ms),
        terms=OrderTerms(
            instrument=here.instrument.symbol, side=side, quantity=_lots(excess, here),
            limit=limit_price(worst, here.instrument, side), tif=TimeInForce.IOC,
            reduce_only=True,
        ),
        purpose=Purpose.RISK,
        tag=holds[0].rule if holds else None,
    )  # fmt: skip
