"""Figures and health over HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from algotrader.core.errors import ConfigurationError
from algotrader.ops.observing.endpoint import Endpoint
from algotrader.ops.observing.settings import MetricsSettings


@contextmanager
def serving(ready: Mapping[str, Any]) -> Iterator[int]:
    endpoint = Endpoint(
        MetricsSettings(port=0),
        figures=lambda: b"algotrader_ready 1.0\n",
        health=lambda: (True, {"alive": True}),
        ready=lambda: (bool(ready["ready"]), ready),
    )
    try:
        yield endpoint.port
    finally:
        endpoint.close()


def asked(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


def test_figures_health_and_readiness_are_served() -> None:
    with serving({"ready": False, "reasons": ["account main: halted"]}) as port:
        figures, health, ready = (asked(port, path) for path in ("/metrics", "/health", "/ready"))

    assert figures == (200, "text/plain; version=0.0.4; charset=utf-8", b"algotrader_ready 1.0\n")
    assert (health[0], json.loads(health[2])) == (200, {"alive": True})
    assert ready[0] == 503
    assert json.loads(ready[2])["reasons"] == ["account main: halted"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/../health", 404), ("HEAD", "/metrics", 200),
     ("GET", "/metrics?x=1", 200), ("POST", "/metrics", 501), ("GET", "/" + "x" * 70_000, 414)],
)  # fmt: skip
def test_nothing_else_is_answered(method: str, path: str, status: int) -> None:
    with serving({"ready": True}) as port:
        assert asked(port, path, method)[0] == status


def test_who_says_nothing_keeps_nobody_from_being_served() -> None:
    with serving({"ready": True}) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        answer = asked(port, "/health")
        for one in silent:
            one.close()

    assert answer[0] == 200


def test_an_address_in_use_is_refused_with_its_setting() -> None:
    with serving({"ready": True}) as port, pytest.raises(ConfigurationError) as refused:
        Endpoint(
            MetricsSettings(port=port), figures=bytes, health=lambda: (True, {}),
            ready=lambda: (True, {}),
        )  # fmt: skip

    assert refused.value.code == "metrics.port"
