"""The collector as a part of a trader: it can be run again, and forgets what is not collected."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from algotrader.core.errors import DataError, RunError
from algotrader.core.ports import Notice, SystemClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.layout import SeriesKey
from algotrader.data.live_store import LiveStore, SourceState
from algotrader.ops import collecting
from algotrader.ops.collecting import CollectRole, Wanted
from algotrader.ops.config import Configuration, load

SERIES = """
collect:
  url: http://127.0.0.1:1
  series: [{symbols: [OKX:BTC/USDT], timeframe: 1h}]
"""


class Quiet:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def notify(self, notice: Notice) -> None:
        self.told.append(notice.cause)


def a_configuration(folder: Path, text: str = SERIES) -> Configuration:
    file = folder / "algotrader.yaml"
    file.write_text(text)
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


def test_f32_funding_of_one_that_is_gone_takes_it_from_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SERIES.replace("OKX:BTC/USDT", "OKX:AAA/USDT:USDT, OKX:BTC/USDT:USDT")
    says, quiet = list[str](), Quiet()
    role = CollectRole(a_configuration(tmp_path, text), SystemClock(), quiet, says=says.append)

    async def fetched(key: SeriesKey, _: int | None) -> Any:
        if "AAA" in str(key):
            raise DataError("data.symbol_unknown", "okx does not trade AAA/USDT:USDT")
        return SimpleNamespace(written=SimpleNamespace(added=3))

    async def work() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(role.keep_funding(), 0.2)

    monkeypatch.setattr(role, "_fetched", fetched)
    monkeypatch.setattr(role, "_store_funding", lambda _: None)
    asyncio.run(work())
    role.close()

    assert says == [
        f"{SeriesKey.funding(Symbol.parse('OKX:BTC/USDT:USDT'))}: 3 settlements fetched"
    ]
    assert [cause.partition(":")[0] for cause in quiet.told] == ["unfetched"]


def caught_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, took_bars: dict[str, int]
) -> tuple[dict[str, int], list[str]]:
    """The last bar of each series, and what was fetched; each fetch takes so many bars.

    OLD was delisted at bar 7.
    """
    text = SERIES.replace("OKX:BTC/USDT", ", ".join(f"OKX:{name}/USDT" for name in took_bars))
    role = CollectRole(a_configuration(folder, text), SystemClock(), Quiet())
    ends: dict[str, int] = {}
    asked: list[str] = []
    now = 100

    async def fetched(key: SeriesKey, _: int | None) -> Any:
        nonlocal now
        name = key.symbol.base or ""
        last = 7 if name == "OLD" else now
        added = last - ends.get(name, 0)
        ends[name] = last
        asked.append(name)
        now += took_bars[name] if asked.count(name) == 1 else 0
        return SimpleNamespace(
            written=SimpleNamespace(added=added), manifest=SimpleNamespace(coverage=1, last_ts=last)
        )

    monkeypatch.setattr(role, "_fetched", fetched)
    asyncio.run(role.catch_up())
    role.close()
    return ends, asked


def test_f40_a_series_that_grew_old_while_others_were_fetched_is_fetched_to_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, asked = caught_up(tmp_path, monkeypatch, {"AAA": 30, "BBB": 1, "CCC": 0})

    assert ends == {"AAA": 131, "BBB": 131, "CCC": 131}
    assert asked == ["AAA", "BBB", "CCC", "AAA", "BBB"]


def test_f32_a_series_that_ends_for_good_is_not_asked_for_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, asked = caught_up(tmp_path, monkeypatch, {"AAA": 0, "BBB": 0, "OLD": 0})

    assert ends == {"AAA": 100, "BBB": 100, "OLD": 7}
    assert asked == ["AAA", "BBB", "OLD", "OLD"]


TWO = SERIES.replace("OKX:BTC/USDT", "OKX:AAA/USDT, OKX:BTC/USDT")


def a_role_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *gone: str
) -> tuple[CollectRole, Quiet, list[Wanted]]:
    """A collector of two whose venue no longer lists some, and what it goes on with."""
    quiet, kept = Quiet(), list[Wanted]()
    role = CollectRole(a_configuration(folder, TWO), SystemClock(), quiet)

    async def fetched(key: SeriesKey, _: int | None) -> Any:
        if str(key.symbol) in gone:
            raise DataError("data.symbol_unknown", f"okx does not trade {key.symbol.code}")
        return SimpleNamespace(
            written=SimpleNamespace(added=3), manifest=SimpleNamespace(coverage=1.0, last_ts=0)
        )

    async def keeps(one: Wanted) -> None:
        kept.append(one)

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(role, "_fetched", fetched)
    monkeypatch.setattr(role, "_running", lambda _, work: work())
    monkeypatch.setattr(role, "_kept", keeps)
    monkeypatch.setattr(role, "keep_streams", nothing)
    return role, quiet, kept


def test_f32_a_collector_goes_on_without_an_instrument_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, quiet, kept = a_role_without(tmp_path, monkeypatch, "OKX:AAA/USDT")

    asyncio.run(role.run())

    assert [one.symbols for one in kept] == [(Symbol.parse("OKX:BTC/USDT"),)]
    assert role.symbols == [Symbol.parse("OKX:BTC/USDT")]
    assert [cause.partition(":")[0] for cause in quiet.told] == ["left_out"]


def test_f32_a_collector_of_nothing_that_is_listed_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, _, kept = a_role_without(tmp_path, monkeypatch, "OKX:AAA/USDT", "OKX:BTC/USDT")

    with pytest.raises(DataError, match="okx does not trade AAA/USDT"):
        asyncio.run(role.run())
    assert kept == []


def test_f47_a_source_that_answers_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_FIRST_RETRY_S", 0.0)
    quiet, answers = Quiet(), iter([True, True, False])

    def fills(*_: Any) -> Any:
        if next(answers):
            raise RunError("data.venue_unreachable", "okx does not answer")

    role = CollectRole(a_configuration(tmp_path), SystemClock(), quiet)
    monkeypatch.setattr(role, "_fill", fills)
    key = SeriesKey.bars(Symbol.parse("OKX:BTC/USDT"), Timeframe.parse("1h"))
    asyncio.run(role._fetched(key, None))
    role.close()

    assert quiet.told == [f"silent:{key}", f"back:{key}"]
