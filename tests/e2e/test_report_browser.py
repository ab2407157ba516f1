"""The report in a real browser: silent, offline, operable by mouse and keys, the numbers intact."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.builders.report_data import (
    a_comparison,
    a_losing_run,
    a_portfolio,
    a_run,
    a_run_of_one_bar,
    a_run_without_trades,
    a_sweep,
    a_walk_forward,
)

from algotrader.backtest.report import (
    in_language,
    render_compare,
    render_run,
    render_sweep,
    render_walkforward,
    write_report,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NASTY = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>'
KINDS = ("run", "sweep", "walkforward", "compare")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    write_report(folder / "run.html", render_run(a_run()))
    write_report(folder / "sweep.html", render_sweep(a_sweep()))
    write_report(folder / "walkforward.html", render_walkforward(a_walk_forward()))
    write_report(folder / "compare.html", render_compare(a_comparison()))
    write_report(folder / "empty.html", render_run(a_run_without_trades()))
    write_report(folder / "portfolio.html", render_run(a_portfolio()))
    write_report(folder / "one-bar.html", render_run(a_run_of_one_bar()))
    write_report(folder / "losing.html", render_run(a_losing_run()))
    nasty = a_run(bars=600, strategy=NASTY)
    renamed = replace(nasty.trades, symbols=(NASTY,))
    prices = (replace(nasty.prices[0], symbol=NASTY),)
    write_report(folder / "nasty.html", render_run(replace(nasty, trades=renamed, prices=prices)))
    return folder


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """One with scripts, one without: opening one takes longer than most tests."""
    made = {on: browser.new_context(java_script_enabled=on) for on in (True, False)}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def open_report(
    contexts: dict[bool, BrowserContext], reports: Path
) -> Iterator[Callable[..., Page]]:
    """Opens a report; in the end nothing was said, asked or requested but the files themselves."""
    pages: list[Page] = []
    said: list[str] = []

    def opener(name: str, width: int = 1440, scripts: bool = True, lang: str = "en") -> Page:
        page = contexts[scripts].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url))
        page.goto(f"{(reports / name).as_uri()}.html?theme=dark&profit=green&lang={lang}")
        return page

    yield opener
    for page in pages:
        page.close()
    ours = (reports.as_uri(), "blob:file:", "blob:null")
    assert [line for line in said if not line.startswith(ours)] == []


@pytest.mark.parametrize("name", KINDS)
def test_a_report_opens_silently_asks_for_nothing_and_fits_every_screen(
    open_report, name: str
) -> None:
    page = open_report(name)

    for width in (1440, 1000, 700, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("h1").count() == 1
    assert page.locator("[aria-label]").count() >= 4


@pytest.mark.parametrize("name", ["empty", "portfolio", "one-bar", "losing"])
def test_unusual_runs_are_drawn_without_an_error(open_report, name: str) -> None:
    page = open_report(name)

    assert page.locator("#price-read b").first.inner_text().endswith("UTC")
    assert page.locator("#equity-summary").inner_text().startswith("Equity from")


def test_each_name_of_a_portfolio_can_be_shown(open_report) -> None:
    page = open_report("portfolio")
    first = page.locator("#price-summary").inner_text()
    page.get_by_label("Instrument").select_option("7")
    assert page.locator("#price-summary").inner_text() != first

    page.locator("#trade-words").fill("symbol:US:NAME03")
    page.locator("#trade-table tbody tr[data-n]").first.click()
    assert page.get_by_label("Instrument").input_value() == "3"


def test_on_a_phone_each_trade_of_a_portfolio_says_its_name(open_report) -> None:
    page = open_report("portfolio", width=390)

    first = page.locator("#trade-table tbody tr[data-n]").first.inner_text()
    assert "US:NAME" in first
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_switches_change_language_theme_and_colours_and_are_remembered(open_report) -> None:
    page = open_report("run")
    before = page.evaluate("document.querySelector('#equity').toDataURL()")

    page.get_by_role("button", name="中文").click()
    assert page.get_by_text("但尚不足以证明策略有效。").is_visible()
    assert not page.get_by_text("That is not yet evidence of skill.").is_visible()
    page.get_by_role("button", name="浅色").click()
    page.get_by_role("button", name="红涨").click()
    root = page.locator("html")
    assert [root.get_attribute(a) for a in ("lang", "data-theme", "data-profit")] == [
        "zh", "light", "red"]  # fmt: skip
    assert page.evaluate("document.querySelector('#equity').toDataURL()") != before

    page.goto(page.url.split("?")[0])
    assert [root.get_attribute(a) for a in ("lang", "data-theme", "data-profit")] == [
        "zh", "light", "red"]  # fmt: skip


def test_a_copy_made_for_a_language_opens_in_it(browser: Browser, reports: Path) -> None:
    html = (reports / "run.html").read_text(encoding="utf-8")
    (reports / "zh.html").write_text(in_language(html, "zh"), encoding="utf-8")
    context = browser.new_context(locale="en-GB")
    page = context.new_page()

    page.goto((reports / "zh.html").as_uri())
    assert page.locator("html").get_attribute("lang") == "zh"
    page.goto((reports / "run.html").as_uri())
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


def test_exported_trades_are_those_of_the_run(open_report, tmp_path: Path) -> None:
    page, trades = open_report("run"), a_run().trades
    with page.expect_download() as caught:
        page.get_by_role("button", name="Export CSV").click()
    caught.value.save_as(tmp_path / "trades.csv")
    with (tmp_path / "trades.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["number"]))

    assert len(rows) == len(trades)
    for row, trade in zip(rows, trades, strict=True):
        assert row["side"] == ("long" if trade.side > 0 else "short")
        assert row["entry_utc"].startswith(str(_iso(trade.entry_ts)))
        assert row["exit_utc"].startswith(str(_iso(trade.exit_ts)))
        assert float(row["entry_price"]) == pytest.approx(trade.entry_price, abs=1e-9)
        assert float(row["profit_USDT"]) == pytest.approx(trade.profit, abs=0.00501)
        assert float(row["funding_USDT"]) == pytest.approx(trade.funding, abs=0.00501)
        assert float(row["return_fraction"]) == pytest.approx(trade.return_, abs=5.01e-6)
        assert int(row["bars"]) == trade.bars
        assert row["exit_reason"] == trade.exit_reason.name.lower()
        assert row["path_guessed"] == str(int(trade.ambiguous))


def _iso(ms: int) -> str:
    import numpy as np

    return str(np.datetime64(ms, "ms"))[:19]


def test_filters_words_and_sorting_show_what_they_say(open_report) -> None:
    page, trades = open_report("run"), a_run().trades
    sums, rows = page.locator("#trade-sums"), page.locator("#trade-table tbody tr[data-n]")

    page.get_by_role("button", name="Path guessed").click()
    guessed = int(trades.ambiguous.sum())
    assert sums.inner_text().startswith(f"{guessed} / {len(trades)}")
    assert rows.count() == guessed
    page.get_by_role("button", name="All", exact=True).click()
    page.locator("#trade-words").fill("side:short 2025-03 stop")
    shown = rows.all_inner_texts()
    assert shown
    assert all("short" in text and "2025-03" in text and "stop-loss" in text for text in shown)
    page.locator("#trade-words").fill("no such thing")
    assert "Clear the filter to see all" in page.locator("#trade-table tbody").inner_text()
    page.locator("#trade-words").fill("")
    page.get_by_role("button", name="Profit, USDT").click()
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Profit, USDT")
    worst = f"−{abs(trades.profit.min()):,.2f}"
    assert worst in rows.first.inner_text()


def test_a_long_table_draws_only_the_rows_in_sight(open_report) -> None:
    page = open_report("run")
    rows = page.locator("#trade-table tbody tr[data-n]")
    assert len(a_run().trades) > 200
    assert rows.count() < 80

    page.locator("#trade-scroll").evaluate("e => e.scrollTop = e.scrollHeight")
    page.wait_for_selector('tr[data-n="1"]')  # newest first: the first trade is last
    assert rows.count() < 80
    total = int(page.locator("#trade-table").get_attribute("aria-rowcount"))
    assert total == len(a_run().trades) + 1


def test_a_trade_is_found_by_keys_and_shown_on_the_chart(open_report) -> None:
    page = open_report("run")
    before = page.locator("#price-summary").inner_text()
    page.locator("#trade-scroll").focus()
    for key in ("End", "ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)

    chosen = page.locator("#trade-table tr[aria-current=true]")
    assert chosen.get_attribute("data-n") == "3"
    assert page.locator("#price-summary").inner_text() != before
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "trade-words"


def test_the_first_tab_stop_skips_to_the_verdict_and_charts_answer_keys(open_report) -> None:
    page = open_report("run")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Skip to the verdict")

    summary = page.locator("#equity-summary")
    whole = summary.inner_text()
    page.locator("#equity").focus()
    page.keyboard.press("+")
    assert summary.inner_text() != whole
    page.keyboard.press("Escape")
    assert summary.inner_text() == whole


def test_dragging_zooms_and_a_double_click_shows_all_again(open_report) -> None:
    page = open_report("run")
    summary, chart = page.locator("#equity-summary"), page.locator("#equity")
    whole, box = summary.inner_text(), chart.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 120, steps=4)
    page.mouse.up()
    assert summary.inner_text() != whole

    chart.dblclick(position={"x": 200, "y": 100})
    assert summary.inner_text() == whole


def test_the_chart_reads_as_a_table_whose_last_row_is_the_last_bar(open_report) -> None:
    page, data = open_report("run"), a_run()
    page.get_by_role("button", name="Show as table").first.click()
    last = page.locator("#equity-table tbody tr").last.inner_text()

    assert f"{data.equity.equity[-1]:,.0f}" in last
    assert "2026-04-10 20:00" in last
    legend = page.locator("#price-read").inner_text()
    assert f"{data.prices[0].close[-1]:,.1f}" in legend
    assert f"{data.prices[0].open[-1]:,.1f}" in legend
    assert f"{data.prices[0].high[-1]:,.1f}" in legend
    assert f"{data.prices[0].low[-1]:,.1f}" in legend


def test_f79_names_from_outside_never_become_markup_or_scripts(open_report) -> None:
    page = open_report("nasty")

    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == NASTY
    page.locator("#trade-table tbody tr[data-n]").first.click()
    assert page.evaluate("window.hacked") is None


def test_without_scripts_the_first_screen_and_the_warnings_still_read(open_report) -> None:
    page = open_report("run", scripts=False)

    for text in (
        "That is not yet evidence of skill.",
        "DSR 0.42",
        "Not distinguishable from luck.",
    ):
        assert page.get_by_text(text).first.is_visible()
    assert page.locator(".keys dd").first.is_visible()
    assert page.get_by_text(f"The last 15 of {len(a_run().trades)}.").is_visible()
    assert page.locator("#equity-chart polyline.s1").is_visible()
    assert page.locator("#trades tbody tr").count() == 15
    assert not page.get_by_text("Drag to zoom").is_visible()


def test_without_scripts_a_walk_forward_draws_the_account_and_what_hindsight_makes(
    open_report,
) -> None:
    page = open_report("walkforward", scripts=False)

    for css in ("s1", "s3", "s-down"):
        assert page.locator(f"#equity-chart polyline.{css}").is_visible()
    assert page.get_by_text("In sample: the one set").is_visible()


def test_the_heat_map_prints_its_cells_and_follows_the_choice(open_report) -> None:
    page, data = open_report("sweep"), a_sweep()
    cells = page.locator("#heat-map tbody td")
    assert cells.count() == 120
    assert all(re.fullmatch(r"−?\d+\.\d\d", text) for text in cells.all_inner_texts())
    assert page.locator("#heat-map td.chosen").count() == 1
    assert page.locator("#heat-map td.zero-right").count() > 3

    page.get_by_label("Other parameters").select_option("fixed")
    chosen = f"{data.metrics['sharpe'][data.chosen]:.2f}"
    assert page.locator("#heat-map td.chosen").inner_text() == chosen
    page.get_by_label("Shown").select_option("trades")
    page.locator("#heat-map td.chosen").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#heat-said").inner_text().startswith("Trades · slow = ")


def test_without_scripts_a_comparison_draws_its_accounts(open_report) -> None:
    page = open_report("compare", scripts=False)

    for css in ("s1", "s2", "s3"):
        assert page.locator(f"#equity-chart polyline.{css}").is_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_paper_has_no_switches_and_every_heading_of_a_table(open_report, kind: str) -> None:
    page = open_report(kind)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 702, "height": 1000})  # A4 without its margins

    assert not page.locator("header .seg").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 702
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    if kind == "run":
        headings = page.locator("#trade-table th")
        assert all(headings.nth(i).inner_text().strip() for i in range(headings.count()))
        assert page.locator("#trade-table th button").first.is_visible()
        left, right = (page.locator(css).bounding_box() for css in ("#months", "#cost"))
        assert left["y"] == right["y"]  # beside each other, as on the screen


def test_printing_shows_every_trade_on_light_paper(open_report) -> None:
    page = open_report("run")
    seen = page.evaluate("""() => {
        dispatchEvent(new Event('beforeprint'));
        const rows = document.querySelectorAll('#trade-table tbody tr[data-n]').length;
        const theme = document.documentElement.dataset.theme;
        dispatchEvent(new Event('afterprint'));
        return [rows, theme, document.documentElement.dataset.theme];
    }""")

    assert seen == [len(a_run().trades), "light", "dark"]
