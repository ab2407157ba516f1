"""The dictionary is up to date; features know what they were made of; universes keep the dead."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from algotrader.core.calendars import load_calendar
from algotrader.core.errors import DataError, UsageError
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, Timeframe
from algotrader.data.coverage import coverage_of
from algotrader.data.dictionary import markdown
from algotrader.data.feature_layer import read_features, write_features
from algotrader.data.generator import PERPETUAL, SPOT, generate, instruments, write_generated
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey
from algotrader.data.universe import read_universe

ROOT = Path(__file__).parents[3]
CLOCK = ManualClock(datetime(2025, 1, 1, tzinfo=UTC))
HOUR = Timeframe.parse("1h")
SEED_3 = [30194.0, 30308.0, 32727.6]


def test_the_data_dictionary_is_what_the_schemas_say() -> None:
    page = ROOT / "docs" / "reference" / "data-dictionary.md"

    assert page.read_text(encoding="utf-8") == markdown(), (
        "write it anew: python -c 'from algotrader.data.dictionary import markdown; print(markdown())'"
    )


def test_the_generator_gives_the_same_market_for_the_same_seed() -> None:
    one, same, other = generate(500, 3), generate(500, 3), generate(500, 4)

    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(one.spot, name), getattr(same.spot, name))
    assert not np.array_equal(one.spot.close, other.spot.close)
    # So that a machine or a numpy that draws otherwise is noticed.
    assert one.spot.close[[0, 1, 499]].tolist() == SEED_3


def test_generated_bars_are_bars_and_funding_settles_every_eight_hours() -> None:
    made = generate(2000, 5)

    for bars in (made.spot, made.perpetual, made.mark):
        assert bool(np.all(bars.high >= np.maximum(bars.open, bars.close)))
        assert bool(np.all(bars.low <= np.minimum(bars.open, bars.close)))
        assert bool(np.all(bars.low > 0))
        assert np.allclose(np.round(bars.close / 0.1), bars.close / 0.1, atol=1e-6)
    assert bool(np.all(np.diff(made.funding_ts) == 8 * 3_600_000))
    assert bool(np.all(made.funding_ts % (8 * 3_600_000) == 0))
    assert bool(np.all(np.abs(made.funding_rate) <= 0.0075))
    with pytest.raises(UsageError):
        generate(1)


def test_a_generated_market_says_so_and_brings_its_rules(tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    write_generated(lake, generate(300, 5), CLOCK)

    assert [str(key) for key in lake.series()] == [
        "SIM:BTC/USDT 1h", "SIM:BTC/USDT:USDT funding", "SIM:BTC/USDT:USDT 1h",
        "SIM:BTC/USDT:USDT mark-1h",
    ]  # fmt: skip
    assert all(lake.manifest(key).generated for key in lake.series())
    assert load_instrument(tmp_path, SPOT) == instruments()[0]
    assert load_instrument(tmp_path, PERPETUAL) == instruments()[1]
    assert (
        lake.read_mark(PERPETUAL, HOUR).ts.tolist() == lake.read_bars(PERPETUAL, HOUR).ts.tolist()
    )


def test_stored_features_are_refused_when_code_or_bars_have_changed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write_generated(lake, generate(300, 5), CLOCK)
    key = SeriesKey.bars(SPOT, HOUR)
    bars = lake.read_bars(SPOT, HOUR)
    columns = {"fast": bars.close * 2}

    write_features(lake, key, "Trend", bars.ts, columns, "abc")
    [path] = (tmp_path / "layer=features").rglob("*.parquet")
    written = path.stat().st_mtime_ns
    write_features(lake, key, "Trend", bars.ts, columns, "abc")

    assert path.stat().st_mtime_ns == written
    ts, kept = read_features(lake, key, "Trend", "abc")
    assert np.array_equal(ts, bars.ts)
    assert np.array_equal(kept["fast"], columns["fast"])
    with pytest.raises(DataError, match="other code"):
        read_features(lake, key, "Trend", "abd")
    lake.write_bars(generate(400, 5).spot)
    with pytest.raises(DataError, match="other bars"):
        read_features(lake, key, "Trend")
    with pytest.raises(DataError, match="no features"):
        read_features(lake, key, "Other")


def test_promise_19_a_universe_table_keeps_what_was_delisted(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(
        "symbol,start,end\nOKX:LUNA/USDT,2021-01-01,2022-05-13\nOKX:BTC/USDT,2020-01-01,\n"
    )

    universe = read_universe(path)

    luna, btc = Symbol.parse("OKX:LUNA/USDT"), Symbol.parse("OKX:BTC/USDT")
    day = 1651363200000  # 2022-05-01
    assert universe.members(day) == (btc, luna)
    assert universe.members(day + 30 * DAY_MS) == (btc,)
    assert universe.symbols == (btc, luna)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symbol\nUS:A\n", "no column 'start'"),
        ("symbol,start,end\nUS:A,2024-01-02,2024-01-01\n", "row 1"),
        ("symbol,start,end\nUS:A,2024-01-02,2024-03-01\nUS:A,2024-02-02,\n", "overlap"),
    ],
)
def test_a_wrong_universe_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "members.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_universe(path)


def test_promise_16_coverage_names_what_is_missing_and_why() -> None:
    ts = 1704067200000 + HOUR.ms * np.delete(np.arange(100), [10, 11, 50])
    absent = [(int(1704067200000 + 50 * HOUR.ms), int(1704067200000 + 51 * HOUR.ms))]

    found = coverage_of(ts, HOUR, load_calendar("24/7"), absent)

    assert (found.expected, found.present, found.no_trades) == (100, 97, 1)
    assert found.share == pytest.approx(0.98)
    assert [(gap.bars, gap.reason) for gap in found.missing] == [
        (2, "not_downloaded"), (1, "no_trades"),
    ]  # fmt: skip
    assert found.months == (("2024-01", 0.97),)
