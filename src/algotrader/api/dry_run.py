"""A condition of the rule language tried on what was: is it right, what is it now, when was it true.

The account is taken as it went: what the rule would have changed about it is not played through.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from algotrader.api.limit_history import looks, newest_ms
from algotrader.api.past import LONGEST_S, Past
from algotrader.core.errors import DataError
from algotrader.core.events import BarClosed, SliceClosed
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState
from algotrader.risk.exposure import InstrumentExposure
from algotrader.risk.figures import RiskFigures
from algotrader.risk.language.parser import parse_condition
from algotrader.risk.language.tokens import ConditionError
from algotrader.risk.language.tree import Condition, Figure
from algotrader.risk.language.vocabulary import Of
from algotrader.risk.recent_bars import BarHistory

_DAY_MS: Final = 86_400_000
_MOST_TRIPS: Final = 100
_REST_DAYS: Final = 7 / 5  # of bars that come on working days alone

Subject = tuple[str, str | None]
"""Account, and instrument where the condition is of one."""


@dataclass(slots=True)
class _Tried:
    judged: int = 0
    unknown: int = 0
    count: int = 0
    trips: list[dict[str, Any]] = field(default_factory=list)
    open: dict[Subject, dict[str, Any] | None] = field(default_factory=dict)
    now: list[dict[str, Any]] = field(default_factory=list)


def problem_of(text: str) -> dict[str, Any] | None:
    """What is wrong with a condition, and under which column (from 1); None if it can be read."""
    try:
        parse_condition(text)
    except ConditionError as error:
        return {"column": error.column, "message": error.message, "hint": error.hint}
    return None


def tried(past: Past, state: EngineState, seq: int, text: str, days: int) -> dict[str, Any]:
    """The condition judged at each decision of the last days, and its figures at the last.

    ConditionError if it cannot be read. It ends when its time is over; `until` says where.
    """
    condition = parse_condition(text)
    begin_ms = newest_ms(state) - days * _DAY_MS
    first = past.seq_at(begin_ms) + 1
    bars, keep = _bars_before(past, state, condition, first), condition.history_bars
    ends, found, until, whole = time.monotonic() + LONGEST_S, _Tried(), begin_ms, True

    def fed() -> Iterator[Any]:
        for step in past.steps(state.settings, first, seq):
            if isinstance(step.event, BarClosed):
                bars.closed(step.event, keep)
            elif isinstance(step.event, SliceClosed):
                bars.sliced(step.event)
            yield step

    for step in looks(fed()):
        until = newest_ms(step.state)
        if until < begin_ms:  # of the step before the first
            continue
        _judge(found, step.state, condition, bars, until)
        if time.monotonic() > ends:
            whole = until >= newest_ms(state)
            break
    return {
        "of": condition.of.value, "live_only": list(condition.live_only), "begin": begin_ms,
        "until": until, "whole": whole, "judged": found.judged,
        "unknown": found.unknown, "count": found.count, "trips": found.trips[::-1],
        "now": found.now,
    }  # fmt: skip


def figures_now(state: EngineState, text: str) -> list[dict[str, Any]]:
    """A condition and its figures where the desk stands, from what its own rules look back at."""
    found = _Tried()
    _judge(found, state, parse_condition(text), state.risk.state.bars, newest_ms(state))
    return found.now


def _bars_before(past: Past, state: EngineState, condition: Condition, first: int) -> BarHistory:
    """What the condition looks back at from the first row on."""
    held, bars = state.risk.state.bars.by_symbol, BarHistory()
    longest_ms = max((one.timeframe_ms for one in held.values()), default=0)
    back_ms = round(condition.history_bars * longest_ms * _REST_DAYS) + 10 * _DAY_MS
    for event in past.bars_before(first, back_ms):
        bars.closed(event, condition.history_bars)
    return bars


def _judge(
    found: _Tried, state: EngineState, condition: Condition, bars: BarHistory, now_ms: int
) -> None:
    judged_on = copy.copy(state.risk.state)
    judged_on.bars = bars
    found.now = []
    for account in state.modes:
        try:
            exposure = account_exposure(state, account, now_ms)
        except DataError:  # something is held without a price
            found.judged, found.unknown = found.judged + 1, found.unknown + 1
            continue
        each: list[InstrumentExposure | None] = [None]
        if condition.of is Of.INSTRUMENT:
            each = list(exposure.instruments.values())
        for here in each:
            figures = RiskFigures(state=judged_on, exposure=exposure, here=here)
            subject = (str(account), None if here is None else str(here.instrument.symbol))
            _note(found, subject, condition.truth(figures), now_ms)
            found.now.append(_now(subject, condition, figures))


def _note(found: _Tried, subject: Subject, truth: bool | None, now_ms: int) -> None:
    found.judged += 1
    found.unknown += truth is None
    trip = found.open.get(subject)
    if truth and trip is None:
        trip = {"account": subject[0], "instrument": subject[1], "begin": now_ms, "end": None}
        found.count += 1
        found.open[subject] = trip
        found.trips = [*found.trips[-_MOST_TRIPS + 1 :], trip]
    elif truth is False and trip is not None:
        trip["end"], found.open[subject] = now_ms, None


def _now(subject: Subject, condition: Condition, figures: RiskFigures) -> dict[str, Any]:
    named = dict.fromkeys(condition.figures())
    return {
        "account": subject[0], "instrument": subject[1], "truth": condition.truth(figures),
        "figures": {_text(one): one.number(figures) for one in named},
    }  # fmt: skip


def _text(figure: Figure) -> str:
    return figure.name if figure.argument is None else f"{figure.name}({figure.argument:g})"
