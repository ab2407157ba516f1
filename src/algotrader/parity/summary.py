"""What a comparison comes to: differences folded together, and both equities over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.events import Decided
from algotrader.parity.causes import Compared, Sameness
from algotrader.parity.comparing import Parity
from algotrader.parity.record import Key
from algotrader.parity.standing import ZERO, EquityGap
from algotrader.portfolio.positions import exact

_DAY: Final = len("2024-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Differences of one place, one after the other, with one and the same reason."""

    first: Compared
    last_ts: int  # UTC ms
    count: int

    def until(self, moment: Callable[[int], str]) -> str:
        """When the last one was, as `moment` writes it: the time alone where the day is the same."""
        first, last = moment(self.first.key.decision_ts), moment(self.last_ts)
        return last[_DAY:].lstrip() if first[:_DAY] == last[:_DAY] else last


def folded(decisions: Iterable[Compared]) -> list[Folded]:
    """Differing decisions in the order of their time; runs of one reason are one."""
    found: list[Folded] = []
    newest: dict[tuple[object, ...], int] = {}  # where the fold of a place stands
    for one in decisions:
        if one.sameness is not Sameness.DIFFERENT:
            continue
        place = (one.key.strategy, one.key.instrument)
        at = newest.get(place)
        before = None if at is None else found[at]
        if at is not None and before is not None and _is_same(before.first, one):
            found[at] = Folded(
                first=before.first, last_ts=one.key.decision_ts, count=before.count + 1
            )
            continue
        newest[place] = len(found)
        found.append(Folded(first=one, last_ts=one.key.decision_ts, count=1))
    return found


def _is_same(a: Compared, b: Compared) -> bool:
    return (a.cause, a.text) == (b.cause, b.text)


def resized(decisions: Iterable[Compared]) -> list[Compared]:
    """Decisions equal in weight whose size is another, the most different first."""
    own = [
        one for one in decisions
        if one.sameness is Sameness.WEIGHT and _distance(one) > 0
    ]  # fmt: skip
    return sorted(own, key=lambda one: -_distance(one))


def _distance(one: Compared) -> float:
    ours, theirs = (
        None if side is None else side.latched_quantity for side in (one.journal, one.backtest)
    )
    if ours is None or theirs is None:
        return 0.0
    return abs(float(ours - theirs)) / max(abs(float(theirs)), 1e-300)


def last_gap(found: Parity) -> EquityGap | None:
    """How far the equities of all strategies are apart at their last decisions, by term.

    None where they are equal, and where accounts of several currencies make no sum.
    """
    if not found.adds_up:
        return None
    newest: dict[str, Compared] = {}
    for one in found.decisions:
        if one.journal is not None and one.backtest is not None:
            newest[one.key.strategy] = one
    gaps = [one.gap for one in newest.values() if one.gap is not None]
    if not gaps:
        return None
    with exact():
        return EquityGap(
            whole=sum((gap.whole for gap in gaps), ZERO),
            fills=sum((gap.fills for gap in gaps), ZERO),
            fees=sum((gap.fees for gap in gaps), ZERO),
            prices=sum((gap.prices for gap in gaps), ZERO),
            funding=sum((gap.funding for gap in gaps), ZERO),
            cash=sum((gap.cash for gap in gaps), ZERO),
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """Equity of all strategies together at each decision of one side."""

    ts: NDArray[np.int64]  # (T,) UTC ms
    equity: NDArray[np.float64]  # (T,)


def curves(found: Parity) -> tuple[Curve, Curve]:
    """Of the journal, and of the backtest; empty where accounts of several currencies make no sum."""
    if not found.adds_up:
        return _curve([]), _curve([])
    ours = [(one.key, one.journal) for one in found.decisions]
    theirs = [(one.key, one.backtest) for one in found.decisions]
    return _curve(ours), _curve(theirs)


def _curve(decisions: Iterable[tuple[Key, Decided | None]]) -> Curve:
    rows = list(_sums((key, one) for key, one in decisions if one is not None))
    return Curve(
        np.array([ts for ts, _ in rows], dtype=np.int64), np.array([sum_ for _, sum_ in rows])
    )


def _sums(decisions: Iterable[tuple[Key, Decided]]) -> Iterator[tuple[int, float]]:
    """After each decision time, from when every strategy has decided once."""
    known = list(decisions)
    strategies = {key.strategy for key, _ in known}
    newest: dict[str, float] = {}
    for at, (key, decided) in enumerate(known):
        newest[key.strategy] = float(decided.equity)
        ends = at + 1 == len(known) or known[at + 1][0].decision_ts != key.decision_ts
        if ends and len(newest) == len(strategies):
            yield key.decision_ts, sum(newest.values())
