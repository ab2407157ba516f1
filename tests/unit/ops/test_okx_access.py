"""Which of OKX's places a trader speaks to: only mode live may reach where orders are real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from algotrader.core.errors import RunError
from algotrader.live.settings import TradingSettings
from algotrader.ops.account_lock import account_locked
from algotrader.ops.okx_access import okx_address, place, venue_name
from algotrader.ops.okx_admission import has_own_clock

LOOK_ALIKE = "http://127.0.0.1:9443"
ANOTHER_HOST = "https://aws.okx.com"


class Client:
    """What ccxt's client is told."""

    def __init__(self) -> None:
        self.urls: dict[str, Any] = {"api": {"rest": "https://www.okx.com"}}
        self.is_demo = False

    def set_sandbox_mode(self, is_demo: bool) -> None:
        self.is_demo = is_demo


@pytest.mark.parametrize("mode", ["paper", "sandbox"])
@pytest.mark.parametrize("url", [None, LOOK_ALIKE, ANOTHER_HOST, "https://proxy.example/okx"])
def test_what_is_not_live_never_asks_for_a_real_order_whatever_the_address(
    mode: Any, url: str | None
) -> None:
    client = Client()
    okx_address(TradingSettings(mode=mode, url=url)).point(client)

    assert client.is_demo


@pytest.mark.parametrize("url", [None, ANOTHER_HOST])
def test_live_is_no_demo_trading(url: str | None) -> None:
    assert not okx_address(TradingSettings(mode="live", url=url)).sandbox


def test_only_a_look_alike_may_live_in_a_time_of_its_own() -> None:
    assert has_own_clock(TradingSettings(mode="sandbox", url=LOOK_ALIKE))
    assert not has_own_clock(TradingSettings(mode="sandbox", url=ANOTHER_HOST))
    assert not has_own_clock(TradingSettings(mode="live", url=ANOTHER_HOST))
    assert not has_own_clock(TradingSettings(mode="sandbox"))


def test_f65_two_traders_of_one_account_meet_by_whatever_host_they_came(tmp_path: Path) -> None:
    ways = [venue_name(TradingSettings(mode="live", url=url)) for url in (None, ANOTHER_HOST)]

    with (
        account_locked(tmp_path, ways[0], "7", tmp_path / "one"),
        pytest.raises(RunError, match="another trader trades this account"),
        account_locked(tmp_path, ways[1], "7", tmp_path / "two"),
    ):
        pass


def test_where_that_is_is_said_with_its_address() -> None:
    said = {
        (mode, url): place(TradingSettings(mode=mode, url=url))
        for mode, url in (("live", None), ("live", ANOTHER_HOST), ("sandbox", ANOTHER_HOST),
                          ("sandbox", LOOK_ALIKE))
    }  # fmt: skip

    assert said == {
        ("live", None): "OKX",
        ("live", ANOTHER_HOST): f"OKX at {ANOTHER_HOST}",
        ("sandbox", ANOTHER_HOST): f"OKX's demo trading at {ANOTHER_HOST}",
        ("sandbox", LOOK_ALIKE): LOOK_ALIKE,
    }
