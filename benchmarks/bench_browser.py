"""The console in a real Chromium: first load, change of page, candles, a long table, a fill.

python -m benchmarks.bench_browser WORK [--size N]

    load     N first loads with an empty cache: bytes as they came, milliseconds to interactive
    routes   each page of the rail N times: from the click to its heading painted
    candles  20,000 candles dragged for N frames, a page of them in view and all of them
    rows     N rows of fills, scrolled by a notch of the wheel each frame
    fill     N fills of a running trader: from the engine to the row that is painted

Interactive is when the page's heading stands and no task of the page takes longer than 50 ms any
more. Script and layout of a frame are all that the page's main thread did between two frames,
painting commands included, from the browser's own trace, in CPU time. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from algotrader.api.access import OWNER
from benchmarks.bench_live import BAR_MS, START, desk_folder
from benchmarks.serving import PASSWORD, Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

CANDLES = 20_000
TRADED = 60  # slices of ten strategies, before anybody looks
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
PAGES = ("markets", "orders", "positions", "strategies", "risk", "backtests", "data", "journal",
         "jobs", "logs", "settings", "")  # fmt: skip
MAIN = {"FunctionCall", "EvaluateScript", "FireAnimationFrame", "EventDispatch", "TimerFire",
        "RunMicrotasks", "Layout", "UpdateLayoutTree", "HitTest", "PrePaint", "Paint", "Layerize",
        "MajorGC", "MinorGC"}  # fmt: skip
Figures = dict[str, Any]

QUIET = """
() => new Promise(resolve => {
  const began = performance.now();
  const look = () => {
    const last = Math.max(0, ...window.longTasks);
    const at = window.headingAt;
    const now = performance.now();
    if (at && now - Math.max(at, last) > 500) resolve(Math.max(at, last));
    else if (now - began > 20000) resolve(now);
    else setTimeout(look, 50);
  };
  look();
})
"""
WATCH_LOAD = """
window.longTasks = [];
new PerformanceObserver(found => found.getEntries().forEach(
  one => window.longTasks.push(one.startTime + one.duration))).observe({type: 'longtask', buffered: true});
new MutationObserver((_, watch) => {
  if (!document.querySelector('.app h1')) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.headingAt = performance.now(); }));
}).observe(document, {childList: true, subtree: true});
"""
CHANGE_PAGE = """
path => new Promise((resolve, reject) => {
  const link = document.querySelector(`nav.rail a[href="${path}"]`);
  const main = document.getElementById('main');
  const before = main.querySelector('h1');
  const began = performance.now();
  setTimeout(() => reject(new Error(path + ' did not come')), 5000);
  const watch = new MutationObserver(() => {
    const now = main.querySelector('h1');
    if (!now || now === before) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  });
  watch.observe(main, {childList: true, subtree: true, characterData: true});
  link.click();
})
"""
WATCH_ROWS = """
window.seen = {};
new MutationObserver(() => {
  const cells = document.querySelectorAll('[role=row] [role=gridcell]:last-child');
  const fresh = [...cells].map(one => one.textContent.trim()).filter(one => !(one in window.seen));
  fresh.forEach(one => { window.seen[one] = 0; });
  if (fresh.length) requestAnimationFrame(() => setTimeout(() => {
    fresh.forEach(one => { window.seen[one] = performance.timeOrigin + performance.now(); });
  }));
}).observe(document, {childList: true, subtree: true, characterData: true});
"""


@contextmanager
def desk(folder: Path, rows: int = CANDLES) -> Iterator[Served]:
    """Ten strategies that have traded a little, and the console over it."""
    desk_folder(folder, rows, rows - TRADED, every=2)
    words = [sys.executable, "-m", "algotrader", "trade", "--quiet", "--journal-sync", "normal"]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with served(folder) as api:
        yield api


@contextmanager
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("ALGOTRADER_TEST_BROWSER", ""), "chromium", "chromium-browser")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("no chromium here (ALGOTRADER_TEST_BROWSER can name one)")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


def signed_in(browser: Browser, api: Served) -> Any:
    """The cookies of a person who has signed in."""
    context = browser.new_context(base_url=api.url)
    said = context.request.post("/api/v1/session", data={"name": OWNER, "password": PASSWORD})
    if not said.ok:
        raise SystemExit(said.text())
    state = context.storage_state()
    context.close()
    return state


def seen_by(browser: Browser, api: Served, state: Any) -> BrowserContext:
    """A browser's own cache and cookies, as of somebody who comes for the first time."""
    return browser.new_context(
        base_url=api.url, storage_state=state, viewport={"width": 1440, "height": 900}
    )


def load(times: int, folder: Path) -> Figures:
    ready: list[float] = []
    script: list[float] = []
    sizes: list[int] = []
    shells: list[int] = []
    with desk(folder) as api, browser() as opened:
        state = signed_in(opened, api)
        for _ in range(times):
            context = seen_by(opened, api, state)
            page = context.new_page()
            came: dict[str, tuple[float, int]] = {}
            tools = network(page, came)
            page.add_init_script(WATCH_LOAD)
            page.goto("/")
            ready.append(page.evaluate(QUIET))
            heading = page.evaluate("performance.timeOrigin + window.headingAt") / 1e3
            index = context.request.get("/").text()
            sizes.append(sum(size for at, size in came.values() if at <= heading))
            shells.append(sum(size for url, (_, size) in came.items() if is_shell(url, index)))
            told = tools.send("Performance.getMetrics")["metrics"]
            script += [one["value"] * 1e3 for one in told if one["name"] == "ScriptDuration"]
            context.close()
    return {
        "bytes": int(np.median(sizes)), "shell_bytes": int(np.median(shells)),
        "fastest_ms": min(ready), "interactive_ms": float(np.median(ready)),
        "slowest_ms": max(ready), "script_ms": float(np.median(script)),
    }  # fmt: skip


def is_shell(url: str, index: str) -> bool:
    """Of every page: the index, what it names, and the font."""
    name = url.rpartition("/")[2]
    return not name or name in index or name.endswith(".woff2")


def network(page: Page, came: dict[str, tuple[float, int]]) -> CDPSession:
    """Notes the bytes of each static file as they came over the wire, and when it was asked for."""
    tools = page.context.new_cdp_session(page)
    asked: dict[str, tuple[str, float]] = {}
    tools.on("Network.requestWillBeSent", lambda one: asked.__setitem__(
        one["requestId"], (one["request"]["url"], one["wallTime"])))  # fmt: skip

    def ended(one: dict[str, Any]) -> None:
        url, at = asked.get(one["requestId"], ("", 0.0))
        if url and "/api/" not in url:
            came[url] = (at, int(one["encodedDataLength"]))

    tools.on("Network.loadingFinished", ended)
    tools.send("Network.enable")
    tools.send("Performance.enable")
    return tools


def routes(rounds: int, folder: Path) -> Figures:
    took: dict[str, list[float]] = {}
    with desk(folder) as api, browser() as opened:
        page = seen_by(opened, api, signed_in(opened, api)).new_page()
        page.goto("/")
        page.locator(".app h1").wait_for()
        page.wait_for_timeout(3_000)  # the other pages' files have come
        for _ in range(rounds):
            for name in PAGES:
                took.setdefault(name, []).append(page.evaluate(CHANGE_PAGE, f"/{name}"))
                page.wait_for_timeout(400)
    medians = {name or "overview": float(np.median(found)) for name, found in took.items()}
    worst = max(medians, key=lambda name: medians[name])
    every = [one for found in took.values() for one in found]
    return {"median_ms": float(np.median(every)), "p95_ms": float(np.percentile(every, 95)),
            "worst": worst, "worst_ms": medians[worst]}  # fmt: skip


def candles(frames: int, folder: Path) -> Figures:
    with desk(folder) as api, browser() as opened:
        page = seen_by(opened, api, signed_in(opened, api)).new_page()
        page.goto("/markets/OKX:C0/USDT?timeframe=15m")
        page.locator("[role=figure] canvas").first.wait_for()
        page.wait_for_timeout(1_500)
        near = traced(page, lambda: drag(page, frames))
        box = middle(page)
        for _ in range(60):
            page.mouse.move(*box)
            page.mouse.wheel(0, 600)
            page.wait_for_timeout(15)
        page.wait_for_timeout(500)
        page.screenshot(path=str(folder / "all.png"))
        return {"near": near, "all": traced(page, lambda: drag(page, frames))}


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("[role=figure]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, frames: int) -> None:
    """To and fro by a few pixels each frame, as a hand does."""
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(frames):
        page.mouse.move(x + 200 * np.sin(step / 12), y)
        page.wait_for_timeout(14)
    page.mouse.up()


def traced(page: Page, work: Callable[[], None]) -> Figures:
    """What the main thread did in each frame while `work` went on."""
    tools = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    tools.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    over: list[bool] = []
    tools.on("Tracing.tracingComplete", lambda _: over.append(True))
    categories = ["devtools.timeline", "disabled-by-default-devtools.timeline",
                  "disabled-by-default-devtools.timeline.frame", "blink.user_timing"]  # fmt: skip
    tools.send("Tracing.start", {"traceConfig": {"includedCategories": categories}})
    page.evaluate("performance.mark('begin'); 0")
    work()
    page.evaluate("performance.mark('end'); 0")
    tools.send("Tracing.end")
    while not over:
        page.wait_for_timeout(50)
    tools.detach()
    return frames_of(events)


def frames_of(events: list[dict[str, Any]]) -> Figures:
    marks = {one["name"]: one for one in events if one.get("cat") == "blink.user_timing"}
    begin, end = marks["begin"]["ts"], marks["end"]["ts"]
    thread = (marks["begin"]["pid"], marks["begin"]["tid"])
    own = [one for one in events
           if (one["pid"], one["tid"]) == thread and begin <= one["ts"] <= end]  # fmt: skip
    starts = [one for one in own if one["name"] == "BeginMainThreadFrame"]
    spans = sorted((one["tts"], one["tts"] + one["tdur"]) for one in own
                   if one["ph"] == "X" and one["name"] in MAIN and "tdur" in one)  # fmt: skip
    clocks = sorted(one["tts"] for one in starts)
    busy = [covered(spans, first, last) / 1e3 for first, last in pairwise(clocks)]
    gaps = [(last - first) / 1e3 for first, last in pairwise(sorted(one["ts"] for one in starts))]
    if not busy:
        raise SystemExit(f"no frame was drawn: {sorted({one['name'] for one in own})}")
    return {
        "frames": len(busy), "busy_p50_ms": float(np.median(busy)),
        "busy_p95_ms": float(np.percentile(busy, 95)), "fps": 1e3 / float(np.mean(gaps)),
        "within_8_ms": float(np.mean(np.array(busy) <= 8.0)),
        "within_frame": float(np.mean(np.array(busy) <= 16.7)),
    }  # fmt: skip


def covered(spans: list[tuple[float, float]], first: float, last: float) -> float:
    """How much of [first, last) the spans cover; one inside another counts once."""
    total, reached = 0.0, first
    for begin, end in spans:
        begin, end = max(begin, reached), min(end, last)
        if end > begin:
            total += end - begin
            reached = end
    return total


def rows(count: int, folder: Path) -> Figures:
    """The API's part is played from here: pages of five hundred, as many as there are rows."""
    with desk(folder) as api, browser() as opened:
        page = seen_by(opened, api, signed_in(opened, api)).new_page()
        page.route("**/api/v1/fills?*", lambda route: route.fulfill(
            json=page_of_fills(route.request.url, count)))  # fmt: skip
        page.goto("/orders?tab=fills")
        table = page.locator("[role=grid]")
        table.wait_for()
        begun = time.monotonic()
        page.evaluate("""async count => {
          const scroller = document.querySelector('[role=grid]').parentElement;
          const grid = document.querySelector('[role=grid]');
          while (Number(grid.ariaRowCount ?? grid.getAttribute('aria-rowcount')) < count) {
            scroller.scrollTop = scroller.scrollHeight;
            await new Promise(done => setTimeout(done, 10));
          }
          scroller.scrollTop = 0;
        }""", count)  # fmt: skip
        filled = time.monotonic() - begun
        page.wait_for_timeout(1_000)
        x, y = middle_of(page, "[role=grid]")
        page.mouse.move(x, y)

        def scroll() -> None:
            for _ in range(240):
                page.mouse.wheel(0, 120)
                page.wait_for_timeout(14)

        found = traced(page, scroll)
        sort = page.evaluate("""() => new Promise(done => {
          const began = performance.now();
          document.querySelectorAll('[role=columnheader] button')[4].click();
          requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
        })""")
    return found | {"loaded_s": filled, "sort_ms": sort}


def middle_of(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + 300


def page_of_fills(url: str, count: int) -> Figures:
    from urllib.parse import parse_qs, urlsplit

    asked = parse_qs(urlsplit(url).query)
    size = int(asked.get("limit", ["500"])[0])
    first = int(asked.get("cursor", ["0"])[0])
    items = [
        {
            "seq": 10 * (count - k), "trade": f"T{count - k}", "order": f"ATX{count - k}",
            "venue_order": None, "account": "main", "strategy": f"sc{k % 10}",
            "instrument": f"OKX:C{k % 10}/USDT", "side": ("buy", "sell")[k % 2],
            "quantity": f"{1 + k % 97}.5", "price": f"{100 + k % 1013 / 7:.4f}", "fee": "0.05",
            "fee_currency": "USDT", "liquidity": "taker", "time": START + BAR_MS * (count - k),
        }
        for k in range(first, min(count, first + size))
    ]  # fmt: skip
    following = str(first + size) if first + size < count else None
    return {"items": items, "next": following, "total": count}


def fill(count: int, folder: Path) -> Figures:
    """Each slice brings some fills at once; every one of them counts."""
    desk_folder(folder, 4_000 + 20 * count, 4_000, every=2)
    words = [sys.executable, "-m", "benchmarks.bench_live", "trade", "--folder", str(folder),
             "--pause", "1.0"]  # fmt: skip
    trading = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    known = folder / "known.txt"
    try:
        while not known.is_file() or not known.stat().st_size:
            time.sleep(0.2)
        with served(folder) as api, browser() as opened:
            page = seen_by(opened, api, signed_in(opened, api)).new_page()
            page.add_init_script(WATCH_ROWS)
            page.goto("/orders?tab=fills")
            page.locator("[role=grid]").wait_for()
            page.wait_for_timeout(2_000)
            began = time.time()
            took: list[float] = []
            while len(took) < count and time.time() < began + 5.0 * count:
                page.wait_for_timeout(1_000)
                seen = page.evaluate("window.seen")
                lines = [line.split() for line in known.read_text().splitlines()]
                took = [seen[trade] - float(at) * 1e3 for trade, at in lines
                        if float(at) > began and seen.get(trade)]  # fmt: skip
    finally:
        trading.kill()
        trading.wait()
    return {"fills": len(took), "p50_ms": float(np.median(took)),
            "p95_ms": float(np.percentile(took, 95)), "slowest_ms": max(took)}  # fmt: skip


WORK: dict[str, tuple[Callable[[int, Path], Figures], int]] = {
    "load": (load, 7),
    "routes": (routes, 5),
    "candles": (candles, 240),
    "rows": (rows, 100_000),
    "fill": (fill, 100),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=sorted(WORK))
    parser.add_argument("--size", type=int)
    asked = parser.parse_args()
    work, usual = WORK[asked.work]
    with tempfile.TemporaryDirectory(prefix="algotrader-browser-") as folder:
        print(json.dumps(work(asked.size or usual, Path(folder))))


if __name__ == "__main__":
    main()
