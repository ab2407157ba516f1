"""Where OKX answers and where it streams: hosts of their own for each region."""

from __future__ import annotations

import pytest

from algotrader.data.adapters.okx.rest import OkxAddress

pro = pytest.importorskip("ccxt.pro", reason="not run: ccxt is not installed")


@pytest.mark.parametrize(
    ("url", "sandbox", "stream"),
    [
        ("https://eea.okx.com", False, "wss://wseea.okx.com:443/ws/v5/private"),
        ("https://eea.okx.com", True, "wss://wseeapap.okx.com:443/ws/v5/private?brokerId=9999"),
        ("https://us.okx.com/", False, "wss://wsus.okx.com:443/ws/v5/private"),
        ("https://www.okx.com", False, "wss://ws.okx.com:443/ws/v5/private"),
        ("https://www.okx.com", True, "wss://wspap.okx.com:443/ws/v5/private?brokerId=9999"),
        (None, False, "wss://ws.okx.com:443/ws/v5/private"),
        ("http://127.0.0.1:80", True, "ws://127.0.0.1:80/ws/v5/private?brokerId=9999"),
    ],
)
def test_streams_are_where_the_region_of_the_host_has_them(
    url: str | None, sandbox: bool, stream: str
) -> None:
    client = pro.okx({})
    OkxAddress(base_url=url, sandbox=sandbox).point(client)

    answers_at = client.implode_hostname(client.urls["api"]["rest"])
    assert answers_at == (url or "https://www.okx.com").rstrip("/")
    assert client.get_url("", "private") == stream
