"""Finished sweeps and walk-forwards, and what a search assumes when nothing else is asked."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from algotrader.api.guard import REPORT_HEADERS
from algotrader.api.models.search import (
    ResearchDefaults,
    SweepDetail,
    SweepRow,
    WalkForwardDetail,
    WalkForwardRow,
)
from algotrader.api.serving import Served, Viewer, error_answers

router = APIRouter(tags=["runs"], responses=error_answers(401, 403))
HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "One file with its own scripts"}
}


@router.get("/research/defaults", summary="What a run assumes")
async def research_defaults(serving: Served, _: Viewer) -> ResearchDefaults:
    """The settings' `backtest`, and the limits of risk that a search cannot hold."""
    settings = serving.configuration.settings
    own = settings.backtest
    slippage = own.slippage_bps
    return ResearchDefaults(
        timeframe=own.timeframe, cash=float(own.cash), fees=own.fees,
        slippage_bps=None if slippage is None else float(slippage), path=own.path,
        execution=own.execution, max_leverage=float(own.max_leverage),
        cash_buffer=float(own.cash_buffer), seed=own.seed,
        beyond_fast=list(settings.risk.beyond_fast_driver()),
    )  # fmt: skip


@router.get("/sweeps", summary="Finished sweeps")
async def sweeps(serving: Served, _: Viewer) -> list[SweepRow]:
    """The newest first."""
    return [SweepRow(**row) for row in await run_in_threadpool(serving.searches.sweeps)]


@router.get("/sweeps/{sweep}", summary="Every set of a sweep", responses=error_answers(404))
async def sweep_detail(serving: Served, _: Viewer, sweep: str) -> SweepDetail:
    """By column, with the verdict on the best of them."""
    return SweepDetail(**await run_in_threadpool(serving.searches.sweep, sweep))


@router.get(
    "/sweeps/{sweep}/report", summary="The report of a sweep, as a page", response_class=Response,
    responses=error_answers(404) | HTML,
)  # fmt: skip
async def sweep_report(serving: Served, _: Viewer, sweep: str) -> Response:
    file = serving.searches.sweep_report(sweep)
    return FileResponse(file, media_type="text/html", headers=REPORT_HEADERS)


@router.get("/walkforwards", summary="Finished walk-forwards")
async def walkforwards(serving: Served, _: Viewer) -> list[WalkForwardRow]:
    """The newest first."""
    return [WalkForwardRow(**row) for row in await run_in_threadpool(serving.searches.walks)]


@router.get(
    "/walkforwards/{walkforward}", summary="The folds of a walk-forward, and its account",
    responses=error_answers(404),
)  # fmt: skip
async def walkforward_detail(serving: Served, _: Viewer, walkforward: str) -> WalkForwardDetail:
    return WalkForwardDetail(**await run_in_threadpool(serving.searches.walk, walkforward))


@router.get(
    "/walkforwards/{walkforward}/report", summary="The report of a walk-forward, as a page",
    response_class=Response, responses=error_answers(404) | HTML,
)  # fmt: skip
async def walkforward_report(serving: Served, _: Viewer, walkforward: str) -> Response:
    file = serving.searches.walk_report(walkforward)
    return FileResponse(file, media_type="text/html", headers=REPORT_HEADERS)
