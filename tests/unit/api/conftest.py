"""One desk has traded for all tests of the API; who changes it takes a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.builders.api_desk import an_api, copied, traded_desk

from algotrader.api.serving import Serving


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded_desk(tmp_path_factory.mktemp("api") / "desk")


@pytest.fixture
def desk(traded: Path, tmp_path: Path) -> Path:
    return copied(traded, tmp_path / "desk")


@pytest.fixture
def api(desk: Path) -> Iterator[tuple[TestClient, Serving]]:
    with an_api(desk) as found:
        yield found
