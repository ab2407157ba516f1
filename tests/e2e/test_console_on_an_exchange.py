"""The console over a desk on the look-alike exchange, which refuses, loses answers, and has more bars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.builders.console import Served, axe, command, signed_in, started
from tests.builders.loopback import free_port
from tests.builders.okx_venue import served as venue_served
from tests.builders.okx_venue import simulator

from algotrader.core.instants import utc_ms
from algotrader.core.ports import SystemClock
from algotrader.simulator.okx.faults import fault_of
from algotrader.simulator.okx.simulator import Simulator

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
pytestmark = pytest.mark.slow

KEYS = {
    "ALGOTRADER_OKX_KEY": "sim-key",
    "ALGOTRADER_OKX_SECRET": "sim-secret",
    "ALGOTRADER_OKX_PASSPHRASE": "sim-pass",
}
STRATEGY = """
from algotrader import Context, Strategy


class Greedy(Strategy):
    \"\"\"Buys a little and sells it again, and each time asks for far too much as well.\"\"\"

    def on_bar(self, ctx: Context) -> None:
        if ctx.position.quantity > 0:
            ctx.sell(quantity=ctx.position.quantity)
        else:
            ctx.buy(quantity=0.01)
        ctx.buy(quantity=1.0, limit=1_000.0)
"""
SETTINGS = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{venue}"}}
accounts: {{main: {{currency: USDT}}}}
strategies: {{greedy: {{use: greedy.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}}}
risk: {{order: {{max_quantity: 0.5}}}}
api: {{port: {port}, beside: false}}
"""


@pytest.fixture(scope="module")
def venue() -> Iterator[tuple[Simulator, int]]:
    """A minute a second, in a thread of its own."""
    found = simulator(
        SystemClock(), balances={"USDT": Decimal(10_000)}, bars=10_000, speed=60.0, limits=False,
    )  # fmt: skip
    with venue_served(found) as port:
        yield found, port


@pytest.fixture(scope="module")
def served(
    browser: Browser, venue: tuple[Simulator, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """It trades bitcoin; its bars of ether have a hole of half an hour."""
    folder, port = tmp_path_factory.mktemp("exchange"), free_port()
    (folder / "greedy.py").write_text(STRATEGY, encoding="utf-8")
    settings = SETTINGS.format(venue=venue[1], port=port)
    (folder / "algotrader.yaml").write_text(settings, encoding="utf-8")
    now = SystemClock().now()
    for symbol, hours, until in (("BTC", 4.0, None), ("ETH", 4.0, 2.0), ("ETH", 1.5, None)):
        words = ["data", "download", f"OKX:{symbol}/USDT", "--timeframe", "1m",
                 "--base-url", f"http://127.0.0.1:{venue[1]}",
                 "--start", f"{now - timedelta(hours=hours):%Y-%m-%dT%H:%M}"]  # fmt: skip
        if until is not None:
            words += ["--end", f"{now - timedelta(hours=until):%Y-%m-%dT%H:%M}"]
        command(folder, *words)
    with (
        started(folder, "trade", "--quiet", keys=KEYS),
        started(folder, "run", "api", keys=KEYS),
    ):
        yield signed_in(browser, folder, port)


def spoil(venue: Simulator, **fault: object) -> None:
    venue.faults.add(fault_of(fault, "the test"), utc_ms(SystemClock().now()))


def test_an_order_that_our_rules_deny_says_which_rule(page: Page) -> None:
    page.goto("/orders?tab=refused")
    row = page.locator("[role=row]", has_text="max_quantity").first
    row.wait_for(timeout=60_000)
    assert "denied" in row.inner_text()


def test_an_order_that_the_exchange_rejects_says_its_reason(
    page: Page, venue: tuple[Simulator, int]
) -> None:
    spoil(venue[0], kind="refuse", where="POST trade/order", code="51008", times=1)
    page.goto("/orders?filter=rejected")
    row = page.locator("[role=row]", has_text="BTC/USDT").first
    row.wait_for(timeout=60_000)
    row.click()
    page.get_by_text("51008").first.wait_for()
    assert axe(page) == []


def test_an_order_whose_answer_is_lost_stands_as_unknown_until_it_is_found(
    page: Page, venue: tuple[Simulator, int]
) -> None:
    page.goto("/orders?tab=unknown")
    page.get_by_role("heading", level=1).wait_for()
    spoil(venue[0], kind="drop_before", where="GET trade/*", for_s=6.0)
    spoil(venue[0], kind="lose_push", where="push orders", for_s=6.0)
    spoil(venue[0], kind="drop_after", where="POST trade/order", times=1)
    row = page.locator("[role=row]", has_text="outcome unknown").first
    row.wait_for(timeout=60_000)
    row.wait_for(state="detached", timeout=90_000)


def test_a_gap_is_refilled_from_the_page(page: Page) -> None:
    page.goto("/data")
    page.get_by_role("row", name="OKX:ETH/USDT").filter(has_text="1m").first.click()
    page.locator("[data-test=refill]").click()
    page.locator("[data-test=refill]").wait_for(state="detached", timeout=90_000)
