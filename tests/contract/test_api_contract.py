"""The API keeps what its OpenAPI says, whatever is sent: no crash, no answer of another shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient
from tests.builders.api_desk import ADDRESS, an_api, copied, token_for, traded_desk

from algotrader.api.access import Role
from algotrader.ops.works import Works

CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
)  # fmt: skip


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("contract")
    traded = traded_desk(folder / "traded")
    with pytest.MonkeyPatch.context() as patched:

        async def nothing(*_: Any) -> None:
            return None

        patched.setattr(Works, "_do", nothing)  # forms are asked, not what they start
        patched.setattr("algotrader.api.routes.strategies._WAIT_S", 0.0)
        patched.setattr("algotrader.api.routes.orders._WAIT_S", 0.0)
        with an_api(copied(traded, folder / "desk")) as (client, serving):
            yield client, token_for(serving, Role.ADMIN)


@pytest.fixture(scope="module")
def described(api: tuple[TestClient, dict[str, str]]) -> Any:
    client, headers = api
    found = client.get("/api/v1/openapi.json", headers=headers).json()
    return schemathesis.openapi.from_dict(found)


@pytest.mark.parametrize("examples", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_every_route_answers_as_it_is_described(
    api: tuple[TestClient, dict[str, str]], described: Any, examples: int
) -> None:
    client, headers = api
    asked = 0
    broken: list[str] = []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples, derandomize=True, deadline=None,
            suppress_health_check=list(HealthCheck), database=None,
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def is_as_described(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.validate_response(called(client, case, headers), checks=CHECKS)

        try:
            is_as_described()
        except BaseExceptionGroup as group:
            broken += [f"{operation.label}: {one}" for one in group.exceptions]
        except Exception as error:  # noqa: BLE001  told with all others
            broken.append(f"{operation.label}: {error}")

    assert broken == []
    assert asked > 100


def called(client: TestClient, case: Any, headers: dict[str, str]) -> Any:
    wanted = case.as_transport_kwargs(base_url=ADDRESS)
    sent = {"params": wanted.get("params"), "json": wanted.get("json")}
    if sent["json"] is None and wanted.get("data") is not None:
        sent["content"] = wanted["data"]
    given_ = {name: text for name, text in wanted["headers"].items() if str(text).isprintable()}
    given_ = {name: text for name, text in given_.items() if str(text).isascii()}
    client.cookies.clear()
    return client.request(wanted["method"], wanted["url"], headers={**given_, **headers}, **sent)


def test_every_route_says_what_it_is_and_shows_examples(described: Any) -> None:
    raw = described.raw_schema
    named = raw["components"]["schemas"]
    assert raw["paths"]
    for path, methods in raw["paths"].items():
        for method, one in methods.items():
            assert one.get("summary"), (method, path)
            assert one.get("tags"), (method, path)
    text = str(named)
    assert text.count("'examples'") > 40
