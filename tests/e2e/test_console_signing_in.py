"""Signing in to the console by another service, in a real browser: an issuer on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.builders.console import a_browser, first_login, link_of, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
api:
  port: {port}
  beside: false
  oidc: {{issuer: "{issuer}", people: {{ann@desk.example: viewer}}}}
"""
KEY = ec.generate_private_key(ec.SECP256R1())


class Issuer(BaseHTTPRequestHandler):
    """Lets in whoever comes, under the address that the test says."""

    email = "ann@desk.example"
    nonces: dict[str, str]  # by code

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/authorize":
            query = {name: value[0] for name, value in parse_qs(asked.query).items()}
            self.nonces["the code"] = query["nonce"]
            back = urlencode({"code": "the code", "state": query["state"]})
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
        elif asked.path == "/keys":
            public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
            self._tell({"keys": [public | {"kid": "1", "use": "sig"}]})
        else:
            names = {"authorization": "authorize", "token": "token"}
            told = {f"{name}_endpoint": f"{self._own}/{path}" for name, path in names.items()}
            self._tell(told | {"issuer": self._own, "jwks_uri": f"{self._own}/keys"})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self._own, "aud": "algotrader", "sub": "7", "iat": now, "exp": now + 300,
            "nonce": self.nonces[form["code"][0]], "email": self.email,
        }  # fmt: skip
        self._tell({"id_token": jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": "1"})})

    @property
    def _own(self) -> str:
        return f"http://{self.headers['Host']}/"[:-1]

    def _tell(self, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base
        pass


@contextmanager
def an_issuer(email: str) -> Iterator[str]:
    handler = type("Told", (Issuer,), {"email": email, "nonces": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("email", ["ann@desk.example", "eve@desk.example"])
def test_who_is_listed_comes_in_by_another_service_and_nobody_else(
    tmp_path: Path, email: str
) -> None:
    port = free_port()
    with a_browser() as browser, an_issuer(email) as issuer:
        settings = SETTINGS.format(port=port, issuer=issuer)
        (tmp_path / "algotrader.yaml").write_text(settings, encoding="utf-8")
        with started(tmp_path, "run", "api"):
            first_login(browser, link_of(tmp_path))
            page = browser.new_page(base_url=f"http://127.0.0.1:{port}")
            page.goto("/login")
            page.locator("a[href='/api/v1/session/oidc']").click()
            if email.startswith("ann"):
                page.locator(".app").wait_for()
                told = page.request.get("/api/v1/session").json()
                assert (told["name"], told["role"]) == (email, "viewer")
                page.goto("/backtests")
                page.locator("h1").wait_for()
                assert page.locator("[data-test=new-backtest]").count() == 0
            else:
                page.get_by_text("not among the people").first.wait_for()
                assert page.request.get("/api/v1/session").status == 401
