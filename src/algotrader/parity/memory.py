"""What earlier differences have left for later decisions to feel."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

from algotrader.core.ids import StrategyId
from algotrader.core.symbols import Symbol
from algotrader.parity.causes import Cause, Result
from algotrader.parity.reasons import Reason, Since
from algotrader.parity.record import Key, Record

Place = tuple[StrategyId, Symbol]


class Memory:
    """Grows with each decision, in their order. Forgets where both sides are equal again."""

    def __init__(self, live: Record) -> None:
        self._live = live
        self.roots: dict[StrategyId, Since] = {}  # the first since its books were equal
        self.last: dict[Place, Since] = {}  # the newest since a decision there was equal
        self.equal: dict[Place, Key] = {}  # the last equal decision
        self.states: dict[StrategyId, Since] = {}  # since when its `ctx.state` is another
        self._moves = deque(live.moved)

    def note_moves(self, key: Key) -> None:
        """What had moved a strategy's money by a decision, where nothing else had before."""
        place = self._live.places.get(key, 0)
        while self._moves and self._moves[0].place < place:
            one = self._moves.popleft()
            moved = Reason(Cause.PATH, one.text, one.text)
            self.roots.setdefault(one.strategy, Since(key.decision_ts, moved))

    def remember(self, key: Key, reason: Reason | None, came: tuple[Result, Result]) -> None:
        place = (key.strategy, key.instrument)
        root = self.roots.get(key.strategy)
        if reason is None:
            self.last.pop(place, None)
            self.equal[place] = key
            if root is not None and root.decision_ts < key.decision_ts:
                del self.roots[key.strategy]
            if _price_differs(*came):
                brief = f"filled at {came[0].price:f}, {came[1].price:f} in the backtest"
                slipped = Reason(Cause.PATH, brief, brief)
                self.roots.setdefault(key.strategy, Since(key.decision_ts, slipped))
            return
        since = Since(key.decision_ts, reason)
        if reason.cause is not Cause.PATH:
            self.last[place] = since
        self.roots.setdefault(key.strategy, since)

    def note_state(self, key: Key, is_same: bool, reason: Reason | None) -> None:
        """Since when a strategy's own state is another, and why; forgotten where it is equal."""
        if is_same:
            self.states.pop(key.strategy, None)
        elif reason is not None:
            self.states.setdefault(key.strategy, Since(key.decision_ts, reason))

    def asked(self, key: Key, until: int = 0) -> bool:
        """Whether a person stopped trading or let it go on since the last equal decision."""
        places = self._live.asked
        equal = self.equal.get((key.strategy, key.instrument))
        since = 0 if equal is None else self._live.places[equal]
        until = max(until, self._live.places[key])
        at = bisect_right(places, since)
        return at < len(places) and places[at] < until


def _price_differs(ours: Result, theirs: Result) -> bool:
    return ours.price is not None and theirs.price is not None and ours.price != theirs.price
