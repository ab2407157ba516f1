"""Each rule of the quality check on bars that hold one fault, put in by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.builders.markets import random_bars

from algotrader.core.calendars import load_calendar
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.data.quality.check import check_table
from algotrader.data.quality.findings import Finding, Level
from algotrader.data.tables import BarTable

PRICES = ("open", "high", "low", "close")
AT = 200  # the row of the fault


def hours(rows: int = 400) -> BarTable:
    """Clean hourly bars of a market that never closes."""
    return as_table(random_bars(rows), random_bars(rows).ts)


def days(rows: int = 400) -> BarTable:
    """Clean daily bars of New York, from the opens of its calendar."""
    grid = load_calendar("XNYS").grid(Timeframe.parse("1d"), 1_577_836_800_000, 1_704_067_200_000)
    return as_table(random_bars(rows), grid[:rows])


def as_table(bars: object, ts: np.ndarray) -> BarTable:
    columns = {name: np.array(getattr(bars, name)) for name in (*PRICES, "volume")}
    columns["volume"] = np.random.default_rng(3).uniform(900.0, 1_100.0, len(ts))
    return BarTable(ts=np.array(ts), columns=columns, source="made by hand")


def judged(table: BarTable, timeframe: str, calendar: str) -> list[Finding]:
    return check_table(table, Timeframe.parse(timeframe), load_calendar(calendar), "X")


def scaled(table: BarTable, rows: slice | int, by: float) -> BarTable:
    for name in PRICES:
        table.columns[name][rows] *= by
    return table


def set_to(name: str, value: float, rows: slice | int = AT) -> Callable[[BarTable], BarTable]:
    def change(table: BarTable) -> BarTable:
        table.columns[name][rows] = value
        return table

    return change


def without(rows: slice) -> Callable[[BarTable], BarTable]:
    return lambda table: table.take(np.delete(np.arange(len(table)), rows))


def in_order(*rows: int) -> Callable[[BarTable], BarTable]:
    """Rows AT, AT + 1, … replaced by the ones named."""

    def change(table: BarTable) -> BarTable:
        order = np.arange(len(table))
        return table.take(np.concatenate((order[:AT], rows, order[AT + 2 :])))

    return change


def repeated(table: BarTable) -> BarTable:
    for values in table.columns.values():
        values[AT : AT + 5] = values[AT - 1]
    return table


def drawn(table: BarTable) -> BarTable:
    """Six bars on the straight line between their neighbours."""
    for name in ("open", "close", "volume"):
        values = table.columns[name]
        values[AT : AT + 6] = np.linspace(values[AT - 1], values[AT + 6], 8)[1:-1]
    body = [table.columns[name][AT : AT + 6] for name in ("open", "close")]
    table.columns["high"][AT : AT + 6] = np.maximum(*body)
    table.columns["low"][AT : AT + 6] = np.minimum(*body)
    return table


def swapped(table: BarTable) -> BarTable:
    high, low = table.columns["high"], table.columns["low"]
    high[AT], low[AT] = low[AT], high[AT]
    return table


def later(by_ms: int, rows: slice = slice(AT, None)) -> Callable[[BarTable], BarTable]:
    def change(table: BarTable) -> BarTable:
        table.ts[rows] += by_ms
        return table

    return change


def in_other_units(table: BarTable) -> BarTable:
    table.columns["volume"][AT:] *= 100.0
    return table


FAULTS: list[tuple[str, Callable[[BarTable], BarTable], int]] = [
    # rule, the fault, bars of it
    ("gap", without(slice(AT, AT + 7)), 7),
    ("duplicate", in_order(AT, AT, AT + 1), 1),
    ("disorder", in_order(AT + 1, AT), 1),
    ("price_missing", set_to("close", np.nan), 1),
    ("price_not_positive", set_to("low", 0.0), 1),
    ("volume_negative", set_to("volume", -1.0), 1),
    ("volume_missing", set_to("volume", np.nan), 1),
    ("high_below_low", swapped, 1),
    ("high_below_body", set_to("high", 50.0), 1),
    ("low_above_body", set_to("low", 500.0), 1),
    ("bad_print", lambda table: scaled(table, AT, 10.0), 1),
    ("bad_print", lambda table: set_to("low", 0.1 * table.columns["low"][AT])(table), 1),
    ("stale", repeated, 5),
    ("interpolated", drawn, 6),
    ("zero_volume_run", set_to("volume", 0.0, slice(AT, AT + 4)), 4),
    ("volume_hole", set_to("volume", 0.0), 1),
    ("volume_unit", in_other_units, 1),
    ("oversized_price", lambda table: scaled(table, slice(None), 1e11), 400),
]


@pytest.mark.parametrize("clean", [(hours, "1h", "24/7"), (days, "1d", "XNYS")])
def test_clean_bars_give_no_alarm(clean: tuple[Callable[[], BarTable], str, str]) -> None:
    make, timeframe, calendar = clean

    assert [f for f in judged(make(), timeframe, calendar) if f.level != Level.NOTE] == []


@pytest.mark.parametrize("clean", [(hours, "1h", "24/7"), (days, "1d", "XNYS")])
@pytest.mark.parametrize(
    ("rule", "fault", "bars"), FAULTS, ids=[f"{rule} {n}" for n, (rule, *_) in enumerate(FAULTS)]
)
def test_a_fault_is_found_where_it_is(
    clean: tuple[Callable[[], BarTable], str, str],
    rule: str,
    fault: Callable[[BarTable], BarTable],
    bars: int,
) -> None:
    make, timeframe, calendar = clean
    place = int(make().ts[AT])

    found = [f for f in judged(fault(make()), timeframe, calendar) if f.rule == rule]

    assert sum(f.bars for f in found) == bars
    assert min(f.first_ts for f in found) <= place + 5 * 86_400_000  # a weekend
    assert max(f.last_ts for f in found) >= place
    assert all(f.level != Level.NOTE for f in found)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("clock_change", later(HOUR_MS)),
        ("off_grid", later(17 * 60_000)),
        ("wrong_time_zone", later(HOUR_MS, slice(None))),
    ],
)
def test_f44_stamps_beside_the_grid_are_found(
    rule: str, fault: Callable[[BarTable], BarTable]
) -> None:
    table = hours()
    eights = BarTable(ts=table.ts[0] + 8 * HOUR_MS * np.arange(400), columns=table.columns,
                      source="made by hand")  # fmt: skip

    found = {f.rule for f in judged(fault(eights), "8h", "24/7") if f.level == Level.ERROR}

    assert found == {rule}


@pytest.mark.parametrize(
    ("by", "hole", "rule"),
    [
        (2.0, 0, "unexplained_split"),
        (1 / 7, 0, "unexplained_split"),
        (1 / 1.5, 0, "unexplained_split"),
        (1.5, 0, None),  # good news: three shares are not joined into two
        (17.3, 0, "other_company"),  # no ratio of a split, and no share does so by itself
        (1 / 60, 0, "other_company"),
        (2.9, 40, "other_company"),  # less will do after two months without a bar
        (1.3, 40, None),
        (1.3, 0, None),
    ],
)
def test_f46_a_jump_of_a_share_is_a_split_or_another_company(
    by: float, hole: int, rule: str | None
) -> None:
    table = days()
    scaled(table, slice(AT + hole, None), by)
    table.columns["volume"][AT + hole :] /= by

    found = judged(without(slice(AT, AT + hole))(table), "1d", "XNYS")

    rules = {f.rule for f in found if f.level == Level.ERROR}
    assert rules == ({rule} if rule else set())


@pytest.mark.parametrize(("by", "level"), [(0.5, Level.NOTE), (1 / 3, Level.ERROR)])
def test_f46_closes_alone_cannot_tell_a_split_from_a_crash(by: float, level: Level) -> None:
    """A fall to a third is none of the news: no share does so by itself."""
    closes = scaled(days(), slice(AT, None), by).columns["close"]
    for columns in ({}, {"volume": np.zeros(400)}, {"volume": np.full(400, np.nan)}):
        table = BarTable(ts=days().ts, columns={"close": closes, **columns}, source="by hand")
        found = [f for f in judged(table, "1d", "XNYS") if f.rule == "unexplained_split"]
        assert [f.level for f in found] == [level]
