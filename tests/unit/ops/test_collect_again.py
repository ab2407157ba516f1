"""The collector as a part of a trader: it can be run again, and forgets what is not collected."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from algotrader.core.errors import RunError
from algotrader.core.ports import Notice, SystemClock
from algotrader.data.live_store import LiveStore, SourceState
from algotrader.ops import collecting
from algotrader.ops.collecting import CollectRole
from algotrader.ops.config import Configuration, load

SERIES = """
collect:
  url: http://127.0.0.1:1
  series: [{symbols: [OKX:BTC/USDT], timeframe: 1h}]
"""


class Quiet:
    async def notify(self, notice: Notice) -> None:
        pass


def a_configuration(folder: Path) -> Configuration:
    file = folder / "algotrader.yaml"
    file.write_text(SERIES)
    return load(file, environment={})


def test_what_failed_while_it_caught_up_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Source:
        def __init__(self, *_: Any, pause: Any) -> None:
            self.pause = pause

        def now_ms(self) -> int:
            self.pause(0)
            return 1_704_110_400_000

    ends = iter([
        RunError("data.write_failed", "no space left on device"), RunError("test.end", "it works"),
    ])  # fmt: skip

    def fill(*given: Any) -> None:
        given[-1](1, 1)  # how far it is
        raise next(ends)

    monkeypatch.setattr(collecting, "CcxtSource", Source)
    monkeypatch.setattr(collecting, "fill", fill)
    role = CollectRole(a_configuration(tmp_path), SystemClock(), Quiet())

    codes = []
    for _ in range(2):
        with pytest.raises(RunError) as failed:
            asyncio.run(role.run())
        codes.append(failed.value.code)
    assert codes == ["data.write_failed", "test.end"]


def test_what_is_not_collected_any_more_is_not_silent(tmp_path: Path) -> None:
    configuration = a_configuration(tmp_path)
    folder = configuration.path(configuration.settings.workspace.live)
    store = LiveStore(folder)
    for name in ("bars:OKX:BTC/USDT 1h", "bars:OKX:GONE/USDT 1h", "bars:OKX:BTC/USDT 4h"):
        store.write_source(SourceState(name=name, is_alive=False, says="no bar", since_ms=1))

    CollectRole(configuration, SystemClock(), Quiet()).close()

    assert [one.name for one in store.sources()] == ["bars:OKX:BTC/USDT 1h"]
    store.close()
