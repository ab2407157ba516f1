"""Who may do what: every route, every role; forged pages, guesses, other people's files."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, get_args

import pyotp
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.builders.api_desk import ADDRESS, an_api, signed_in, token_for

from algotrader.api import passwords
from algotrader.api.access import Role
from algotrader.api.app import build_app, serving_of
from algotrader.api.refusals import ACTIONS, NO_ACTION
from algotrader.api.routes import risk
from algotrader.api.serve import serve
from algotrader.api.serving import COOKIE, Admin, Served, Serving, Stands, Trader, Viewer
from algotrader.api.strategy_files import StrategyFiles
from algotrader.core.errors import ConfigurationError
from algotrader.core.ports import ManualClock
from algotrader.ops import describing
from algotrader.ops.config import load
from algotrader.ops.works import Works

Api = tuple[TestClient, Serving]
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SOCKET = ADDRESS.replace("http", "ws") + "/ws/realtime"
OPEN = {("GET", "/health"), ("GET", "/login"), ("POST", "/session"), ("POST", "/session/link"),
        ("GET", "/session/oidc"), ("GET", "/session/oidc/back")}  # fmt: skip
TRADER = {
    ("POST", "/halt"), ("POST", "/flatten"), ("POST", "/resume"), ("PUT", "/risk/limits/{key}"),
    ("POST", "/strategies/{name}/stop"), ("POST", "/strategies/{name}/start"),
    ("POST", "/strategies/{name}/unload"), ("PATCH", "/strategies/{name}/parameters"),
    ("POST", "/backtests"), ("POST", "/sweeps"), ("POST", "/walkforwards"), ("POST", "/parity"),
    ("POST", "/orders"), ("POST", "/orders/preview"), ("PATCH", "/orders/{order_id}"),
    ("POST", "/orders/{order_id}/preview"), ("DELETE", "/orders/{order_id}"),
    ("POST", "/data/downloads"), ("POST", "/data/repairs"), ("POST", "/data/checks"),
    ("POST", "/strategy-checks"),
    ("DELETE", "/works/{work}"),
}  # fmt: skip
ADMIN = {
    ("POST", "/strategies/{name}/load"), ("POST", "/strategy-files"), ("GET", "/people"),
    ("PUT", "/people/{name}"), ("DELETE", "/people/{name}"), ("GET", "/sessions"),
    ("DELETE", "/sessions/{session}"), ("GET", "/tokens"), ("POST", "/tokens"),
    ("DELETE", "/tokens/{token}"), ("GET", "/audit"), ("POST", "/settings/reload"),
}  # fmt: skip


def routes(client: TestClient) -> Iterator[tuple[str, str]]:
    described = client.get("/api/v1/openapi.json").json()
    for path, methods in described["paths"].items():
        for method in methods:
            yield method.upper(), path.removeprefix("/api/v1")


@pytest.mark.parametrize("needed", [Served, Stands, Viewer, Trader, Admin])
def test_what_every_route_needs_hops_to_no_thread(needed: Any) -> None:
    """A hop there and back waits for the interpreter twice, while the journal is taken in."""
    assert iscoroutinefunction(get_args(needed)[1].dependency)


def called(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Any:
    body = None if method in ("GET", "DELETE") else "{}"
    named = path
    for name in ("name", "order_id", "seq", "work", "run", "sweep", "walkforward", "session",
                 "token", "key"):  # fmt: skip
        named = named.replace(f"{{{name}}}", "1")
    assert "{" not in named
    content = {"content-type": "application/json"}
    return client.request(method, f"/api/v1{named}", content=body, headers=headers | content)


async def nothing(*_: Any) -> list[dict[str, Any]]:
    return []


def test_f73_every_route_lets_in_its_role_and_nobody_below(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F73: the list is the router's own, so a forgotten route is found."""
    client, serving = api
    monkeypatch.setattr(Works, "_do", nothing)  # whether it is let in is asked, not what it does
    monkeypatch.setattr(StrategyFiles, "kinds", nothing)
    headers = {role: token_for(serving, role) for role in Role}
    listed = list(routes(client))
    for method, path in listed:
        if (method, path) in OPEN:
            continue
        least = Role.ADMIN if (method, path) in ADMIN else Role.VIEWER
        least = Role.TRADER if (method, path) in TRADER else least
        assert called(client, method, path, {}).status_code == 401, (method, path)
        for role in Role:
            answer = called(client, method, path, headers[role])
            is_refused = answer.status_code == 403 and _code(answer) == "access.role"
            assert is_refused is not role.may(least), (method, path, role, answer.text)
            assert answer.status_code != 401

    assert len(listed) > 60
    wrong = {"Authorization": "Bearer at_wrong"}
    assert client.get("/api/v1/positions", headers=wrong).status_code == 401


def _code(answer: Any) -> str | None:
    found: str | None = answer.json().get("error", {}).get("code")
    return found


def test_f74_a_session_changes_nothing_without_the_token_of_its_page(api: Api) -> None:
    """F74: a form on another page can send the cookie, and not the header."""
    client, serving = api
    csrf = signed_in(client, serving)
    for method, path in routes(client):
        if method == "GET" or (method, path) in OPEN:
            continue
        assert _code(called(client, method, path, {})) == "access.csrf", (method, path)
        assert _code(called(client, method, path, {"X-CSRF-Token": "x" * 32})) == "access.csrf"

    assert client.post("/api/v1/halt", json={}, headers=csrf).status_code == 202


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Origin": "http://evil.example"}, 403, "access.origin"),
        ({"Origin": "null"}, 403, "access.origin"),
        ({"Host": "evil.example"}, 421, "api.host"),
        ({"Host": "evil.example:8000", "Origin": "http://evil.example:8000"}, 421, "api.host"),
    ],
    ids=["other origin", "no origin of its own", "name that points here", "both"],
)
def test_f74_what_comes_from_another_page_is_refused(
    api: Api, headers: dict[str, str], status: int, code: str
) -> None:
    """F74"""
    client, serving = api
    csrf = signed_in(client, serving)
    answer = client.post("/api/v1/halt", json={}, headers=csrf | headers)

    assert (answer.status_code, _code(answer)) == (status, code)


def test_f73_f74_a_socket_opens_for_who_is_signed_in_and_from_our_own_page_alone(api: Api) -> None:
    """F73, F74"""
    client, serving = api
    ours, foreign = {"Origin": ADDRESS}, {"Origin": "http://evil.example"}
    assert _closed(client, ours) == 4401
    signed_in(client, serving)
    assert _closed(client, foreign) == 4403
    assert _closed(client, ours | {"Host": "evil.example"}) == 4403


@pytest.mark.parametrize("ends", ["session", "person", "token", "lapsed"])
def test_f73_who_is_let_in_no_more_hears_no_more(desk: Path, ends: str) -> None:
    """F73: an open socket goes with the session or token that opened it."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with _at(desk, clock) as (client, serving):
        kept, secret = serving.access.make_token("t", Role.VIEWER, "owner", 3_600_000)
        headers = {"Authorization": f"Bearer {secret}"}
        if ends in ("session", "person"):
            serving.access.keep_person("ann", Role.VIEWER, None)
            secret, caller = serving.access.begin_session("ann", Role.VIEWER, "", "", 3_600_000)
            headers, kept = {"Cookie": f"{COOKIE}={secret}"}, caller.id
        with client.websocket_connect(SOCKET, headers={"Origin": ADDRESS} | headers) as socket:
            assert socket.receive_json()["type"] == "heartbeat"
            {
                "session": lambda: serving.access.end_session(kept),
                "person": lambda: serving.access.remove_person("ann"),
                "token": lambda: serving.access.end_token(kept),
                "lapsed": lambda: clock.advance(3_601),
            }[ends]()
            assert _heard_until_closed(socket) == 4401


def _heard_until_closed(socket: Any) -> int:
    try:
        for _ in range(3):
            socket.receive_json()
    except WebSocketDisconnect as closed:
        return closed.code
    return 0


def test_f75_guesses_at_once_are_slowed_as_those_one_by_one(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F75: none is answered that others overtook while its password was checked."""
    checked = passwords.is_right
    with an_api(desk) as (client, serving):
        _choose_password(client, serving, "correct horse battery")

        async def overtaken(kept: str | None, password: str) -> bool:
            for _ in range(5):
                serving.throttle.failed("127.0.0.1", "owner")
            return await checked(kept, password)

        monkeypatch.setattr(passwords, "is_right", overtaken)
        status = _status(client, "/session", name="owner", password="correct horse battery")

    assert status == 429


def _closed(client: TestClient, headers: dict[str, str]) -> int:
    """The code with which a socket is closed at once."""
    try:
        with client.websocket_connect(SOCKET, headers=headers) as socket:
            socket.receive_json()
    except WebSocketDisconnect as closed:
        return closed.code
    return 0


def test_f74_f79_no_page_may_frame_us_and_no_script_stands_in_a_page(api: Api) -> None:
    """F74, F79"""
    client, _ = api
    for path in ("/api/v1/login", "/", "/markets", "/api/v1/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        scripts = next(one for one in policy.split(";") if "script-src" in one)
        assert scripts.split() == ["script-src", "'self'"]
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(api: Api) -> None:
    client, serving = api
    answer = client.post("/api/v1/session/link", json={"link": serving.links.make()})
    cookie = answer.headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_link_lets_in_once_and_for_an_hour(desk: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with _at(desk, clock) as (client, serving):
        link, late = serving.links.make(), serving.links.make()
        assert _status(client, "/session/link", link=link) == 200
        assert _status(client, "/session/link", link=link) == 401
        clock.advance(3_601)
        assert _status(client, "/session/link", link=late) == 401


def test_f75_guesses_are_slowed_after_five_and_locked_after_ten(desk: Path) -> None:
    """F75: also the right password waits, so that nobody learns by being let in."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with _at(desk, clock) as (client, serving):
        _choose_password(client, serving, "correct horse battery")
        wrong = {"name": "owner", "password": "guess"}
        statuses = [_status(client, "/session", **wrong) for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        assert _status(client, "/session", name="owner", password="correct horse battery") == 429
        waits = []
        for _ in range(15):
            answer = client.post("/api/v1/session", json=wrong)
            if answer.status_code == 429:
                waits.append(int(answer.headers["retry-after"]))
                clock.advance(waits[-1])
        assert waits[:5] == [2, 3, 5, 9, 17]
        assert max(waits) == 901
        clock.advance(901)
        assert _status(client, "/session", name="owner", password="correct horse battery") == 200


def test_a_name_that_nobody_has_is_refused_as_a_wrong_password_is(api: Api) -> None:
    client, serving = api
    _choose_password(client, serving, "correct horse battery")
    answers = [
        client.post("/api/v1/session", json={"name": name, "password": "guess guess"})
        for name in ("owner", "nobody")
    ]

    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].json() == answers[1].json()


def test_with_a_second_factor_each_code_counts_once(desk: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with _at(desk, clock) as (client, serving):
        csrf = _choose_password(client, serving, "correct horse battery")
        secret = client.post("/api/v1/session/code", headers=csrf).json()["secret"]
        totp = pyotp.TOTP(secret)
        confirm = {
            "secret": secret,
            "code": totp.at(clock.now()),
            "password": "correct horse battery",
        }
        assert client.put("/api/v1/session/code", json=confirm, headers=csrf).status_code == 204
        sign_in = {"name": "owner", "password": "correct horse battery"}
        assert _status(client, "/session", **sign_in) == 401
        code = totp.at(clock.now())
        assert _status(client, "/session", **sign_in, code=code) == 200
        assert _status(client, "/session", **sign_in, code=code) == 401
        clock.advance(60)
        assert _status(client, "/session", **sign_in, code=totp.at(clock.now())) == 200


def test_a_changed_password_ends_every_other_session(desk: Path) -> None:
    with an_api(desk) as (client, serving):
        _choose_password(client, serving, "correct horse battery")
        other = TestClient(client.app, base_url=ADDRESS)  # another browser of the same API
        csrf = signed_in(other, serving)
        change = {"current": "correct horse battery", "new": "another horse battery"}
        answer = other.put("/api/v1/session/password", json=change, headers=csrf)
        assert answer.status_code == 204
        assert other.get("/api/v1/session").status_code == 200
        assert client.get("/api/v1/session").status_code == 401


def test_what_is_kept_lets_nobody_in_who_reads_it(api: Api, desk: Path) -> None:
    client, serving = api
    _choose_password(client, serving, "correct horse battery")
    token = token_for(serving, Role.ADMIN)["Authorization"].removeprefix("Bearer ")
    cookie = client.cookies["algotrader_session"]
    folder = desk / "journal" / "console"
    kept = b"".join(file.read_bytes() for file in folder.iterdir())

    assert stat.S_IMODE((folder / "access.sqlite").stat().st_mode) == 0o600
    for secret in ("correct horse battery", token, cookie):
        assert secret.encode() not in kept
    assert b"$argon2id$" in kept


def test_seeds_of_second_factors_are_sealed_with_a_key_that_stands_aside(desk: Path) -> None:
    with an_api(desk) as (client, serving):
        _choose_password(client, serving, "correct horse battery")
        serving.access.keep_totp("owner", SEED)
        person = serving.access.person("owner")
        assert person is not None
        assert serving.access.totp_secret(person) == SEED
        kept = b"".join(file.read_bytes() for file in (desk / "journal" / "console").iterdir())
    key = desk / ".console.key"

    assert SEED.encode() not in kept
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() not in kept


def test_a_seed_that_an_earlier_version_wrote_plain_is_sealed_at_the_next_start(desk: Path) -> None:
    with an_api(desk) as (client, serving):
        _choose_password(client, serving, "correct horse battery")
    with sqlite3.connect(desk / "journal" / "console" / "access.sqlite") as rows:
        rows.execute("update people set totp = ?", (SEED,))
    rows.close()
    with an_api(desk) as (_, serving):
        kept = b"".join(file.read_bytes() for file in (desk / "journal" / "console").iterdir())
        person = serving.access.person("owner")
        assert person is not None
        assert serving.access.totp_secret(person) == SEED

    assert SEED.encode() not in kept


@pytest.mark.parametrize("harm", ["gone", "another", "open to others", "of another person"])
def test_without_the_key_nobody_comes_in_by_password_alone(desk: Path, harm: str) -> None:
    key = desk / ".console.key"
    with an_api(desk) as (client, serving):
        _choose_password(client, serving, "correct horse battery")
        serving.access.keep_totp("owner", SEED)
        if harm == "gone":
            key.unlink()
        elif harm == "another":
            key.write_bytes(b"k" * 32)
        elif harm == "open to others":
            key.chmod(0o644)
        else:  # a sealed seed is of its person alone
            with sqlite3.connect(desk / "journal" / "console" / "access.sqlite") as rows:
                rows.execute(
                    "insert into people select 'eve', role, password, totp, 0, 0 from people"
                )
            rows.close()
        name = "eve" if harm == "of another person" else "owner"
        sign_in = {"name": name, "password": "correct horse battery", "code": "000000"}
        answer = client.post("/api/v1/session", json=sign_in)

    assert (answer.status_code, _code(answer)) == (503, "access.key")
    assert "algotrader_session" not in answer.cookies


def test_an_answer_to_a_bug_has_the_headers_too(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F74"""
    configuration = load(desk / "algotrader.yaml", environment={})
    serving = serving_of(configuration)
    app = build_app(serving)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        headers = token_for(serving, Role.VIEWER)
        monkeypatch.setattr(type(serving.access), "people", lambda _: 1 / 0)
        answer = client.get("/api/v1/people", headers=token_for(serving, Role.ADMIN))
        well = client.get("/api/v1/positions", headers=headers)

    assert (answer.status_code, _code(answer)) == (500, "api.bug")
    wanted = {"content-security-policy", "x-content-type-options", "x-frame-options",
              "referrer-policy", "cross-origin-opener-policy", "permissions-policy"}  # fmt: skip
    assert wanted <= set(answer.headers) & set(well.headers)
    assert answer.headers["cache-control"] == "no-store"


def test_an_ended_token_and_a_lapsed_one_let_nobody_in(desk: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with _at(desk, clock) as (client, serving):
        admin = token_for(serving, Role.ADMIN)
        wish = {"name": "robot", "role": "viewer", "days": 1}
        made = client.post("/api/v1/tokens", json=wish, headers=admin).json()
        robot = {"Authorization": f"Bearer {made['token']}"}
        assert client.get("/api/v1/positions", headers=robot).status_code == 200
        clock.advance(86_401)
        assert client.get("/api/v1/positions", headers=robot).status_code == 401
        ended = client.delete(f"/api/v1/tokens/{made['id']}", headers=admin)
        assert ended.status_code == 204
        assert client.delete(f"/api/v1/tokens/{made['id']}", headers=admin).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2falgotrader.yaml", "/../algotrader.yaml", "/assets/..%2f..%2f..%2fapp.py",
        "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/runs/..%2f..%2fjournal/report",
        "/api/v1/runs/%2e%2e/report", "/api/v1/works/..%2f..", "/api/v1/sweeps/..%2f../report",
    ],
)  # fmt: skip
def test_f77_no_path_leads_out_of_its_folder(api: Api, path: str) -> None:
    """F77"""
    client, serving = api
    answer = client.get(path, headers=token_for(serving, Role.ADMIN))

    assert "accounts:" not in answer.text
    assert "root:" not in answer.text
    assert "def build_app" not in answer.text
    assert answer.status_code == 404 or "text/" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "wish",
    [
        {"strategy": "../../etc/passwd"},
        {"strategy": "strategies/../../other.py"},
        {"strategy": "--config=/etc/passwd"},
        {"symbols": ["--data=/etc/passwd"]},
        {"parameters": {"fast;rm": 1}},
        {"fees": "$(id)"},
        {"start": "2024-01-01 --data x"},
        {"data": "/etc/passwd"},
    ],
    ids=str,
)
def test_f77_a_form_names_neither_files_nor_options(api: Api, wish: dict[str, Any]) -> None:
    """F77"""
    client, serving = api
    whole = {"strategy": "TrendFollow", "symbols": ["US:AAPL"]} | wish
    answer = client.post("/api/v1/backtests", json=whole, headers=token_for(serving, Role.TRADER))

    assert answer.status_code in (404, 422), answer.text
    assert serving.works.all() == []


def test_f77_a_link_among_the_strategies_is_neither_read_nor_written_through(desk: Path) -> None:
    """F77"""
    outside = desk.parent / "outside.py"
    outside.write_text("KEPT = 1\n")
    (desk / "strategies").mkdir(exist_ok=True)
    (desk / "strategies" / "linked.py").symlink_to(outside)
    file = {"name": "linked.py", "source": "import os\n", "replace": True}
    with an_api(desk) as (client, serving):
        answer = client.post(
            "/api/v1/strategy-files", json=file, headers=token_for(serving, Role.ADMIN)
        )
        named = serving.files.named()

    assert answer.status_code == 409
    assert not any("linked" in one for one in named)
    assert outside.read_text() == "KEPT = 1\n"


def test_a_file_that_is_loaded_is_told_of_and_not_one_whose_name_ends_alike(desk: Path) -> None:
    """`my_trend.py` stands before `trend.py` in the folder: its check would be of another file."""
    folder = desk / "strategies"
    folder.mkdir(exist_ok=True)
    (folder / "my_trend.py").write_text("KEPT = 1\n")
    with an_api(desk, **{"api.uploads": True}) as (client, serving):
        told = client.post(
            "/api/v1/strategy-files", json={"name": "trend.py", "source": "import os\n"},
            headers=token_for(serving, Role.ADMIN),
        )  # fmt: skip
        noted = serving.access.audit(None, 1)

    assert (told.status_code, told.json()["use"]) == (201, "strategies/trend.py")
    assert noted[0]["object"] == "trend.py"


def test_f77_what_is_packed_is_not_unpacked(api: Api) -> None:
    """F77: a small body that would grow to a large one."""
    client, serving = api
    packed = gzip.compress(b" " * 50_000_000 + b"{}")
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = client.post(
        "/api/v1/halt", content=packed, headers=headers | token_for(serving, Role.TRADER)
    )

    assert answer.status_code in (400, 422)


def test_f76_nothing_takes_orders_from_a_stranger_and_a_secret_from_outside_counts_once(
    api: Api,
) -> None:
    """F76: no hook of another service is served; what comes in without a session is the link."""
    client, serving = api
    posts = {path for method, path in routes(client) if method != "GET"}
    alert = {"secret": "guess", "symbol": "US:AAPL", "side": "buy"}
    hooks = {
        client.post(f"/api/v1/{path}", json=alert).status_code
        for path in ("webhook", "webhooks/tradingview", "hooks", "signals")
    }
    link = serving.links.make()
    wrong = client.post("/api/v1/session/link", json={"link": "x" * len(link)})
    first = client.post("/api/v1/session/link", json={"link": link})
    again = client.post("/api/v1/session/link", json={"link": link})
    huge = client.post("/api/v1/session/link", json={"link": "x" * 1_100_000})

    assert {path for path in posts if ("POST", path) in OPEN} == {"/session", "/session/link"}
    assert hooks <= {404, 405}
    assert (first.status_code, again.status_code, huge.status_code) == (200, 401, 413)
    assert wrong.json() == again.json()  # whether it ever was is told to nobody


def test_f81_what_a_strategy_declares_is_read_without_network_and_secrets(desk: Path) -> None:
    """F81: by a process of its own, from which no socket leads out; nor from what it starts."""
    tried = desk / "tried.txt"
    source = f"""
import os, socket, subprocess, sys
from algotrader import Strategy

def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"

CHILD = "import socket; socket.socket()"
found = [
    tried(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)),
    tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    tried(lambda: socket.socket(socket.AF_UNIX)),
    str(subprocess.run([sys.executable, "-c", CHILD], capture_output=True).returncode),
    os.environ.get("ALGOTRADER_OKX_SECRET", "none"),
]
open({str(tried)!r}, "w").write(" ".join(found))


class Curious(Strategy):
    def targets(self, bars, f):
        return bars.close * 0
"""
    file = {"name": "curious.py", "source": source}
    with an_api(desk) as (client, serving), pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALGOTRADER_OKX_SECRET", "hidden")
        answer = client.post(
            "/api/v1/strategy-files", json=file, headers=token_for(serving, Role.ADMIN)
        )

    assert answer.json()["kind"]["name"] == "Curious", answer.text
    assert tried.read_text() == "PermissionError PermissionError PermissionError 1 none"


def test_f81_where_the_network_cannot_be_taken_no_file_is_read(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F81"""
    (desk / "ran.py").write_text("open('ran.txt', 'w')\n")
    monkeypatch.chdir(desk)
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    (row,) = describing.main(["ran.py"])

    assert row["error"]["code"] == "strategy.network"
    assert not (desk / "ran.txt").exists()


def test_f81_a_strategy_of_a_browser_is_taken_only_where_the_owner_lets_it(desk: Path) -> None:
    """F81"""
    file = {"name": "own.py", "source": "import os\n"}
    with an_api(desk, **{"api.uploads": False}) as (client, serving):
        refused = client.post(
            "/api/v1/strategy-files", json=file, headers=token_for(serving, Role.ADMIN)
        )
    with an_api(desk) as (client, serving):
        trader = client.post(
            "/api/v1/strategy-files", json=file, headers=token_for(serving, Role.TRADER)
        )
        named = [
            client.post(
                "/api/v1/strategy-files", json=file | {"name": name},
                headers=token_for(serving, Role.ADMIN),
            ).status_code
            for name in ("../own.py", "/tmp/own.py", "own.sh", ".own.py", "a/own.py")
        ]  # fmt: skip

    assert (refused.status_code, _code(refused)) == (403, "strategy.uploads_off")
    assert trader.status_code == 403
    assert named == [422] * 5
    assert not (desk / "strategies" / "own.py").exists()


def test_f80_too_much_is_refused_before_it_is_read(api: Api) -> None:
    """F80"""
    client, serving = api
    headers = token_for(serving, Role.ADMIN) | {"content-type": "application/json"}
    body = json.dumps({"reason": "x" * 1_100_000})
    told = client.post("/api/v1/halt", content=body, headers=headers)
    streamed = client.post(
        "/api/v1/halt", content=iter([b"x" * 600_000, b"x" * 600_000]), headers=headers
    )
    announced = client.post(
        "/api/v1/halt", content=b"{}", headers=headers | {"content-length": "100000000"}
    )

    assert (announced.status_code, _code(announced)) == (413, "api.too_large")
    assert (told.status_code, _code(told)) == (413, "api.too_large")
    assert (streamed.status_code, _code(streamed)) == (413, "api.too_large")


def written(serving: Serving) -> dict[str, Any]:
    """The newest row of the audit."""
    (row,) = serving.access.audit(None, 1)
    return {name: row[name] for name in ("who", "action", "object", "outcome", "says")}


def test_what_was_refused_is_written_down_with_who_what_and_the_code_alone(api: Api) -> None:
    client, serving = api
    viewer, admin = token_for(serving, Role.VIEWER), token_for(serving, Role.ADMIN)
    client.post("/api/v1/halt", json={"reason": "news"}, headers=viewer)
    by_role = written(serving)
    client.put("/api/v1/people/ann", json={"role": "king", "password": "hunter2"}, headers=admin)
    malformed = written(serving)
    client.delete("/api/v1/works/none", headers=admin)
    unknown = written(serving)

    assert by_role == {
        "who": "test-viewer", "action": "halt", "object": "", "outcome": "refused",
        "says": "403 access.role",
    }  # fmt: skip
    assert (malformed["object"], malformed["says"]) == ("ann", "422 api.value")
    assert "hunter2" not in str(serving.access.audit(None, 1))
    assert (unknown["action"], unknown["object"]) == ("cancel work", "none")
    assert unknown["says"] == "404 work.unknown"


def test_what_failed_by_a_bug_is_written_down_too(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(risk, "ask_mode", broken)
    with an_api(desk) as (client, serving):
        headers = token_for(serving, Role.TRADER)
        with pytest.raises(KeyError):
            client.post("/api/v1/halt", json={"reason": "news"}, headers=headers)
        noted = written(serving)

    assert (noted["action"], noted["outcome"], noted["says"]) == ("halt", "failed", "500 api.bug")


def test_what_nobody_asked_and_what_changes_nothing_is_not_written_down(api: Api) -> None:
    client, serving = api
    client.post("/api/v1/halt", json={"reason": "news"})
    client.get("/api/v1/runs/none", headers=token_for(serving, Role.VIEWER))

    assert serving.access.audit(None, 5) == []


def test_every_route_that_changes_something_has_a_word_for_the_audit(api: Api) -> None:
    described = api[0].get("/api/v1/openapi.json").json()["paths"]
    changing = {
        told["operationId"]
        for methods in described.values()
        for method, told in methods.items()
        if method != "get"
    }

    assert changing == set(ACTIONS) | NO_ACTION


def test_f79_what_people_wrote_comes_back_as_text_in_json(api: Api) -> None:
    """F79"""
    client, serving = api
    csrf = signed_in(client, serving)
    evil = "<img src=x onerror=alert(1)>"
    client.post("/api/v1/halt", json={"reason": evil}, headers=csrf)
    answer = client.get("/api/v1/audit", headers=csrf)

    assert answer.json()["items"][0]["says"] == evil
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_in_public_nothing_is_served_without_a_password(desk: Path) -> None:
    configuration = load(
        desk / "algotrader.yaml", environment={}, overrides={"api.host": "0.0.0.0", "api.port": 9}
    )
    with pytest.raises(ConfigurationError) as refused:
        asyncio.run(serve(configuration, lambda _: None))

    assert refused.value.code == "api.public_without_password"


def _choose_password(client: TestClient, serving: Serving, password: str) -> dict[str, str]:
    csrf = signed_in(client, serving)
    answer = client.put("/api/v1/session/password", json={"new": password}, headers=csrf)
    assert answer.status_code == 204, answer.text
    return csrf


def _status(client: TestClient, path: str, **body: str) -> int:
    return client.post(f"/api/v1{path}", json=body).status_code


class _at:  # noqa: N801  reads as a verb where it is used
    """An API by another clock."""

    def __init__(self, desk: Path, clock: ManualClock) -> None:
        configuration = load(desk / "algotrader.yaml", environment={})
        self._serving = serving_of(configuration, clock)
        self._client = TestClient(
            build_app(self._serving), base_url=ADDRESS, client=("127.0.0.1", 5)
        )

    def __enter__(self) -> Api:
        return self._client.__enter__(), self._serving

    def __exit__(self, *failure: Any) -> None:
        self._client.__exit__(*failure)
