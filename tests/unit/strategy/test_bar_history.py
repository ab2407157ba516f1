"""The growing history of a live strategy: what was handed out stays what it was."""

from __future__ import annotations

import numpy as np

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS, Timeframe
from algotrader.strategy.history import BarHistory


def bars_of(closes: list[float]) -> Bars:
    ts = HOUR_MS * np.arange(len(closes))
    values = {name: np.array(closes) for name in FIELDS}
    return Bars(
        ts=ts, known_at=ts + HOUR_MS, timeframe=Timeframe(HOUR_MS),
        symbols=(Symbol.parse("OKX:BTC/USDT"),), **values,
    )  # fmt: skip


def add(history: BarHistory, row: int, close: float) -> None:
    values = {name: np.array([close]) for name in FIELDS}
    history.append(HOUR_MS * row, HOUR_MS * (row + 1), None, values)


def closes(bars: Bars) -> list[float]:
    return bars.as_panel().close[:, 0].tolist()


def test_bars_handed_out_before_do_not_see_the_rows_that_come_after() -> None:
    history = BarHistory(bars_of([1.0, 2.0]))
    before = history.bars
    add(history, 2, 3.0)

    assert closes(before) == [1.0, 2.0]
    assert closes(history.bars) == [1.0, 2.0, 3.0]


def test_a_corrected_row_leaves_the_bars_handed_out_before_as_they_were() -> None:
    history = BarHistory(bars_of([1.0, 2.0, 3.0]))
    before = history.bars
    history.cut(HOUR_MS)
    add(history, 1, 20.0)
    add(history, 2, 30.0)

    assert closes(before) == [1.0, 2.0, 3.0]
    assert closes(history.bars) == [1.0, 20.0, 30.0]


def test_cutting_what_is_not_there_changes_nothing() -> None:
    history = BarHistory(bars_of([1.0, 2.0]))
    before = history.bars
    history.cut(2 * HOUR_MS)

    assert history.bars is before


def test_the_bars_of_a_history_are_as_good_as_those_made_with_every_check() -> None:
    history = BarHistory(bars_of([1.0, 2.0]))
    for row in range(2, 3_000):  # past the room there was
        add(history, row, float(row))
    bars = history.bars
    checked = Bars(**{name: getattr(bars, name) for name in Bars.__dataclass_fields__})

    assert len(bars) == 3_000
    for one in (bars, bars.column(0), bars.rows(5, 9), bars.column(0).as_panel()):
        for name in (*FIELDS, "ts", "known_at"):
            values = getattr(one, name)
            assert values.flags.c_contiguous
            assert not values.flags.writeable
    assert checked.close is bars.close  # nothing had to be copied
