"""Every page of the console in its five states: pictured, looked through by axe, walked by keys, enlarged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.builders.console import (
    DESK,
    PHONE,
    SCREENS,
    Served,
    a_page,
    axe,
    command,
    signed_in,
    started,
)
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies: {{trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}}}
risk: {{account: {{max_drawdown: 60%, max_leverage: 1}}}}
trading: {{start: 2011-01-03, end: 2013-01-01}}
api: {{port: {port}, beside: false}}
"""
NOTHING = (
    "accounts: {{main: {{currency: USD, cash: 10_000}}}}\napi: {{port: {port}, beside: false}}\n"
)
PAGES = ("/", "/markets", "/orders", "/orders?tab=fills", "/positions", "/strategies", "/risk",
         "/assistant", "/backtests", "/backtests/sweeps", "/walkforward", "/parity", "/data",
         "/journal", "/jobs", "/logs", "/settings", "/settings?part=appearance", "/more")  # fmt: skip
LOOKS = (("desk", "dark", "en"), ("desk", "light", "zh"),
         ("phone", "dark", "zh"), ("phone", "light", "en"))  # fmt: skip
SIZES = {"desk": DESK, "phone": PHONE}
FRAME = re.compile(r"/api/v1/(session|login|system|accounts)(\?|$)")
REFUSED = {"error": {"code": "api.journal", "message": "the journal cannot be read: row 4,021 "
           "does not follow from the one before", "hint": "algotrader journal verify"}}  # fmt: skip
LATER = """
const now = Date.now.bind(Date);
setTimeout(() => { Date.now = () => now() + 7000; }, 900);
"""


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    port = free_port()
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    command(folder, "backtest", "TrendFollow", "--symbol", "US:AAPL", "--engine", "full")
    command(folder, "sweep", "TrendFollow", "--symbol", "US:AAPL",
            "--range", "fast=6,12,24", "--range", "slow=48,96,120", "--workers", "1", "--without-limits")  # fmt: skip
    with (
        started(folder, "trade", "--speed", "0.5", "--journal-sync", "normal"),
        started(folder, "run", "api"),
    ):
        yield signed_in(browser, folder, port)


@pytest.fixture(scope="module")
def bare(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk on which nothing has happened yet."""
    folder = tmp_path_factory.mktemp("bare")
    port = free_port()
    (folder / "algotrader.yaml").write_text(NOTHING.format(port=port), encoding="utf-8")
    with started(folder, "run", "api"):
        yield signed_in(browser, folder, port)


def held_back(page: Page) -> None:
    """Answers to what the page itself asks never come."""
    page.route("**/api/v1/**", lambda route: route.continue_() if is_frame(route) else None)


def refused(page: Page) -> None:
    page.route("**/api/v1/**", lambda route: route.continue_() if is_frame(route) else
               route.fulfill(status=503, json=REFUSED))  # fmt: skip


def silent(page: Page) -> None:
    """The socket stays open and says nothing, and seven seconds pass at once."""
    page.route_web_socket("**/ws/realtime", lambda _: None)
    page.add_init_script(LATER)


def is_frame(route: Route) -> bool:
    return FRAME.search(route.request.url) is not None


def as_it_is(_: Page) -> None:
    pass


STATES: dict[str, Callable[[Page], None]] = {
    "ready": as_it_is, "empty": as_it_is, "loading": held_back, "stale": silent, "failed": refused,
    "halted": as_it_is,
}  # fmt: skip


@contextmanager
def halted(page: Page, is_wanted: bool) -> Iterator[None]:
    """The desk is halted as long as the block lasts."""
    if not is_wanted:
        yield
        return
    csrf = {"X-CSRF-Token": page.request.get("/api/v1/session").json()["csrf"]}
    ask = page.request.post
    assert ask("/api/v1/halt", data={"reason": "prices look wrong"}, headers=csrf).ok
    until(lambda: bool(page.request.get("/api/v1/system").json()["halted"]), page)
    try:
        yield
    finally:
        assert ask("/api/v1/resume", data={}, headers=csrf).ok
        until(lambda: not page.request.get("/api/v1/system").json()["halted"], page)


def until(is_so: Callable[[], bool], page: Page) -> None:
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to be")


@pytest.mark.parametrize("state", STATES)
def test_every_page_in_each_state_is_whole_and_has_no_serious_finding(
    browser: Browser, served: Served, bare: Served, state: str
) -> None:
    folder = SCREENS / state
    folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with (
        a_page(browser, bare if state == "empty" else served) as page,
        halted(page, state == "halted"),
    ):
        STATES[state](page)
        for size, theme, language in LOOKS:
            page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
            look = f"{{language: '{language}', theme: '{theme}'}}"
            page.add_init_script(f"localStorage.setItem('appearance', JSON.stringify({look}))")
            for path in PAGES:
                page.goto(path)
                page.locator("main").wait_for()
                if state == "halted":
                    page.locator("[data-test=halted-bar]").wait_for()
                page.wait_for_timeout(2_200 if state == "stale" else 700)
                page.screenshot(path=folder / f"{size}-{theme}-{language}-{named(path)}.png")
                where = f"{path} ({size}, {theme}, {language})"
                wrong += [f"{where}: {found}" for found in faults(page, state)]
            contact_sheet(browser, folder, f"{size}-{theme}-{language}", size)
    assert not wrong, "\n".join(wrong)


def faults(page: Page, state: str) -> list[str]:
    """What is wrong with a page as it stands."""
    found = axe(page)
    if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
        found.append("scrolls sideways")
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of the first level")
    if state == "stale" and page.locator(".dim").count() == 0:
        found.append("is not dimmed though its data are old")
    if state == "halted" and page.locator("[data-test=halted-bar]").count() == 0:
        found.append("does not say that trading is halted")
    text = page.locator("body").inner_text()
    found += [f"shows {word}" for word in ("undefined", "NaN", "[object") if word in text]
    return found


def named(path: str) -> str:
    return re.sub(r"\W+", "-", path).strip("-") or "overview"


def contact_sheet(browser: Browser, folder: Any, look: str, size: str) -> None:
    """All pictures of a look on one page, to be looked at side by side."""
    width = 480 if size == "desk" else 240
    shown = "".join(
        f"<figure style='margin:4px'><img src='{one.name}' width={width}><figcaption>{one.stem}"
        "</figcaption></figure>" for one in sorted(folder.glob(f"{look}-*.png"))
    )  # fmt: skip
    body = f"<body style='display:flex;flex-wrap:wrap;font:11px sans-serif;margin:0'>{shown}"
    sheet = folder / f"sheet-{look}.html"
    sheet.write_text(body, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1980, "height": 800})
    page.goto(sheet.as_uri())
    page.screenshot(path=folder / f"sheet-{look}.png", full_page=True)
    page.close()
    sheet.unlink()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_stands_at_twice_the_size_and_with_longer_words(
    browser: Browser, served: Served, path: str
) -> None:
    """200 % zoom of a laptop is a window of half its width; 40 % more text is larger letters."""
    with a_page(browser, served) as page:
        page.set_viewport_size({"width": 720, "height": 450})
        page.goto(path)
        page.locator("h1").wait_for()
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        page.evaluate(LENGTHEN)
        page.wait_for_timeout(100)
        page.screenshot(path=SCREENS / f"longer-{named(path)}.png")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(CUT_OFF) == []


LENGTHEN = """
() => {
  const walk = document.createTreeWalker(document.querySelector('.app'), NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) texts.push(walk.currentNode);
  texts.filter(one => /[a-z]{3}/.test(one.textContent) && !one.parentElement.closest('pre, code, svg, style'))
    .forEach(one => { const text = one.textContent.trim(); one.textContent += text.slice(0, Math.ceil(text.length * 0.4)); });
}
"""
CUT_OFF = """
() => [...document.querySelectorAll('.head h1, button, a.btn')]
  .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 2
    && getComputedStyle(one).overflow === 'hidden' && getComputedStyle(one).textOverflow !== 'ellipsis')
  .map(one => one.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    browser: Browser, served: Served, path: str
) -> None:
    with a_page(browser, served) as page:
        page.goto(path)
        page.locator("h1").wait_for()
        page.wait_for_timeout(500)
        walked: list[dict[str, Any]] = []
        for _ in range(160):
            page.keyboard.press("Tab")
            here = page.evaluate(FOCUSED)
            if here is None or (walked and here["n"] == walked[0]["n"]):
                break
            walked.append(here)
        assert len(walked) > 10
        assert [one["html"] for one in walked if not one["seen"]] == []
        places = [one["n"] for one in walked]
        assert all(one < following for one, following in pairwise(places)), "focus goes back"


FOCUSED = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1)
    || style.boxShadow !== 'none' || one.matches('.sr-only');
  return {
    n: [...document.querySelectorAll('*')].indexOf(one), html: one.outerHTML.slice(0, 140),
    seen: marked && box.width > 0 && box.height > 0,
  };
}
"""


def test_escape_closes_what_was_opened_and_focus_goes_back(
    browser: Browser, served: Served
) -> None:
    with a_page(browser, served) as page:
        page.goto("/risk")
        page.locator("h1").wait_for()
        button = page.locator("[data-test='change-account.max_drawdown']")
        button.focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        assert button.evaluate("one => one === document.activeElement")
        page.keyboard.press("Control+k")
        page.get_by_role("dialog").get_by_role("combobox").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").get_by_role("combobox").wait_for(state="detached")
        page.keyboard.press("Control+.")
        page.locator("[data-test=halt-now]").wait_for()
        page.keyboard.press("Escape")
        page.locator("[data-test=halt-now]").wait_for(state="detached")
