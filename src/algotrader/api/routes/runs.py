"""Finished runs: figures, trades, reports, comparison."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from algotrader.api.errors import ApiError
from algotrader.api.guard import REPORT_HEADERS
from algotrader.api.models.common import Page
from algotrader.api.models.research import Compared, RunDetail, RunRow
from algotrader.api.paging import Cursor, Limit, page_of, place_of
from algotrader.api.routes.searches import HTML
from algotrader.api.serving import Served, Viewer, error_answers

router = APIRouter(tags=["runs"], responses=error_answers(401, 403))


@router.get("/runs", summary="Finished backtests", responses=error_answers(400))
async def runs(
    serving: Served,
    _: Viewer,
    strategy: Annotated[str | None, Query(description="of this strategy's class alone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[RunRow]:
    """The newest first, with their main figures."""
    rows = await run_in_threadpool(serving.runs.rows)
    rows = [row for row in rows if strategy in (None, row["strategy"])]
    first = place_of(cursor) or 0
    following = first + limit if first + limit < len(rows) else None
    items = [RunRow(**row) for row in rows[max(first, 0) : max(first, 0) + limit]]
    return Page[RunRow](**page_of(items, following, len(rows)))


@router.get(
    "/runs/compare", summary="Two to six runs side by side", responses=error_answers(404, 422)
)
async def compare_runs(
    serving: Served,
    _: Viewer,
    run: Annotated[list[str], Query(min_length=2, max_length=6, description="ids; repeatable")],
) -> Compared:
    """Figures made under different costs do not compare: what differs is named."""
    if len(set(run)) < len(run):
        raise ApiError(422, "compare.twice", "a run was given twice", hint="name each run once")
    found = [await run_in_threadpool(serving.runs.result, one) for one in run]
    texts: list[dict[str, Any]] = [one["assumptions"] for one in found]
    names = list(dict.fromkeys(name for one in texts for name in one))
    differ = [name for name in names if len({one.get(name) for one in texts}) > 1]
    return Compared(runs=[RunDetail(**one | {"trades": []}) for one in found], differ_in=differ)


@router.get("/runs/{run}", summary="A run: figures, trades, equity", responses=error_answers(404))
async def run_detail(serving: Served, _: Viewer, run: str) -> RunDetail:
    return RunDetail(**await run_in_threadpool(serving.runs.result, run))


@router.get(
    "/runs/{run}/report", summary="The report of a run, as a page", response_class=Response,
    responses=error_answers(404) | HTML,
)  # fmt: skip
async def run_report(serving: Served, _: Viewer, run: str) -> Response:
    """For a frame: its scripts run apart from the console, without its cookies."""
    return FileResponse(serving.runs.report(run), media_type="text/html", headers=REPORT_HEADERS)
