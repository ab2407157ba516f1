"""The real ccxt client against a look-alike of a second exchange: nothing in here knows OKX."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders import binance_look_alike as binance

from algotrader.cli.main import main
from algotrader.core.errors import RunError
from algotrader.core.instruments import FeeCurrency
from algotrader.core.ports import ManualClock
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS, Timeframe
from algotrader.data.adapters.ccxt_source import CcxtSource
from algotrader.data.downloading import fill
from algotrader.data.instruments import load_instrument
from algotrader.data.lake import Lake
from algotrader.data.layout import SeriesKey

pytest.importorskip("ccxt", reason="not run: ccxt is not installed")

LISTED = 1704067200000  # 2024-01-01
NOW = LISTED + 100 * DAY_MS + HOUR_MS // 2
SYMBOL = Symbol.parse("BINANCE:BTC/USDT")
KEY = SeriesKey.bars(SYMBOL, Timeframe(HOUR_MS))
PROGRAM = Path(sys.executable).with_name("algotrader")
CLOCK = ManualClock(datetime(2024, 4, 10, 0, 30, tzinfo=UTC))


class Waits:
    """Stands in for the clock of the client: time passes only where it waits."""

    def __init__(self) -> None:
        self.now_s = 1_712_707_200.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    from ccxt.base.exchange import Exchange

    told = Waits()
    monkeypatch.setattr(Exchange, "milliseconds", staticmethod(lambda: int(told.now_s * 1000)))
    monkeypatch.setitem(Exchange.throttle.__globals__, "time", told)
    return told


def source(base: str, waits: Waits) -> CcxtSource:
    return CcxtSource("BINANCE", base, pause=waits.sleep)


def test_pages_are_as_large_as_the_exchange_gives_them(tmp_path: Path, waits: Waits) -> None:
    lake, venue = Lake(tmp_path), binance.Venue(now_ms=NOW, listed_ms=LISTED)
    with binance.serving(venue) as base:
        done = fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert done.written.added == 100 * 24
    assert done.manifest.coverage == 1
    assert [query["limit"] for query in venue.asked] == ["1000"] * 3
    starts = [(int(query["startTime"]) - LISTED) // HOUR_MS for query in venue.asked]
    assert starts == [0, 1000, 2000]


def test_an_exchange_that_gives_fewer_bars_than_it_says_loses_none(
    tmp_path: Path, waits: Waits
) -> None:
    lake, venue = Lake(tmp_path), binance.Venue(now_ms=NOW, listed_ms=LISTED, most=300)
    with binance.serving(venue) as base:
        done = fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert done.written.added == 100 * 24
    assert done.manifest.no_trades == 0
    assert len(venue.asked) == 8


def test_what_was_not_listed_yet_is_passed_over_in_one_request(
    tmp_path: Path, waits: Waits
) -> None:
    lake, venue = Lake(tmp_path), binance.Venue(now_ms=NOW, listed_ms=LISTED)
    with binance.serving(venue) as base:
        done = fill(lake, source(base, waits), KEY, LISTED - 1000 * DAY_MS, NOW, CLOCK)

    assert done.written.added == 100 * 24
    assert done.manifest.absent_at_venue == ()
    assert len(venue.asked) == 4


def test_an_outage_is_marked_and_not_asked_for_again(tmp_path: Path, waits: Waits) -> None:
    lake = Lake(tmp_path)
    outage = {LISTED + row * HOUR_MS for row in range(500, 520)}
    venue = binance.Venue(now_ms=NOW, listed_ms=LISTED, absent=outage)
    with binance.serving(venue) as base:
        done = fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)
        venue.asked.clear()
        fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert done.manifest.no_trades == 20
    assert venue.asked == []


def test_requests_keep_the_distance_that_the_exchange_asks_for(
    tmp_path: Path, waits: Waits
) -> None:
    """A page weighs 2 of the 6,000 that a minute allows: 20 ms."""
    venue = binance.Venue(now_ms=NOW, listed_ms=LISTED, most=100)
    with binance.serving(venue) as base:
        fill(Lake(tmp_path), source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert len(venue.asked) == 24
    assert waits.slept.count(0.02) >= 23


def test_a_venue_that_limits_our_rate_is_given_the_time_it_asks_for(
    tmp_path: Path, waits: Waits
) -> None:
    lake = Lake(tmp_path)
    venue = binance.Venue(now_ms=NOW, listed_ms=LISTED, limited=["7", "30"])
    with binance.serving(venue) as base:
        done = fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert done.written.added == 100 * 24
    assert [seconds for seconds in waits.slept if seconds >= 1] == [7, 30]


def test_a_ban_is_not_prolonged_by_asking_on(tmp_path: Path, waits: Waits) -> None:
    venue = binance.Venue(now_ms=NOW, listed_ms=LISTED, limited=["3600"])
    with (
        binance.serving(venue) as base,
        pytest.raises(RunError, match="wants no request for 3600 s") as caught,
    ):
        fill(Lake(tmp_path), source(base, waits), KEY, LISTED, NOW, CLOCK)

    assert "run the same command again after that time" in (caught.value.hint or "")
    assert venue.asked == []


def test_progress_tells_how_far_of_the_span_it_is(tmp_path: Path, waits: Waits) -> None:
    told: list[tuple[int, int]] = []
    with binance.serving(binance.Venue(now_ms=NOW, listed_ms=LISTED)) as base:
        fill(Lake(tmp_path), source(base, waits), KEY, LISTED, NOW, CLOCK,
             lambda done, of: told.append((done, of)))  # fmt: skip

    assert [round(done / HOUR_MS) for done, _ in told] == [1000, 2000, 2400]
    assert {of for _, of in told} == {NOW - LISTED}


def test_the_rules_of_the_exchange_come_along(tmp_path: Path, waits: Waits) -> None:
    lake = Lake(tmp_path)
    with binance.serving(binance.Venue(now_ms=NOW, listed_ms=LISTED)) as base:
        fill(lake, source(base, waits), KEY, LISTED, NOW, CLOCK)

    rules = load_instrument(lake.root, SYMBOL)
    assert rules is not None
    assert (rules.tick, rules.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert (rules.min_quantity, rules.min_notional) == (Decimal("0.00001"), Decimal(5))
    assert (rules.fees.taker, rules.fees.fee_in) == (Decimal("0.001"), FeeCurrency.RECEIVED)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("--start", "2024-05-01"), "starts at 2024-05-01 00:00 and ends at 2024-04-10 00:30"),
        (("--start", "2024-03-01", "--end", "2024-02-01"), "ends at 2024-02-01 00:00"),
    ],
)
def test_an_empty_range_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], span: tuple[str, ...], words: str
) -> None:
    lake = str(tmp_path / "lake")
    with binance.serving(binance.Venue(now_ms=NOW, listed_ms=LISTED)) as base:
        given = ("download", str(SYMBOL), *span, "--base-url", base, "--lake", lake)
        assert main(["data", *given]) == 2

    said = capsys.readouterr().err
    assert said.startswith("error: the range is empty: it ")
    assert words in said
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (signal.SIGKILL, -signal.SIGKILL, ""),
        (signal.SIGINT, 130, "error: interrupted; what was finished is kept"),
    ],
)
def test_a_download_that_was_ended_goes_on_where_it_stopped(
    tmp_path: Path, end: signal.Signals, code: int, words: str
) -> None:
    """The command itself, ended while it waits for its third page."""
    venue = binance.Venue(now_ms=NOW, listed_ms=LISTED, blocks_after=2)
    with binance.serving(venue) as base:
        command = [
            *(str(PROGRAM), "data", "download", str(SYMBOL), "-t", "1h"),
            *("--start", "2024-01-01", "--base-url", base, "--lake", str(tmp_path)),
        ]
        first = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert venue.blocked.wait(60)
        first.send_signal(end)
        _, errors = first.communicate(timeout=60)
        venue.free.set()
        assert first.returncode == code
        assert errors.startswith(words)
        assert errors.count("\n") == (1 if words else 0)
        assert len(Lake(tmp_path).read_bars(SYMBOL, "1h")) == 2000

        venue.asked.clear()
        venue.blocks_after = None
        again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)

    [row] = json.loads(again.stdout)
    assert row["added"] == 400
    assert int(venue.asked[0]["startTime"]) == LISTED + 2000 * HOUR_MS
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
