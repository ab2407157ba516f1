"""Bars: immutable arrays of one instrument or of a panel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from algotrader.core.bars import FIELDS, Bars
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

A, B = Symbol.parse("US:AAPL"), Symbol.parse("US:MSFT")
HOUR = Timeframe.parse("1h")
H = HOUR.ms


def some_bars(*hours: int, symbol: Symbol = A, **changes: Any) -> Bars:
    """Bars opened at these hours; each price is the hour plus the place of its field."""
    ts = np.array(hours, dtype=np.int64) * H
    given: dict[str, Any] = {name: np.array(hours) + i / 10 for i, name in enumerate(FIELDS)}
    given |= {"ts": ts, "known_at": ts + H, "timeframe": HOUR, "symbols": (symbol,)}
    return Bars(**(given | changes))


def test_bars_are_read_only_and_leave_the_callers_arrays_alone() -> None:
    mine = np.array([1.0, 2.0])
    bars = some_bars(1, 2, close=mine)

    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 9.0
    mine[0] = 9.0
    assert bars.close.tolist() == [1.0, 2.0]


def test_arrays_of_other_types_are_converted() -> None:
    bars = some_bars(1, 2, close=[1, 2], volume=np.array([3, 4], dtype=np.int32))

    assert (bars.close.dtype, bars.volume.dtype, bars.ts.dtype) == (
        np.float64, np.float64, np.int64
    )  # fmt: skip
    assert len(bars) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"close": np.zeros(3)}, r"close has shape \(3,\), not \(2,\)"),
        ({"volume": np.zeros((2, 1))}, "volume has shape"),
        ({"known_at": np.zeros(3, dtype=np.int64)}, "known_at"),
        ({"ts": np.array([2 * H, H])}, "strictly ascending"),
        ({"ts": np.array([H, H])}, "strictly ascending"),
        ({"symbols": (A, B)}, "must be a panel"),
        ({"panel": True}, "has shape"),
    ],
)
def test_bars_that_contradict_themselves_are_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        some_bars(1, 2, **changes)


def test_rows_are_cut_without_copying() -> None:
    bars = some_bars(1, 2, 3, 4, session=np.array([0, 0, 1, 1]))
    cut = bars.rows(1, 3)

    assert cut.ts.tolist() == [2 * H, 3 * H]
    assert cut.known_at.tolist() == [3 * H, 4 * H]
    assert cut.session is not None
    assert cut.session.tolist() == [0, 1]
    assert np.shares_memory(cut.close, bars.close)
    assert some_bars(1, 2).rows(0, 1).session is None


def test_stacked_bars_are_the_union_of_their_rows_in_the_order_of_the_text() -> None:
    panel = Bars.stack([some_bars(2, 3, symbol=B), some_bars(1, 2, symbol=A)])

    assert panel.symbols == (A, B)
    assert panel.ts.tolist() == [H, 2 * H, 3 * H]
    assert panel.known_at.tolist() == [2 * H, 3 * H, 4 * H]
    np.testing.assert_array_equal(panel.open, [[1, np.nan], [2, 2], [np.nan, 3]])
    np.testing.assert_array_equal(panel.volume, [[1.4, 0], [2.4, 2.4], [0, 3.4]])  # R3


def test_a_row_is_known_when_its_last_bar_is() -> None:
    for late, early in ((A, B), (B, A)):
        slow = some_bars(1, symbol=late, known_at=np.array([5 * H]))

        assert Bars.stack([some_bars(1, symbol=early), slow]).known_at.tolist() == [5 * H]


def test_sessions_are_stacked_when_all_have_them() -> None:
    one = some_bars(1, 2, session=np.array([7, 8]))
    other = some_bars(2, 3, symbol=B, session=np.array([8, 9]))

    stacked = Bars.stack([one, other]).session
    assert stacked is not None
    assert stacked.tolist() == [7, 8, 9]
    assert Bars.stack([one, some_bars(2, symbol=B)]).session is None


def test_a_panel_is_close_only_if_one_of_its_instruments_is() -> None:
    assert Bars.stack([some_bars(1), some_bars(1, symbol=B, close_only=True)]).close_only


def test_bars_of_one_symbol_or_of_two_time_frames_do_not_stack() -> None:
    with pytest.raises(ValueError, match="given once"):
        Bars.stack([some_bars(1), some_bars(2)])
    with pytest.raises(ValueError, match="one time frame"):
        Bars.stack([some_bars(1), some_bars(1, symbol=B, timeframe=Timeframe.parse("2h"))])


def test_a_column_of_a_panel_is_the_instruments_own_bars() -> None:
    bars = some_bars(1, 2, symbol=B)
    panel = Bars.stack([bars, some_bars(1, 2)])
    column = panel.column(1)

    assert column.symbol == B
    assert all(np.array_equal(getattr(column, f), getattr(bars, f)) for f in FIELDS)
    assert column.close.flags.c_contiguous


def test_one_instrument_can_be_a_panel() -> None:
    panel = some_bars(1, 2).as_panel()

    assert panel.close.shape == (2, 1)
    assert panel.as_panel() is panel
    assert panel.rows(0, 1).close.shape == (1, 1)
    with pytest.raises(ValueError, match="several symbols"):
        _ = panel.symbol
    with pytest.raises(ValueError, match="only a panel"):
        some_bars(1).column(0)
