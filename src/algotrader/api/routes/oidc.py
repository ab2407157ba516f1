"""Signing in by another service: there and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from algotrader.api.routes.session import begin
from algotrader.api.serving import Served, error_answers, is_https

router = APIRouter(tags=["session"])
_COOKIE = "algotrader_oidc"
_PATH = "/api/v1/session/oidc"
_SEEN: dict[int | str, dict[str, str]] = {303: {"description": "Goes on there"}}


@router.get(
    "/session/oidc", summary="Sign in by another service", status_code=303, response_class=Response,
    responses=error_answers(404, 422, 503) | _SEEN,
)  # fmt: skip
async def begin_oidc(serving: Served, request: Request) -> Response:
    """Sends the browser there. Only where `api.oidc.issuer` is set."""
    address, browser = await serving.oidc.begin(_back(request))
    answer = RedirectResponse(address, status_code=303)
    # Lax: the way back begins on the other service's page.
    answer.set_cookie(
        _COOKIE, browser, max_age=600, httponly=True, samesite="lax", path=_PATH,
        secure=is_https(request),
    )  # fmt: skip
    return answer


@router.get(
    "/session/oidc/back", summary="Back from the other service", status_code=303,
    response_class=Response, responses=error_answers(401, 403, 404, 422, 503) | _SEEN,
)  # fmt: skip
async def end_oidc(
    serving: Served,
    request: Request,
    state: Annotated[str, Query(max_length=200)],
    code: Annotated[str, Query(max_length=2_000)],
) -> Response:
    """Lets in who is among `api.oidc.people`."""
    browser = request.cookies.get(_COOKIE, "")
    somebody = await serving.oidc.end(state, code, browser, _back(request))
    answer = RedirectResponse("/", status_code=303)
    begin(serving, request, answer, somebody.name, somebody.role, "oidc")
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


def _back(request: Request) -> str:
    """Our own address as the browser sees it; its host was checked before."""
    scheme = "https" if is_https(request) else request.url.scheme
    return f"{scheme}://{request.headers['host']}{_PATH}/back"
