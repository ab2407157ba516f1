"""The console's files: packed where the client takes it, one page for every address, no way out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from algotrader.api.console import console_router
from algotrader.api.serve import empty_desk
from algotrader.ops.config import load


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("the page", encoding="utf-8")
    (static / "assets" / "main-1.js").write_text("const x = 1", encoding="utf-8")
    (static / "assets" / "main-1.js.gz").write_bytes(gzip.compress(b"const x = 1"))
    (tmp_path / "secret").write_text("key", encoding="utf-8")
    app = FastAPI()
    app.include_router(console_router(static))
    return TestClient(app)


def test_a_script_is_sent_packed_and_kept_for_ever(client: TestClient) -> None:
    got = client.get("/assets/main-1.js", headers={"Accept-Encoding": "gzip"})

    assert got.text == "const x = 1"
    assert got.headers["content-encoding"] == "gzip"
    assert "javascript" in got.headers["content-type"]
    assert "immutable" in got.headers["cache-control"]


def test_a_client_that_takes_nothing_packed_gets_the_file(client: TestClient) -> None:
    got = client.get("/assets/main-1.js", headers={"Accept-Encoding": "identity"})

    assert (got.text, got.headers.get("content-encoding")) == ("const x = 1", None)


@pytest.mark.parametrize("path", ["/", "/orders/at3k", "/%2e%2e/secret", "/..%2fsecret"])
def test_every_other_address_is_the_page(client: TestClient, path: str) -> None:
    assert client.get(path).text == "the page"


def test_an_empty_desk_is_said_to_be_and_where_below_it_one_has_traded(tmp_path: Path) -> None:
    """As the demo leaves its folder: research in it, and what traded in one below."""
    (tmp_path / "other").mkdir()
    (tmp_path / "trading" / "journal" / "chain").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "other", tmp_path / "trading"):
        (folder / "algotrader.yaml").write_text("{}\n")
    above = load(tmp_path / "algotrader.yaml", environment={})
    traded = load(tmp_path / "trading" / "algotrader.yaml", environment={})

    empty, there = empty_desk(above)
    assert "nothing has traded in this workspace" in empty
    assert there.endswith(f"cd {tmp_path / 'trading'} && algotrader run api")
    assert empty_desk(traded) == []
