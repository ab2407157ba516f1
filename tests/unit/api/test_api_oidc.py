"""Signing in by another service lets in who is listed, by an answer that can be trusted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.builders.api_desk import an_api

from algotrader.api.errors import ApiError
from algotrader.api.oidc import Oidc, Somebody
from algotrader.core.ports import ManualClock, SystemClock
from algotrader.ops.api_settings import OidcSettings

ISSUER, BACK = "https://issuer.example", "http://127.0.0.1:8000/api/v1/session/oidc/back"
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
SETTINGS = OidcSettings(issuer=ISSUER, people={"ann@desk.example": "trader"})  # type: ignore[arg-type]


class Issuer:
    """A service that signs people in, without a network."""

    def __init__(self) -> None:
        self.nonce, self.key = "", KEY
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, list[str]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json={
                    "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize",
                    "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys",
                })  # fmt: skip
            case "/keys":
                public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
                return httpx.Response(200, json={"keys": [public | {"kid": "1", "use": "sig"}]})
            case _:
                self.asked = parse_qs(request.content.decode())
                now = int(datetime.now(UTC).timestamp())
                claims = {
                    "iss": ISSUER, "aud": "algotrader", "sub": "7", "iat": now, "exp": now + 300,
                    "nonce": self.nonce, "email": "ann@desk.example", **self.claims,
                }  # fmt: skip
                token = jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "1"})
                return httpx.Response(200, json={"id_token": token})


def signed_in(
    change: Callable[[Issuer], None] = lambda _: None, *, browser: str | None = None
) -> tuple[Somebody, Issuer]:
    issuer = Issuer()
    oidc = Oidc(
        SETTINGS, lambda: "hush", ManualClock(datetime(2026, 1, 1, tzinfo=UTC)),
        httpx.MockTransport(issuer),
    )  # fmt: skip

    async def there_and_back() -> Somebody:
        address, left = await oidc.begin(BACK)
        asked = parse_qs(urlsplit(address).query)
        issuer.nonce = asked["nonce"][0]
        change(issuer)
        return await oidc.end(asked["state"][0], "code", browser or left, BACK)

    return asyncio.run(there_and_back()), issuer


def test_who_is_listed_comes_in_with_the_role_of_the_list() -> None:
    somebody, issuer = signed_in()

    assert (somebody.name, somebody.role) == ("ann@desk.example", "trader")
    assert issuer.asked["client_secret"] == ["hush"]
    assert len(issuer.asked["code_verifier"][0]) >= 43


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda it: it.claims.update(email="eve@desk.example"), "access.stranger"),
        (lambda it: it.claims.update(email_verified=False), "access.oidc"),
        (lambda it: it.claims.update(nonce="another"), "access.oidc"),
        (lambda it: it.claims.update(aud="another"), "access.oidc"),
        (lambda it: it.claims.update(iss="https://evil.example"), "access.oidc"),
        (lambda it: it.claims.update(exp=1_000), "access.oidc"),
        (lambda it: setattr(it, "key", OTHER), "access.oidc"),
    ],
    ids=["stranger", "not verified", "nonce", "audience", "issuer", "over", "signature"],
)
def test_an_answer_that_cannot_be_trusted_lets_nobody_in(
    change: Callable[[Issuer], None], code: str
) -> None:
    with pytest.raises(ApiError) as refused:
        signed_in(change)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("address", "secure", "is_secure"),
    [("http", False, False), ("https", False, True), ("http", True, True)],
)
def test_the_cookie_of_a_sign_in_is_for_https_alone_where_the_browser_speaks_it(
    desk: Path, address: str, secure: bool, is_secure: bool
) -> None:
    with an_api(desk, **{"api.secure": secure}) as (client, serving):
        serving.oidc = Oidc(SETTINGS, lambda: None, SystemClock(), httpx.MockTransport(Issuer()))
        answer = client.get(
            f"{address}://127.0.0.1:8000/api/v1/session/oidc", follow_redirects=False
        )

    back = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"][0]
    assert answer.status_code == 303
    assert ("secure" in answer.headers["set-cookie"].lower()) is is_secure
    assert back.startswith("https://" if is_secure else "http://")


def test_a_sign_in_begun_elsewhere_lets_nobody_in() -> None:
    with pytest.raises(ApiError) as refused:
        signed_in(browser="another")

    assert refused.value.code == "access.oidc"
