"""The command line, as a program hears it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from algotrader.cli.main import main


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
