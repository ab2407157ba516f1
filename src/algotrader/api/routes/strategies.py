"""The strategies of the settings: how each stands, and stop, start and read anew."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from algotrader.api import desk_rows
from algotrader.api.errors import not_found
from algotrader.api.models.desk import Strategy
from algotrader.api.serving import Served, Stands, Viewer, error_answers
from algotrader.ops.asking import is_running

router = APIRouter(tags=["strategies"], responses=error_answers(401, 403, 503))


@router.get("/strategies", summary="Every strategy of the settings, and how it stands")
async def strategies(serving: Served, state: Stands, _: Viewer) -> list[Strategy]:
    runs = is_running(serving.configuration)
    known = serving.configuration.settings.strategies
    return [Strategy(**desk_rows.strategy(state, name, one, runs)) for name, one in known.items()]


@router.get("/strategies/{name}", summary="One strategy", responses=error_answers(404))
async def strategy(serving: Served, state: Stands, _: Viewer, name: str) -> Strategy:
    known = serving.configuration.settings.strategies
    if name not in known:
        raise not_found("strategy", name, f"strategies are: {', '.join(known) or 'none'}")
    row: dict[str, Any] = desk_rows.strategy(
        state, name, known[name], is_running(serving.configuration)
    )
    return Strategy(**row)
