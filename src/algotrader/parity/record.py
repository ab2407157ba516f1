"""What the events of a run tell of its decisions: what was wanted, known, sent and filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from algotrader.core.events import (
    BarClosed,
    CashMoved,
    Decided,
    Event,
    FundingPaid,
    HaltRequested,
    HandAction,
    HandAnswered,
    LimitChanged,
    Liquidated,
    ModeChanged,
    OrderAbsent,
    OrderCancelled,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    ParametersSet,
    RearmRequested,
    RunStarted,
    SettingsReloaded,
    SliceClosed,
    StrategyAnswered,
    StrategyReloaded,
    StrategyUnloaded,
)
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, OrderId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import OF_TARGETS, DenialReason, Intent, Order, Purpose
from algotrader.core.symbols import Symbol
from algotrader.engine.inforce import InForce
from algotrader.engine.settings import EngineSettings, owners_of
from algotrader.engine.state import START
from algotrader.parity.reading import Start
from algotrader.parity.standing import NOTHING, Standing
from algotrader.portfolio.positions import Contract

ZERO: Final = Decimal(0)
_OWN: Final = (*OF_TARGETS, Purpose.ORDER, Purpose.GROUP)


class Key(NamedTuple):
    """One decision: of whom, when and about what."""

    decision_ts: int  # UTC ms
    strategy: StrategyId
    instrument: Symbol


@dataclass(slots=True)
class Told:
    """An order from its submission to its end."""

    order: Order
    fills: list[Fill] = field(default_factory=list)
    ended: str | None = None  # rejected, cancelled, expired, absent
    ended_place: int = 0  # of the event that told so
    reason: str = ""  # why it ended so, as the venue or the engine says
    cancel_reason: str = ""  # why we asked for its cancel

    @property
    def filled(self) -> Decimal:
        """Signed."""
        return sum((fill.signed_quantity for fill in self.fills), ZERO)

    @property
    def is_open(self) -> bool:
        """Whether it could still trade where the events end."""
        return self.ended is None and self.filled != self.order.terms.signed_quantity

    @property
    def is_cut(self) -> bool:
        """Whether the gate let less of it through than was wanted (R28)."""
        return self.order.quantity < self.order.intent.terms.quantity


@dataclass(slots=True)
class Outcome:
    """What came of one decision."""

    orders: list[Told] = field(default_factory=list)
    denied: list[tuple[Intent, tuple[DenialReason, ...]]] = field(default_factory=list)

    @property
    def of_strategy(self) -> Sequence[Told]:
        """What the strategy's answer asked for; what guards, risk and people sent is no decision."""
        return [told for told in self.orders if told.order.intent.purpose in _OWN]


class Heard(NamedTuple):
    """A bar, and its place among all that was told: clocks may differ, the order does not."""

    place: int
    bar: BarClosed


class Moved(NamedTuple):
    """Something that changed a strategy's books and was no order of its decisions."""

    place: int
    strategy: StrategyId
    text: str


class Record:
    """The fold of a run's events, as far as decisions are compared.

    What came before what is told by places in the order of events, never by times: a venue's clock
    and ours are two.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.decisions: dict[Key, Decided] = {}
        self.outcomes: dict[Key, Outcome] = {}
        self.orders: dict[OrderId, Told] = {}
        self.slices: dict[tuple[str, int], SliceClosed] = {}  # by time frame and decision
        self.bars: dict[tuple[str, Symbol, int], list[Heard]] = {}  # by frame and open
        self.place = 0  # of the newest event, from 1
        self.slice_places: dict[tuple[str, int], int] = {}  # as `slices`
        self.places: dict[Key, int] = {}  # of decisions
        self.starts: list[tuple[int, Start]] = []  # each with the place of the event before it
        self.in_force: list[tuple[int, InForce]] = []  # code and settings, from a place on
        self.answers: dict[tuple[StrategyId, int], StrategyAnswered] = {}
        self.deposits: list[CashMoved] = []  # before the first slice
        self.added: list[CashMoved] = []  # what an account began with that was added later
        self.withdrawn: set[OrderId] = set()  # a person asked for their end
        self.asked: list[int] = []  # places of what a person stopped or let go on
        self.limits: list[
            tuple[int, Mapping[str, str]]
        ] = []  # a person's, in force from a place on
        self.moved: list[Moved] = []  # what changed the books beside the orders of decisions
        self.standings: dict[StrategyId, Standing] = {}
        self.stood: dict[Key, Standing] = {}  # of the strategy, as it decided
        self.contracts = {
            symbol: Contract.of(instrument) for symbol, instrument in settings.instruments.items()
        }
        self._leaves = {one.account_id for one in settings.accounts if not one.adopts}
        self._owners = {one.account_id: owners_of(settings, one.account_id)
                        for one in settings.accounts}  # fmt: skip

    def hear(self, events: Iterable[Event]) -> None:
        for event in events:
            self.place += 1
            self._hear(event)

    def start(self, start: Start) -> None:
        """The trader was started after the newest event."""
        self.starts.append((self.place, start))

    def _hear(self, event: Event) -> None:
        match event:
            case BarClosed():
                place = (event.timeframe, event.instrument, event.ts)
                self.bars.setdefault(place, []).append(Heard(self.place, event))
            case SliceClosed():
                self.slices[event.timeframe, event.decision_ts] = event
                self.slice_places[event.timeframe, event.decision_ts] = self.place
            case Decided():
                key = Key(event.decision_ts, event.strategy, event.instrument)
                self.decisions[key] = event
                self.places[key] = self.place
                self.stood[key] = self.standings.get(event.strategy, NOTHING)
            case StrategyAnswered():
                self.answers.setdefault((event.strategy, event.decision_ts), event)
            case OrderSubmitted():
                told = self.orders[event.order.order_id] = Told(event.order)
                self.outcome(event.order.intent).orders.append(told)
            case OrderDenied():
                self.outcome(event.intent).denied.append((event.intent, event.reasons))
            case OrderFilled():
                self._filled(event.fill)
            case OrderCancelRequested():
                self._told(event.order_id).cancel_reason = event.reason
            case OrderRejected():
                self._ended(event.order_id, "rejected", f"{event.code} {event.reason}".strip())
            case OrderCancelled():
                self._ended(event.order_id, "cancelled", event.reason)
            case OrderExpired():
                self._ended(event.order_id, "expired", "")
            case OrderAbsent():
                self._ended(event.order_id, "absent", "it never reached the venue")
            case CashMoved():
                if not self.slices:
                    self.deposits.append(event)
                elif event.movement_id == START:
                    self.added.append(event)
                else:
                    self._moved(event.account, f"{event.reason} of {event.amount:+f}")
                self._paid_in(event)
            case FundingPaid():
                owner = self._owners[event.account][event.instrument]
                self.standings[owner] = self._standing(owner).funded(event)
            case Liquidated():
                owner = self._owners[event.account][event.instrument]
                contract = self.contracts[event.instrument]
                self.standings[owner] = self._standing(owner).liquidated(event, contract)
                self.moved.append(Moved(self.place, owner, f"{event.instrument} liquidated"))
            case (
                RunStarted() | SettingsReloaded() | StrategyReloaded() | ParametersSet()
                | StrategyUnloaded()
            ):  # fmt: skip
                before = self.in_force[-1][1] if self.in_force else InForce()
                self.in_force.append((self.place, before.after(event)))
            case ModeChanged():
                if event.by == "operator":
                    self.asked.append(self.place)
            case HaltRequested() | RearmRequested():
                self.asked.append(self.place)
            case HandAnswered() if event.action is HandAction.CANCEL and event.is_accepted:
                if event.order is not None:
                    self.withdrawn.add(event.order)
            case LimitChanged():
                self._limit_changed(event)
            case _:
                pass

    def outcome(self, intent: Intent) -> Outcome:
        """What came of the decision that an intent stands under."""
        at_ms = utc_ms(intent.decided_at)
        return self.outcomes.setdefault(
            Key(at_ms, intent.strategy, intent.terms.instrument), Outcome()
        )

    def force_at(self, key: Key) -> InForce | None:
        """The code and settings that a decision was made under; None if no start told them."""
        place = self.places.get(key, 0)
        held = [one for at, one in self.in_force if at < place and one.settings]
        return held[-1] if held else None

    def is_unloaded(self, strategy: StrategyId, frame: str, at_ms: int) -> bool:
        """Whether a person had put the strategy away when that slice closed."""
        place = self.slice_places.get((frame, at_ms), 0)
        held = [one for at, one in self.in_force if at < place]
        return bool(held) and strategy in held[-1].unloaded

    def limits_at(self, key: Key) -> Sequence[str]:
        """The limits that a person had set by a decision, and that the file has otherwise."""
        held = [limits for at, limits in self.limits if at < self.places[key]]
        return [f"{name} {value}" for name, value in held[-1].items()] if held else []

    def _limit_changed(self, event: LimitChanged) -> None:
        held = dict(self.limits[-1][1]) if self.limits else {}
        held.pop(event.key, None)
        if event.value is not None:
            held[event.key] = f"{event.after} by {event.by}"
        self.limits.append((self.place, held))

    def of(self, key: Key) -> Outcome:
        return self.outcomes.get(key) or Outcome()

    def _told(self, order_id: OrderId) -> Told:
        return self.orders[order_id]

    def _filled(self, fill: Fill) -> None:
        told = self.orders.get(fill.order_id) if fill.order_id is not None else None
        if told is None and fill.account in self._leaves:
            return  # a person's own, beside ours (F36)
        if told is None or told.order.intent.purpose is Purpose.OPERATOR:
            owner = self._owners[fill.account][fill.instrument]
            text = f"{fill.signed_quantity.normalize():+f} {fill.instrument} traded by hand"
            self.moved.append(Moved(self.place, owner, text))
        if told is not None:
            told.fills.append(fill)
            owner = told.order.strategy
        contract = self.contracts[fill.instrument]
        self.standings[owner] = self._standing(owner).filled(fill, contract)

    def _moved(self, account: AccountId, text: str) -> None:
        for one in self.settings.strategies:
            if one.account == account:
                self.moved.append(Moved(self.place, one.strategy, text))

    def _standing(self, strategy: StrategyId) -> Standing:
        return self.standings.get(strategy, NOTHING)

    def _paid_in(self, event: CashMoved) -> None:
        shares = {
            one.strategy: Decimal(repr(one.cash_share))
            for one in self.settings.strategies
            if one.account == event.account
        }
        for name, share in shares.items():
            part = share / sum(shares.values())
            self.standings[name] = self._standing(name).paid_in(event, part)

    def _ended(self, order_id: OrderId, how: str, reason: str) -> None:
        told = self.orders[order_id]
        told.ended, told.reason, told.ended_place = how, reason, self.place
