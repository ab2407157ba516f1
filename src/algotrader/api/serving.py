"""What all routes share, and who may call them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from algotrader.api.access import Access, Caller, Role
from algotrader.api.alerts import Alerts
from algotrader.api.apart import Apart
from algotrader.api.errors import ApiError
from algotrader.api.features import StrategyFeatures
from algotrader.api.hub import Hub
from algotrader.api.limit_history import LimitHistory
from algotrader.api.links import LoginLinks
from algotrader.api.market_data import MarketData
from algotrader.api.oidc import Oidc
from algotrader.api.parities import Parities
from algotrader.api.past import Past
from algotrader.api.runs import Runs
from algotrader.api.searches import Searches
from algotrader.api.strategy_files import StrategyFiles
from algotrader.api.throttling import Throttle
from algotrader.api.view import DeskView
from algotrader.api.watching import Watching
from algotrader.core.ports import Clock
from algotrader.engine.state import EngineState
from algotrader.ops.config import Configuration
from algotrader.ops.works import Works

COOKIE: Final = "algotrader_session"
CSRF: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
CHANNEL: Final = "console"


@dataclass(slots=True, kw_only=True)
class Serving:
    """The parts of a running API."""

    configuration: Configuration
    clock: Clock
    access: Access
    view: DeskView
    hub: Hub
    throttle: Throttle
    links: LoginLinks
    oidc: Oidc
    alerts: Alerts
    files: StrategyFiles
    works: Works
    runs: Runs
    searches: Searches
    parities: Parities
    market: MarketData
    watching: Watching
    past: Past
    limit_history: LimitHistory
    features: StrategyFeatures
    apart: Apart


def is_live(configuration: Configuration) -> bool:
    """Whether bars come as they close, rather than from a recording."""
    trading = configuration.settings.trading
    return trading.mode != "paper" or trading.data == "live"


def has_own_clock(configuration: Configuration) -> bool:
    """Whether the venue is a look-alike, which lives in the time of its bars."""
    trading = configuration.settings.trading
    return trading.mode == "sandbox" and trading.url is not None


def serving_of(request: HTTPConnection) -> Serving:
    found: Serving = request.app.state.serving
    return found


def address_of(request: HTTPConnection) -> str:
    return request.client.host if request.client is not None else ""


def is_https(request: HTTPConnection) -> bool:
    """Whether the browser's address is https: by a proxy before us, or by itself."""
    return serving_of(request).configuration.settings.api.secure or request.url.scheme == "https"


def caller_of(request: HTTPConnection) -> Caller | None:
    """Who asks, by a token or by a session's cookie; None for nobody."""
    access, address = serving_of(request).access, address_of(request)
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if secret:
        return access.of_token(secret.strip(), address) if scheme.lower() == "bearer" else None
    cookie = request.cookies.get(COOKIE)
    return access.of_session(cookie, address) if cookie else None


_cookie = APIKeyCookie(
    name=COOKIE, scheme_name="session", auto_error=False,
    description="Set by signing in. What changes something also needs the header X-CSRF-Token.",
)  # fmt: skip
_bearer = HTTPBearer(
    scheme_name="token", auto_error=False, description="A token of a program: `Bearer at_…`."
)
_csrf = APIKeyHeader(
    name=CSRF, scheme_name="csrf", auto_error=False,
    description="With a session, on what changes something: `csrf` of GET /api/v1/session.",
)  # fmt: skip


def requires(role: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets nobody below `role` in. ApiError 401, 403."""

    # Where nothing waits a dependency is async: a hop to a thread and back waits for the
    # interpreter twice, which the journal may be taken in by just then.
    async def check(
        request: Request,
        _c: Annotated[str | None, Depends(_cookie)] = None,
        _t: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
        _x: Annotated[str | None, Depends(_csrf)] = None,
    ) -> Caller:
        return admitted(request, role)

    return check


def admitted(request: Request, role: Role) -> Caller:
    caller = caller_of(request)
    if caller is None:
        raise ApiError(
            401, "access.signed_out", "nobody is signed in",
            hint="sign in, or send a token: Authorization: Bearer at_…",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    request.state.caller = caller  # also who is refused below is written down
    if request.method not in _SAFE and caller.door == "session":
        _require_csrf(request, caller)
    if not caller.role.may(role):
        raise ApiError(
            403, "access.role", f"{caller.name} is a {caller.role}: this needs a {role}",
            hint="an admin gives roles under Settings",
        )  # fmt: skip
    return caller


def _require_csrf(request: Request, caller: Caller) -> None:
    from secrets import compare_digest

    told = request.headers.get(CSRF, "")
    if not compare_digest(told.encode(), (caller.csrf or "").encode()):
        raise ApiError(
            403, "access.csrf", f"the header {CSRF} is missing or of another session",
            hint="read it anew: GET /api/v1/session",
        )  # fmt: skip


async def _served(request: Request) -> Serving:
    return serving_of(request)


Served = Annotated[Serving, Depends(_served)]
Viewer = Annotated[Caller, Depends(requires(Role.VIEWER))]
Trader = Annotated[Caller, Depends(requires(Role.TRADER))]
Admin = Annotated[Caller, Depends(requires(Role.ADMIN))]


async def state_of(serving: Served) -> EngineState | None:
    """Where the desk stands; None before its first start."""
    await serving.view.ready()
    return serving.view.state


Stands = Annotated[EngineState | None, Depends(state_of)]


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: which refusals a route may give."""
    from algotrader.api.models.common import Refusal

    told = {
        400: "Not what a request looks like", 401: "Nobody is signed in", 403: "Not with that role",
        404: "There is none", 409: "Not as things stand", 413: "Too long",
        422: "A value cannot be that", 429: "Too many tries", 503: "Not now",
    }  # fmt: skip
    return {one: {"model": Refusal, "description": told[one]} for one in statuses}
