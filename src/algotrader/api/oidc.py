"""Signing in by another service: OpenID Connect, authorisation code with PKCE (RFC 7636).

Who comes back is looked up among the people of the settings: to be known there is not enough.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from algotrader.api.access import Role
from algotrader.api.errors import ApiError
from algotrader.core.ports import Clock
from algotrader.ops.api_settings import OidcSettings

_LASTS_S: Final = 600.0
_MOST: Final = 1_000  # sign-ins under way
_TIMEOUT_S: Final = 10.0
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_LEEWAY_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A sign-in that somebody began in a browser."""

    verifier: str
    nonce: str
    browser: str
    ends_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """Who came back."""

    name: str
    role: Role


class Oidc:
    """One issuer. ApiError where it does not answer, or tells what cannot be trusted."""

    def __init__(
        self,
        settings: OidcSettings,
        secret: Callable[[], str | None],
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._transport = transport
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._found: dict[str, Any] | None = None

    async def begin(self, back: str) -> tuple[str, str]:
        """Where to send the browser, and what to leave there as a cookie."""
        found = await self._discovered()
        state, browser = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        begun = _Begun(
            verifier=secrets.token_urlsafe(48), nonce=secrets.token_urlsafe(24), browser=browser,
            ends_s=self._clock.monotonic_s() + _LASTS_S,
        )  # fmt: skip
        self._begun[state] = begun
        while len(self._begun) > _MOST:
            self._begun.popitem(last=False)
        digest = hashlib.sha256(begun.verifier.encode()).digest()
        query = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": back,
            "scope": "openid email profile", "state": state, "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{found['authorization_endpoint']}?{urlencode(query)}", browser

    async def end(self, state: str, code: str, browser: str, back: str) -> Somebody:
        """Who it is. ApiError 401 for a sign-in that was not begun here, 403 for a stranger."""
        begun = self._begun.pop(state, None)
        if begun is None or self._clock.monotonic_s() > begun.ends_s:
            raise _refused("this sign-in was not begun here, or took too long")
        if not secrets.compare_digest(begun.browser.encode(), browser.encode()):
            raise _refused("this sign-in was begun in another browser")
        claims = await self._claims(code, begun, back)
        return self._known(claims)

    def _known(self, claims: dict[str, Any]) -> Somebody:
        name = str(claims.get(self._settings.claim, ""))
        if self._settings.claim == "email" and claims.get("email_verified") is False:
            raise _refused(f"{name} is no verified address there")
        role = self._settings.people.get(name)
        if role is None:
            raise ApiError(
                403, "access.stranger", f"{name or 'nobody'} is not among the people of this desk",
                hint="an admin adds people under api.oidc.people in algotrader.yaml",
            )  # fmt: skip
        return Somebody(name=name, role=Role(role))

    async def _claims(self, code: str, begun: _Begun, back: str) -> dict[str, Any]:
        found = await self._discovered()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back,
            "client_id": self._settings.client_id, "code_verifier": begun.verifier,
        }  # fmt: skip
        if secret := self._secret():
            form["client_secret"] = secret
        told = await self._asked("POST", str(found["token_endpoint"]), form)
        keys = await self._asked("GET", str(found["jwks_uri"]))
        return self._verified(str(told.get("id_token", "")), keys, begun)

    def _verified(self, token: str, keys: dict[str, Any], begun: _Begun) -> dict[str, Any]:
        """The claims of a token whose signature, issuer, audience, times and nonce hold."""
        import jwt

        try:
            wanted = jwt.get_unverified_header(token).get("kid")
            held = jwt.PyJWKSet.from_dict(keys).keys
            key = next(one for one in held if wanted in (None, one.key_id))
            claims: dict[str, Any] = jwt.decode(
                token, key.key, algorithms=list(_ALGORITHMS), audience=self._settings.client_id,
                issuer=str(self._issuer()), leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "nonce"]},
            )  # fmt: skip
        except (jwt.PyJWTError, StopIteration) as error:
            raise _refused(f"the answer cannot be trusted: {type(error).__name__}") from error
        if not secrets.compare_digest(str(claims["nonce"]).encode(), begun.nonce.encode()):
            raise _refused("the answer is to another question")
        return claims

    async def _discovered(self) -> dict[str, Any]:
        if self._found is None:
            issuer = str(self._issuer()).rstrip("/")
            found = await self._asked("GET", f"{issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != issuer:
                raise _refused("the issuer names itself otherwise than the settings do")
            self._found = found
        return self._found

    def _issuer(self) -> str:
        if self._settings.issuer is None:
            raise ApiError(404, "access.no_oidc", "no other service signs in here")
        if self._found is not None:
            return str(self._found["issuer"])
        return str(self._settings.issuer)

    async def _asked(
        self, method: str, address: str, form: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, transport=self._transport) as client:
                answer = await client.request(method, address, data=form)
                answer.raise_for_status()
                told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ApiError(
                503, "access.issuer", f"the service that signs in did not answer: {error}",
                hint="sign in by password meanwhile",
            ) from error  # fmt: skip
        return told


def _refused(why: str) -> ApiError:
    return ApiError(401, "access.oidc", why, hint="begin again")
