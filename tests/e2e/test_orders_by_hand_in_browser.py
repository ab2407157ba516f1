"""Orders by hand in a real browser beside a trader: asked, placed, changed, withdrawn, closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.builders.console import DESK, PHONE, SCREENS, Served, axe, signed_in, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies:
  hand: {{use: ByHand, symbols: [US:AAPL], timeframe: 1d, share: 0.5}}
  trend: {{use: TrendFollow, symbols: [US:IBM], timeframe: 1d, share: 0.5}}
risk: {{account: {{max_leverage: 1}}, order: {{max_notional: 3_000}}}}
trading: {{start: 2011-01-03, end: 2019-01-01}}
api: {{port: {port}, beside: false}}
"""


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    port = free_port()
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    with (
        started(folder, "trade", "--speed", "4", "--journal-sync", "normal"),
        started(folder, "run", "api"),
    ):
        yield signed_in(browser, folder, port)


def confirmed(page: Page) -> None:
    page.locator("[data-test=sending][data-stage=confirmed]").wait_for(timeout=30_000)


def assert_whole(page: Page, name: str) -> None:
    """Its button can be seen whole."""
    box = page.locator(f"[data-test={name}]").first.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= DESK["width"]


def shown(page: Page, name: str) -> None:
    """Both languages, themes and sizes of what is open now."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for size, viewport in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_timeout(250)
        page.screenshot(path=SCREENS / f"{name}-{size}.png")
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} scrolls sideways at {size}"
    page.set_viewport_size(DESK)


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("zh", "light")])
def test_a_limit_is_placed_amended_and_cancelled_and_a_market_order_fills(
    page: Page, language: str, theme: str
) -> None:
    look = f"{{language: '{language}', theme: '{theme}'}}"
    page.add_init_script(f"localStorage.setItem('appearance', JSON.stringify({look}))")
    tag = f"{theme}-{language}"
    page.goto("/orders?tab=open")

    page.locator("[data-test=new-order]").click()
    page.locator("[data-test=order-symbol]").select_option("main US:AAPL")
    page.locator("[data-test=order-by-value]").click()
    page.locator("[data-test=order-size]").fill("9000")
    page.locator("[data-test=risk-result][data-allowed=false]").wait_for()
    assert page.locator("[data-test=order-go]").is_disabled()
    shown(page, f"order-denied-{tag}")
    page.locator("[data-test=order-size]").fill("1000")
    page.locator("[data-test=risk-result][data-allowed=true]").wait_for()
    assert page.locator("[data-test=rules] tbody tr").count() == 2
    shown(page, f"order-new-{tag}")
    assert axe(page) == []
    page.locator("[data-test=order-go]").click()
    page.locator("[data-test=sending]").wait_for()
    confirmed(page)
    shown(page, f"order-sent-{tag}")
    page.locator("[data-test=order-close]").click()
    page.goto("/positions")
    page.locator("[data-test=close-position]").first.wait_for(timeout=60_000)  # the fill arrived

    page.goto("/orders?tab=open")
    page.locator("[data-test=new-order]").click()
    page.locator("[data-test=order-symbol]").select_option("main US:AAPL")
    page.locator("[data-test=order-sell]").click()
    page.locator("[data-test=order-limit]").click()
    page.locator("[data-test=order-size]").fill("3")
    page.locator("[data-test=order-limit-price]").fill("9000")
    page.locator("[data-test=risk-result][data-allowed=true]").wait_for()
    page.locator("[data-test=order-go]").click()
    confirmed(page)
    page.locator("[data-test=order-close]").click()

    page.locator("[data-test=amend]").first.click()
    page.locator("[data-test=amend-limit]").fill("9500")
    shown(page, f"order-amend-{tag}")
    page.locator("[data-test=amend-go]").click()
    confirmed(page)
    page.locator("[data-test=amend-close]").click()
    page.get_by_text("9,500").first.wait_for()
    shown(page, f"orders-open-{tag}")

    assert_whole(page, "cancel")
    page.locator("[data-test=cancel]").first.click()
    page.locator("[data-test=cancel-go]").click()
    confirmed(page)
    shown(page, f"order-cancelled-{tag}")
    page.locator("[data-test=cancel-close]").click()

    page.goto("/positions")
    row = page.locator("[role=row]").filter(has_text="US:AAPL")
    row.locator("[data-test=close-position]").click()
    page.locator("[data-test=risk-result][data-allowed=true]").wait_for()
    shown(page, f"position-close-{tag}")
    page.locator("[data-test=order-go]").click()
    confirmed(page)
    page.locator("[data-test=order-close]").click()
    row.wait_for(state="detached", timeout=60_000)
