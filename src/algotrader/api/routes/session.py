"""Signing in and out: by the one-time link, by password and code, by another service."""

from __future__ import annotations

import platform
from typing import Any

from fastapi import APIRouter, Request, Response

from algotrader import __version__
from algotrader.api import passwords
from algotrader.api.access import OWNER, Caller, Person, Role
from algotrader.api.errors import ApiError
from algotrader.api.models.session import (
    CodeConfirm,
    CodeRemoval,
    CodeSecret,
    Doors,
    LinkUse,
    PasswordChange,
    Session,
    SignIn,
)
from algotrader.api.serving import (
    COOKIE,
    Served,
    Serving,
    Viewer,
    address_of,
    error_answers,
    is_https,
)

router = APIRouter(tags=["session"])
_LINK = "#link"
"""Stands for the account where throttling counts tries of links."""


@router.get("/login", summary="How one may sign in")
async def doors(serving: Served) -> Doors:
    """Told to everybody: the page for signing in is made of it."""
    settings = serving.configuration.settings
    return Doors(
        machine=platform.node(), mode=settings.trading.mode, version=__version__,
        password=serving.access.has_password(), oidc=settings.api.oidc.issuer is not None,
    )  # fmt: skip


@router.post("/session", summary="Sign in by password",
             responses=error_answers(401, 403, 422, 429, 503))  # fmt: skip
async def sign_in(serving: Served, request: Request, response: Response, wish: SignIn) -> Session:
    """Sets the cookie. A wrong name, password or code are told apart to nobody."""
    address = address_of(request)
    serving.throttle.require_free(address, wish.name)
    person = serving.access.person(wish.name)
    is_right = await passwords.is_right(None if person is None else person.password, wish.password)
    serving.throttle.require_free(address, wish.name)  # others guessed while this one was checked
    if person is None or not is_right or not _code_fits(serving, person, wish.code):
        serving.throttle.failed(address, wish.name)
        _note_refusal(serving, wish.name, address, "password")
        raise ApiError(
            401, "access.refused", "the name, the password or the code is wrong",
            hint="forgotten: algotrader run api --new-link prints a link that lets in once",
        )  # fmt: skip
    serving.throttle.succeeded(address, wish.name)
    return begin(serving, request, response, person.name, person.role, "password")


@router.post(
    "/session/link",
    summary="Sign in by the one-time link",
    responses=error_answers(401, 403, 422, 429),
)
async def use_link(serving: Served, request: Request, response: Response, wish: LinkUse) -> Session:
    """The link that the first start printed. It lets in once, as an admin."""
    address = address_of(request)
    serving.throttle.require_free(address, _LINK)
    if not serving.links.use(wish.link):
        serving.throttle.failed(address, _LINK)
        _note_refusal(serving, OWNER, address, "link")
        raise ApiError(
            401, "access.link", "this link was used, is over, or never was",
            hint="algotrader run api --new-link prints a new one when it starts",
        )  # fmt: skip
    serving.throttle.succeeded(address, _LINK)
    if serving.access.person(OWNER) is None:
        serving.access.keep_person(OWNER, Role.ADMIN, None)
    return begin(serving, request, response, OWNER, Role.ADMIN, "link")


@router.get("/session", summary="Who is signed in", responses=error_answers(401))
async def session(serving: Served, caller: Viewer) -> Session:
    """With `csrf`, which what changes something has to carry."""
    return session_of(serving, caller)


@router.delete("/session", summary="Sign out", responses=error_answers(401, 403), status_code=204)
async def sign_out(serving: Served, caller: Viewer, response: Response) -> None:
    serving.access.end_session(caller.id)
    serving.access.note(caller, "sign out", caller.name)
    response.delete_cookie(COOKIE, path="/")


@router.put(
    "/session/password", summary="Choose or change one's password",
    responses=error_answers(401, 403, 422, 429), status_code=204,
)  # fmt: skip
async def change_password(
    serving: Served, request: Request, caller: Viewer, wish: PasswordChange
) -> None:
    """All other sessions of the person end."""
    person = _own(serving, caller)
    if person.password is not None:
        await _require_password(serving, request, person, wish.current or "")
    passwords.require_strong(wish.new)
    serving.access.keep_person(person.name, person.role, await passwords.hashed(wish.new))
    serving.access.end_others(person.name, caller.id)
    serving.access.note(caller, "change password", person.name)


@router.post(
    "/session/code", summary="Begin with a second factor", responses=error_answers(401, 403)
)
async def begin_code(serving: Served, caller: Viewer) -> CodeSecret:
    """A secret for an authenticator. Nothing holds until it was confirmed."""
    from pyotp import TOTP, random_base32

    person, secret = _own(serving, caller), random_base32()
    uri = TOTP(secret).provisioning_uri(name=person.name, issuer_name="AlgorithmTrader")
    return CodeSecret(secret=secret, uri=uri)


@router.put(
    "/session/code", summary="Ask for a code from here on",
    responses=error_answers(401, 403, 422, 429, 503), status_code=204,
)  # fmt: skip
async def confirm_code(
    serving: Served, request: Request, caller: Viewer, wish: CodeConfirm
) -> None:
    person = _own(serving, caller)
    await _require_password(serving, request, person, wish.password)
    if passwords.code_step(wish.secret, wish.code, serving.clock, after=0) is None:
        raise ApiError(
            422, "access.code", "the code does not fit the secret",
            hint="set the clock of the phone by the network, and take the next code",
        )  # fmt: skip
    serving.access.keep_totp(person.name, wish.secret)
    serving.access.note(caller, "ask for a code", person.name)


@router.delete(
    "/session/code", summary="Ask for no code any more", responses=error_answers(401, 403, 422, 429),
    status_code=204,
)  # fmt: skip
async def remove_code(serving: Served, request: Request, caller: Viewer, wish: CodeRemoval) -> None:
    person = _own(serving, caller)
    await _require_password(serving, request, person, wish.password)
    serving.access.keep_totp(person.name, None)
    serving.access.note(caller, "ask for no code", person.name)


def begin(
    serving: Serving, request: Request, response: Response, name: str, role: Role, door: str
) -> Session:
    """Let somebody in: a new session, and its cookie."""
    settings = serving.configuration.settings.api
    lasts_ms = round(settings.session_hours * 3_600_000)
    agent = request.headers.get("user-agent", "")
    secret, caller = serving.access.begin_session(name, role, address_of(request), agent, lasts_ms)
    response.set_cookie(
        COOKIE, secret, max_age=lasts_ms // 1_000, httponly=True, samesite="strict", path="/",
        secure=is_https(request),
    )  # fmt: skip
    serving.access.note(caller, "sign in", name, says=f"by {door}")
    return session_of(serving, caller)


def session_of(serving: Serving, caller: Caller) -> Session:
    person = serving.access.person(caller.name) if caller.door == "session" else None
    return Session(
        name=caller.name, role=caller.role, csrf=caller.csrf, ends=caller.ends_ms,
        has_password=person is not None and person.password is not None,
        has_code=person is not None and person.totp is not None,
    )  # fmt: skip


def _own(serving: Serving, caller: Caller) -> Person:
    """The person of a session; a token is nobody's password."""
    person = serving.access.person(caller.name) if caller.door == "session" else None
    if person is None:
        raise ApiError(
            403, "access.no_person", f"{caller.name} has no password here",
            hint="sign in by password or link; who comes by another service has none here",
        )  # fmt: skip
    return person


async def _require_password(
    serving: Serving, request: Request, person: Person, password: str
) -> None:
    address = address_of(request)
    serving.throttle.require_free(address, person.name)
    is_right = await passwords.is_right(person.password, password)
    serving.throttle.require_free(address, person.name)  # others guessed meanwhile
    if not is_right:
        serving.throttle.failed(address, person.name)
        raise ApiError(422, "access.password", "the present password is another one")
    serving.throttle.succeeded(address, person.name)


def _code_fits(serving: Serving, person: Person, code: str | None) -> bool:
    seed = serving.access.totp_secret(person)
    if seed is None:
        return True
    step = passwords.code_step(seed, code or "", serving.clock, person.totp_step)
    return step is not None and serving.access.use_code(person.name, step)


def _note_refusal(serving: Serving, name: str, address: str, door: str) -> None:
    nobody = Caller(name=name, role=Role.VIEWER, door=door, id="", address=address)
    what: dict[str, Any] = {"outcome": "refused"}
    serving.access.note(nobody, "sign in", name, **what)
