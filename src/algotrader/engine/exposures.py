"""An account as risk judges it, out of the engine's state."""

from __future__ import annotations

from dataclasses import replace

from algotrader.core.ids import AccountId
from algotrader.engine.settings import owners_of
from algotrader.engine.state import EngineState
from algotrader.risk.exposure import AccountExposure, exposure_of


def account_exposure(state: EngineState, account: AccountId, now_ms: int) -> AccountExposure:
    """Books, last prices and open orders as if they filled in whole.

    The other accounts come with it where a limit in total is set. DataError while something is
    held without a price.
    """
    alone = _alone(state, account, now_ms)
    if not state.risk.state.limits.total.is_set:
        return alone
    others = sorted(other for other in state.books if other != account)
    return replace(alone, others=tuple(_alone(state, other, now_ms) for other in others))


def _alone(state: EngineState, account: AccountId, now_ms: int) -> AccountExposure:
    return exposure_of(
        account=account,
        mode=state.modes[account],
        now_ms=now_ms,
        books=state.books[account],
        marks=state.marks(),
        orders=state.orders.open(account),
        instruments=state.settings.instruments,
        owners=owners_of(state.settings, account),
        quotes=state.fresh.quotes,
        frozen=state.frozen,
        ending=state.ending,
        stale=state.fresh.stale(state.books[account].whole.contracts, now_ms),
    )
