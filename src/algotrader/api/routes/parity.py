"""Comparisons of what was traded with what was tested."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from algotrader.api.models.search import ParityDetail, ParityRow
from algotrader.api.serving import Served, Viewer, error_answers

router = APIRouter(tags=["runs"], responses=error_answers(401, 403))


@router.get("/parity", summary="Comparisons of the journal with a backtest")
async def parities(serving: Served, _: Viewer) -> list[ParityRow]:
    """The newest first. POST makes one; it is a work, and named by it."""
    return [ParityRow(**row) for row in await run_in_threadpool(serving.parities.rows)]


@router.get(
    "/parity/{work}", summary="One comparison, decision by decision", responses=error_answers(404)
)
async def parity_detail(serving: Served, _: Viewer, work: str) -> ParityDetail:
    """Equal decisions are counted, the others told with their cause."""
    return ParityDetail(**await run_in_threadpool(serving.parities.detail, work))
