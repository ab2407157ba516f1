"""Where risk stands: the fold of the events, one `apply` each. Nothing here decides.

A restart folds the same events and stands where the process before it stood: the loss of the day,
the peaks, pauses, halts and limits changed by hand are all in here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from algotrader.core.events import (
    AccountMarked,
    BarClosed,
    Decided,
    Event,
    FundingPaid,
    LimitChanged,
    Liquidated,
    ModeChanged,
    OrderAccepted,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    OrderSeen,
    OrderSubmitted,
    Rearmed,
    RiskCleared,
    RiskTripped,
    RunStarted,
    SettingsReloaded,
    SliceClosed,
    TradingMode,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.portfolio.positions import ZERO, exact
from algotrader.risk.activity import Activity
from algotrader.risk.days import marked_day
from algotrader.risk.equity_record import EquityRecord
from algotrader.risk.holds import STOPPED, Hold, HoldKey, strictest
from algotrader.risk.limit_changes import with_limit
from algotrader.risk.recent_bars import BarHistory
from algotrader.risk.round_trips import RoundTrips
from algotrader.risk.settings import RiskSettings

Owner = tuple[AccountId | None, StrategyId | None]
"""Whose equity: an account's, a strategy's on it, or all accounts' together (None, None)."""
_MODE_RULES: Final = frozenset({"halt", "reduce_only", "starting"})
Place = tuple[AccountId, StrategyId, Symbol]
"""One instrument of one strategy on one account."""
TOTAL: Final[Owner] = (None, None)


class RiskState:
    """Changed by `apply` alone. Equal settings and events give equal states."""

    def __init__(self, settings: RiskSettings, instruments: Mapping[Symbol, Instrument]) -> None:
        self.file = settings  # as the file has them
        self.limits = settings  # as they hold: with what was changed by hand
        self.changed: dict[str, str] = {}  # by key, what a person set while running
        self.holds: dict[HoldKey, Hold] = {}
        self.equities: dict[Owner, EquityRecord] = {}
        self.gross: dict[AccountId, Decimal] = {}
        self.latched: dict[Place, Decimal] = {}
        self.refused: dict[Place, frozenset[str]] = {}  # targets, and the rules that denied them
        self.activity = Activity(instruments)
        self.trips = RoundTrips(instruments)
        self.bars = BarHistory()
        self.gate_sequence = 0
        self.instruments = instruments
        self._keep = settings.history_bars()
        self.watches = settings.watches()  # asked at every event

    def apply(self, event: Event) -> tuple[Place, ...]:
        """Fold an event. Gives the refused targets that it lets be tried again (R10)."""
        heard = _HEARD.get(type(event))
        return () if heard is None else heard(self, event) or ()

    def mode(
        self,
        base: TradingMode,
        account: AccountId,
        strategy: StrategyId | None,
        instrument: Symbol | None,
        now_ms: int,
    ) -> TradingMode:
        """What is allowed: the strictest of what recovery says and of every hold in force."""
        holds = self.holds_on(account, strategy, instrument, now_ms)
        return strictest(base, *(hold.mode for hold in holds))

    def holds_on(
        self,
        account: AccountId,
        strategy: StrategyId | None,
        instrument: Symbol | None,
        now_ms: int,
    ) -> Iterator[Hold]:
        """The holds in force for an instrument of a strategy, in the order they began."""
        for hold in self.holds.values():
            if hold.concerns(account, strategy, instrument) and not hold.is_over(now_ms):
                yield hold

    def holds_of(self, account: AccountId, now_ms: int) -> Iterator[Hold]:
        """All holds on an account or a part of it, in the order they began."""
        for hold in self.holds.values():
            if hold.account in (None, account) and not hold.is_over(now_ms):
                yield hold

    @property
    def kept_bars(self) -> int:
        """How far back rules can look at an instrument."""
        return self._keep

    def limits_with(self, key: str, value: str | None) -> RiskSettings:
        """The limits after a change; None: that one as the file has it. ConfigurationError."""
        limits = self.file
        for name, text in _changed(self.changed, key, value).items():
            limits = with_limit(limits, name, text)
        return limits

    def snapshot(self) -> dict[str, Any]:
        """Everything that a decision may depend on, for comparing two states."""
        return {
            name: getattr(self, name)
            for name in (
                "limits", "changed", "holds", "equities", "gross", "latched", "refused", "activity", "trips",
                "bars", "gate_sequence",
            )
        }  # fmt: skip

    def _marked(self, event: AccountMarked) -> None:
        day = marked_day(event.ts_event, self.limits.day)
        self.gross[event.account] = event.gross
        self._mark((event.account, None), event.equity, event.deposits, day)
        for part in event.strategies:
            self._mark((event.account, part.strategy), part.equity, part.deposits, day)
        whole = [
            record for (account, strategy), record in self.equities.items()
            if account is not None and strategy is None
        ]  # fmt: skip
        with exact():
            equity = sum((record.equity for record in whole), ZERO)
            deposits = sum((record.deposits for record in whole), ZERO)
        self._mark(TOTAL, equity, deposits, day)

    def _mark(self, owner: Owner, equity: Decimal, deposits: Decimal, day: int) -> None:
        before = self.equities.get(owner)
        self.equities[owner] = (
            EquityRecord.first(equity, deposits, day)
            if before is None
            else before.marked(equity, deposits, day)
        )

    def _tripped(self, event: RiskTripped) -> tuple[Place, ...]:
        hold = Hold.of(event)
        before = self.holds.get(hold.key)
        if before is not None and before.mode is hold.mode and before.bars_left is None:
            hold = replace(hold, since_ms=before.since_ms)
        self.holds[hold.key] = hold
        if event.account is not None and event.rule.startswith("execution."):
            self.activity.forget_sample(event.account, event.rule)
        # A rule that could not be judged and now only scales lets something be bought.
        eased = before is not None and strictest(before.mode, hold.mode) is not hold.mode
        return self._lifted({hold.rule}, event.account) if eased else ()

    def _cleared(self, event: RiskCleared) -> tuple[Place, ...]:
        key = (event.account, event.strategy, event.instrument, event.rule)
        hold = self.holds.get(key)
        if hold is None:
            return ()
        if event.after_bars:
            self.holds[key] = replace(hold, bars_left=event.after_bars)
            return ()
        del self.holds[key]
        # A scale never grows a position by ending (DESIGN section 8).
        return () if hold.scale is not None else self._lifted({hold.rule}, event.account)

    def _rearmed(self, event: Rearmed) -> tuple[Place, ...]:
        """A person lifts what only a person can; pauses run out by themselves.

        A strategy that was stopped by name is started by name.
        """
        lifted = {
            key for key, hold in self.holds.items()
            if hold.latched and hold.rule != STOPPED and event.account in (None, hold.account)
        }  # fmt: skip
        self.holds = {key: hold for key, hold in self.holds.items() if key not in lifted}
        for owner, record in self.equities.items():
            if event.account in (None, owner[0]):
                self.equities[owner] = record.rearmed()
        return self._lifted({rule for *_, rule in lifted}, event.account)

    def _mode_changed(self, event: ModeChanged) -> tuple[Place, ...]:
        if event.mode is TradingMode.TRADING:
            return self._lifted(_MODE_RULES, event.account)
        # A start that may only reduce is over too: what still may not go out is refused by that.
        starts_over = event.mode is TradingMode.REDUCE_ONLY and event.by == "recovery"
        return self._lifted({"starting"}, event.account) if starts_over else ()

    def _limit_changed(self, event: LimitChanged) -> tuple[Place, ...]:
        self.changed = _changed(self.changed, event.key, event.value)
        self._hold_limits()
        field = event.key.rpartition(".")[2]
        every = {rule for rules in self.refused.values() for rule in rules}
        return self._lifted({rule for rule in every if rule.rpartition(".")[2] == field}, None)

    def _loaded(self, event: RunStarted | SettingsReloaded) -> tuple[Place, ...]:
        """The file says something else; what a person changed by hand goes on to hold."""
        if not event.settings:
            return ()  # a start told by a version that did not keep them
        self.file = RiskSettings.model_validate(event.settings.get("risk", {}))
        self._hold_limits()
        # Another limit may let through what this one refused: each is judged anew.
        return self._lifted({rule for rules in self.refused.values() for rule in rules}, None)

    def _hold_limits(self) -> None:
        limits = self.file
        for name, text in self.changed.items():
            limits = with_limit(limits, name, text)
        self.limits = limits
        self._keep = max(self._keep, limits.history_bars())
        self.watches = limits.watches()

    def _lifted(self, rules: AbstractSet[str], account: AccountId | None) -> tuple[Place, ...]:
        """The targets that one of these rules had refused; they are refused no longer."""
        found = tuple(
            place
            for place, refused in self.refused.items()
            if refused & rules and account in (None, place[0])
        )
        for place in found:
            del self.refused[place]
        return found

    def _decided(self, event: Decided) -> None:
        if event.latched_quantity is not None:
            place = (event.account, event.strategy, event.instrument)
            self.latched[place] = event.latched_quantity
            self.refused.pop(place, None)  # it is acted on again

    def _submitted(self, event: OrderSubmitted) -> None:
        self.gate_sequence = max(self.gate_sequence, event.gate_sequence)
        recent = self.bars.by_symbol.get(event.order.instrument)
        price = Decimal(repr(recent.closes[-1])) if recent is not None else None
        self.activity.submitted(event, price, self.limits.day)

    def _denied(self, event: OrderDenied) -> None:
        intent = event.intent
        self.gate_sequence = max(self.gate_sequence, event.gate_sequence)
        if intent.purpose is Purpose.TARGET:
            place = (intent.account, intent.strategy, intent.terms.instrument)
            self.refused[place] = frozenset(reason.rule for reason in event.reasons)

    def _filled(self, event: OrderFilled) -> None:
        fill = event.fill
        sent = self.activity.orders.get(fill.order_id) if fill.order_id else None
        if fill.instrument not in self.instruments:
            return  # the books refuse it; nothing of it can be judged
        if fill.order_id is not None:
            self.activity.answered(fill.order_id, refused=False)
        self.activity.filled(fill, event.ts_known, self.limits.day)
        strategy = None if sent is None else sent.strategy
        self.trips.traded(
            fill, strategy, None if sent is None else sent.order.purpose_at(fill.price)
        )

    def _liquidated(self, event: Liquidated) -> None:
        """A liquidation is a protective exit (R19), of whoever held."""
        if event.instrument not in self.instruments or not event.quantity:
            return
        fill = Fill(
            trade_id=event.trade_id, order_id=None, account=event.account,
            instrument=event.instrument, side=Side.BUY if event.quantity > 0 else Side.SELL,
            quantity=abs(event.quantity), price=event.price, fee=event.fee,
            fee_currency=event.fee_currency, filled_at=utc_at(event.ts_event),
        )  # fmt: skip
        self.activity.filled(fill, event.ts_known, self.limits.day)
        self.trips.traded(fill, None, Purpose.STOP_LOSS)

    def _funded(self, event: FundingPaid) -> None:
        self.trips.paid(event.account, event.instrument, event.amount)

    def _taken(self, event: OrderAccepted | OrderSeen) -> None:
        self.activity.answered(event.order_id, refused=False)

    def _refused(self, event: OrderRejected) -> None:
        self.activity.answered(event.order_id, refused=True)

    def _bar(self, event: BarClosed) -> None:
        before = self.bars.by_symbol.get(event.instrument)
        count = 0 if before is None else before.count
        self.bars.closed(event, self._keep)
        if self.holds and self.bars.by_symbol[event.instrument].count != count:
            self._count_down(event)

    def _count_down(self, event: BarClosed) -> None:
        """One bar less for what only lasts some bars more; an account's go by its first bar."""
        for key, hold in self.holds.items():
            if hold.bars_left and hold.instrument == event.instrument:
                self.holds[key] = replace(hold, bars_left=hold.bars_left - 1)

    def _slice(self, event: SliceClosed) -> None:
        self.bars.sliced(event)
        for key, hold in self.holds.items():
            if hold.bars_left and hold.instrument is None:
                self.holds[key] = replace(hold, bars_left=hold.bars_left - 1)


def _changed(before: dict[str, str], key: str, value: str | None) -> dict[str, str]:
    others = {name: text for name, text in before.items() if name != key}
    return others if value is None else {**others, key: value}


_HEARD: Final[Mapping[type, Callable[[RiskState, Any], tuple[Place, ...] | None]]] = (
    MappingProxyType(
        {
            AccountMarked: RiskState._marked,
            BarClosed: RiskState._bar,
            Decided: RiskState._decided,
            FundingPaid: RiskState._funded,
            Liquidated: RiskState._liquidated,
            LimitChanged: RiskState._limit_changed,
            ModeChanged: RiskState._mode_changed,
            OrderAccepted: RiskState._taken,
            OrderDenied: RiskState._denied,
            OrderFilled: RiskState._filled,
            OrderRejected: RiskState._refused,
            OrderSeen: RiskState._taken,
            OrderSubmitted: RiskState._submitted,
            Rearmed: RiskState._rearmed,
            RiskCleared: RiskState._cleared,
            RiskTripped: RiskState._tripped,
            RunStarted: RiskState._loaded,
            SettingsReloaded: RiskState._loaded,
            SliceClosed: RiskState._slice,
        }
    )
)
"""What each kind of event changes. A table, because every event of a run passes here."""
