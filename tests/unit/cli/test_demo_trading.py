"""The demo trades on its own look-alike, whatever a person's shell holds."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from algotrader.cli import demo_trading
from algotrader.ops import rehearsal


class Started:
    """A process that never was."""

    def __init__(self, _: Any, **options: Any) -> None:
        self.environment = options["env"]

    def terminate(self) -> None: ...

    def wait(self, _: float = 0.0) -> int:
        return 0


def test_settings_and_keys_of_the_shell_do_not_reach_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALGOTRADER__TRADING__URL", "https://somewhere.example")
    monkeypatch.setenv("ALGOTRADER__TRADING__MODE", "live")
    monkeypatch.setenv("ALGOTRADER_OKX_KEY", "a real one")
    monkeypatch.setattr(subprocess, "Popen", Started)
    made = demo_trading._SETTINGS.format(
        url="http://127.0.0.1:9", spot="OKX:BTC/USDT", perpetual="OKX:BTC/USDT:USDT"
    )
    (tmp_path / "algotrader.yaml").write_text(made)

    trading = demo_trading._configuration(tmp_path).settings.trading
    with rehearsal.trader(tmp_path, tmp_path / "log") as process:
        names = set(process.environment)  # type: ignore[attr-defined]

    assert (trading.mode, trading.url) == ("sandbox", "http://127.0.0.1:9")
    assert not any(name.startswith("ALGOTRADER") for name in names)
    assert "PATH" in names
