"""The console in a real Chromium: desks that are served, people who sign in, pages that are looked at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import algotrader

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
STATIC = Path(algotrader.__file__).parent / "api" / "static"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = ROOT / "build" / "console-screens"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
PASSWORD = "four words that differ"
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A desk, its API, and the state of a browser that is signed in."""

    folder: Path
    url: str
    cookies: dict[str, object]


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Chromium, or a skip that says what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="not run: playwright is missing")
    names = (os.environ.get("ALGOTRADER_TEST_BROWSER", ""), "chromium", "chromium-browser",
             "google-chrome")  # fmt: skip
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("not run: no chromium here (ALGOTRADER_TEST_BROWSER can name one)")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def a_page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page on the desk, whose scripts have raised nothing when the block ends."""
    context = browser.new_context(
        base_url=served.url, storage_state=served.cookies, viewport=DESK, locale="en-GB"
    )
    opened = context.new_page()
    raised: list[str] = []
    opened.on("pageerror", lambda error: raised.append(str(error)))
    opened.on(
        "console",
        lambda said: raised.append(said.text) if "Content Security" in said.text else None,
    )
    yield opened
    context.close()
    assert raised == []


def first_login(browser: Browser, link: str) -> dict[str, object]:
    """By the one-time link, choosing a password; what the browser keeps of it.

    Without the built pages there is nothing to enter: a skip says so.
    """
    if not (STATIC / "index.html").is_file():
        pytest.skip("not run: the console is not built (make console)")
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.locator("[data-test=new-password]").fill(PASSWORD)
    page.locator("[data-test=again]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.locator(".app").wait_for()
    state = context.storage_state()
    context.close()
    return dict(state)


def signed_in(browser: Browser, folder: Path, port: int) -> Served:
    """The desk of a folder that `algotrader run api` serves, and its owner in a browser."""
    cookies = first_login(browser, link_of(folder))
    return Served(folder=folder, url=f"http://127.0.0.1:{port}", cookies=cookies)


def link_of(folder: Path) -> str:
    """The one-time link that `algotrader run api` printed."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = re.search(r"http\S+/login#link=\S+", (folder / "run.out").read_text("utf-8"))
        if found:
            return found.group()
        time.sleep(0.2)
    raise AssertionError((folder / "run.out").read_text("utf-8"))


@contextmanager
def started(
    folder: Path, *arguments: str, keys: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on as long as the block; what it says is in `COMMAND.out`."""
    with (folder / f"{arguments[0]}.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "algotrader", *arguments], cwd=folder, stdout=out, stderr=out,
            env={**os.environ, **(keys or {})},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def command(folder: Path, *arguments: str, keys: Mapping[str, str] | None = None) -> None:
    subprocess.run([sys.executable, "-m", "algotrader", *arguments], cwd=folder, check=True,
                   capture_output=True, timeout=120, env={**os.environ, **(keys or {})})  # fmt: skip


def axe(page: Page) -> list[str]:
    """Serious findings of axe, as `rule: element`."""
    assert AXE.is_file(), "`make console` first: axe is one of its packages"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
