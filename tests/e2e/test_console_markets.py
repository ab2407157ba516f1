"""The Markets page beside a running trader, and the lamps of a desk whose bars no longer come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.builders.console import PHONE, SCREENS, Served, a_page, axe, command, signed_in, started
from tests.builders.loopback import free_port
from tests.builders.okx_venue import served as venue_served
from tests.builders.okx_venue import simulator

from algotrader.core.ports import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, FloatRect, Page

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
pytestmark = pytest.mark.slow

KEYS = {
    "ALGOTRADER_OKX_KEY": "sim-key",
    "ALGOTRADER_OKX_SECRET": "sim-secret",
    "ALGOTRADER_OKX_PASSPHRASE": "sim-pass",
}
STRATEGY = """
from algotrader import Bars, Context, Features, Strategy
from algotrader.features import sma


class InAndOut(Strategy):
    \"\"\"Buys a little, with a stop, and sells it at the next bar.\"\"\"

    def features(self, bars: Bars) -> Features:
        return {"average": sma(bars.close, 5)}

    def on_bar(self, ctx: Context) -> None:
        if ctx.position.quantity > 0:
            ctx.close()
        else:
            ctx.buy(quantity=0.01, stop_loss=0.05)
"""
TRADED = """
trading: {{mode: sandbox, url: "http://127.0.0.1:{venue}"}}
accounts: {{main: {{currency: USDT}}}}
strategies: {{inout: {{use: inout.py, symbols: [OKX:BTC/USDT], timeframe: 1m}}}}
api: {{port: {port}, beside: false}}
"""
REPLAYED = """
accounts: {main: {currency: USD, cash: 10_000}}
strategies: {trend: {use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}
risk: {account: {max_drawdown: 60%, max_leverage: 1}}
trading: {start: 2011-01-03, end: 2011-03-01}
"""


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk on the look-alike exchange, a minute in three seconds."""
    folder, port = tmp_path_factory.mktemp("markets"), free_port()
    found = simulator(
        SystemClock(), balances={"USDT": Decimal(10_000)}, bars=10_000, speed=20.0, limits=False,
    )  # fmt: skip
    (folder / "inout.py").write_text(STRATEGY, encoding="utf-8")
    with venue_served(found) as venue:
        settings = TRADED.format(venue=venue, port=port)
        (folder / "algotrader.yaml").write_text(settings, encoding="utf-8")
        begin = SystemClock().now() - timedelta(hours=3)
        command(folder, "data", "download", "OKX:BTC/USDT", "--timeframe", "1m",
                "--base-url", f"http://127.0.0.1:{venue}", "--start", f"{begin:%Y-%m-%dT%H:%M}")  # fmt: skip
        with (
            started(folder, "trade", "--quiet", keys=KEYS),
            started(folder, "run", "api", keys=KEYS),
        ):
            yield signed_in(browser, folder, port)


def test_markets_draws_fills_the_strategys_own_features_and_the_open_bar(page: Page) -> None:
    page.goto("/markets/OKX:BTC/USDT")
    chart = page.locator("[data-test=candles]")
    chart.wait_for(timeout=60_000)
    for name in ("fills", "live", "features"):
        page.wait_for_function(
            "name => !['', '0'].includes(document.querySelector('[data-test=candles]').dataset[name])",
            arg=name, timeout=90_000,
        )  # fmt: skip
    assert "inout average" in str(chart.get_attribute("data-features"))
    before = page.locator("[data-test=last]").inner_text()
    page.wait_for_function(
        "was => document.querySelector('[data-test=last]').innerText !== was", arg=before,
        timeout=30_000,
    )  # fmt: skip
    bought = page.locator("[data-test=fills-here] li", has_text="buy").first
    assert "exit" not in bought.inner_text()  # the fee is taken in the coin, and it is an entry
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / "markets-live-desk-dark-en.png")
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENS / "markets-live-phone-dark-en.png")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert axe(page) == []


def test_a_line_that_is_dragged_proposes_another_price_and_sends_nothing(page: Page) -> None:
    csrf = page.request.get("/api/v1/session").json()["csrf"]
    wish = {"instrument": "OKX:BTC/USDT", "side": "buy", "quantity": "0.01", "limit": "29966"}
    headers = {"X-CSRF-Token": csrf}
    asked = page.request.post("/api/v1/orders", data=wish, headers=headers)
    until = time.monotonic() + 60
    while asked.json()["outcome"] != "accepted" and time.monotonic() < until:
        time.sleep(1.0)  # before the first bar nothing is taken
        asked = page.request.post("/api/v1/orders", data=wish, headers=headers)
    assert asked.json()["outcome"] == "accepted", asked.text()
    order = asked.json()["order"]
    page.goto("/markets/OKX:BTC/USDT")
    chart = page.locator("[data-test=candles]")
    page.get_by_role("button", name="Amend…").first.wait_for(timeout=30_000)
    box = chart.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 110, _line_under(page, box)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 15, steps=5)
    page.mouse.up()
    proposed = page.locator("[data-test=amend-limit]")
    proposed.wait_for()
    assert 29_966 < float(proposed.input_value()) < 30_050
    page.locator("[data-test=amend-close]").click()
    life = page.request.get(f"/api/v1/orders/{order}").json()
    assert float(life["order"]["limit"]) == 29_966
    assert not [one for one in life["events"] if "Amend" in one["kind"]]


def _line_under(page: Page, box: FloatRect) -> float:
    """The height at which the pointer holds a line of the chart."""
    y = box["y"] + 20.0
    while y < box["y"] + box["height"]:
        page.mouse.move(box["x"] + box["width"] - 110, y)
        if page.locator("[data-test=candles].grips").count():
            return y
        y += 4.0
    raise AssertionError("no line is under the pointer anywhere")


def test_keys_change_symbol_and_the_list_filters(page: Page) -> None:
    page.goto("/markets/OKX:BTC/USDT")
    watch = page.locator("[data-test=watch]")
    watch.get_by_text("US:AAPL").wait_for(timeout=60_000)
    page.keyboard.press("]")
    page.wait_for_function("!location.pathname.includes('BTC')")
    page.get_by_role("searchbox").fill("aapl")
    watch.get_by_text("OKX:BTC/USDT").wait_for(state="detached")
    assert watch.get_by_text("US:AAPL").count() == 1


def test_bars_that_no_longer_come_light_a_lamp_with_words(browser: Browser, tmp_path: Path) -> None:
    """What was replayed is years old: told of live bars, the feed is stale."""
    (tmp_path / "algotrader.yaml").write_text(REPLAYED, encoding="utf-8")
    command(tmp_path, "trade", "--quiet", "--journal-sync", "normal")
    port = free_port()
    stale = REPLAYED.replace("trading: {start: 2011-01-03, end: 2011-03-01}",
                             f"trading: {{data: live}}\napi: {{port: {port}, beside: false}}")  # fmt: skip
    (tmp_path / "algotrader.yaml").write_text(stale, encoding="utf-8")
    with started(tmp_path, "run", "api"):
        served = signed_in(browser, tmp_path, port)
        with a_page(browser, served) as page:
            page.goto("/")
            lamp = page.locator("[data-test=lamps] a.on", has_text="Feed US")
            lamp.wait_for(timeout=30_000)
            assert "stale" in lamp.inner_text()
            assert "The US feed is stale" in page.locator("[data-test=sentence]").inner_text()
            assert axe(page) == []
            lamp.click()
            page.wait_for_url("**/data")
