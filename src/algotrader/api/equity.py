"""What each account was worth over time, from the journal, in few bytes and fewer points."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.report.encode import bucket_extremes
from algotrader.core.events import AccountMarked, CashMoved, Decided, Event

_PAID_IN = ("deposit", "transfer")


WHOLE: Final = ""
"""Stands for the whole account where a strategy's name could."""


@dataclass(slots=True)
class _Course:
    """What an account, or a strategy's part of it, was worth."""

    ts: array[int] = field(default_factory=lambda: array("q"))
    equity: array[float] = field(default_factory=lambda: array("d"))
    deposits: array[float] = field(default_factory=lambda: array("d"))

    def put(self, ts: int, equity: Decimal, deposits: Decimal) -> None:
        """One point an instant, the last one told."""
        if self.ts and self.ts[-1] >= ts:
            self.equity[-1], self.deposits[-1] = float(equity), float(deposits)
            return
        self.ts.append(ts)
        self.equity.append(float(equity))
        self.deposits.append(float(deposits))


@dataclass(slots=True)
class _Hold:
    """What buying what a strategy trades, and holding it, would have gained; before costs.

    Equal parts of its equity at its first decision, in each instrument that had a price then.
    """

    begun: int | None = None  # when it first decided
    base: float = 0.0  # its equity then
    first: dict[str, float] = field(default_factory=dict)  # prices by instrument
    last: dict[str, float] = field(default_factory=dict)  # now, as multiples of the first ones
    grown: float = 0.0  # sum of those
    ts: array[int] = field(default_factory=lambda: array("q"))
    gain: array[float] = field(default_factory=lambda: array("d"))

    def heard(self, event: Decided) -> None:
        if not (isfinite(event.price) and event.price > 0):
            return
        if self.begun is None:
            self.begun, self.base = event.decision_ts, float(event.equity)
        symbol = str(event.instrument)
        if event.decision_ts == self.begun:
            self.first.setdefault(symbol, event.price)
        if symbol not in self.first:
            return
        now = event.price / self.first[symbol]
        self.grown += now - self.last.get(symbol, 0.0)
        self.last[symbol] = now
        gain = self.base * (self.grown / len(self.first) - 1.0)
        if self.ts and self.ts[-1] == event.decision_ts:
            self.gain[-1] = gain
        else:
            self.ts.append(event.decision_ts)
            self.gain.append(gain)

    def gains(self, ts: NDArray[np.int64]) -> NDArray[np.float64]:
        """At instants; nothing before the first decision."""
        rows = np.searchsorted(np.array(self.ts, np.int64), ts, side="right")
        return np.concatenate(([0.0], np.array(self.gain, np.float64)))[rows]


@dataclass(slots=True)
class _Account:
    holds: dict[str, _Hold] = field(default_factory=dict)  # by strategy
    courses: dict[str, _Course] = field(default_factory=dict)  # by strategy, and `WHOLE`
    paid: Decimal = Decimal(0)
    parts: dict[str, Decimal] = field(default_factory=dict)  # by strategy, the newest
    is_marked: bool = False

    def course(self, part: str) -> _Course:
        return self.courses.setdefault(part, _Course())


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at instants; `drawdown` is the fraction below the highest profit so far.

    `hold`: what its instruments, bought in equal parts at the first of these instants and held,
    would have made of the equity then, before costs; empty where that is not known.
    """

    ts: list[int]  # UTC ms
    equity: list[float]
    deposits: list[float]
    drawdown: list[float]
    hold: list[float]
    total: int  # points there are


class EquityHistory:
    """Equity as risk marks it; where no limit asks for that, as the decisions tell it."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def hear(self, event: Event) -> None:
        match event:
            case AccountMarked():
                account = self._of(event.account)
                account.is_marked, account.paid = True, event.deposits
                account.course(WHOLE).put(event.ts_event, event.equity, event.deposits)
                for part in event.strategies:
                    course = account.course(part.strategy)
                    course.put(event.ts_event, part.equity, part.deposits)
            case Decided():
                account = self._of(event.account)
                account.parts[event.strategy] = event.equity
                account.holds.setdefault(event.strategy, _Hold()).heard(event)
                if not account.is_marked:
                    equity = sum(account.parts.values(), Decimal(0))
                    account.course(WHOLE).put(event.decision_ts, equity, account.paid)
            case CashMoved() if event.reason in _PAID_IN:
                self._of(event.account).paid += event.amount
            case _:
                pass

    def series(
        self, account: str, part: str, begin: int | None, end: int | None, points: int
    ) -> Series:
        """At most about `points` instants of an account or a part, every extreme among them."""
        held = self._known(account, part)
        ts = np.array(held.ts, np.int64)
        first = 0 if begin is None else int(np.searchsorted(ts, begin))
        last = len(ts) if end is None else int(np.searchsorted(ts, end))
        equity = np.array(held.equity, np.float64)
        deposits = np.array(held.deposits, np.float64)
        drawdown = drawdown_of(equity, deposits)
        kept = np.arange(first, last)
        if last > first:
            kept = first + bucket_extremes([equity[first:last]], points)
        return Series(
            ts=ts[kept].tolist(), equity=equity[kept].tolist(), deposits=deposits[kept].tolist(),
            drawdown=drawdown[kept].tolist(), total=last - first,
            hold=self._held(account, part, ts[kept], equity[kept], deposits[kept]),
        )  # fmt: skip

    def _held(
        self, account: str, part: str, ts: NDArray[np.int64], equity: NDArray[np.float64],
        deposits: NDArray[np.float64],
    ) -> list[float]:  # fmt: skip
        """Buy and hold from the first of these instants on; money paid in later stays cash."""
        known = self._accounts.get(account)
        began = self.first(account, part)
        if known is None or began is None or not len(ts):
            return []
        holds = [one for name, one in known.holds.items() if part in (WHOLE, name)]
        worth = np.full(len(ts), began[0])
        for one in holds:
            worth += one.gains(ts)
        if not any(one.ts for one in holds) or worth[0] <= 0:
            return []
        found: list[float] = (equity[0] * worth / worth[0] + deposits - deposits[0]).tolist()
        return found

    def at(self, account: str, part: str, ts: int) -> tuple[float, float] | None:
        """Equity and deposits at the last instant up to `ts`; None before the first."""
        held = self._known(account, part)
        if not held.ts:
            return None
        row = bisect_right(held.ts, ts) - 1
        return (held.equity[row], held.deposits[row]) if row >= 0 else None

    def recent(self, account: str, part: str, begin: int, points: int) -> list[float]:
        """Profit from the last instant up to `begin` on, in about `points`, extremes among them."""
        held = self._known(account, part)
        first = max(0, bisect_right(held.ts, begin) - 1)
        profit = np.array(held.equity[first:], np.float64)
        profit -= np.array(held.deposits[first:], np.float64)
        if not len(profit):
            return []
        kept: list[float] = np.round(profit[bucket_extremes([profit], points)], 2).tolist()
        return kept

    def first(self, account: str, part: str) -> tuple[float, float] | None:
        """Equity and deposits at the first instant; None before it."""
        held = self._known(account, part)
        return (held.equity[0], held.deposits[0]) if held.ts else None

    def _known(self, account: str, part: str) -> _Course:
        """As it is; asking makes nothing."""
        held = self._accounts.get(account)
        return _Course() if held is None else held.courses.get(part, _Course())

    def _of(self, account: str) -> _Account:
        return self._accounts.setdefault(account, _Account())


def drawdown_of(equity: NDArray[np.float64], deposits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fraction below the highest profit so far: money paid in or out is neither."""
    if not len(equity):
        return equity
    profit = equity - deposits
    peak = np.maximum.accumulate(profit)
    base = peak + deposits
    return np.where(base > 0, (peak - profit) / np.where(base > 0, base, 1.0), 0.0)
