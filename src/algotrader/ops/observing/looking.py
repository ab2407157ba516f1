"""What one look at a trader between two steps sees: accounts, readiness, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from algotrader.core.errors import DataError
from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.ports import Metrics
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.exposure import AccountExposure

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


class AccountFigures:
    """Equity, drawdown, exposure and open orders of each account, into the metrics.

    Risk keeps the peak of an account while a limit needs it; without one it is kept here, from
    this start on.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._records: dict[AccountId, EquityRecord] = {}

    def look(self, state: EngineState, now_ms: int) -> None:
        for account in state.modes:
            mode = state.risk.state.mode(state.modes[account], account, None, None, now_ms)
            self._tell("may_trade", float(mode is TradingMode.TRADING), account)
            self._tell("open_orders", float(sum(1 for _ in state.orders.open(account))), account)
            try:
                exposure = account_exposure(state, account, now_ms)
            except DataError:
                continue  # a price is missing: what it is worth is not known
            equity = exposure.equity
            self._tell("equity", float(equity), account)
            self._tell("drawdown", float(self._record(state, exposure).drawdown), account)
            if equity > 0:
                self._tell("exposure", float(exposure.gross() / equity), account)

    def _record(self, state: EngineState, exposure: AccountExposure) -> EquityRecord:
        kept = state.risk.state.equities.get((exposure.account, None))
        if kept is not None:
            return kept
        own = self._records.get(exposure.account)
        equity, deposits = exposure.equity, exposure.deposits
        record = (
            EquityRecord.first(equity, deposits, 0)
            if own is None
            else own.marked(equity, deposits, 0)
        )
        self._records[exposure.account] = record
        return record

    def _tell(self, name: str, value: float, account: AccountId) -> None:
        self._metrics.gauge(name, value, account=account)


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
