"""What one look at a trader between two steps sees: accounts, readiness, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from algotrader.core.errors import DataError
from algotrader.core.events import TradingMode
from algotrader.core.ports import Metrics
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState

SOFT: Final = 0.7
"""Share of the memory limit at which a person is told (F11)."""
HARD: Final = 0.9
"""Share at which the process starts anew, at the next safe point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCheck:
    """What a process uses of what it may use."""

    used_bytes: int
    limit_bytes: float

    @property
    def is_soft(self) -> bool:
        return self.used_bytes >= SOFT * self.limit_bytes

    @property
    def is_hard(self) -> bool:
        return self.used_bytes >= HARD * self.limit_bytes


def look_at_accounts(state: EngineState, now_ms: int, metrics: Metrics) -> None:
    """Equity, drawdown, exposure and open orders of each account, into the metrics."""
    for account in state.modes:
        mode = state.risk.state.mode(state.modes[account], account, None, None, now_ms)
        metrics.gauge("may_trade", float(mode is TradingMode.TRADING), account=account)
        open_orders = sum(1 for _ in state.orders.open(account))
        metrics.gauge("open_orders", float(open_orders), account=account)
        record = state.risk.state.equities.get((account, None))
        if record is not None:
            metrics.gauge("drawdown", float(record.drawdown), account=account)
        try:
            exposure = account_exposure(state, account, now_ms)
        except DataError:
            continue  # a price is missing: what it is worth is not known
        metrics.gauge("equity", float(exposure.equity), account=account)
        if exposure.equity > 0:
            share = exposure.gross() / exposure.equity
            metrics.gauge("exposure", float(share), account=account)


def reasons_not_ready(
    state: EngineState, now_ms: int, *, is_reconciled: bool, silent: Sequence[str]
) -> tuple[str, ...]:
    """Why nothing new would be bought now; empty if nothing keeps the trader from it."""
    reasons: list[str] = []
    if not is_reconciled:
        reasons.append("recovery: the books are still being compared with the venue")
    for account in sorted(state.modes):
        mode = state.risk.state.mode(state.modes[account], account, None, None, now_ms)
        if mode is not TradingMode.TRADING:
            reasons.append(f"account {account}: {mode.value}")
    reasons += [f"feed: no bars of {instrument}" for instrument in sorted(silent)]
    return tuple(reasons)
