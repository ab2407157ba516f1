"""The plant in a real browser: files of strategies, people and tokens, limits, the past."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest
from tests.builders.console import DESK, PHONE, SCREENS, Served, axe, command, signed_in, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

PASSWORD = "four words that differ"
SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies:
  trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}
  own: {{use: strategies/own.py, symbols: [US:MSFT], timeframe: 1d}}
risk: {{account: {{max_drawdown: 60%, max_leverage: 1}}}}
trading: {{start: 2011-01-03, end: 2013-01-01}}
api: {{port: {port}, beside: false, uploads: true}}
"""
IDLE = '''\
"""A strategy that holds nothing."""

import numpy as np

from algotrader import Bars, Features, Strategy, Targets


class Own(Strategy):
    """Hold {what}."""

    def targets(self, bars: Bars, f: Features) -> Targets:
        return {expression}
'''
SHEETS = ("/risk", "/journal?then=200", "/settings?part=security", "/settings?part=appearance",
          "/strategies/trend", "/strategies/trend?tab=log", "/approvals", "/manual")  # fmt: skip


def source(what: str, expression: str) -> str:
    return IDLE.format(what=what, expression=expression)


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("plant")
    port = free_port()
    (folder / "strategies").mkdir()
    (folder / "strategies" / "own.py").write_text(source("nothing", "np.zeros(len(bars))"))
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    command(folder, "backtest", "TrendFollow", "--symbol", "US:AAPL", "--engine", "full")
    with (
        started(folder, "trade", "--speed", "2", "--journal-sync", "normal"),
        started(folder, "run", "api"),
    ):
        yield signed_in(browser, folder, port)


def test_a_file_is_loaded_and_checked_then_reloaded_stopped_started_and_unloaded(
    page: Page, tmp_path: Path
) -> None:
    """What looks ahead is said before anything trades it."""
    page.goto("/strategies/own")
    peeks = source("what rises tomorrow", "np.append(bars.close[1:] > bars.close[:-1], False)")
    _load(page, tmp_path, peeks)
    page.get_by_text("when the future arrives").wait_for(timeout=60_000)
    page.locator("[data-test=file-close]").click()
    _load(page, tmp_path, source("nothing still", "np.zeros(len(bars))"))
    page.get_by_text("No look-ahead, no hidden state.").wait_for(timeout=60_000)
    page.locator("[data-test=file-close]").click()

    page.locator("[data-test=reload]").click()
    page.locator("[data-test=reload-go]").click()
    page.get_by_role("status").get_by_text("In force.").wait_for(timeout=30_000)
    page.locator("[data-test=stop]").click()
    page.locator("[data-test=stop-now]").click()
    page.locator("[data-test=start]").click(timeout=30_000)
    page.locator("[data-test=start]").wait_for(state="detached", timeout=30_000)
    page.locator("[data-test=unload]").click()
    page.locator("[data-test=unload-go]").click()
    page.locator("[data-test=unload]").wait_for(state="detached", timeout=30_000)
    page.locator("[data-test=reload]").click()
    page.locator("[data-test=reload-go]").click()
    page.locator("[data-test=unload]").wait_for(timeout=30_000)


def _load(page: Page, folder: Path, text: str) -> None:
    file = folder / "own.py"
    file.write_text(text)
    page.locator("[data-test=load-file]").click()
    page.locator("[data-test=file]").set_input_files(file)
    page.locator("[data-test=file-replace]").check()
    page.locator("[data-test=file-go]").click()
    page.locator("[data-test=file-taken]").wait_for(timeout=30_000)
    page.locator("[data-test=check-symbols]").fill("US:MSFT")
    page.locator("[data-test=check-go]").click()


def test_a_token_is_shown_once_lets_a_program_in_and_is_revoked(page: Page, served: Served) -> None:
    page.goto("/settings?part=security")
    page.locator("[data-test=token-add]").click()
    page.locator("[data-test=token-name]").fill("board")
    page.locator("[data-test=token-make]").click()
    secret = page.locator("[data-test=token-secret]").inner_text()
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{served.url}/api/v1/positions", headers=headers).status_code == 200
    assert httpx.post(f"{served.url}/api/v1/halt", headers=headers, json={}).status_code == 403
    page.locator("[data-test=token-close]").click()
    assert secret not in page.content()
    page.locator("[data-test=token-end-board]").click()
    page.locator("[data-test=token-end-go]").click()
    page.locator("[data-test=token-end-board]").wait_for(state="detached")
    assert httpx.get(f"{served.url}/api/v1/positions", headers=headers).status_code == 401


def test_a_person_with_a_second_factor_signs_in_by_password_and_code(
    page: Page, browser: Browser, served: Served
) -> None:
    """The picture is drawn in the page: nothing is asked of another host."""
    page.goto("/settings?part=security")
    page.locator("[data-test=person-add]").click()
    page.locator("[data-test=person-name]").fill("second")
    page.locator("[data-test=person-role]").select_option("trader")
    page.locator("[data-test=person-password]").fill(PASSWORD)
    page.locator("[data-test=person-go]").click()
    page.get_by_role("cell", name="second", exact=True).wait_for()

    context = browser.new_context(base_url=served.url, viewport=DESK, locale="en-GB")
    theirs = context.new_page()
    asked: list[str] = []
    theirs.on("request", lambda one: asked.append(one.url))
    _sign_in(theirs, None)
    theirs.goto("/settings?part=security")
    theirs.locator("[data-test=factor-begin]").click()
    seed = theirs.locator("[data-test=factor-seed]").inner_text().replace(" ", "")
    picture = theirs.locator("[data-test=factor-picture]")
    assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
    theirs.screenshot(path=str(SCREENS / "second-factor.png"))
    theirs.locator("[data-test=factor-code]").fill("000000")
    theirs.locator("[data-test=factor-password]").fill(PASSWORD)
    theirs.locator("[data-test=factor-go]").click()
    theirs.get_by_text("the code does not fit the secret").wait_for()
    theirs.locator("[data-test=factor-code]").fill(pyotp.TOTP(seed).now())
    theirs.locator("[data-test=factor-go]").click()
    theirs.locator("[data-test=factor-end]").wait_for()
    context.clear_cookies()
    _sign_in(theirs, pyotp.TOTP(seed).at(int(time.time()) + 30))
    theirs.locator(".app").wait_for()
    assert all(url.startswith((served.url, "data:")) for url in asked)
    context.close()

    page.locator("[data-test=person-remove-second]").click()
    page.locator("[data-test=person-remove-go]").click()
    page.locator("[data-test=person-remove-second]").wait_for(state="detached")


def _sign_in(page: Page, code: str | None) -> None:
    page.goto("/login")
    page.locator("input[autocomplete=username]").fill("second")
    page.locator("input[type=password]").fill(PASSWORD)
    if code is not None:
        page.locator("input[autocomplete=one-time-code]").fill(code)
    page.locator("button[type=submit]").click()
    page.locator(".app").wait_for(timeout=20_000)


def test_a_rule_is_tried_and_its_fault_stands_under_its_column(page: Page) -> None:
    page.goto("/risk")
    page.locator("[data-test=limit-course]").wait_for(timeout=30_000)
    when = page.locator("[data-test=rule-when]")
    when.fill("drawdown > equity")
    page.locator("[data-test=rule-problem]").wait_for()
    assert page.locator("[data-test=rule-column]").inner_text().index("^") == len("drawdown ")
    when.fill("equity > 0")
    page.get_by_text("It would have tripped 1 time in the last 90 days.").wait_for()


def test_the_journal_shows_the_desk_as_it_was(page: Page) -> None:
    page.goto("/journal?kind=AccountMarked")
    page.locator("[role=row]").nth(3).click()
    page.locator("[data-test=then-here]").click()
    page.locator("[data-test=then-equity]").wait_for(timeout=20_000)
    assert "then=" in page.url
    page.locator("[data-test=scrubber]").fill("12")
    page.get_by_text("row 12,").wait_for(timeout=20_000)
    assert page.locator("[data-test=then-equity]").inner_text() == "10,000.00"


def test_what_changed_since_a_halt_stands_beside_the_way_back(page: Page) -> None:
    page.goto("/risk")
    page.locator("[data-test=halt]").click()
    page.locator("[data-test=halt-now]").click()
    page.locator("[data-test=halted-bar]").wait_for(timeout=30_000)
    page.keyboard.press("Escape")
    page.locator("[data-test=since-halt]").wait_for(timeout=30_000)
    page.screenshot(path=str(SCREENS / "since-halt.png"))
    page.locator("[data-test=rearm]").click()
    page.locator("[data-test=typed-name]").fill("main")
    page.locator("[data-test=typed-go]").click()
    page.locator("[data-test=halted-bar]").wait_for(state="detached", timeout=30_000)


@pytest.mark.parametrize("path", SHEETS)
def test_each_page_of_the_plant_stands_in_both_languages_themes_and_sizes(
    page: Page, path: str
) -> None:
    page.goto(path)
    page.locator(".app").wait_for()
    name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "-")
    for language in ("en", "zh"):
        for theme in ("dark", "light"):
            page.evaluate(
                "one => localStorage.setItem('appearance', JSON.stringify(one))",
                {"language": language, "theme": theme},
            )
            for size, view in (("desk", DESK), ("phone", PHONE)):
                page.set_viewport_size(view)
                page.goto(path)
                page.locator("h1").wait_for()
                page.wait_for_timeout(600)
                page.screenshot(path=str(SCREENS / f"plant-{name}-{language}-{theme}-{size}.png"))
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, (path, language, size)
        assert axe(page) == [], (path, language)
