"""`/system`: the machine, the mode, the trader; `/health` for who watches from outside."""

from __future__ import annotations

import platform
from functools import cache, lru_cache
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from algotrader.api.lamps import lamps_of, read_files
from algotrader.api.models.common import Shape
from algotrader.api.models.desk import Lamp, System
from algotrader.api.serving import (
    Served,
    Serving,
    Stands,
    Viewer,
    error_answers,
    has_own_clock,
    is_live,
)
from algotrader.core.calendars import ALWAYS_OPEN, Calendar, calendar_of, load_calendar
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import TradingMode
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.engine.state import EngineState
from algotrader.ops.observing.process import memory_bytes
from algotrader.ops.observing.summary import Summary, as_plain, read_summary, state_of
from algotrader.ops.versions import versions

_versions = cache(versions)  # of this process, which does not change them
router = APIRouter(tags=["system"])


class Health(Shape):
    """Whether this process answers; it says nothing of the trader."""

    ok: bool


@router.get("/health", summary="Whether the API answers", response_model=Health)
async def health() -> dict[str, bool]:
    """Asked without signing in, for supervisors. The trader's own health is under `/system`."""
    return {"ok": True}


@router.get(
    "/system", summary="Mode, health, versions", response_model=System,
    responses=error_answers(401, 403, 503),
)  # fmt: skip
async def system(serving: Served, state: Stands, _: Viewer) -> dict[str, Any]:
    """What the frame of every page shows."""
    return system_row(serving, state)


@router.get(
    "/system/lamps", summary="What must be well for trading to be well",
    responses=error_answers(401, 403, 503),
)  # fmt: skip
async def lamps(serving: Served, state: Stands, _: Viewer) -> list[Lamp]:
    """Each lamp `well`, `wrong`, or `unknown` where nothing here can tell."""
    return lamps_of(serving, state, await run_in_threadpool(read_files, serving))


def system_row(serving: Serving, state: EngineState | None) -> dict[str, Any]:
    configuration, view = serving.configuration, serving.view
    trading = configuration.settings.trading
    now_ms = utc_ms(serving.clock.now())
    summary = read_summary(configuration.path(configuration.settings.workspace.logs))
    held = dict(_versions())
    return {
        "mode": trading.mode,
        "execution": None if state is None else state.inforce.execution or None,
        "data": trading.data,
        "machine": platform.node(),
        "version": held["algotrader"],
        "versions": held,
        "workspace": configuration.folder.name,
        "now": now_ms,
        "halted": state is not None and bool(halted_accounts(state, now_ms)),
        "trader": None if summary is None else as_plain(summary),
        "journal": None if state is None else {"seq": view.seq, "rows": view.seq},
        "next_bar": _next_bar(serving, summary, now_ms),
        "api": {"memory_mb": round((memory_bytes() or 0) / 1e6, 1), "listeners": len(serving.hub)},
    }


def _next_bar(serving: Serving, summary: Summary | None, now_ms: int) -> dict[str, Any] | None:
    """The close of the bars that strategies decide on next, by their markets' calendars."""
    configuration = serving.configuration
    if not is_live(configuration) or has_own_clock(configuration):
        return None
    if summary is None or state_of(summary) != "running":
        return None
    closes = {
        (closes_at, one.timeframe)
        for one in serving.configuration.settings.strategies.values()
        for symbol in one.symbols
        if (closes_at := _closes_at(Symbol.parse(symbol), one.timeframe, now_ms)) is not None
    }
    return None if not closes else dict(zip(("at", "timeframe"), min(closes), strict=True))


@lru_cache(maxsize=64)
def _calendar(symbol: Symbol) -> Calendar:
    return load_calendar(calendar_of(symbol) or ALWAYS_OPEN)


def _closes_at(symbol: Symbol, timeframe: str, now_ms: int) -> int | None:
    """Of the bar that is open now, or of the first one of the next session."""
    frame, calendar = Timeframe.parse(timeframe), _calendar(symbol)
    try:
        opens = calendar.grid(frame, now_ms - 2 * frame.ms - 8 * DAY_MS, now_ms + 8 * DAY_MS)
        ends = calendar.close_of(opens, frame)
    except AlgotraderError:
        return None
    later = ends[ends > now_ms]
    return int(later[0]) if len(later) else None


def halted_accounts(state: EngineState, now_ms: int) -> list[str]:
    """Accounts that a person or a rule has halted."""
    return [
        str(name)
        for name, mode in state.modes.items()
        if state.risk.state.mode(mode, name, None, None, now_ms) is TradingMode.HALTED
    ]
