"""Each decision against its twin, and the one cause of a difference.

Evidence goes from the nearest to the farthest: the bars it was made on, what became of its order,
then what earlier differences had left: another position, another equity. Only what the journal
shows counts as a cause; what it does not show is `unknown`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.core.events import Decided
from algotrader.core.ids import StrategyId
from algotrader.core.instants import utc_at
from algotrader.core.symbols import Symbol
from algotrader.engine.inforce import InForce
from algotrader.engine.settings import StrategyInstance
from algotrader.parity.asknown import AsKnown
from algotrader.parity.causes import Cause, Compared, Result, Sameness
from algotrader.parity.evidence import KnownBars, Uptime
from algotrader.parity.record import Key, Outcome, Record, decided_by_strategy
from algotrader.parity.standing import ZERO, EquityGap, gap_of
from algotrader.parity.today import Change
from algotrader.portfolio.positions import exact

_SIZING: Final = ("risk", "accounts", "backtest")  # sections that sizes and limits come from
_MOST_CHANGES: Final = 3
_SAME: Final = 1e-12  # targets that differ by less than this part are the same number
_SAME_MONEY: Final = Decimal("1e-9")  # of equity: the books agree to this part (P16)
Place = tuple[StrategyId, Symbol]
_OPERATOR_RULES: Final = ("kill_switch", "halt")
_RESTART_RULES: Final = ("starting", "reduce_only", "unknown_order")


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause and the sentence with its numbers; `brief` is how later ones refer to it."""

    cause: Cause
    text: str
    brief: str = ""

    def named(self) -> str:
        return self.brief or f"{self.cause.value}, {self.text.partition(';')[0]}"


@dataclass(frozen=True, slots=True)
class Since:
    """A reason that later decisions still feel."""

    decision_ts: int
    reason: Reason

    def __str__(self) -> str:
        return f"since {_at(self.decision_ts)}: {self.reason.named()}"


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
        self._roots: dict[StrategyId, Since] = {}  # the first since its books were equal
        self._last: dict[Place, Since] = {}  # the newest since a decision there was equal
        self._equal: dict[Place, int] = {}  # place of the last equal decision

    def compare(self, key: Key) -> Compared:
        live, today = self._live.decisions.get(key), self._today.decisions.get(key)
        came = (_came(self._live.of(key)), _came(self._today.of(key)))
        gap = None if live is None or today is None else self._gap(key, live, today)
        reason, sameness = self._judged(key, live, today, came, gap)
        self._remember(key, reason, came)
        return Compared(
            key=key, journal=live, backtest=today, came=came, sameness=sameness,
            cause=None if reason is None else reason.cause,
            text="" if reason is None else reason.text, gap=gap,
        )  # fmt: skip

    def _remember(self, key: Key, reason: Reason | None, came: tuple[Result, Result]) -> None:
        place = (key.strategy, key.instrument)
        root = self._roots.get(key.strategy)
        if reason is None:
            self._last.pop(place, None)
            self._equal[place] = self._live.places[key]
            if root is not None and root.decision_ts < key.decision_ts:
                del self._roots[key.strategy]
            if _price_differs(*came):
                brief = f"filled at {came[0].price:f}, {came[1].price:f} in the backtest"
                slipped = Reason(Cause.PATH, brief, brief)
                self._roots.setdefault(key.strategy, Since(key.decision_ts, slipped))
            return
        since = Since(key.decision_ts, reason)
        if reason.cause is not Cause.PATH:
            self._last[place] = since
        self._roots.setdefault(key.strategy, since)

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
        down = self._uptime.down_at(frame, at)
        if down is not None:
            text = f"not decided: the trader was started again at {_at(down.time_ms)}"
            return Reason(Cause.RESTART, text)
        found = self._bars[key.strategy].newest(at, key.instrument)
        if (frame, at) not in self._live.slices and found is not None and found.from_ms == at:
            return Reason(found.cause, f"not decided; {found.text}")
        return Reason(Cause.UNKNOWN, "the bars were there, and the strategy never answered")

    # Decided otherwise

    def _other_target(self, key: Key, live: Decided, today: Decided) -> Reason:
        said = f"wanted {_number(live.target)}, {_number(today.target)} in the backtest"
        known = self._known.get(key.strategy)
        found = self._bars[key.strategy].newest(key.decision_ts, key.instrument)
        if found is not None and (known is None or known.gives(key, live.target)):
            return Reason(found.cause, f"{said}; {found.text}")
        if known is None:
            reason = self._of_state(key, said)
            if reason is not None:
                return reason
        changed = self._configuration(key, said)
        return changed or Reason(Cause.UNKNOWN, f"{said}; the bars known then give no reason")

    def _of_state(self, key: Key, said: str) -> Reason | None:
        """A bar-by-bar strategy looks at its position and money, and keeps a state of its own."""
        earlier = self._last.get((key.strategy, key.instrument)) or self._roots.get(key.strategy)
        if earlier is not None:
            return Reason(earlier.reason.cause, f"{said}; {earlier}", earlier.reason.named())
        start = self._uptime.restarted_before(self._live.places[key])
        if start is not None:
            return Reason(Cause.RESTART, f"{said}; restarted at {_at(start.time_ms)}")
        return None

    def _other_price(self, key: Key, live: Decided, today: Decided) -> Reason:
        found = self._bars[key.strategy].own(key.decision_ts, key.instrument)
        said = f"sized at {live.price:.10g}, {today.price:.10g} in the backtest"
        if found is None:
            return Reason(Cause.UNKNOWN, f"{said}; the bars known then give no reason")
        return Reason(found.cause, f"{said}; {found.text}")

    # What came of it

    def _other_result(self, key: Key, came: tuple[Result, Result]) -> Reason | None:
        """What happened to the order of this very decision."""
        ours, theirs = self._live.of(key), self._today.of(key)
        if came[0].filled == came[1].filled and came[0].ordered == came[1].ordered:
            return None
        denied = self._denied(key, ours, theirs)
        if denied is not None:
            return denied
        for told in decided_by_strategy(ours):
            if told.filled == told.order.terms.signed_quantity:
                continue
            want, got = told.order.terms.signed_quantity, told.filled
            twin = self._today.orders.get(told.order.order_id)
            if twin is not None and _done(twin.filled, twin.order.quantity) == _done(
                got, told.order.quantity
            ):
                continue  # filled in part alike
            if told.ended == "rejected":
                return Reason(Cause.REJECTED, f"{_signed(want)} was rejected: {told.reason}")
            if told.ended == "absent":
                return Reason(Cause.RESTART, f"{_signed(want)} never reached the venue")
            if told.cancel_reason in ("halted", "a risk rule") and self._asked(key):
                return Reason(Cause.OPERATOR, f"{_signed(want)} was cancelled by a person")
            return Reason(Cause.PARTIAL_FILL, f"{_signed(got)} of {_signed(want)} was filled")
        return None

    def _denied(self, key: Key, ours: Outcome, theirs: Outcome) -> Reason | None:
        """Orders of the backtest that our own rules refused, or cut, while trading."""
        if len(ours.denied) <= len(theirs.denied):
            return None
        intent, reasons = ours.denied[-1]
        rules = [reason.rule for reason in reasons]
        text = f"{_signed(intent.terms.signed_quantity)} was denied by {', '.join(rules)}: " + (
            "; ".join(reason.message for reason in reasons)
        )
        if any(rule in _OPERATOR_RULES for rule in rules):
            return Reason(Cause.OPERATOR, text)
        if any(rule in _RESTART_RULES for rule in rules):
            return Reason(Cause.RESTART, text)
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
            and (came[0].ordered, came[0].filled) == (came[1].ordered, came[1].filled)
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
        text = _equity_text(live, today, gap)
        if not same_size:
            text = f"{_size_text(live, today)}: {text}"
        root = self._roots.get(key.strategy)
        if root is not None:
            text += f"; {root}"
        return Reason(Cause.PATH, text, _terms(gap)), Sameness.WEIGHT

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
        said = _size_text(live, today)
        if self._asked(key):
            return Reason(Cause.OPERATOR, f"{said}; a person had stopped or changed something")
        earlier = self._last.get((key.strategy, key.instrument))
        if earlier is not None:
            return Reason(earlier.reason.cause, f"{said}; {earlier}", earlier.reason.named())
        rules = {one.rule for one in live.rules} ^ {one.rule for one in today.rules}
        if rules:
            return self._configuration(key, said, *_SIZING) or Reason(
                Cause.DENIED, f"{said}; by {', '.join(sorted(rules))}"
            )
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

    def _asked(self, key: Key) -> bool:
        """Whether a person stopped something or changed a limit since the last equal decision."""
        since = self._equal.get((key.strategy, key.instrument), 0)
        return any(since < place < self._live.places[key] for place in self._live.asked)

    def _instance(self, strategy: StrategyId) -> StrategyInstance:
        return self._live.settings.instance(strategy)


def same_number(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME)


def _came(outcome: Outcome) -> Result:
    told = decided_by_strategy(outcome)
    fills = [fill for one in told for fill in one.fills]
    quantity = sum((fill.quantity for fill in fills), ZERO)
    with exact():
        value = sum((fill.quantity * fill.price for fill in fills), ZERO)
        return Result(
            ordered=sum((one.order.terms.signed_quantity for one in told
                         if one.order.intent.attempt == 0), ZERO),
            filled=sum((one.filled for one in told), ZERO),
            price=value / quantity if quantity else None,
        )  # fmt: skip


def _price_differs(ours: Result, theirs: Result) -> bool:
    return ours.price is not None and theirs.price is not None and ours.price != theirs.price


def _done(filled: Decimal, quantity: Decimal) -> Decimal:
    return abs(filled) / quantity


def _mark(decided: Decided | None) -> Decimal:
    return ZERO if decided is None else Decimal(repr(decided.price))


def _size_text(live: Decided, today: Decided) -> str:
    ours, theirs = _signed(live.latched_quantity), _signed(today.latched_quantity)
    if live.latched_quantity != today.latched_quantity:
        return f"towards {ours}, {theirs} in the backtest"
    return f"{live.lots} lots ordered towards {ours}, {today.lots} in the backtest"


def _equity_text(live: Decided, today: Decided, gap: EquityGap) -> str:
    return f"equity {live.equity:,.8g} against {today.equity:,.8g}: {_terms(gap)}"


def _terms(gap: EquityGap) -> str:
    terms = {"fills": gap.fills, "prices": gap.prices, "funding": gap.funding, "cash": gap.cash}
    parts = [f"{name} {amount:+,.8g}" for name, amount in terms.items() if amount]
    return ", ".join(parts) or "rounding"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def _signed(value: Decimal | None) -> str:
    return "nothing" if value is None else f"{value.normalize():+f}"


def _at(ms: int) -> str:
    return f"{utc_at(ms):%Y-%m-%d %H:%M}"
