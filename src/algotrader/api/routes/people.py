"""People, their sessions, tokens of programs, and what each of them did. For admins."""

from __future__ import annotations

from fastapi import APIRouter

from algotrader.api import passwords
from algotrader.api.access import OWNER, Role
from algotrader.api.errors import ApiError, not_found
from algotrader.api.models.common import Page
from algotrader.api.models.session import (
    AuditRow,
    PersonChange,
    PersonRow,
    SessionRow,
    TokenMade,
    TokenRow,
    TokenWish,
)
from algotrader.api.paging import Cursor, Limit, page_of, place_of
from algotrader.api.serving import Admin, Served, error_answers

router = APIRouter(tags=["people"], responses=error_answers(401, 403))
_DAY_MS = 86_400_000


@router.get("/people", summary="Who may come in")
async def people(serving: Served, _: Admin) -> list[PersonRow]:
    return [
        PersonRow(
            name=one.name, role=one.role, has_password=one.password is not None,
            has_code=one.totp is not None,
        )
        for one in serving.access.people()
    ]  # fmt: skip


@router.put("/people/{name}", summary="Add somebody, or change role or password",
            responses=error_answers(422), status_code=204)  # fmt: skip
async def put_person(serving: Served, caller: Admin, name: str, wish: PersonChange) -> None:
    """A new person needs a password; a changed one ends all their sessions."""
    import re

    if re.fullmatch(r"[a-z0-9][a-z0-9._@-]{0,63}", name) is None:
        raise ApiError(422, "access.name", "a name has small letters, digits and ._@-, at most 64")
    before = serving.access.person(name)
    if before is None and wish.password is None:
        raise ApiError(422, "access.password_missing", f"{name} is new and needs a password")
    if name == OWNER and wish.role is not Role.ADMIN:
        raise ApiError(422, "access.owner", "the owner stays an admin")
    if wish.password is not None:
        passwords.require_strong(wish.password)
    kept = None if wish.password is None else await passwords.hashed(wish.password)
    serving.access.keep_person(name, wish.role, kept)
    if kept is not None:
        serving.access.end_others(name, caller.id)
    serving.access.note(
        caller, "change a person", name, after=wish.role.value,
        before=None if before is None else before.role.value,
    )  # fmt: skip


@router.delete("/people/{name}", summary="Let somebody in no more",
               responses=error_answers(404, 409), status_code=204)  # fmt: skip
async def delete_person(serving: Served, caller: Admin, name: str) -> None:
    if serving.access.person(name) is None:
        raise not_found("person", name)
    if name in (caller.name, OWNER):
        raise ApiError(409, "access.own", f"{name} cannot be removed from here")
    serving.access.remove_person(name)
    serving.access.note(caller, "remove a person", name)


@router.get("/sessions", summary="Who is signed in")
async def sessions(serving: Served, _: Admin) -> list[SessionRow]:
    return [SessionRow(**row) for row in serving.access.sessions()]


@router.delete("/sessions/{session}", summary="End a session",
               responses=error_answers(404), status_code=204)  # fmt: skip
async def delete_session(serving: Served, caller: Admin, session: str) -> None:
    if not serving.access.end_session(session):
        raise not_found("session", session)
    serving.access.note(caller, "end a session", session)


@router.get("/tokens", summary="Tokens of programs")
async def tokens(serving: Served, _: Admin) -> list[TokenRow]:
    return [TokenRow(**row) for row in serving.access.tokens()]


@router.post("/tokens", summary="Make a token for a program", status_code=201,
             responses=error_answers(422))  # fmt: skip
async def make_token(serving: Served, caller: Admin, wish: TokenWish) -> TokenMade:
    """The token is shown this once. Its role bounds what it may do."""
    lasts_ms = None if wish.days is None else wish.days * _DAY_MS
    kept, secret = serving.access.make_token(wish.name, wish.role, caller.name, lasts_ms)
    serving.access.note(caller, "make a token", wish.name, after=wish.role.value)
    return TokenMade(id=kept, token=secret)


@router.delete("/tokens/{token}", summary="End a token",
               responses=error_answers(404), status_code=204)  # fmt: skip
async def delete_token(serving: Served, caller: Admin, token: str) -> None:
    if not serving.access.end_token(token):
        raise not_found("token", token)
    serving.access.note(caller, "end a token", token)


@router.get("/audit", summary="What everybody did", responses=error_answers(400))
async def audit(
    serving: Served, _: Admin, limit: Limit = 100, cursor: Cursor = None
) -> Page[AuditRow]:
    """The newest first, refusals too."""
    rows = serving.access.audit(place_of(cursor), limit)
    following = rows[-1]["id"] if len(rows) == limit else None
    return Page[AuditRow](**page_of([AuditRow(**row) for row in rows], following))
