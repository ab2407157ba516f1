"""The console opens, in a real browser: what every change is tested against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders.console import a_page, signed_in, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies: {{trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}}}
api: {{port: {port}, beside: false}}
"""


def test_a_person_enters_by_the_link_sees_a_chart_and_reaches_halt(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    with (
        started(tmp_path, "run", "api"),
        a_page(browser, signed_in(browser, tmp_path, port)) as page,
    ):
        page.goto("/markets/US:AAPL")
        page.locator("[role=figure] canvas").first.wait_for()
        page.keyboard.press("Control+.")
        page.locator("[data-test=halt-now]").wait_for()
