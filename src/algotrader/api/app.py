"""The application: routes, refusals, and what runs as long as it serves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from algotrader import __version__
from algotrader.api import realtime
from algotrader.api.access import Access
from algotrader.api.alerts import Alerts
from algotrader.api.apart import Apart
from algotrader.api.console import console_router
from algotrader.api.errors import ApiError, status_of
from algotrader.api.features import StrategyFeatures
from algotrader.api.guard import Guard
from algotrader.api.held_settings import adopt
from algotrader.api.hub import TO_ALL, Hub, Told
from algotrader.api.limit_history import LimitHistory
from algotrader.api.links import LoginLinks
from algotrader.api.market_data import MarketData
from algotrader.api.oidc import Oidc
from algotrader.api.parities import Parities
from algotrader.api.past import Past
from algotrader.api.refusals import note_refusal
from algotrader.api.routes import (
    data,
    desk,
    oidc,
    orders,
    parity,
    past,
    people,
    records,
    risk,
    runs,
    searches,
    session,
    settings,
    strategies,
    system,
    works,
)
from algotrader.api.routes.works import plain_work
from algotrader.api.runs import Runs
from algotrader.api.sealing import KEY_FILE
from algotrader.api.searches import Searches
from algotrader.api.serving import Serving
from algotrader.api.strategy_files import StrategyFiles
from algotrader.api.throttling import Throttle
from algotrader.api.view import DeskView
from algotrader.api.watching import Watching
from algotrader.backtest.workspace import Workspace
from algotrader.core.errors import AlgotraderError
from algotrader.core.events import Event, SettingsReloaded
from algotrader.core.ports import Clock, SystemClock
from algotrader.live.journal.chain import Row
from algotrader.ops.config import Configuration
from algotrader.ops.secrets import secrets_of
from algotrader.ops.standing import folder_of
from algotrader.ops.works import Works

PREFIX: Final = "/api/v1"
MOST_SOCKETS: Final = 500
_CODES: Final = {
    404: "api.unknown", 405: "api.method", 408: "api.too_slow", 413: "api.too_large"
}  # fmt: skip
_ABOUT: Final = """\
What a person sees of a workspace, and the few things they may ask of it. Amounts are decimal text,
exact; ratios are fractions; times are UTC milliseconds. Every refusal is `{"error": {"code",
"message", "hint"}}`. Lists give `next`, a cursor. Answers carry an ETag. What happens live comes by
the WebSocket `/ws/realtime`.
"""


def serving_of(configuration: Configuration, clock: Clock | None = None) -> Serving:
    """The parts of an API for a workspace. RunError if its folder cannot be used."""
    clock = clock or SystemClock()
    hub, folders = Hub(MOST_SOCKETS), configuration.settings.workspace
    workspace = Workspace(
        lake=configuration.path(folders.lake), runs=configuration.path(folders.runs)
    )
    works = Works(
        configuration, clock, on_change=lambda work: hub.say("system.work", plain_work(work))
    )
    alerts = Alerts(
        configuration.settings.notification,
        lambda alert: hub.say("system.alert", msgspec.to_builtins(alert)),
    )

    states = Past(configuration)
    limit_history = LimitHistory(states)

    def begun() -> None:
        alerts.forget()
        states.forget()
        limit_history.forget()
        # Who listens meanwhile was told nothing of the rows that were read now.
        hub.tell(Told(TO_ALL, realtime.reset_at(view.seq, "the journal was read anew")))

    def heard(row: Row, event: Event) -> None:
        hub.hear(row, event)
        alerts.hear(row, event)
        if isinstance(event, SettingsReloaded):
            adopt(serving, event)

    market = MarketData(configuration)
    view = DeskView(configuration, on_event=heard, on_past=alerts.recall, on_begin=begun)
    serving = Serving(
        configuration=configuration,
        clock=clock,
        access=Access(folder_of(configuration).path, configuration.folder / KEY_FILE, clock),
        view=view,
        hub=hub,
        throttle=Throttle(clock),
        links=LoginLinks(clock),
        oidc=Oidc(configuration.settings.api.oidc, partial(_oidc_secret, configuration), clock),
        alerts=alerts,
        files=StrategyFiles(configuration),
        runs=Runs(workspace),
        searches=Searches(workspace),
        parities=Parities(works),
        market=market,
        watching=Watching(market),
        features=StrategyFeatures(configuration),
        works=works,
        past=states,
        limit_history=limit_history,
        apart=Apart(),
    )
    return serving


def _oidc_secret(configuration: Configuration) -> str | None:
    return secrets_of(configuration, os.environ).find(configuration.settings.api.oidc.client_secret)


def build_app(serving: Serving) -> FastAPI:
    """The API and the console over one workspace."""
    app = FastAPI(
        title="AlgorithmTrader", version=__version__, description=_ABOUT, lifespan=_running,
        openapi_url=f"{PREFIX}/openapi.json", docs_url=None, redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    app.state.serving = serving
    for part in (
        system,
        session,
        oidc,
        people,
        desk,
        orders,
        strategies,
        risk,
        past,
        records,
        settings,
        works,
        runs,
        searches,
        parity,
        data,
    ):
        app.include_router(part.router, prefix=PREFIX)
    app.include_router(realtime.router)
    app.include_router(console_router())
    app.add_exception_handler(AlgotraderError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Guard, settings=serving.configuration.settings.api)
    return app


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    serving: Serving = app.state.serving
    parts = (
        serving.view.run(), serving.works.run(), realtime.keep_beating(serving),
        realtime.keep_forming(serving),
    )  # fmt: skip
    work = [asyncio.ensure_future(part) for part in parts]
    try:
        yield
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        serving.access.close()


def _answer(
    status: int, code: str, message: str, hint: str | None, headers: Mapping[str, str] | None = None
) -> Response:
    body: dict[str, Any] = {"error": {"code": code, "message": message, "hint": hint}}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AlgotraderError)
    headers = error.headers if isinstance(error, ApiError) else None
    status = status_of(error)
    note_refusal(request, status, error.code)
    return _answer(status, error.code, error.message, error.hint, headers)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    note_refusal(request, 422, "api.value")
    said = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].lower()}"
        for one in error.errors()
    )
    return _answer(422, "api.value", said, "see /api/v1/openapi.json")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "api.refused")
    note_refusal(request, error.status_code, code)
    return _answer(error.status_code, code, str(error.detail), None, error.headers)
