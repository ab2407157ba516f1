"""For which decisions nothing is sent any more, and which targets are then wanted anew (R10, R24).

A target is worked until it is reached, but no order goes out for an old bar. So what ends when its
bar is over (proved absent after a restart, dropped, made way for) leaves its target not acted on:
the next decision acts on it again, whatever its rebalancing rule. A part of the engine's fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from algotrader.core.instants import utc_ms
from algotrader.core.orders import OF_TARGETS, Intent, OrderStatus, Purpose
from algotrader.core.timeframes import Timeframe
from algotrader.engine.protected import Place
from algotrader.execution.order_life import LiveOrder

if TYPE_CHECKING:
    from algotrader.core.ids import StrategyId
    from algotrader.engine.state import EngineState
    from algotrader.engine.works import Work


def is_old(state: EngineState, strategy: StrategyId, decided_ms: int, now_ms: int) -> bool:
    """Whether a strategy has decided again since, or should have: nothing is sent for it (R24).

    Its age is counted from when its slice was known: a look-alike lives in the time of its bars.
    """
    frame = state.settings.instance(strategy).timeframe
    newest = state.slices.get(frame)
    if newest is not None and decided_ms < newest.decision_ts:
        return True
    known_ms = decided_ms if newest is None else newest.ts_known
    return now_ms - known_ms > Timeframe.parse(frame).ms


def makes_way(state: EngineState, live: LiveOrder) -> bool:
    """Whether the end of an order leaves its place's target to be planned on what is held now.

    What the venue ended by itself stays so: the quantity allowed is the one wanted (R11). So does
    what a person withdrew. But a newer target waited for any end of it (R10).
    """
    order = live.order
    if order.intent.purpose not in OF_TARGETS:
        return False
    newest = state.decided_ts.get((order.strategy, order.instrument), 0)
    if utc_ms(order.intent.decided_at) < newest:
        return True
    if order.order_id in state.by_hand.ended:
        return False
    return live.cancel_wanted or live.status is OrderStatus.ABSENT


def order_ended(state: EngineState, live: LiveOrder, now_ms: int) -> None:
    """Nothing follows an end while the trader ends, or when its bar is over."""
    place = (live.order.strategy, live.order.instrument)
    if place not in state.works and makes_way(state, live):
        _want_again(state, place, now_ms)


def dropped(state: EngineState, intent: Intent, now_ms: int) -> None:
    """An order of a target that had waited for coins, or for cash, perhaps past its bar."""
    place, decided_ms = (intent.strategy, intent.terms.instrument), utc_ms(intent.decided_at)
    was_overtaken = decided_ms < state.decided_ts.get(place, 0)
    if intent.purpose is not Purpose.TARGET or was_overtaken:
        return
    if state.ends or is_old(state, intent.strategy, decided_ms, now_ms):
        _retry(state, place)


def work_ended(state: EngineState, place: Place, work: Work, now_ms: int) -> None:
    """What was worked over time and is given up, its bar over."""
    frame_ms = Timeframe.parse(state.settings.instance(place[0]).timeframe).ms
    if work.left > 0 and work.is_old(now_ms, frame_ms):
        _retry(state, place)


def _want_again(state: EngineState, place: Place, now_ms: int) -> None:
    decided = state.decided_ts.get(place)
    if decided is not None and (state.ends or is_old(state, place[0], decided, now_ms)):
        _retry(state, place)


def _retry(state: EngineState, place: Place) -> None:
    if (before := state.rebalance.get(place)) is not None:
        state.rebalance[place] = before.retried()
