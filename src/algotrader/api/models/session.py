"""Signing in, people, tokens, audit."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from algotrader.api.access import Role
from algotrader.api.models.common import Ms, Shape, Wish

PersonName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$", examples=["owner"], description="who")
]
Password = Annotated[str, Field(min_length=1, max_length=256, examples=["four words that differ"])]
Code = Annotated[
    str | None,
    Field(None, pattern=r"^[0-9]{6}$", description="of the authenticator", examples=["492039"]),
]


class Doors(Shape):
    """How a person may come in; told to everybody."""

    machine: str = Field(description="its name, so that one knows where one is", examples=["desk"])
    mode: str = Field(description="paper, sandbox or live", examples=["paper"])
    password: bool = Field(description="false before the first password was chosen: use the link")
    oidc: bool = Field(description="whether another service can sign in")
    version: str = Field(examples=["0.1.0"])


class SignIn(Wish):
    name: PersonName = "owner"
    password: Password
    code: Code = None


class LinkUse(Wish):
    """The secret after `#link=` in the one-time link."""

    link: str = Field(min_length=1, max_length=200, examples=["pVJ1uOOv0b2mXr6cR3bYkZtq"])


class Session(Shape):
    """Who is signed in. `csrf` goes into the header X-CSRF-Token of what changes something."""

    name: str = Field(examples=["owner"])
    role: Role
    csrf: str | None = Field(description="null with a token, which needs none")
    ends: Ms | None
    has_password: bool = Field(description="false: choose one now")
    has_code: bool = Field(description="whether a second factor is asked for")


class PasswordChange(Wish):
    new: Password
    current: str | None = Field(
        None, max_length=256, description="not asked for where there is none yet"
    )


class CodeSecret(Shape):
    """To be shown once, as text and as a picture of `uri`."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(examples=["otpauth://totp/AlgorithmTrader:owner?secret=JBSWY3DPEHPK3PXP"])


class CodeConfirm(Wish):
    secret: str = Field(pattern=r"^[A-Z2-7]{16,64}$", examples=["JBSWY3DPEHPK3PXP"])
    code: str = Field(pattern=r"^[0-9]{6}$", examples=["492039"])
    password: Password


class CodeRemoval(Wish):
    password: Password


class SessionRow(Shape):
    id: str
    person: str
    role: Role
    made: Ms
    seen: Ms
    ends: Ms
    address: str
    agent: str


class PersonRow(Shape):
    name: str
    role: Role
    has_password: bool
    has_code: bool


class PersonChange(Wish):
    role: Role
    password: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="absent: it stays as it is"
    )


class TokenWish(Wish):
    name: Annotated[str, Field(min_length=1, max_length=64, examples=["grafana"])]
    role: Role
    days: Annotated[int, Field(ge=1, le=3_650)] | None = Field(
        None, description="absent: until it is ended"
    )


class TokenRow(Shape):
    id: str
    name: str
    role: Role
    made_by: str
    made: Ms
    used: Ms | None
    ends: Ms | None


class TokenMade(Shape):
    id: str
    token: str = Field(description="shown this once", examples=["at_0fJr…"])


class AuditRow(Shape):
    """What somebody did, or was refused."""

    id: int
    at: Ms
    who: str
    role: Role
    door: str = Field(description="`session`, `token`, `link`, `oidc`")
    address: str
    action: str = Field(examples=["halt"])
    object: str = Field(examples=["main"])
    before: Any = None
    after: Any = None
    outcome: str = Field(description="`done`, `refused`, `failed`")
    says: str = Field(description="the reason given; of a refusal its status and code")
