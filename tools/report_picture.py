"""The picture of a report in the README: `python -m tools.report_picture` makes it anew.

Runs the example of `docs/guides/reading-a-report.md` and photographs the first screen of its report,
so that the picture shows what the program writes today. Needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from algotrader.cli.main import main

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "assets" / "report.png"
EXAMPLE = ["backtest", "TrendFollow", "--symbol", "US:AAPL", "--set", "risk=0.015", "--quiet"]
WIDTH, HEIGHT = 1280, 900


def photograph(page: Path, picture: Path) -> None:
    """The top of a report, light and in English."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        view = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", locale="en-US"
        )
        view.goto(page.as_uri())
        view.screenshot(path=picture)
        browser.close()


def make() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        report = Path(folder) / "report.html"
        done = main([*EXAMPLE, "--report", str(report)])
        if done == 0:
            photograph(report, PICTURE)
    return done


if __name__ == "__main__":
    raise SystemExit(make())
