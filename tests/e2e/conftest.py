"""The command line as a program hears it, and the console as a browser shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.builders.console import Served, a_browser, a_page

from algotrader.cli.main import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Any:
    """Runs a command with --json and gives what it printed; `code` is how it has to end."""

    def run(*arguments: str, code: int = 0) -> Any:
        exit_code = main([*arguments, "--json"])
        out, err = capfd.readouterr()
        assert exit_code == code, out + err
        assert "Traceback" not in out + err
        return json.loads(out)

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of the desk that a module serves."""
    with a_page(browser, served) as opened:
        yield opened
