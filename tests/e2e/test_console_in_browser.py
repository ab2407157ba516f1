"""The console in a real browser, on a desk that trades: what a person does first, and when it burns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.builders.console import DESK, PHONE, SCREENS, Served, axe, command, signed_in, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies: {{trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}}}
risk: {{account: {{max_drawdown: 60%, max_leverage: 1}}}}
trading: {{start: 2003-01-02, end: 2013-01-01}}
api: {{port: {port}, beside: false}}
"""
PAGES = ("/", "/markets", "/orders", "/orders?tab=fills", "/positions", "/strategies", "/risk",
         "/assistant", "/backtests", "/backtests/sweeps", "/data", "/journal", "/jobs", "/logs",
         "/settings", "/settings?part=appearance", "/more")  # fmt: skip


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk whose trader trades four bars a second for ten minutes, first entered by its one-time link."""
    folder = tmp_path_factory.mktemp("desk")
    port = free_port()
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    command(folder, "backtest", "TrendFollow", "--symbol", "US:AAPL", "--engine", "full")
    with (
        started(folder, "trade", "--speed", "4", "--journal-sync", "normal"),
        started(folder, "run", "api"),
    ):
        yield signed_in(browser, folder, port)


def test_a_fill_and_the_equity_arrive_without_a_reload(page: Page) -> None:
    page.goto("/orders?tab=fills")
    count = page.locator("[data-test=count]")
    count.wait_for()
    before = count.inner_text()
    page.wait_for_function("text => document.querySelector('[data-test=count]').innerText !== text",
                           arg=before, timeout=60_000)  # fmt: skip


def test_halt_takes_two_taps_on_a_phone_and_re_arming_asks_for_the_name(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/orders")
    page.locator("[data-test=halt]").click()
    page.locator("[data-test=halt-now]").click()
    page.locator("[data-test=halted-bar]").wait_for(timeout=30_000)
    assert page.title().startswith("[Halted]")
    page.goto("/")
    page.locator("[data-test=rearm]").click()
    go = page.locator("[data-test=typed-go]")
    assert go.is_disabled()
    page.locator("[data-test=typed-name]").fill("main")
    go.click()
    page.locator("[data-test=halted-bar]").wait_for(state="detached", timeout=30_000)


def test_raising_a_limit_shows_what_it_would_do_and_asks_for_its_name(page: Page) -> None:
    page.goto("/risk")
    page.locator("[data-test='change-account.max_drawdown']").click()
    page.locator("[data-test=limit-value]").fill("70%")
    page.locator("[data-test=limit-try]").click()
    page.get_by_text("This lets more happen.").wait_for()
    assert page.locator("[data-test=limit-go]").is_disabled()
    page.locator("[data-test=limit-name]").fill("account.max_drawdown")
    page.locator("[data-test=limit-go]").click()
    page.locator("[data-test=limit-done]").wait_for(timeout=20_000)


def test_the_life_of_an_order_is_told_from_its_row(page: Page) -> None:
    page.goto("/orders")
    page.locator("[role=row][aria-rowindex='2']").click()
    page.get_by_text("accepted by the venue").wait_for()
    assert "/orders/at" in page.url


def test_a_decision_says_why(page: Page) -> None:
    page.goto("/strategies/trend")
    page.locator("[data-test=sentence]").wait_for()
    assert "US:AAPL" in page.locator("[data-test=sentence]").inner_text()
    assert page.get_by_text("fast", exact=True).count() >= 1


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_in_both_languages_themes_and_sizes(page: Page, path: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", path).strip("-") or "overview"
    for language in ("en", "zh"):
        for theme in ("dark", "light"):
            look = f"{{language: '{language}', theme: '{theme}'}}"
            page.add_init_script(f"localStorage.setItem('appearance', JSON.stringify({look}))")
            for size, viewport in (("desk", DESK), ("phone", PHONE)):
                page.set_viewport_size(viewport)
                page.goto(path)
                page.locator("h1").first.wait_for()
                page.wait_for_timeout(400)
                page.screenshot(path=SCREENS / f"{name}-{size}-{theme}-{language}.png")
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{path} scrolls sideways at {size} in {language}"
    assert axe(page) == []


def test_keys_find_and_jump(page: Page) -> None:
    page.goto("/")
    page.locator(".app").wait_for()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("risk")
    page.keyboard.press("Enter")
    page.wait_for_url("**/risk")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/journal")


def test_the_language_changes_in_place_and_is_remembered(page: Page) -> None:
    page.goto("/risk")
    page.get_by_role("button", name="Switch to Chinese").click()
    page.get_by_role("heading", name="风控", exact=True).wait_for()
    page.reload()
    page.get_by_role("heading", name="风控", exact=True).wait_for()


def test_a_backtest_runs_from_the_form_and_its_report_opens(page: Page) -> None:
    page.goto("/backtests")
    page.locator("[data-test=new-backtest]").click()
    form = page.locator("[data-test=backtest-form]")
    form.locator("option[value=TrendFollow]").wait_for(state="attached")
    form.locator("select").first.select_option("TrendFollow")
    form.locator("input[list]").fill("US:IBM")
    form.locator("[data-test=run]").click()
    row = page.locator("[role=row]", has_text="US:IBM")
    row.wait_for(timeout=90_000)
    row.click()
    report = page.frame_locator("iframe")
    report.get_by_text("US:IBM").first.wait_for(timeout=20_000)


def test_a_page_of_the_shell_is_small_and_quick(page: Page) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda got: sizes.__setitem__(got.url, _sent(got)))
    page.goto("/login")
    page.locator("form").wait_for()
    shell = sum(size for url, size in sizes.items() if "/api/" not in url)
    assert 0 < shell <= 150_000, sizes


def _sent(response: object) -> int:
    """Bytes of the body as it came, compressed where the server compresses."""
    import gzip

    body: bytes = response.body()  # type: ignore[attr-defined]
    return len(body) if response.url.endswith("woff2") else len(gzip.compress(body))  # type: ignore[attr-defined]


def test_a_strategy_is_stopped_and_started(page: Page) -> None:
    page.goto("/strategies/trend")
    page.locator("[data-test=stop]").click()
    page.locator("[data-test=stop-now]").click()
    page.locator("[data-test=start]").wait_for(timeout=30_000)
    page.locator("[data-test=start]").click()
    page.locator("[data-test=start]").wait_for(state="detached", timeout=30_000)


def test_a_limit_below_what_was_lost_trips_and_is_seen(page: Page) -> None:
    """Lowering asks for no name; what it then does stands in the bar and among the trips."""
    page.goto("/risk")
    page.locator("[data-test='change-account.max_drawdown']").click()
    page.locator("[data-test=limit-value]").fill("0.01%")
    page.locator("[data-test=limit-try]").click()
    page.locator("[data-test=limit-go]").click()
    page.locator("[data-test=limit-done]").wait_for(timeout=20_000)
    page.keyboard.press("Escape")
    page.locator("[data-test=halted-bar]").wait_for(timeout=60_000)
    page.goto("/risk")
    page.get_by_text("max_drawdown").first.wait_for()
    page.locator("[data-test='change-account.max_drawdown']").click()
    page.locator("[data-test=limit-value]").fill("60%")
    page.locator("[data-test=limit-try]").click()
    page.locator("[data-test=limit-name]").fill("account.max_drawdown")
    page.locator("[data-test=limit-go]").click()
    page.locator("[data-test=limit-done]").wait_for(timeout=20_000)
    page.keyboard.press("Escape")
    page.locator("[data-test=rearm]").click()
    page.locator("[data-test=typed-name]").fill("main")
    page.locator("[data-test=typed-go]").click()
    page.locator("[data-test=halted-bar]").wait_for(state="detached", timeout=30_000)
