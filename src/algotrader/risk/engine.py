"""Risk as one part of the engine: what it is asked, and in which order.

    apply(event)        every event, in a replay too: the state is their fold
    judge(intent, …)    before an order is sent
    watch(exposure, …)  after a slice, a fill, a settlement or a movement of cash
    hear(event, …)      what a person asked for
    remedy(exposure, …) after all of these: what must be cancelled and sent
    headroom, status    for people

Nothing here has a clock or does I/O: times come in with exposures and events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.events import (
    Event,
    HaltRequested,
    LimitChangeRequested,
    RearmRequested,
    TradingMode,
)
from algotrader.core.ids import AccountId, RunId, StrategyId
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Approved, DenialReason, Denied, Intent, Order
from algotrader.core.symbols import Symbol
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.exposure import AccountExposure, OpenOrder
from algotrader.risk.gate import Gate
from algotrader.risk.headroom import Headroom, headroom
from algotrader.risk.holds import ALLOWED, Hold, Operation
from algotrader.risk.operator import change_limit, halt, rearm
from algotrader.risk.remedy import Remedy, remedy
from algotrader.risk.round_trips import Earned, EarnedKey
from algotrader.risk.settings import RiskSettings
from algotrader.risk.state import Place, RiskState
from algotrader.risk.watch import Tell, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskStatus:
    """One account, for a person."""

    mode: TradingMode
    allowed: frozenset[Operation]
    holds: tuple[Hold, ...]  # what is stopped, by whom and why
    headroom: tuple[Headroom, ...]
    record: EquityRecord | None  # None before the first mark
    changed: Mapping[str, str]  # limits set by hand, by key


class RiskEngine:
    """Decides on a `RiskState`; only `apply` changes that."""

    def __init__(
        self, settings: RiskSettings, instruments: Mapping[Symbol, Instrument], run_id: RunId
    ) -> None:
        self.state = RiskState(settings, instruments)
        self._gate = Gate(self.state, run_id)
        self._watch = Watch(self.state)

    def apply(self, event: Event) -> tuple[Place, ...]:
        """Fold an event. Gives the refused targets that it lets be tried again (R10)."""
        return self.state.apply(event)

    def judge(self, intent: Intent, exposure: AccountExposure) -> Approved[Order] | Denied:
        """See `Gate.judge`."""
        return self._gate.judge(intent, exposure)

    def refuses_change(
        self,
        live: OpenOrder,
        rest: Decimal,
        limit: Decimal | None,
        stop: Decimal | None,
        exposure: AccountExposure,
    ) -> tuple[DenialReason, ...]:
        """See `Gate.refuses_change`."""
        return self._gate.refuses_change(live, rest, limit, stop, exposure)

    def watch(self, exposure: AccountExposure, at_ms: int, tell: Tell) -> None:
        """See `Watch.watch`."""
        self._watch.watch(exposure, at_ms, tell)

    def hear(self, event: Event, tell: Tell) -> bool:
        """Answer what a person asked for; False if the event asks nothing of risk."""
        match event:
            case HaltRequested():
                halt(event, tell)
            case RearmRequested():
                rearm(self.state, event, tell)
            case LimitChangeRequested():
                change_limit(self.state, event, tell)
            case _:
                return False
        return True

    def remedy(self, exposure: AccountExposure, orders: Iterable[OpenOrder]) -> Remedy:
        """See `remedy.remedy`."""
        return remedy(self.state, exposure, orders)

    def headroom(self, exposure: AccountExposure) -> tuple[Headroom, ...]:
        """See `headroom.headroom`."""
        return headroom(self.state, exposure)

    def status(self, exposure: AccountExposure) -> RiskStatus:
        """What an account may do, why, and how much of each limit is left."""
        account, now_ms = exposure.account, exposure.now_ms
        mode = self.state.mode(exposure.mode, account, None, None, now_ms)
        return RiskStatus(
            mode=mode,
            allowed=ALLOWED[mode],
            holds=tuple(self.state.holds_of(account, now_ms)),
            headroom=self.headroom(exposure),
            record=self.state.equities.get((account, None)),
            changed=dict(self.state.changed),
        )

    def earned(self, account: AccountId) -> Mapping[EarnedKey, Earned]:
        """Profit by strategy, instrument and side of the position, with its costs."""
        return {key: part for key, part in self.state.trips.earned.items() if key[0] == account}

    def scale(
        self, account: AccountId, strategy: StrategyId, symbol: Symbol, now_ms: int
    ) -> Decimal:
        """What targets of an instrument are multiplied by now: 1 without a rule that scales."""
        holds = self.state.holds_on(account, strategy, symbol, now_ms)
        return min((hold.scale for hold in holds if hold.scale is not None), default=Decimal(1))
