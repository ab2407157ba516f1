"""Risk: limits and what is used of them, trips, and the switch that stops everything."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from algotrader.api.access import Caller
from algotrader.api.errors import ApiError
from algotrader.api.exposure_rows import exposure_rows
from algotrader.api.journal_pages import newest_rows
from algotrader.api.models.common import Page
from algotrader.api.models.desk import Asked, LimitInForce, ModeWish, Risk, Trip
from algotrader.api.paging import Cursor, Limit, page_of, place_of
from algotrader.api.routes.system import halted_accounts
from algotrader.api.serving import (
    CHANNEL,
    Served,
    Serving,
    Stands,
    Trader,
    Viewer,
    error_answers,
)
from algotrader.api.trip_ends import trip_ends
from algotrader.core.events import Event, TradingMode
from algotrader.engine.state import EngineState
from algotrader.ops.asking import ask_mode, is_running
from algotrader.ops.desk_rows import hold_row, limit_rows
from algotrader.ops.settings_text import texts

router = APIRouter(tags=["risk"], responses=error_answers(401, 403, 503))
_TRIPS = (
    "RiskTripped", "RiskCleared", "HaltRequested", "RearmRequested", "Rearmed", "RearmRefused",
    "LimitChanged", "LimitChangeRefused", "ProtectionMissing", "ProtectionRestored", "Liquidated",
)  # fmt: skip


@router.get("/risk", summary="Limits in force, what is used of each, and what is held")
async def risk(serving: Served, state: Stands, _: Viewer) -> Risk:
    if state is None:
        limits = serving.configuration.settings.risk
        return Risk(
            modes={}, halted=False, limits=_in_force(limits.model_dump(mode="json", exclude_unset=True), ()),
            used={}, holds={}, exposure=[],
        )  # fmt: skip
    return serving.view.once("risk", lambda: _risk(state))


def _risk(state: EngineState) -> Risk:
    held = state.risk.state
    now_ms = max((one.decision_ts for one in state.slices.values()), default=0)
    limits = held.limits.model_dump(mode="json", exclude_unset=True)
    return Risk.model_validate(
        {
            "modes": {
                name: held.mode(mode, name, None, None, now_ms).value
                for name, mode in state.modes.items()
            },
            "halted": bool(halted_accounts(state, now_ms)),
            "limits": _in_force(limits, tuple(held.changed)),
            "used": {name: limit_rows(state, name) for name in state.modes},
            "holds": {
                name: [hold_row(one) for one in held.holds_of(name, now_ms)] for name in state.modes
            },
            "exposure": exposure_rows(state),
        }
    )


def _in_force(limits: dict[str, Any], changed: tuple[str, ...]) -> list[LimitInForce]:
    return [
        LimitInForce(
            key=key, value=value, origin="changed by hand" if key in changed else "the settings"
        )
        for key, value in texts(limits)
    ]


@router.get("/risk/trips", summary="What risk and people stopped", responses=error_answers(400))
async def trips(
    serving: Served,
    _s: Stands,
    _: Viewer,
    account: Annotated[str | None, Query(description="of this account alone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Trip]:
    """Trips and their ends, halts, changes of limits: the newest first."""

    def is_wanted(event: Event) -> bool:
        return getattr(event, "account", None) in (None, account)

    rows, following = await newest_rows(
        serving.view, _TRIPS, place_of(cursor), limit, None if account is None else is_wanted
    )
    ends = serving.view.once("trip ends", lambda: trip_ends(serving.view))
    items = [_trip(row.seq, row.kind, event, ends.get(row.seq)) for row, event in rows]
    return Page[Trip](**page_of(items, following))


def _trip(seq: int, kind: str, event: Event, end: tuple[int, str] | None) -> Trip:
    def text(name: str) -> str | None:
        value = getattr(event, name, None)
        return None if value is None else str(value)

    return Trip(
        seq=seq, at=event.ts_event, kind=kind, account=text("account"), strategy=text("strategy"),
        instrument=text("instrument"), rule=text("rule") or text("key"),
        value=text("after") or text("value"), limit=text("limit"), action=text("action"),
        by=text("by"), text=text("text") or text("reason"),
        ended=None if end is None else end[0], ended_by=None if end is None else end[1],
    )  # fmt: skip


@router.post("/halt", summary="Stop trading", responses=error_answers(422), status_code=202)
async def halt(serving: Served, caller: Trader, wish: ModeWish) -> Asked:
    """Cancel what is open and send nothing more, until resumed. Positions stay as they are."""
    return await _asked(serving, caller, "halt", TradingMode.HALTED, wish)


@router.post(
    "/flatten", summary="Close every position, then halt", responses=error_answers(422),
    status_code=202,
)  # fmt: skip
async def flatten(serving: Served, caller: Trader, wish: ModeWish) -> Asked:
    """At the market, account by account."""
    return await _asked(serving, caller, "flatten", TradingMode.HALTED, wish)


@router.post(
    "/resume", summary="Let accounts trade again", responses=error_answers(422), status_code=202
)
async def resume(serving: Served, caller: Trader, wish: ModeWish) -> Asked:
    """Refused by the engine, with a reason, while a rule that tripped is still broken."""
    return await _asked(serving, caller, "resume", TradingMode.TRADING, wish)


async def _asked(
    serving: Serving, caller: Caller, what: str, mode: TradingMode, wish: ModeWish
) -> Asked:
    before = _modes(serving)
    wanted = await run_in_threadpool(
        ask_mode, serving.configuration, mode, wish.accounts, wish.reason,
        flatten=what == "flatten", by=caller.name, channel=CHANNEL,
    )  # fmt: skip
    if before is None:  # nothing was read so far: what stops everything did not wait for that
        with suppress(ApiError):
            await serving.view.ready()
        before = _modes(serving) or {}
    serving.access.note(
        caller, what, ", ".join(wanted), before={one: before.get(one) for one in wanted},
        after=mode.value, says=wish.reason,
    )  # fmt: skip
    return Asked(asked=what, accounts=wanted, running=is_running(serving.configuration))


def _modes(serving: Serving) -> dict[str, TradingMode] | None:
    """The mode of each account; None while the journal was not read, or cannot be."""
    with suppress(ApiError):
        state = serving.view.state
        if state is not None:
            return {str(one): mode for one, mode in state.modes.items()}
    return None
