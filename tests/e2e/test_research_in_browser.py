"""Research in a real browser: a sweep and a walk-forward from their forms, parity, comparison, each state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.builders.console import DESK, PHONE, SCREENS, Served, axe, command, signed_in, started
from tests.builders.loopback import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.slow

SETTINGS = """\
accounts: {{main: {{currency: USD, cash: 10_000}}}}
strategies: {{trend: {{use: TrendFollow, symbols: [US:AAPL], timeframe: 1d}}}}
risk: {{account: {{max_drawdown: 60%, max_leverage: 1}}}}
trading: {{start: 2011-01-03, end: 2012-01-01}}
api: {{port: {port}, beside: false}}
"""
LONG = 90_000  # ms: a work waits its turn beside other tests


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk that has traded a year of paper and run two backtests, one of them by an old version."""
    folder = tmp_path_factory.mktemp("desk")
    port = free_port()
    (folder / "algotrader.yaml").write_text(SETTINGS.format(port=port), encoding="utf-8")
    command(folder, "trade", "--quiet", "--journal-sync", "normal")
    command(folder, "backtest", "TrendFollow", "--symbol", "US:IBM", "--set", "fast=12")
    (old,) = folder.glob("runs/*/result.json")
    old.unlink()
    for fast in ("12", "24"):
        command(folder, "backtest", "TrendFollow", "--symbol", "US:AAPL", "--set", f"fast={fast}")
    with started(folder, "run", "api"):
        yield signed_in(browser, folder, port)


def test_a_sweep_runs_from_the_form_and_its_verdict_comes_before_its_map(page: Page) -> None:
    page.goto("/backtests/sweeps")
    page.locator("[data-test=new-sweep]").click()
    form = page.locator("[data-test=sweep-form]")
    _search(form, "US:AAPL")
    assert "12 sets" in form.locator("[data-test=sets]").inner_text()
    assert form.locator("[data-test=run]").is_disabled()  # limits that a search cannot hold
    form.locator("[data-test=without-limits]").check()
    form.locator("[data-test=run]").click()
    page.locator("[data-test=open-result]").click(timeout=LONG)
    verdict = page.locator("[data-test=verdict]")
    verdict.wait_for()
    assert verdict.get_attribute("data-verdict") in {
        "evidence", "no_evidence_yet", "evidence_against",
    }  # fmt: skip
    assert verdict.inner_text().startswith(("Evidence", "No evidence yet"))
    assert page.locator("[data-test=heat] td button").count() == 12
    page.locator("[data-test=heat] td button").last.click()
    assert "fast 24 · slow 48" in page.locator("[data-test=picked]").inner_text()
    _brush(page, page.locator("[data-test=lines]"))
    page.get_by_text(re.compile(r"[1-9] of 12 sets, median Sharpe")).wait_for()
    page.locator("[data-test=as-table]").click()
    page.locator("[role=grid]").wait_for()
    _pictures(page, "sweep")


def test_a_walk_forward_runs_from_the_form_and_shows_a_strip_of_folds(page: Page) -> None:
    page.goto("/walkforward")
    page.locator("[data-test=new-walk]").click()
    form = page.locator("[data-test=walkforward-form]")
    _search(form, "US:AAPL")
    form.locator("[data-test=train-days]").fill("252")
    form.locator("[data-test=without-limits]").check()
    form.locator("[data-test=run]").click()
    page.locator("[data-test=open-result]").click(timeout=LONG)
    page.locator("[data-test=strip]").wait_for()
    assert "on data it had not seen" in page.locator("[data-test=verdict]").inner_text()
    assert page.locator("[data-test=strip] .row").count() > 5
    _pictures(page, "walkforward-detail")


def test_parity_of_a_paper_run_is_compared_on_its_page(page: Page) -> None:
    page.goto("/parity")
    page.locator("[data-test=compare-now]").click()
    sentence = page.locator("[data-test=parity-sentence]")
    sentence.wait_for(timeout=LONG)
    assert re.match(r"(\d+) of \1 decisions equal; execution cost 0\.00\.", sentence.inner_text())
    assert "equal decisions" in page.locator("[data-test=equal-row]").inner_text()
    _pictures(page, "parity-detail")


def test_two_runs_are_compared_and_an_older_one_says_that_its_report_is_all(page: Page) -> None:
    page.goto("/backtests")
    rows = page.locator("[role=grid] [role=row]", has_text="US:AAPL")
    rows.first.wait_for()
    old = page.locator("[role=grid] [role=row]", has_text="report alone")
    assert old.count() == 1
    assert old.locator("input").count() == 0
    for at in range(2):
        rows.nth(at).locator("input").check()
    page.get_by_role("button", name="Compare 2 runs").click()
    table = page.locator("[data-test=compared]")
    table.wait_for()
    assert table.locator(".font-semibold").count() > 3
    _pictures(page, "compare")


def test_zero_costs_are_typed_and_said(page: Page) -> None:
    page.goto("/backtests")
    page.locator("[data-test=new-backtest]").click()
    form = page.locator("[data-test=backtest-form]")
    form.locator("[data-test=fees]").wait_for()
    assert form.locator("[data-test=fees]").input_value() == "venue"
    assert form.locator("[data-test=zero-fees]").count() == 0
    form.locator("[data-test=fees]").fill("0")
    form.locator("[data-test=zero-fees]").wait_for()


def test_a_sweep_is_cancelled_from_its_row(page: Page) -> None:
    page.goto("/backtests/sweeps")
    page.locator("[data-test=new-sweep]").click()
    form = page.locator("[data-test=sweep-form]")
    form.locator("[data-test=strategy]").select_option("MeanReversion")
    form.locator("[data-test=symbols]").fill("US:AAPL")
    form.locator("[data-test=without-limits]").check()
    form.locator("[data-test=draw]").check()
    form.locator("[aria-label=Sets]").fill("20000")
    form.locator("[data-test=run]").click()
    work = page.locator("[data-test=work]")
    work.get_by_role("button", name="Cancel").click(timeout=LONG)
    work.get_by_text("cancelled").wait_for(timeout=LONG)


PAGES = {"/backtests": "runs", "/backtests/sweeps": "sweeps", "/walkforward": "walkforwards",
         "/parity": "parity"}  # fmt: skip
STATES = ("empty", "loading", "failed", "halted", "stale")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_research_stands_in_each_state(page: Page, path: str, state: str) -> None:
    nothing = {"items": [], "next": None, "total": 0} if path == "/backtests" else []
    failed = {"error": {"code": "disk.unreadable", "message": "runs cannot be read",
                        "hint": "mend the rights of workspace.runs"}}  # fmt: skip
    asked = re.compile(rf"/api/v1/{PAGES[path]}(\?.*)?$")
    if state == "empty":
        page.route(asked, lambda route: route.fulfill(json=nothing))
    elif state == "failed":
        page.route(asked, lambda route: route.fulfill(status=500, json=failed))
    elif state == "loading":
        page.route(asked, lambda _: None)
    elif state == "halted":
        page.route(re.compile(r"/api/v1/system$"), _halted)
    else:
        page.route_web_socket(re.compile("/ws/realtime"), lambda _: None)
    page.goto(path)
    page.locator("h1").first.wait_for()
    if state == "empty":
        page.locator(".empty code").first.wait_for()
    elif state == "failed":
        page.locator(".fail", has_text="mend the rights").wait_for()
    elif state == "loading":
        page.locator(".skeleton").first.wait_for(state="attached")
    elif state == "halted":
        page.locator(".app.halted").wait_for()
    name = f"{path.strip('/').replace('/', '-')}-{state}"
    _pictures(page, name, wait_ms=6_000 if state == "stale" else 900)


def _brush(page: Page, lines: Locator) -> None:
    """Drag over the upper half of the first axis."""
    lines.scroll_into_view_if_needed()
    box = lines.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 56, box["y"] + 31)
    page.mouse.down()
    page.mouse.move(box["x"] + 56, box["y"] + 60, steps=4)
    page.mouse.move(box["x"] + 56, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()


def _halted(route: Route) -> None:
    told = route.fetch().json()
    route.fulfill(json=told | {"halted": True})


def _search(form: Locator, symbol: str) -> None:
    """Twelve sets of two parameters, the others kept."""
    form.locator("[data-test=strategy]").wait_for()
    form.locator("[data-test=strategy]").select_option("TrendFollow")
    form.locator("[data-test=symbols]").fill(symbol)
    form.locator("[data-test=start]").fill("2004-01-01")
    form.locator("[data-test=end]").fill("2010-01-01")
    for name, span in {"fast": ("6", "24", "6"), "slow": ("48", "144", "48")}.items():
        fields = form.locator(f"[data-test=param-{name}] input")
        for at, text in enumerate(span):
            fields.nth(at).fill(text)


def _pictures(page: Page, name: str, wait_ms: int = 900) -> None:
    """In both languages, themes and sizes; no page scrolls sideways, none has a serious finding."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for language, theme in (("en", "dark"), ("zh", "light")):
        look = json.dumps(json.dumps({"language": language, "theme": theme}))
        page.evaluate(f"localStorage.setItem('appearance', {look})")
        page.reload()
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(wait_ms)
        for size, viewport in (("desk", DESK), ("phone", PHONE)):
            page.set_viewport_size(viewport)
            page.wait_for_timeout(300)
            page.screenshot(path=SCREENS / f"{name}-{size}-{theme}-{language}.png")
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} scrolls sideways at {size} in {language}"
        page.set_viewport_size(DESK)
    # While the connection is stale all figures are dimmed, which is no colour of the page.
    dim = page.locator(".dim").count() > 0
    assert [one for one in axe(page) if not (dim and one.startswith("color-contrast"))] == []
