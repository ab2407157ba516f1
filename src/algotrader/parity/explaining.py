"""Each decision against its twin, and the one cause of a difference.

Evidence goes from the nearest to the farthest: the bars it was made on, what became of its order,
then what earlier differences had left: another position, another equity. Only what the journal
shows counts as a cause; what it does not show is `unknown`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from algotrader.core.events import Decided
from algotrader.core.ids import StrategyId
from algotrader.engine.inforce import InForce
from algotrader.engine.settings import StrategyInstance
from algotrader.parity.asknown import AsKnown
from algotrader.parity.causes import Cause, Compared, Result, Sameness
from algotrader.parity.evidence import BarDifference, KnownBars, Uptime
from algotrader.parity.memory import Memory
from algotrader.parity.reasons import (
    Reason,
    equity_text,
    moment,
    number,
    signed,
    size_text,
    terms_of,
)
from algotrader.parity.record import Key, Outcome, Record, Told
from algotrader.parity.standing import ZERO, EquityGap, gap_of
from algotrader.parity.today import Change
from algotrader.portfolio.positions import exact
from algotrader.risk.holds import KILL_SWITCH, STOPPED

_SIZING: Final = ("risk", "accounts", "backtest")  # sections that sizes and limits come from
_MOST_CHANGES: Final = 3
_SAME: Final = 1e-12  # targets that differ by less than this part are the same number
_SAME_MONEY: Final = Decimal("1e-9")  # of equity: the books agree to this part (P16)
_NEVER_WORKED: Final = ("rejected", "absent")
_OPERATOR_RULES: Final = (KILL_SWITCH, STOPPED, "halt")
_RESTART_RULES: Final = ("starting", "reduce_only")


class Explainer:
    """Goes through the decisions in their order; what it found shapes what follows."""

    def __init__(
        self,
        live: Record,
        today: Record,
        *,
        bars: Mapping[StrategyId, KnownBars],
        known: Mapping[StrategyId, AsKnown],
        uptime: Uptime,
        changes: Callable[[InForce], Sequence[Change]],
    ) -> None:
        self._live = live
        self._today = today
        self._bars = bars
        self._known = known
        self._uptime = uptime
        self._changes = changes
        self._known_changes: dict[
            int, Sequence[Change]
        ] = {}  # by the identity of what was in force
        self._memory = Memory(live)

    def compare(self, key: Key) -> Compared:
        live, today = self._live.decisions.get(key), self._today.decisions.get(key)
        came = (_came(self._live.of(key)), _came(self._today.of(key)))
        gap = None if live is None or today is None else self._gap(key, live, today)
        self._memory.note_moves(key)
        reason, sameness = self._judged(key, live, today, came, gap)
        self._memory.remember(key, reason, came)
        if live is not None and today is not None:
            self._note_state(key, live, today, reason)
        return Compared(
            key=key, journal=live, backtest=today, came=came, sameness=sameness,
            cause=None if reason is None else reason.cause,
            text="" if reason is None else reason.text, gap=gap,
        )  # fmt: skip

    def _note_state(self, key: Key, live: Decided, today: Decided, reason: Reason | None) -> None:
        """What a bar-by-bar strategy remembers differs for the reason of this decision, or its bars."""
        why = reason if reason is not None and reason.cause is not Cause.PATH else None
        if why is None and live.state != today.state:
            found = self._bars[key.strategy].newest(key.decision_ts, key.instrument)
            why = None if found is None else Reason(found.cause, found.text)
        self._memory.note_state(key, live.state == today.state, why)

    def _judged(
        self,
        key: Key,
        live: Decided | None,
        today: Decided | None,
        came: tuple[Result, Result],
        gap: EquityGap | None,
    ) -> tuple[Reason | None, Sameness]:
        if live is None or today is None:
            return self._alone(key, is_live=live is not None), Sameness.DIFFERENT
        if live.outcome is not today.outcome:
            text = f"the strategy {live.outcome.value}: {live.error or today.error}"
            return Reason(Cause.UNKNOWN, text), Sameness.DIFFERENT
        if not same_number(live.target, today.target):
            return self._other_target(key, live, today), Sameness.DIFFERENT
        if live.price != today.price:
            return self._other_price(key, live, today), Sameness.DIFFERENT
        reason = self._other_result(key, came)
        if reason is not None:
            return reason, Sameness.DIFFERENT
        return self._other_size(key, live, today, came, gap)

    # One side alone

    def _alone(self, key: Key, *, is_live: bool) -> Reason:
        at = key.decision_ts
        if is_live:
            found = self._bars[key.strategy].newest(at, key.instrument)
            text = "today's data has no bar that closes then" if found is None else found.text
            return Reason(Cause.BAR_REVISED, text)
        frame = self._instance(key.strategy).timeframe
        if self._live.is_unloaded(key.strategy, frame, at):
            return Reason(Cause.OPERATOR, "not decided: a person had unloaded the strategy")
        down = self._uptime.down_at(frame, at)
        if down is not None:
            text = f"not decided: the trader was started again at {moment(down.time_ms)}"
            return Reason(Cause.RESTART, text)
        found = self._bars[key.strategy].newest(at, key.instrument)
        if (frame, at) not in self._live.slices and found is not None and found.from_ms == at:
            return Reason(found.cause, f"not decided; {found.text}")
        return Reason(Cause.UNKNOWN, "the bars were there, and the strategy never answered")

    # Decided otherwise

    def _other_target(self, key: Key, live: Decided, today: Decided) -> Reason:
        said = f"wanted {number(live.target)}, {number(today.target)} in the backtest"
        known = self._known.get(key.strategy)
        found = self._bars[key.strategy].newest(key.decision_ts, key.instrument)
        if found is not None and self._may_be_why(found, key, live):
            return Reason(found.cause, f"{said}; {found.text}")
        if known is None:
            reason = self._of_state(key, said)
            if reason is not None:
                return reason
            if found is not None:
                return Reason(found.cause, f"{said}; {found.text}")
        changed = self._configuration(key, said)
        return changed or Reason(Cause.UNKNOWN, f"{said}; the bars known then give no reason")

    def _may_be_why(self, found: BarDifference, key: Key, live: Decided) -> bool:
        """Proved where targets are a function of history; else it must be news since all was equal."""
        known = self._known.get(key.strategy)
        if known is not None:
            return known.gives(key, live.target)
        equal = self._memory.equal.get((key.strategy, key.instrument))
        return equal is None or found.from_ms > equal.decision_ts

    def _of_state(self, key: Key, said: str) -> Reason | None:
        """A bar-by-bar strategy looks at its position and money, and keeps a state of its own."""
        memory = self._memory
        earlier = (
            memory.last.get((key.strategy, key.instrument))
            or memory.states.get(key.strategy)
            or memory.roots.get(key.strategy)
        )
        if earlier is not None:
            return Reason(earlier.reason.cause, f"{said}; {earlier}", earlier.reason.named())
        start = self._uptime.restarted_before(self._live.places[key])
        if start is not None:
            return Reason(Cause.RESTART, f"{said}; restarted at {moment(start.time_ms)}")
        return None

    def _other_price(self, key: Key, live: Decided, today: Decided) -> Reason:
        found = self._bars[key.strategy].own(key.decision_ts, key.instrument)
        said = f"sized at {live.price:.10g}, {today.price:.10g} in the backtest"
        if found is None:
            return Reason(Cause.UNKNOWN, f"{said}; the bars known then give no reason")
        return Reason(found.cause, f"{said}; {found.text}")

    # What came of it

    def _other_result(self, key: Key, came: tuple[Result, Result]) -> Reason | None:
        """What happened to the orders of this very decision."""
        ours, theirs = self._live.of(key), self._today.of(key)
        for told in ours.of_strategy:
            if told.ended in _NEVER_WORKED and self._ended_otherwise(told):
                return self._of_order(key, told)
        if _came_to_the_same(came):
            return None
        denied = self._denied(key, ours, theirs)
        if denied is not None:
            return denied
        for told in ours.of_strategy:
            if not told.is_open and not self._is_done_alike(told):
                return self._of_order(key, told)
        return None

    def _ended_otherwise(self, told: Told) -> bool:
        """What was refused leaves no rest to try again (R13), what expired does."""
        twin = self._today.orders.get(told.order.order_id)
        return twin is None or twin.ended != told.ended

    def _is_done_alike(self, told: Told) -> bool:
        """Filled whole, or to the same part as the same order of the backtest."""
        if told.filled == told.order.terms.signed_quantity:
            return True
        twin = self._today.orders.get(told.order.order_id)
        if twin is None:
            return False
        with exact():
            return twin.filled * told.order.quantity == told.filled * twin.order.quantity

    def _of_order(self, key: Key, told: Told) -> Reason:
        want, got = signed(told.order.terms.signed_quantity), signed(told.filled or None)
        if told.ended == "rejected":
            return Reason(Cause.REJECTED, f"{want} was rejected: {told.reason}")
        if told.ended == "absent":
            lost = self._uptime.restarted_between(self._live.places[key], told.ended_place)
            cause = Cause.RESTART if lost else Cause.REJECTED
            return Reason(cause, f"{want} never reached the venue")
        stopped = told.cancel_reason in ("halted", "a risk rule")
        by_hand = told.order.order_id in self._live.withdrawn
        if by_hand or (stopped and self._memory.asked(key, told.ended_place)):
            return Reason(Cause.OPERATOR, f"{want} was cancelled by a person, {got} was filled")
        return Reason(Cause.PARTIAL_FILL, f"{got} of {want} was filled")

    def _denied(self, key: Key, ours: Outcome, theirs: Outcome) -> Reason | None:
        """Orders of the backtest that our own rules refused, or cut, while trading."""
        if len(ours.denied) > len(theirs.denied):
            intent, reasons = ours.denied[-1]
            rules = [reason.rule for reason in reasons]
            quantity = signed(intent.terms.signed_quantity)
            said = "; ".join(reason.message for reason in reasons)
            text = f"{quantity} was denied by {', '.join(rules)}: {said}"
            if any(rule in _OPERATOR_RULES for rule in rules):
                return Reason(Cause.OPERATOR, text)
            if any(rule in _RESTART_RULES for rule in rules):
                return Reason(Cause.RESTART, text)
            return self._by_limits(key, text)
        cut = next((told for told in ours.of_strategy if told.is_cut), None)
        if cut is None or any(told.is_cut for told in theirs.of_strategy):
            return None
        wanted, left = cut.order.intent.terms.signed_quantity, cut.order.terms.signed_quantity
        return self._by_limits(key, f"{signed(wanted)} was cut to {signed(left)} by our limits")

    def _by_limits(self, key: Key, text: str) -> Reason:
        """Limits are others because a person changed them, the file did, or only trading has them."""
        limits = self._live.limits_at(key)
        if limits:
            return Reason(Cause.OPERATOR, f"{text}; {', '.join(limits)}")
        return self._configuration(key, text, *_SIZING) or Reason(Cause.DENIED, text)

    # Sized otherwise

    def _other_size(
        self,
        key: Key,
        live: Decided,
        today: Decided,
        came: tuple[Result, Result],
        gap: EquityGap | None,
    ) -> tuple[Reason | None, Sameness]:
        same_size = (
            live.latched_quantity == today.latched_quantity
            and live.lots == today.lots
            and _came_to_the_same(came)
        )
        if gap is None:
            if same_size:
                return None, Sameness.EQUAL
            return self._other_state(key, live, today), Sameness.DIFFERENT
        if abs(gap.rest) > _SAME_MONEY * max(abs(live.equity), Decimal(1)):
            text = f"equity differs by {gap.whole:+f}, of which {gap.rest:+f} has no booking"
            return Reason(Cause.UNKNOWN, text), Sameness.DIFFERENT
        if not (same_size or self._size_follows(key, live, today)):
            return self._other_state(key, live, today), Sameness.DIFFERENT
        text = equity_text(live, today, gap)
        if not same_size:
            text = f"{size_text(live, today)}: {text}"
        root = self._memory.roots.get(key.strategy)
        if root is not None:
            text += f"; {root}"
        return Reason(Cause.PATH, text, terms_of(gap)), Sameness.WEIGHT

    def _size_follows(self, key: Key, live: Decided, today: Decided) -> bool:
        """Whether the same weight of the two equities gives the two sizes, to a lot (R8, R9)."""
        ours, theirs = live.latched_quantity, today.latched_quantity
        if ours == theirs:
            return True
        if ours is None or theirs is None:
            instance = self._instance(key.strategy)
            # A band looks at what is held, and that depends on the money (R10).
            return instance.by_bar or instance.sizing.band > 0
        lot = self._live.settings.instruments[key.instrument].lot
        with exact():
            return abs(ours - theirs * live.equity / today.equity) <= lot

    def _other_state(self, key: Key, live: Decided, today: Decided) -> Reason:
        """Wished alike, on equal money, and sized otherwise."""
        said = size_text(live, today)
        if self._memory.asked(key):
            return Reason(Cause.OPERATOR, f"{said}; a person had stopped trading or let it go on")
        earlier = self._memory.last.get((key.strategy, key.instrument))
        if earlier is not None:
            return Reason(earlier.reason.cause, f"{said}; {earlier}", earlier.reason.named())
        rules = {one.rule for one in live.rules} ^ {one.rule for one in today.rules}
        if rules:
            return self._by_limits(key, f"{said}; by {', '.join(sorted(rules))}")
        return self._configuration(key, said, *_SIZING) or Reason(Cause.UNKNOWN, said)

    # Facts

    def _gap(self, key: Key, live: Decided, today: Decided) -> EquityGap | None:
        """None where both are worth the same."""
        with exact():
            if abs(live.equity - today.equity) <= _SAME_MONEY * max(abs(today.equity), Decimal(1)):
                return None
        marks = {}
        for symbol in self._instance(key.strategy).instruments:
            other = key._replace(instrument=symbol)
            ours, theirs = self._live.decisions.get(other), self._today.decisions.get(other)
            marks[symbol] = (_mark(ours), _mark(theirs))
        return gap_of(
            self._live.stood[key], self._today.stood[key],
            equities=(live.equity, today.equity), marks=marks, contracts=self._live.contracts,
        )  # fmt: skip

    def _configuration(self, key: Key, said: str, *sections: str) -> Reason | None:
        """Code or settings that were others: those of the strategy, and of some sections."""
        mine = (f"strategies.{key.strategy}", "algotrader", *sections)
        texts = [
            change.text
            for change in self._changed(key)
            if any(change.key == one or change.key.startswith(f"{one}.") for one in mine)
        ]
        if not texts:
            return None
        return Reason(Cause.CONFIGURATION, f"{said}; {'; '.join(texts[:_MOST_CHANGES])}")

    def _changed(self, key: Key) -> Sequence[Change]:
        """What was otherwise, at a decision, than it is today."""
        force = self._live.force_at(key)
        if force is None:
            return ()
        if id(force) not in self._known_changes:
            self._known_changes[id(force)] = self._changes(force)
        return self._known_changes[id(force)]

    def _instance(self, strategy: StrategyId) -> StrategyInstance:
        return self._live.settings.instance(strategy)


def same_number(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME)


def _came(outcome: Outcome) -> Result:
    told = outcome.of_strategy
    fills = [fill for one in told for fill in one.fills]
    quantity = sum((fill.quantity for fill in fills), ZERO)
    first = [one.order.terms for one in told if one.order.intent.attempt == 0]
    with exact():
        value = sum((fill.quantity * fill.price for fill in fills), ZERO)
        return Result(
            ordered=sum((terms.signed_quantity for terms in first), ZERO),
            filled=sum((one.filled for one in told), ZERO),
            price=value / quantity if quantity else None,
            is_open=any(one.is_open for one in told),
        )


def _came_to_the_same(came: tuple[Result, Result]) -> bool:
    """What is still open where one side ends says nothing yet."""
    ours, theirs = came
    if ours.ordered != theirs.ordered:
        return False
    return ours.filled == theirs.filled or ours.is_open or theirs.is_open


def _mark(decided: Decided | None) -> Decimal:
    return ZERO if decided is None else Decimal(repr(decided.price))
