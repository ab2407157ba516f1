"""Where an engine stands: the fold of its events, one `apply` each. Nothing here decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from algotrader.core.accounts import Account
from algotrader.core.events import (
    AskedTarget,
    BarClosed,
    CashMoved,
    Decided,
    DecisionOutcome,
    EndRequested,
    Event,
    FundingPaid,
    HandAnswered,
    HeartbeatMissed,
    HoldingLeft,
    ImpossibleReply,
    InstrumentChanged,
    IntentRaised,
    Liquidated,
    ModeChanged,
    OrderAbsent,
    OrderAccepted,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    ParametersSet,
    ProtectionMissing,
    ProtectionRestored,
    QuoteSeen,
    RunStarted,
    SettingsReloaded,
    SliceClosed,
    StopTriggered,
    StrategyAnswered,
    StrategyReloaded,
    StrategyUnloaded,
    TimerFired,
    TradingMode,
    WorkEnded,
    WorkStarted,
)
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.ids import AccountId, OrderId, StrategyId, TradeId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.orders import PROTECTIVE, Intent, Order, OrderStatus, Purpose, Side
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.engine import anew
from algotrader.engine.asked_by_hand import AskedByHand
from algotrader.engine.drift import FundingDrift
from algotrader.engine.forgetting import KEPT_BOOKINGS, forget_what_is_over, newest
from algotrader.engine.freshness import Freshness
from algotrader.engine.groups import Groups
from algotrader.engine.inforce import Changed, InForce
from algotrader.engine.left_alone import LeftAlone
from algotrader.engine.looking import Looked, look_at
from algotrader.engine.protected import Place, Protected
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.engine.talks import Talks
from algotrader.engine.works import Work
from algotrader.execution.order_book import OrderBook
from algotrader.execution.order_life import ZERO, LiveOrder, OrderEvent
from algotrader.portfolio.ledger import Ledger
from algotrader.portfolio.positions import exact
from algotrader.portfolio.postings import CashKind, CashMovement
from algotrader.portfolio.rebalancing import RebalanceState
from algotrader.portfolio.sizing import KernelTerms, kernel_terms, whole_lots
from algotrader.portfolio.sub_ledgers import AccountLedger
from algotrader.risk.engine import RiskEngine
from algotrader.risk.holds import strictest

_BOOKED: Final = frozenset({OrderFilled, Liquidated, FundingPaid, CashMoved})
START: Final = "start"
"""The movement of cash that an account's books begin with."""
LEAVE: Final = "leave:"
"""Timers of this name fire when an instrument is to be left before it ends."""
_UNTOUCHED: Final = RebalanceState()


class EngineState:
    """Changed by `apply` alone. Equal events give equal states."""

    def __init__(self, settings: EngineSettings) -> None:
        # Its instruments are its own: the venue may change them while we run (F31).
        settings = replace(settings, instruments=dict(settings.instruments))
        self.settings = settings
        self.terms = kernel_terms(settings.instruments)  # made once: sizing asks for them often
        self.inforce = InForce()
        self.orders = OrderBook()
        self.books: dict[AccountId, AccountLedger] = {
            account.account_id: _empty_books(account, settings) for account in settings.accounts
        }
        self.modes: dict[AccountId, TradingMode] = {
            account.account_id: TradingMode.STARTING for account in settings.accounts
        }
        self.mode_by: dict[AccountId, str] = {}  # who set it
        self.stopped: dict[AccountId, TradingMode] = {}  # what a start has to go on in
        self.closes: dict[Symbol, BarClosed] = {}  # the newest bar of each instrument
        self._marks: dict[Symbol, Decimal] = {}
        self._marked = 0  # how often a price was told
        self._equities: dict[StrategyId, tuple[Ledger, int, Decimal]] = {}  # the newest of each
        self.rebalance: dict[Place, RebalanceState] = {}
        self._looked: dict[Place, tuple[tuple[object, ...], Looked]] = {}  # the newest of each
        self.strategy_states: dict[StrategyId, dict[str, object]] = {}
        self.slices: dict[str, SliceClosed] = {}  # the newest of each time frame
        self.awaited: dict[StrategyId, int] = {}  # asked and not answered: its decision time
        self.answers: dict[StrategyId, StrategyAnswered] = {}  # the newest of each
        self.answered_ts: dict[StrategyId, int] = {}  # decision time of the newest that was made
        self.planned: dict[StrategyId, int] = {}  # decision time of the newest that was acted on
        self.attempts: dict[tuple[StrategyId, Symbol, int, int], int] = {}  # by decision and leg
        self.decided_ts: dict[Place, int] = {}  # decision time that a place is worked for
        self.waiting: dict[Place, OrderId] = {}  # capped, with a rest that is to be tried again
        self.protected = Protected()
        self.talks = Talks()
        self.by_hand = AskedByHand()
        self.groups = Groups()
        self.works: dict[Place, Work] = {}  # increases that are worked over time
        self.frozen: dict[Symbol, str] = {}  # what the venue takes no order of, and why
        self.ending: set[Symbol] = set()  # about to expire: nothing is added (F32)
        self.refusals: dict[tuple[AccountId, Symbol], int] = {}  # in a row (F26)
        self.drift = FundingDrift()
        self.cash_waits: dict[Place, tuple[Intent, ...]] = {}  # increases that wait (R11)
        self.thawing: dict[Place, tuple[Intent, ...]] = {}  # sales whose coins are still frozen
        self.fresh = Freshness(settings.max_quote_age_ms)
        self.legs: dict[tuple[StrategyId, Symbol, int], int] = {}  # orders of a decision so far
        self.gate_sequence = 0
        self.risk = RiskEngine(settings.risk, settings.instruments, settings.run_id)
        self.left_alone = LeftAlone(settings.accounts)
        self.ends = False  # the trader ends: nothing new is sent for a target (F07)
        self._begun: dict[AccountId, int] = {}  # when, by the venue's clock, UTC ms
        self._trades: dict[tuple[AccountId, str, TradeId], None] = {}  # the newest
        self._movements: dict[tuple[AccountId, str], None] = {}  # the newest

    def apply(self, event: Event) -> None:
        """The state after an event. IllegalTransitionError leaves it as it was."""
        kind = type(event)
        if kind in _BOOKED:
            if self.is_booked(event):
                return
            if isinstance(event, OrderFilled) and self.is_left_alone(event.fill):
                self._book(event.fill.key)
                contract = self.books[event.fill.account].whole.contracts[event.fill.instrument]
                self.left_alone.traded(event.fill, contract)
                return
        _FOLDS.get(kind, EngineState._heard)(self, event)
        for _, strategy, symbol in self.risk.apply(event):
            place = (strategy, symbol)
            self.rebalance[place] = self.rebalance.get(place, _UNTOUCHED).retried()

    def has_begun(self, account: AccountId) -> bool:
        """Whether its books have the money that they begin with."""
        return account in self._begun

    def begun_ms(self, account: AccountId) -> int | None:
        """When its books began, by the clock of its venue; None before."""
        return self._begun.get(account)

    def knows_trade(self, key: tuple[AccountId, str, TradeId]) -> bool:
        """Whether a fill of that key is booked."""
        return key in self._trades

    def _book(self, key: tuple[AccountId, str, TradeId]) -> None:
        self._trades[key] = None
        self._trades = newest(self._trades, KEPT_BOOKINGS)

    def is_booked(self, event: Event) -> bool:
        """Whether a booking was told before: it is booked once, by the books and by risk."""
        if type(event) not in _BOOKED:
            return False
        match event:
            case OrderFilled():
                return self.knows_trade(event.fill.key)
            case Liquidated():
                return (event.account, str(event.instrument), event.trade_id) in self._trades
            case FundingPaid() | CashMoved():
                return _movement_key(event) in self._movements
            case _:
                return False

    def is_left_alone(self, fill: Fill) -> bool:
        """Whether a trade is a person's, on an account that leaves those alone."""
        # An order of ours that the journal lost is ours all the same.
        return fill.order_id is None and self.left_alone.concerns(fill.account)

    def _left(self, event: HoldingLeft) -> None:
        self.left_alone.told(event.account, event.instrument, event.quantity)

    def price(self, symbol: Symbol) -> float:
        """Last close, NaN before the first."""
        bar = self.closes.get(symbol)
        return math.nan if bar is None else bar.close

    def mark(self, symbol: Symbol) -> Decimal | None:
        """Last close, None before the first."""
        return self._marks.get(symbol)

    def marks(self) -> Mapping[Symbol, Decimal]:
        """Last closes of everything that has one: a view, which goes on with the next bar."""
        return self._marks

    def equity(self, instance: StrategyInstance) -> Decimal:
        """A strategy's own part of its account at the last prices (R8, R27)."""
        part = self.books[instance.account].parts[instance.strategy]
        known = self._equities.get(instance.strategy)
        # Asked with and then planned with: books and prices stood still in between.
        if known is not None and known[0] is part and known[1] == self._marked:
            return known[2]
        equity = part.equity(self._marks)
        self._equities[instance.strategy] = (part, self._marked, equity)
        return equity

    def _bar(self, event: BarClosed) -> None:
        newest = self.closes.get(event.instrument)
        # By its close; of bars of several lengths that close at once the shortest counts.
        if newest is None or (event.ts_event, event.ts) >= (newest.ts_event, newest.ts):
            self.closes[event.instrument] = event
            self._marks[event.instrument] = Decimal(repr(event.close))
            self._marked += 1
        self.fresh.closed(event)

    def _quoted(self, event: QuoteSeen) -> None:
        self.fresh.seen(event)

    def _fell_silent(self, event: HeartbeatMissed) -> None:
        self.fresh.missed(event)

    def _answered(self, event: StrategyAnswered) -> None:
        if self.awaited.get(event.strategy) == event.decision_ts:
            del self.awaited[event.strategy]
            self.answers[event.strategy] = event
            if event.outcome is DecisionOutcome.DECIDED:
                self.answered_ts[event.strategy] = event.decision_ts
                self.strategy_states[event.strategy] = dict(event.state)
                self._talked(event)

    def _denied(self, event: OrderDenied) -> None:
        self.talks.denied(event.intent)
        self.groups.denied(event.intent)
        self.protected.lost(event.intent)
        self._count_leg(event.intent)
        self.gate_sequence = max(self.gate_sequence, event.gate_sequence)
        if self._has_waited(event.intent):
            anew.dropped(self, event.intent, event.ts_known)
        self._judged(event.intent)

    def _answered_by_hand(self, event: HandAnswered) -> None:
        self.by_hand.answered(event)

    def _mode_changed(self, event: ModeChanged) -> None:
        before, starts = self.modes[event.account], event.mode is TradingMode.STARTING
        self.ends = self.ends and not starts
        was_starting = before is TradingMode.STARTING
        if starts and not was_starting:
            was_silent = self.mode_by.get(event.account) == "silence"
            self.stopped[event.account] = TradingMode.TRADING if was_silent else before
        elif was_starting and not starts and event.by == "venue":
            # It goes on starting: nothing may go out yet, and afterwards no more than this.
            kept = self.stopped.get(event.account, TradingMode.TRADING)
            self.stopped[event.account] = strictest(kept, event.mode)
            return
        self.modes[event.account] = event.mode
        self.mode_by[event.account] = event.by
        if event.by == "recovery" and was_starting and not starts:
            # What was never answered is asked anew, with all that was heard since.
            for strategy, asked_ms in list(self.awaited.items()):
                instance = self.settings.instance(strategy)
                if instance.account != event.account:
                    continue
                if event.ts_known - asked_ms < Timeframe.parse(instance.timeframe).ms:
                    self.talks.asked(strategy)
                else:
                    del self.awaited[strategy]  # its bar is over: nobody waits for it (R24)

    def _ending(self, _: EndRequested) -> None:
        self.ends = True

    def _settled(self, event: Changed) -> None:
        self.inforce = self.inforce.after(event)

    def _unloaded(self, event: StrategyUnloaded) -> None:
        """It holds nothing: when it is loaded again, its first target is a new one."""
        self._settled(event)
        for place in [place for place in self.rebalance if place[0] == event.strategy]:
            del self.rebalance[place]

    def is_loaded(self, instance: StrategyInstance) -> bool:
        """Whether it is asked: a person may have put it away."""
        return instance.strategy not in self.inforce.unloaded

    def _nothing(self, event: ImpossibleReply | IntentRaised) -> None:
        """They are for people to read."""

    def _slice(self, event: SliceClosed) -> None:
        self.slices[event.timeframe] = event
        if self.groups.legs:
            self._forget_groups(event.timeframe)
        for instance in self.settings.strategies:
            if instance.timeframe == event.timeframe and self.is_loaded(instance):
                self.awaited[instance.strategy] = event.decision_ts
                self.talks.asked(instance.strategy)
        for strategy, symbol in tuple(self.protected.blocks):
            ours = self.settings.instance(strategy).timeframe == event.timeframe
            if ours and symbol in event.instruments:
                self.protected.bar_closed((strategy, symbol))

    def _forget_groups(self, timeframe: str) -> None:
        """Those of strategies that decide now; what a start has to compare first is kept."""
        over = {
            instance.strategy
            for instance in self.settings.strategies
            if instance.timeframe == timeframe
            and self.modes[instance.account] is not TradingMode.STARTING
        }
        waits = (intent for waiting in self.thawing.values() for intent in waiting)
        self.groups.forget_over(over, [*(live.order.intent for live in self.orders.open()), *waits])

    def look(
        self, instance: StrategyInstance, symbol: Symbol, target: float | None, is_scheduled: bool
    ) -> Looked:
        """What the newest decision does with a target. Nothing is changed by it."""
        place = (instance.strategy, symbol)
        before, block = self.rebalance.get(place, _UNTOUCHED), self.protected.blocks.get(place)
        has_bar = symbol in self.slices[instance.timeframe].instruments
        # Planned with and then folded: the same question, asked twice in a row.
        question = (before, block, target, is_scheduled, has_bar)
        known = self._looked.get(place)
        if known is not None and known[0] == question:
            return known[1]
        looked = look_at(
            before,
            block,
            math.nan if target is None else target,
            rule=instance.rebalance,
            reenter_after=instance.reenter_after,
            is_scheduled=is_scheduled,
            has_bar=has_bar,
        )
        self._looked[place] = (question, looked)
        return looked

    def _decided(self, event: Decided) -> None:
        place = (event.strategy, event.instrument)
        self.planned[event.strategy] = event.decision_ts
        answer = self.answers.get(event.strategy)
        looked = self.look(
            self.settings.instance(event.strategy),
            event.instrument,
            event.target,
            answer is None or answer.is_scheduled,
        )
        state = looked.state
        if looked.is_lifted:
            self.protected.lift(place)
        if event.latched_quantity is not None:
            state = state.acted_on(event.latched_quantity)
            self.decided_ts[place] = event.decision_ts
            self.waiting.pop(place, None)
            self.cash_waits.pop(place, None)
            self.works.pop(place, None)
            if self.thawing:  # acting on a target begins anew (R10)
                self._keep_thawing(place, lambda one: one.purpose is not Purpose.TARGET)
        instance = self.settings.instance(event.strategy)
        if event.instrument in self.slices[instance.timeframe].instruments:
            # A quantity counts at the decision that asked for it, or at the next bar (R3).
            asked = self.talks.quantities.pop(place, None)
            if asked is not None and event.latched_quantity is not None:
                self.protected.lift(place)
        self.rebalance[place] = state

    def _relisted(self, event: InstrumentChanged) -> None:
        known = self.settings.instruments[event.instrument]
        frozen = event.frozen
        if event.multiplier != known.multiplier:
            frozen = f"one contract is {event.multiplier} now, it was {known.multiplier}"
        else:
            ends_at = None if event.expires_ms is None else utc_at(event.expires_ms)
            now = replace(
                known, tick=event.tick, lot=event.lot, min_quantity=event.min_quantity,
                expires_at=ends_at,
            )  # fmt: skip
            for held in (self.settings.instruments, self.risk.state.instruments):
                if isinstance(held, dict):
                    held[event.instrument] = now
            self.terms[event.instrument] = KernelTerms.of(now)
        self.ending.discard(event.instrument)
        if frozen is None:
            self.frozen.pop(event.instrument, None)
        else:
            self.frozen[event.instrument] = frozen

    def _woken(self, event: TimerFired) -> None:
        if event.name.startswith(LEAVE):
            self.ending.add(Symbol.parse(event.name.removeprefix(LEAVE)))

    def _work_started(self, event: WorkStarted) -> None:
        intent = event.intent
        self.works[intent.strategy, intent.terms.instrument] = Work.of(event)
        self._judged(intent)

    def _work_ended(self, event: WorkEnded) -> None:
        place = (event.strategy, event.instrument)
        work = self.works.pop(place, None)
        if work is not None:
            anew.work_ended(self, place, work, event.ts_known)

    def _bared(self, event: ProtectionMissing) -> None:
        self.protected.bare[event.strategy, event.instrument] = event.ts_known

    def _restored(self, event: ProtectionRestored) -> None:
        self.protected.bare.pop((event.strategy, event.instrument), None)

    def _raised(self, event: IntentRaised) -> None:
        intent = event.intent
        place = (intent.strategy, intent.terms.instrument)
        is_sale = intent.terms.side is Side.SELL and place[1] in self.settings.freezing
        kept = self.thawing if is_sale else self.cash_waits
        kept[place] = (*kept.get(place, ()), intent)

    def _has_waited(self, intent: Intent) -> bool:
        place = (intent.strategy, intent.terms.instrument)
        waits = (*self.cash_waits.get(place, ()), *self.thawing.get(place, ()))
        return any(_is_same(one, intent) for one in waits)

    def _judged(self, intent: Intent) -> None:
        """What was raised became an order, or was denied."""
        if intent.purpose is Purpose.TARGET:
            self.cash_waits.pop((intent.strategy, intent.terms.instrument), None)
        if self.thawing:
            self._keep_thawing(
                (intent.strategy, intent.terms.instrument), lambda one: not _is_same(one, intent)
            )

    def _keep_thawing(self, place: Place, stays: Callable[[Intent], bool]) -> None:
        kept = tuple(one for one in self.thawing.pop(place, ()) if stays(one))
        if kept:
            self.thawing[place] = kept

    def _submitted(self, event: OrderSubmitted) -> None:
        intent = event.order.intent
        self._judged(intent)
        self.orders.submit(event)
        self.gate_sequence = max(self.gate_sequence, event.gate_sequence)
        key = (intent.strategy, intent.terms.instrument, utc_ms(intent.decided_at), intent.leg)
        self.talks.submitted(event.order)
        self.groups.submitted(event.order)
        self._count_leg(intent)
        if intent.parent is None:
            self.attempts[key] = max(self.attempts.get(key, 0), intent.attempt + 1)
        self.protected.submitted(event.order)
        if intent.purpose is Purpose.TARGET:
            place = (intent.strategy, intent.terms.instrument)
            self.waiting.pop(place, None)
            wanted = self.rebalance.get(place, _UNTOUCHED)
            if wanted.acted is None and wanted.latched is not None:
                # What had been refused goes out without a new decision.
                self.rebalance[place] = wanted.acted_on(wanted.latched)

    def _filled(self, event: OrderFilled) -> None:
        fill = event.fill
        self._book(fill.key)
        books = self.books[fill.account]
        if fill.order_id is not None and fill.order_id in self.orders:
            order = self.orders[fill.order_id].order
            before = self.orders[fill.order_id]
            live = self.orders.hear(event)
            owner = {order.strategy: fill.signed_quantity}
            self._order_traded(order, event, books)
            if live.is_final and not before.is_final:
                self._ended(live, event.ts_known)
        else:
            owner = {self.owner_of(fill.account, fill.instrument): fill.signed_quantity}
        self.books[fill.account] = books.apply_fill(fill, owner)
        self._forget_openers(fill, owner)

    def _forget_openers(self, event: Fill | Liquidated, owner: Iterable[StrategyId]) -> None:
        """What orders opened is gone when nothing, or the other side, is held (R19)."""
        if not self.protected.openers and not self.protected.unmade:
            return
        lot = self.settings.instruments[event.instrument].lot
        for strategy in owner:
            part = self.books[event.account].parts[strategy]
            lots = whole_lots(part.position(event.instrument).quantity, lot)
            place = (strategy, event.instrument)
            if not lots:
                self.protected.flat(place)
            for order_id in self.protected.openers_of(place):
                if self.orders[order_id].order.side.sign * lots <= 0:
                    self.protected.gone(order_id)

    def _order_traded(self, order: Order, event: OrderFilled, books: AccountLedger) -> None:
        fill = event.fill
        held = books.parts[order.strategy].position(fill.instrument)
        with exact():
            signed = fill.signed_quantity
            closing = min(abs(held.quantity), abs(signed)) if held.quantity * signed < 0 else ZERO
            opened = abs(signed) - closing
            lot = self.settings.instruments[fill.instrument].lot
            if not whole_lots(opened, lot):
                opened = ZERO  # dust that a fee in the coin left: it closed, but for rounding (R9)
            coin = fill.fee_currency == held.contract.base and held.contract.is_spot
            fee = fill.fee if coin and opened else ZERO
        if self.settings.instance(order.strategy).by_bar:
            in_quote = fill.fee_currency != held.contract.base or not held.contract.is_spot
            self.talks.traded(
                order.strategy,
                fill.instrument,
                event.ts_event,
                order,
                fill.signed_quantity,
                fill.price,
                fill.fee if in_quote else fill.fee * fill.price,
                is_maker=fill.liquidity is Liquidity.MAKER,
                is_opening=opened > 0,
            )
        place = (order.strategy, order.instrument)
        if order.intent.purpose is Purpose.SLICE and place in self.works:
            work = self.works[place]
            with exact():
                self.works[place] = replace(work, filled=work.filled + fill.quantity)
        is_exit = order.order_id in self.protected.exits
        self.protected.traded(order, opened, fill.price, fee)
        if order.intent.purpose in PROTECTIVE:
            self.protected.sold(order, fill.quantity, lot)
        if order.order_id in self.protected.exits and not is_exit:
            self._forget_waiting(order)

    def _forget_waiting(self, exit_: Order) -> None:
        """An exit ends what was left of the entry, a rest that waits included (R19)."""
        place = (exit_.strategy, exit_.instrument)
        work = self.works.get(place)
        if work is not None and work.intent.terms.side is not exit_.side:
            del self.works[place]
        waiting = self.waiting.get(place)
        if waiting is not None and self.orders[waiting].order.side is not exit_.side:
            del self.waiting[place]

    def owner_of(self, account: AccountId, symbol: Symbol) -> StrategyId:
        """Whose position an instrument is on an account, whoever traded it (R27). KeyError if none's."""
        for instance in self.settings.strategies:
            if instance.account == account and symbol in instance.instruments:
                return instance.strategy
        raise KeyError(f"no strategy of account {account} trades {symbol}")

    def _liquidated(self, event: Liquidated) -> None:
        self._book((event.account, str(event.instrument), event.trade_id))
        self._left_by_venue(event)
        owner = self.owner_of(event.account, event.instrument)
        self.books[event.account] = self.books[event.account].apply_liquidation(event, owner)
        self._forget_openers(event, (owner,))

    def _left_by_venue(self, event: Liquidated) -> None:
        for instance in self.settings.strategies:
            place = (instance.strategy, event.instrument)
            if instance.account == event.account and event.instrument in instance.instruments:
                self.protected.liquidated(*place, event.quantity)
                self._tell_liquidation(instance, event)
                self.works.pop(place, None)
                self.waiting.pop(place, None)

    def _tell_liquidation(self, instance: StrategyInstance, event: Liquidated) -> None:
        held = self.books[event.account].parts[instance.strategy].position(event.instrument)
        if instance.by_bar and held.quantity:
            self.talks.traded(
                instance.strategy, event.instrument, event.ts_event, None, -held.quantity,
                event.price, event.fee, is_maker=False, is_opening=False,
            )  # fmt: skip

    def _talked(self, event: StrategyAnswered) -> None:
        self.talks.answered(event)
        for one in event.asked:
            if isinstance(one, AskedTarget) and one.quantity is not None:
                # A quantity takes the place of the weight that stood.
                self.rebalance[event.strategy, one.instrument] = _UNTOUCHED

    def _count_leg(self, intent: Intent) -> None:
        if intent.parent is None:
            key = (intent.strategy, intent.terms.instrument, utc_ms(intent.decided_at))
            self.legs[key] = max(self.legs.get(key, 0), intent.leg + 1)

    def _booked(self, event: FundingPaid | CashMoved) -> None:
        books = self.books[event.account]
        self._movements[_movement_key(event)] = None
        self._movements = newest(self._movements, KEPT_BOOKINGS)
        if _movement_key(event)[1] == START:
            self._begun[event.account] = event.ts_event
        if isinstance(event, FundingPaid):
            self.drift.paid(event, self.settings.instruments[event.instrument].multiplier)
            owner = self.owner_of(event.account, event.instrument)
            self.books[event.account] = books.apply_funding(event, owner)
            return
        movement = CashMovement(
            kind=CashKind(event.reason),
            currency=event.currency,
            amount=event.amount,
            moved_at=utc_at(event.ts_event),
        )
        shares = {
            instance.strategy: Decimal(repr(instance.cash_share))
            for instance in self.settings.strategies
            if instance.account == event.account
        }
        self.books[event.account] = books.apply_cash(movement, shares)

    def _heard(self, event: Event) -> None:
        if not isinstance(event, OrderEvent) or isinstance(event, OrderFilled):
            return
        if self.orders.has_forgotten and event.order_id not in self.orders:
            return  # it ended thousands of orders ago
        before = self.orders[event.order_id]
        live = self.orders.hear(event)
        if isinstance(event, OrderRejected):
            key = (event.account, event.instrument)
            self.refusals[key] = self.refusals.get(key, 0) + 1
        elif isinstance(event, OrderAccepted) and self.refusals:
            self.refusals.pop((event.account, event.instrument), None)
        if isinstance(event, OrderAbsent):
            self.protected.lost(live.order.intent)
        if isinstance(event, StopTriggered) and live.order.intent.purpose in PROTECTIVE:
            self.protected.triggered(live.order)
            self._forget_waiting(live.order)
        if live.is_final and not before.is_final:
            self._ended(live, event.ts_known)

    def _ended(self, live: LiveOrder, now_ms: int) -> None:
        """What the end of an order changes, whichever of its news was the last."""
        intent = live.order.intent
        self.talks.ended(live.order, live.status)
        self.risk.state.activity.ended(live.order.order_id)
        self.groups.ended(live)
        anew.order_ended(self, live, now_ms)
        has_rest = live.status is OrderStatus.EXPIRED and live.filled < live.quantity
        is_capped = intent.purpose is Purpose.TARGET and intent.terms.limit is not None
        withdrawn = live.order.order_id in self.by_hand.ended
        if has_rest and is_capped and not withdrawn:
            self._wait(live.order)
        forget_what_is_over(self)

    def _wait(self, order: Order) -> None:
        """R13: what a capped order left is tried again, unless the position was left meanwhile."""
        place = (order.strategy, order.instrument)
        if utc_ms(order.intent.decided_at) < self.decided_ts.get(place, 0):
            return  # a newer target was acted on, and starts from the position (R10)
        block = self.protected.blocks.get(place)
        if block is None or block.sign != order.side.sign:
            self.waiting[place] = order.order_id


_FOLDS: Final[Mapping[type, Callable[[EngineState, Any], None]]] = MappingProxyType(
    {
        BarClosed: EngineState._bar,
        QuoteSeen: EngineState._quoted,
        WorkStarted: EngineState._work_started,
        WorkEnded: EngineState._work_ended,
        TimerFired: EngineState._woken,
        InstrumentChanged: EngineState._relisted,
        HeartbeatMissed: EngineState._fell_silent,
        SliceClosed: EngineState._slice,
        StrategyAnswered: EngineState._answered,
        Decided: EngineState._decided,
        OrderSubmitted: EngineState._submitted,
        OrderDenied: EngineState._denied,
        OrderFilled: EngineState._filled,
        FundingPaid: EngineState._booked,
        CashMoved: EngineState._booked,
        Liquidated: EngineState._liquidated,
        ModeChanged: EngineState._mode_changed,
        HandAnswered: EngineState._answered_by_hand,
        HoldingLeft: EngineState._left,
        EndRequested: EngineState._ending,
        RunStarted: EngineState._settled,
        SettingsReloaded: EngineState._settled,
        StrategyReloaded: EngineState._settled,
        ParametersSet: EngineState._settled,
        StrategyUnloaded: EngineState._unloaded,
        ImpossibleReply: EngineState._nothing,
        IntentRaised: EngineState._raised,
        ProtectionMissing: EngineState._bared,
        ProtectionRestored: EngineState._restored,
    }
)
"""What each kind changes beside risk; all others speak of an order. Every event passes here."""


def _is_same(one: Intent, other: Intent) -> bool:
    """Whether both are the same wish, perhaps cut or tried again."""
    return (one.decided_at, one.leg, one.purpose, one.number) == (
        other.decided_at, other.leg, other.purpose, other.number,
    )  # fmt: skip


def _movement_key(event: FundingPaid | CashMoved) -> tuple[AccountId, str]:
    if isinstance(event, CashMoved):
        return event.account, event.movement_id
    return event.account, f"{event.instrument} {event.settlement_id}"


def _empty_books(account: Account, settings: EngineSettings) -> AccountLedger:
    instances = [one for one in settings.strategies if one.account == account.account_id]
    symbols = sorted({symbol for instance in instances for symbol in instance.instruments})
    return AccountLedger.open(
        account.currency,
        [settings.instruments[symbol] for symbol in symbols],
        [instance.strategy for instance in instances],
    )
