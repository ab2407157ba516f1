"""When what a rule or a person stopped went on, and who let it."""

from __future__ import annotations

from typing import Final

from algotrader.api.view import DeskView
from algotrader.core.events import (
    Event,
    HaltRequested,
    Rearmed,
    RearmRequested,
    RiskCleared,
    RiskTripped,
    decode_event,
)
from algotrader.live.journal.records import PREFIX

_KINDS: Final = ("HaltRequested", "Rearmed", "RearmRequested", "RiskCleared", "RiskTripped")
_MOST: Final = 2_000  # rows that are looked through; older trips are told without an end

Ends = dict[int, tuple[int, str]]
"""By the row of the beginning: when, UTC ms, and by whom."""
_Open = dict[tuple[object, ...], list[int]]
"""By what is stopped: the rows that began it. A halt and a flatten in it end together."""


def trip_ends(view: DeskView) -> Ends:
    """Ends of the newest trips and halts. What lasts has none."""
    rows = view.picked(view.index.newest(_KINDS, None, _MOST)[::-1])
    open_: _Open = {}
    ends: Ends = {}
    for row in rows:
        if row.kind.startswith(PREFIX):
            continue
        event = decode_event(row.body)
        match event:
            case RiskTripped():
                open_.setdefault(_place(event), []).append(row.seq)
            case RiskCleared() if event.after_bars == 0:
                _end(ends, open_.pop(_place(event), []), event, event.by)
            case HaltRequested():
                open_.setdefault((event.account, event.strategy), []).append(row.seq)
            case RearmRequested() if event.strategy is not None:
                _end(ends, open_.pop((event.account, event.strategy), []), event, event.by)
            case Rearmed():
                _end_account(ends, open_, event)
            case _:
                pass
    return ends


def _end_account(ends: Ends, open_: _Open, event: Rearmed) -> None:
    """A person let an account go on: its halts end, and what had tripped to stay."""
    for place in [one for one in open_ if event.account in (None, one[0]) or one[0] is None]:
        if len(place) > 2 or place[1] is None:
            _end(ends, open_.pop(place), event, event.by)


def _end(ends: Ends, began: list[int], event: Event, by: str) -> None:
    for seq in began:
        ends[seq] = (event.ts_event, by)


def _place(event: RiskTripped | RiskCleared) -> tuple[object, ...]:
    return event.account, event.strategy, event.instrument, event.rule
