"""The collector: every bar into the lake once, whatever comes, twice, late, wrong or not at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algotrader.core.errors import DataError, RunError
from algotrader.core.events import BarClosed, HeartbeatMissed
from algotrader.core.instants import utc_at
from algotrader.core.ports import ManualClock, Notice
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data import lake as lake_module
from algotrader.data.collecting import Collector
from algotrader.data.feed import FeedEvent
from algotrader.data.lake import Lake
from algotrader.data.layout import Layer, SeriesKey
from algotrader.data.live_bars import BarKeeper, KeeperSettings, Moment, RawBar
from algotrader.data.live_store import LiveStore
from algotrader.data.supervision import keep_running

BTC, ETH = Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT")
HOUR = Timeframe(HOUR_MS)
NOON = 1_704_110_400_000  # 2024-01-01 12:00 UTC
BARS = 30
LATER = NOON + (BARS + 1) * HOUR_MS  # when all of them have closed
Values = tuple[float, float, float, float, float]


def values_of(hour: int, price: float | None = None) -> Values:
    level = 100.0 + hour if price is None else price
    return (level, level + 1, level - 1, level + 0.5, 10.0 + hour)


def raw(hour: int, symbol: Symbol = BTC, values: Values | None = None) -> RawBar:
    """The bar that opens `hour` hours after noon."""
    return RawBar(instrument=symbol, ts=NOON + hour * HOUR_MS, values=values or values_of(hour))


@dataclass
class Desk:
    """A keeper and a collector, without a venue: a test says what the source told, and when."""

    folder: Path
    told: list[Notice] = field(default_factory=list)
    instruments: Sequence[Symbol] = (BTC,)

    def __post_init__(self) -> None:
        self.lake = Lake(self.folder / "lake")
        self.store = LiveStore(self.folder / "live")
        self.clock = ManualClock(utc_at(LATER))
        self.collector = Collector(self.lake, self.store, HOUR, self.clock, self)
        settings = KeeperSettings(timeframe=HOUR, source="OKX")
        self.keeper = BarKeeper(
            list(self.instruments), settings, NOON, self.at(LATER), watcher=self.collector
        )

    async def notify(self, notice: Notice) -> None:
        self.told.append(notice)

    def at(self, ms: int) -> Moment:
        self.clock.set(utc_at(ms))
        return Moment(venue_ms=ms, our_ms=ms)

    async def hear(self, *bars: RawBar, at: int = LATER) -> list[FeedEvent]:
        events = [event for bar in bars for event in self.keeper.take(bar, self.at(at))]
        for event in events:
            await self.collector.hear(event)
        await self.collector.flush()
        return events

    async def ask(self, *answers: RawBar, at: int = LATER) -> None:
        """What is missing is asked for, and the source answers with these bars."""
        for asked in self.keeper.missing(self.at(at)):
            inside = [bar for bar in answers if asked.start_ms <= bar.ts < asked.end_ms]
            await self.hear(*inside, at=at)
            self.keeper.answered(asked)
        await self.collector.flush()

    def files(self, symbol: Symbol = BTC) -> dict[str, bytes]:
        key = SeriesKey.bars(symbol, HOUR)
        return {path.name: path.read_bytes() for path in self.lake.files(key)}

    def stamps(self) -> list[int]:
        """Hours after noon of the curated bars."""
        return ((self.lake.read_bars(BTC, HOUR).ts - NOON) // HOUR_MS).tolist()


def test_F41_duplicates_and_disorder_leave_the_same_bytes(tmp_path: Path) -> None:
    async def collected(name: str, bars: Sequence[RawBar]) -> Desk:
        desk = Desk(folder=tmp_path / name)
        chosen = random.Random(name)
        while bars:  # in parts of any size, as streams and answers come
            size = chosen.randint(1, 7)
            await desk.hear(*bars[:size])
            bars = bars[size:]
        return desk

    in_order = [raw(hour) for hour in range(BARS)]
    shuffled = [*in_order, *in_order[3:17], in_order[0]]
    random.Random(7).shuffle(shuffled)
    plain = asyncio.run(collected("plain", in_order))
    messy = asyncio.run(collected("messy", shuffled))

    assert plain.stamps() == list(range(BARS))
    assert plain.files() == messy.files()
    assert messy.collector.done.added == BARS
    assert messy.collector.done.revised == 0


def test_F41_collected_bars_are_those_of_a_download(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)
    asyncio.run(desk.hear(*(raw(hour) for hour in range(BARS))))
    bars = desk.lake.read_bars(BTC, HOUR)

    again = desk.lake.write_bars(bars)

    assert (again.added, again.revised, again.unchanged) == (0, 0, BARS)
    assert np.all(bars.known_at == bars.ts + HOUR_MS)


def test_F40_a_gap_is_refetched_and_what_the_source_lacks_is_marked(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)

    async def work() -> None:
        await desk.hear(*(raw(hour) for hour in range(BARS) if not 5 <= hour < 12))
        for _ in range(3):  # the source has four of the seven
            await desk.ask(*(raw(hour) for hour in (5, 6, 9, 10)))

    asyncio.run(work())
    manifest = desk.lake.manifest(SeriesKey.bars(BTC, HOUR))

    assert desk.stamps() == [hour for hour in range(BARS) if hour not in (7, 8, 11)]
    assert manifest.absent_at_venue == (
        (NOON + 7 * HOUR_MS, NOON + 9 * HOUR_MS),
        (NOON + 11 * HOUR_MS, NOON + 12 * HOUR_MS),
    )
    assert desk.collector.done.gaps == 3
    told = [one.text for one in desk.told if one.cause == f"gap:{BTC} 1h"]
    assert told == [
        f"{BTC} 1h: the source has no bars of 2024-01-01 19:00, 2024-01-01 20:00",
        f"{BTC} 1h: the source has no bars of 2024-01-01 23:00",
    ]


BAD: list[tuple[Values, str]] = [
    ((105.0, 1_060.0, 104.0, 105.5, 1.0), "far from the last close"),
    ((0.0, 106.0, 0.0, 105.0, 1.0), "price_not_positive"),
    ((-105.0, 106.0, -106.0, 105.0, 1.0), "price_not_positive"),
    ((105.0, 104.0, 106.0, 105.0, 1.0), "high_below_low"),
    ((105.0, 106.0, 104.0, 107.0, 1.0), "outside_range"),
    ((105.0, 106.0, 104.0, 105.0, -1.0), "volume_negative"),
    ((105.0, 106.0, 104.0, float("nan"), 1.0), "nan"),
]


@pytest.mark.parametrize(("values", "reason"), BAD, ids=[f"{r}-{v[1]:g}" for v, r in BAD])
def test_F42_a_bad_print_is_kept_aside_with_its_reason_until_a_sound_bar_comes(
    tmp_path: Path, values: Values, reason: str
) -> None:
    import polars as pl

    desk = Desk(folder=tmp_path)

    async def work() -> None:
        await desk.hear(*(raw(hour) for hour in range(5)))
        told = await desk.hear(raw(5, values=values))
        assert not [event for event in told if isinstance(event, BarClosed)]  # nobody decides on it
        assert desk.stamps() == list(range(5))
        await desk.ask(raw(5))

    asyncio.run(work())
    (file,) = desk.lake.files(SeriesKey.bars(BTC, HOUR), Layer.QUARANTINE)
    aside = pl.read_parquet(file)

    assert desk.stamps() == list(range(6))
    assert aside["ts"].to_list() == [NOON + 5 * HOUR_MS]
    assert aside["reason"][0].startswith(reason)
    assert desk.collector.done.quarantined == 1


def test_F42_a_new_level_is_believed_when_the_next_bar_agrees_with_it(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)

    async def work() -> None:
        await desk.hear(*(raw(hour) for hour in range(5)))
        await desk.hear(raw(5, values=values_of(5, 10.0)))
        assert desk.stamps() == list(range(5))
        await desk.hear(raw(6, values=values_of(6, 11.0)))

    asyncio.run(work())
    assert desk.stamps() == list(range(7))
    assert desk.lake.read_bars(BTC, HOUR).open[5:].tolist() == [10.0, 11.0]


def test_F42_a_print_that_nothing_confirms_stays_out(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)
    spike = raw(5, values=(105.0, 1_060.0, 104.0, 105.5, 1.0))

    async def work() -> None:
        await desk.hear(*(raw(hour) for hour in range(5)), spike, *map(raw, range(6, BARS)))
        for _ in range(3):  # the source insists
            await desk.ask(spike)

    asyncio.run(work())
    assert desk.stamps() == [hour for hour in range(BARS) if hour != 5]
    assert desk.collector.done.quarantined == 1
    assert desk.lake.manifest(SeriesKey.bars(BTC, HOUR)).absent_at_venue == (
        (NOON + 5 * HOUR_MS, NOON + 6 * HOUR_MS),
    )


def test_F43_a_bar_that_still_forms_is_not_kept(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)
    forming = raw(BARS + 1)  # opens at LATER

    asyncio.run(desk.hear(raw(0), forming, at=LATER + HOUR_MS - 1))
    assert desk.stamps() == [0]
    asyncio.run(desk.hear(forming, at=LATER + HOUR_MS))
    assert desk.stamps() == [0, BARS + 1]


@pytest.mark.parametrize("minutes", [30, 59, 1])
def test_F44_bars_of_another_clock_are_not_kept(tmp_path: Path, minutes: int) -> None:
    desk = Desk(folder=tmp_path)
    shifted = RawBar(instrument=BTC, ts=NOON + minutes * 60_000, values=values_of(0))

    asyncio.run(desk.hear(raw(0), shifted))
    assert desk.stamps() == [0]


def test_F44_bars_labelled_by_their_end_come_an_hour_early_and_are_not_kept(tmp_path: Path) -> None:
    """The newest one would be of the future: it has not closed."""
    desk = Desk(folder=tmp_path)

    asyncio.run(desk.hear(raw(BARS), raw(BARS + 1), at=LATER + 1))
    assert desk.stamps() == [BARS]


def test_F45_a_restated_bar_is_a_version_and_what_was_known_stays_known(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)
    restated_at = LATER + 5 * HOUR_MS

    async def work() -> None:
        await desk.hear(*(raw(hour) for hour in range(BARS)))
        await desk.hear(raw(3, values=values_of(3, 99.0)), at=restated_at)

    asyncio.run(work())
    before = desk.lake.read_bars(BTC, HOUR, as_of=utc_at(restated_at - 1))
    after = desk.lake.read_bars(BTC, HOUR, as_of=utc_at(restated_at))

    assert (before.open[3], after.open[3]) == (103.0, 99.0)
    assert (len(before), len(after)) == (BARS, BARS)
    assert after.known_at[3] == restated_at
    assert desk.collector.done.revised == 1
    (newest,) = [bar for bar in desk.store.bars(BTC, "1h") if bar.ts == NOON + 3 * HOUR_MS]
    assert (newest.open, newest.revision) == (99.0, 1)


def test_F45_versions_that_come_at_once_are_kept_in_their_order(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)

    async def work() -> None:
        for price in (100.0, 101.0, 102.0):
            for event in desk.keeper.take(raw(0, values=values_of(0, price)), desk.at(LATER)):
                await desk.collector.hear(event)
        await desk.collector.flush()

    asyncio.run(work())
    assert desk.lake.read_bars(BTC, HOUR).open.tolist() == [102.0]
    assert desk.collector.done.as_dict() | {"late": 0} == {
        "added": 1, "revised": 2, "unchanged": 0, "quarantined": 0, "gaps": 0, "late": 0,
        "slices": 0,
    }  # fmt: skip


def test_F47_an_outage_is_told_once_and_its_end_once(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)
    missed = HeartbeatMissed(
        ts_event=LATER, ts_known=LATER, component=f"bars:{BTC} 1h", last_seen_ms=LATER - HOUR_MS,
        allowed_ms=2 * HOUR_MS,
    )  # fmt: skip

    async def work() -> None:
        for _ in range(3):
            await desk.collector.hear(missed)
        (state,) = desk.store.sources()
        assert (state.name, state.is_alive) == (missed.component, False)
        desk.clock.advance(timedelta(hours=6).total_seconds())
        await desk.collector.hear(
            BarClosed(
                ts_event=LATER, ts_known=LATER, instrument=BTC, timeframe="1h", ts=LATER - HOUR_MS,
                open=1, high=1, low=1, close=1, volume=1, source="OKX",
            )
        )  # fmt: skip

    asyncio.run(work())
    assert [one.cause for one in desk.told] == [
        f"silent:{missed.component}", f"back:{missed.component}",
    ]  # fmt: skip
    assert "after 21600 s" in desk.told[1].text
    assert [one.is_alive for one in desk.store.sources()] == [True]


def missed_bars() -> HeartbeatMissed:
    return HeartbeatMissed(
        ts_event=LATER, ts_known=LATER, component=f"bars:{BTC} 1h", last_seen_ms=LATER - HOUR_MS,
        allowed_ms=2 * HOUR_MS,
    )  # fmt: skip


def test_F47_what_fell_silent_before_a_restart_is_shown_to_deliver_once_it_does(
    tmp_path: Path,
) -> None:
    before = Desk(folder=tmp_path)
    asyncio.run(before.collector.hear(missed_bars()))
    before.store.close()

    after = Desk(folder=tmp_path)
    assert [one.is_alive for one in after.store.sources()] == [False]
    asyncio.run(after.hear(raw(BARS - 1)))

    assert [one.is_alive for one in after.store.sources()] == [True]
    assert [one.cause for one in after.told] == [f"back:bars:{BTC} 1h"]


def test_F48_a_silent_source_is_told_also_while_the_live_store_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(folder=tmp_path)

    def is_full(_: Any) -> None:
        raise RunError("data.live_store", "cannot be written")

    monkeypatch.setattr(desk.store, "write_source", is_full)
    asyncio.run(desk.collector.hear(missed_bars()))

    assert [one.cause for one in desk.told] == [f"silent:bars:{BTC} 1h"]


def test_F48_a_live_store_that_takes_nothing_holds_up_no_bar_of_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, writes = Desk(folder=tmp_path), list[int]()
    write_table = desk.lake.write_table

    def is_refused(_: Any) -> None:
        raise RunError("data.live_store", "live.db cannot be written")

    def counted(*given: Any, **named: Any) -> Any:
        writes.append(1)
        return write_table(*given, **named)

    async def work() -> None:
        with pytest.raises(RunError):
            await desk.hear(raw(0))
        for _ in range(5):
            await desk.collector.flush()

    monkeypatch.setattr(desk.store, "write_bars", is_refused)
    monkeypatch.setattr(desk.lake, "write_table", counted)
    asyncio.run(work())
    assert desk.stamps() == [0]
    assert writes == [1]


def test_F50_a_damaged_series_waits_and_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path, instruments=(BTC, ETH))
    key = SeriesKey.bars(BTC, HOUR)

    async def work() -> None:
        await desk.hear(raw(0))
        (file,) = desk.lake.files(key)
        file.write_bytes(file.read_bytes()[:100])
        for symbol in (BTC, ETH):
            for event in desk.keeper.take(raw(1, symbol), desk.at(LATER)):
                await desk.collector.hear(event)
        for _ in range(3):
            with pytest.raises(DataError):
                await desk.collector.flush()
        assert len(desk.lake.read_bars(ETH, HOUR).ts) == 1
        file.unlink()
        await desk.collector.flush()

    asyncio.run(work())
    assert desk.stamps() == [1]


def test_F48_a_full_disk_keeps_nothing_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(folder=tmp_path)

    def is_full(_: Any) -> None:
        raise RunError("data.write_failed", "nothing was written: no space left on device")

    async def events() -> Any:
        for event in desk.keeper.take(raw(0), desk.at(LATER)):
            yield event
        await asyncio.Event().wait()

    async def work() -> None:
        task = asyncio.ensure_future(
            keep_running(
                "collector", lambda: desk.collector.run(events()), failed=lambda *_: None,
                monotonic_s=desk.clock.monotonic_s,
            )
        )  # fmt: skip
        await asyncio.sleep(0.05)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done
        assert task.cancelled()

    monkeypatch.setattr(lake_module, "write_all", is_full)
    asyncio.run(work())
    assert [one.cause for one in desk.told] == ["collector.unwritten:data.write_failed"]


def test_a_stream_that_is_silent_is_told_and_no_outage_while_its_bars_are_asked_for(
    tmp_path: Path,
) -> None:
    desk = Desk(folder=tmp_path)
    silent = HeartbeatMissed(
        ts_event=LATER, ts_known=LATER, component="stream:OKX bars", last_seen_ms=LATER - HOUR_MS,
        allowed_ms=2 * HOUR_MS,
    )  # fmt: skip

    asyncio.run(desk.collector.hear(silent))

    assert [one.title for one in desk.told] == ["stream:OKX bars is silent"]
    assert desk.store.sources() == []


def test_F48_a_full_disk_delays_what_is_collected_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(folder=tmp_path)
    works = lake_module.write_all  # type: ignore[attr-defined]

    def is_full(_: Any) -> None:
        raise RunError("data.write_failed", "nothing was written: no space left on device")

    async def work() -> None:
        monkeypatch.setattr(lake_module, "write_all", is_full)
        for hour in range(BARS):
            for event in desk.keeper.take(raw(hour), desk.at(LATER)):
                await desk.collector.hear(event)
            with pytest.raises(RunError):
                await desk.collector.flush()
        monkeypatch.setattr(lake_module, "write_all", works)
        await desk.collector.flush()

    asyncio.run(work())
    assert desk.stamps() == list(range(BARS))
    assert desk.collector.done.added == BARS


def test_what_waits_is_written_when_it_ends(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)

    async def events() -> Any:
        for hour in range(3):
            for event in desk.keeper.take(raw(hour), desk.at(LATER)):
                yield event
        await asyncio.Event().wait()

    async def work() -> None:
        task = asyncio.ensure_future(desk.collector.run(events()))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    assert desk.stamps() == [0, 1, 2]


def test_the_live_store_keeps_the_newest_of_each_and_a_damaged_one_is_begun_anew(
    tmp_path: Path,
) -> None:
    store = LiveStore(tmp_path, kept_bars=5)
    bars = [
        BarClosed(
            ts_event=ts, ts_known=ts, instrument=symbol, timeframe="1h", ts=ts, open=1, high=2,
            low=0.5, close=1.5, volume=3, source="OKX",
        )
        for ts in range(0, 9 * HOUR_MS, HOUR_MS) for symbol in (BTC, ETH)
    ]  # fmt: skip
    store.write_bars(bars)
    store.write_funding(BTC, [(HOUR_MS, 0.0001), (2 * HOUR_MS, -0.0002)])

    assert [bar.ts // HOUR_MS for bar in store.bars(BTC, "1h")] == [4, 5, 6, 7, 8]
    assert [bar.ts // HOUR_MS for bar in store.bars(ETH, "1h", 2)] == [7, 8]
    assert store.funding(BTC) == [(HOUR_MS, 0.0001), (2 * HOUR_MS, -0.0002)]
    store.close()

    store.path.write_bytes(b"this is no database" * 300)
    anew = LiveStore(tmp_path)
    assert anew.bars(BTC, "1h") == []
    anew.close()


def test_a_live_store_that_is_damaged_while_it_is_open_is_begun_anew(tmp_path: Path) -> None:
    desk = Desk(folder=tmp_path)

    async def work() -> None:
        for hour in range(20):
            await desk.hear(raw(hour))
        path = desk.store.path
        path.write_bytes(b"this is no database" * 2_000)
        for name in ("-wal", "-shm"):
            path.with_name(f"{path.name}{name}").unlink(missing_ok=True)
        for hour in range(20, BARS):
            for event in desk.keeper.take(raw(hour), desk.at(LATER)):
                await desk.collector.hear(event)
            await desk.collector._try_to_write()

    asyncio.run(work())
    assert desk.stamps() == list(range(BARS))
    assert desk.store.bars(BTC, "1h")[-1].ts == NOON + (BARS - 1) * HOUR_MS


def test_balances_are_replaced_as_a_whole(tmp_path: Path) -> None:
    from decimal import Decimal

    store = LiveStore(tmp_path)
    store.write_balances("main", {"USDT": Decimal("10.50"), "BTC": Decimal("0.1")}, 1)
    store.write_balances("main", {"USDT": Decimal("9")}, 2)

    assert store.balances("main") == {"USDT": Decimal(9)}
    store.close()
