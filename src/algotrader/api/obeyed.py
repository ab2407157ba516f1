"""How much of what holds an account back is still to be done: orders to end, positions to close.

A halt that was asked for is not yet a halt that is done. The engine's own answer is counted here,
so what is called done is what the engine has no more work with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from algotrader.core.errors import DataError
from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState


@dataclass(frozen=True, slots=True)
class Obeyed:
    """Counts of an account. What is on its way to its end counts until the venue has said so."""

    to_cancel: int
    to_close: int  # of `flatten`, and of what is to be made smaller; dust counts as flat (R9)


def obeyed(state: EngineState, account: AccountId) -> Obeyed | None:
    """None where it is not known: while a price is missing, and while the books are compared."""
    now_ms = max((one.decision_ts for one in state.slices.values()), default=0)
    try:
        seen = account_exposure(state, account, now_ms)
    except DataError:
        return None
    if seen.mode is TradingMode.STARTING:
        return None  # nothing is asked for before the venue was compared with the books
    cancels = state.risk.remedy(seen, state.orders.open(account)).cancels
    # Without its orders each is asked about alone: an order or a pause before the next one answers
    # that something is left.
    alone = (
        state.risk.remedy(replace(seen, instruments={symbol: here}), ())
        for symbol, here in seen.instruments.items()
    )
    left = sum(1 for one in alone if one.intents or one.wake_ms is not None)
    return Obeyed(to_cancel=len(cancels), to_close=left)
