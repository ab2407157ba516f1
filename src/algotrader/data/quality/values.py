"""Rules on what the numbers say together: bad prints, repeats, drawn lines, units, identity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.data.adjustment import SPLIT_STEP
from algotrader.data.columns import PRICES
from algotrader.data.quality.findings import Hits, Level, Series
from algotrader.data.quality.runs import runs
from algotrader.data.tables import Floats

# Bounds found on half a million bars of real crypto, shares and futures: the largest move that
# took itself back was 42 robust deviations, the longest real wick 62.
_SPIKE_SCALES, _SPIKE_LEAST = 50.0, 0.15
_TAKEN_BACK = 0.4  # of a move that is left after the next bar
_WICKS = ((75.0, 0.15), (30.0, 0.5))  # robust deviations, log size
_STALE_RUN = 3  # repeats of a whole row with volume
_STALE_RUN_NO_VOLUME = 6
_ZERO_RUN = 3
_LARGE_MOVE = 0.25  # log return
_NO_PRICE = 1e12  # the dearest pair that trades, a bitcoin in rials, costs some 1e11
_OTHER_COMPANY = 1.5  # log return without a split that explains it
_OTHER_AFTER_HOLE = 0.7
_HOLE_MS = 14 * DAY_MS
_NO_CRASH = 1.0  # log return: no share falls or rises so far between two bars by itself
_CRASH_NOTIONAL = 6.0  # times the usual: a crash is traded, a split is not
_UNIT_WINDOW, _UNIT_WINDOW_SHORT = 24, 120  # bars; short: under one hour
_UNIT_OVERLAP = 0.95  # of the volumes before lie below as many of those after
# Log return at the switch, or robust deviations: news moves both price and volume.
_UNIT_CALM, _UNIT_CALM_SCALES = 0.1, 5.0
_UNIT_STEP = float(np.log(20.0))
_SPLITS = np.log([2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 50])
_THREE_FOR_TWO = np.log(1.5)  # makes a price fall; shares are not joined three into two
_SPLIT_CLOSENESS = 0.06


def bad_prints(series: Series) -> Iterator[Hits]:
    """A price far off that comes back at once (F42): the close, or a wick of high or low."""
    returns, scale = series.moves, series.scale
    if len(returns) < 3:
        return
    bound = np.maximum(_SPIKE_SCALES * scale, _SPIKE_LEAST)
    back = np.abs(returns[:-1] + returns[1:]) < _TAKEN_BACK * np.abs(returns[:-1])
    spikes = back & (np.abs(returns[:-1]) > bound[:-1])
    rows = np.flatnonzero(spikes) + 1
    if not series.ordered.is_close_only:
        rows = np.union1d(rows, _long_wicks(series, scale))
    if len(rows):
        yield Hits(rule="bad_print", level=Level.ERROR, ts=series.ordered.ts[rows],
                   message="a price is far from those around it and comes back at once")  # fmt: skip


def _long_wicks(series: Series, scale: Floats) -> NDArray[np.int64]:
    opened, high, low, close = (series.ordered.columns[name] for name in PRICES)
    with np.errstate(all="ignore"):
        reach = np.fmax(high / np.maximum(opened, close), np.minimum(opened, close) / low)
        wick = np.log(np.where(np.isfinite(reach) & (reach > 0), reach, 1.0))
    around = np.concatenate((scale[:1], scale))
    long = np.zeros(len(wick), dtype=np.bool_)
    for scales, least in _WICKS:
        long |= (wick > scales * around) & (wick > least)
    return np.flatnonzero(long)


def stale_rows(series: Series) -> Iterator[Hits]:
    """The same row again and again although something traded: a feed that hangs."""
    columns = series.ordered.columns
    if series.ordered.is_close_only or len(series.ordered) < _STALE_RUN + 1:
        return
    same = np.ones(len(series.ordered) - 1, dtype=np.bool_)
    for name in PRICES:
        same &= np.diff(columns[name]) == 0
    volume = columns.get("volume")
    if volume is not None and bool(np.nanmax(volume, initial=0.0) > 0):
        same &= (np.diff(volume) == 0) & (volume[1:] > 0)
        starts, lengths = runs(same, _STALE_RUN)
    else:
        starts, lengths = runs(same, _STALE_RUN_NO_VOLUME)
    if len(starts):
        yield Hits(rule="stale", level=Level.ERROR, ts=series.ordered.ts[starts + 1],
                   weights=lengths, message="the same row is repeated: the feed hung")  # fmt: skip


def drawn_lines(series: Series) -> Iterator[Hits]:
    """Bars that a publisher drew as a straight line through an outage.

    Open, close and volume each continue with the increment of the bar before.
    """
    columns = series.ordered.columns
    names = [name for name in ("open", "close", "volume") if name in columns]
    if series.ordered.is_close_only or len(names) < 3 or len(series.ordered) < 4:
        return
    straight = np.ones(len(series.ordered) - 2, dtype=np.bool_)
    for name in names:
        step = np.diff(columns[name])
        size = np.abs(columns[name][2:]) * 1e-9 + 1e-12
        straight &= (np.abs(np.diff(step)) <= size) & (np.abs(step[1:]) > size)
    starts, lengths = runs(straight)
    ts = series.ordered.ts[starts + 2]
    # Three points on a line may be chance where ticks are coarse; four are not.
    for chosen, level in ((lengths > 1, Level.ERROR), (lengths == 1, Level.NOTE)):
        if bool(chosen.any()):
            yield Hits(rule="interpolated", level=level, ts=ts[chosen], weights=lengths[chosen],
                       message="a straight line was drawn through an outage")  # fmt: skip


def zero_volume(series: Series) -> Iterator[Hits]:
    """Bars without trades: a note each, a warning where several follow or prices moved."""
    volume = series.ordered.columns.get("volume")
    if volume is None or bool(np.all(~(volume > 0))):
        if volume is not None and bool(np.all(volume == 0)):
            yield Hits(rule="volume_absent", level=Level.NOTE, ts=series.ordered.ts,
                       message="volume is 0 throughout: participation is off")  # fmt: skip
        return
    zero = volume == 0
    if not bool(zero.any()):
        return
    ts = series.ordered.ts
    yield Hits(rule="zero_volume", level=Level.NOTE, ts=ts[zero], message="no trades")
    starts, lengths = runs(zero, _ZERO_RUN)
    if len(starts):
        yield Hits(rule="zero_volume_run", level=Level.WARNING, ts=ts[starts], weights=lengths,
                   message="several bars without trades: an outage or a halt")  # fmt: skip
    if not series.ordered.is_close_only:
        moved = series.ordered.columns["high"] > series.ordered.columns["low"]
        holes = zero & moved
        if bool(holes.any()):
            yield Hits(rule="volume_hole", level=Level.WARNING, ts=ts[holes],
                       message="prices moved but volume is 0")  # fmt: skip


def unit_switches(series: Series) -> Iterator[Hits]:
    """Volume that changes its unit part-way: base for quote, lots for shares.

    Nearly all volumes on one side lie below nearly all on the other, their medians are a factor
    of 20 or more apart, the change is between two bars, and the price does not move with it.
    """
    volume = series.ordered.columns.get("volume")
    if volume is None:
        return
    rows = np.flatnonzero(volume > 0)
    window = _window(series)
    if len(rows) < 2 * _UNIT_WINDOW:
        return
    size = np.log(volume[rows])
    sharp = np.flatnonzero(np.abs(np.diff(size)) > _UNIT_STEP / 1.5) + 1
    sharp = sharp[(sharp >= _UNIT_WINDOW) & (sharp <= len(size) - _UNIT_WINDOW)]
    sharp = sharp[_means_differ(size, sharp, window)]
    found = [
        int(rows[at])
        for at in sharp
        if _levels_differ(size[max(0, at - window) : at], size[at : at + window])
    ]
    usual = np.maximum(_UNIT_CALM, _UNIT_CALM_SCALES * series.scale)
    calm = np.concatenate(([True], np.abs(series.moves) < usual))
    found = [row for row in found if calm[row]]
    if found:
        yield Hits(rule="volume_unit", level=Level.ERROR, ts=series.ordered.ts[found],
                   message="volume changes its unit: participation is off")  # fmt: skip


def _window(series: Series) -> int:
    """Bars to either side: two days where sessions make volume swing, else a day or two hours."""
    frame = series.timeframe
    if not frame.is_intraday or frame.ms >= HOUR_MS:
        return _UNIT_WINDOW
    return _UNIT_WINDOW_SHORT if series.never_closes else 2 * DAY_MS // frame.ms


def _means_differ(size: Floats, at: NDArray[np.int64], window: int) -> NDArray[np.bool_]:
    """Where the mean before and after is far apart: most candidates fall here, at no cost."""
    sums = np.concatenate(([0.0], np.cumsum(size)))
    first, last = np.maximum(at - window, 0), np.minimum(at + window, len(size))
    before = (sums[at] - sums[first]) / (at - first)
    after = (sums[last] - sums[at]) / (last - at)
    return np.asarray(np.abs(after - before) > _UNIT_STEP / 2)


def _levels_differ(before: Floats, after: Floats) -> bool:
    low, high = (before, after) if np.median(before) < np.median(after) else (after, before)
    if np.median(high) - np.median(low) < _UNIT_STEP:
        return False
    return bool(np.quantile(low, _UNIT_OVERLAP) < np.quantile(high, 1 - _UNIT_OVERLAP))


def oversized_prices(series: Series) -> Iterator[Hits]:
    """Closes that nothing costs in any currency: another unit, or a column that holds no price."""
    rows = np.flatnonzero(series.ordered.columns["close"] >= _NO_PRICE)
    if len(rows):
        yield Hits(rule="oversized_price", level=Level.WARNING, ts=series.ordered.ts[rows],
                   message="a close is a trillion or more: another unit, or no price")  # fmt: skip


def large_moves(series: Series) -> Iterator[Hits]:
    """Raw closes that move by more than 25 % (log) in a bar: true or not, worth knowing."""
    close = series.ordered.columns["close"]
    with np.errstate(all="ignore"):
        moves = np.abs(np.diff(np.log(close)))
    rows = np.flatnonzero(np.where(np.isfinite(moves), moves, 0.0) > _LARGE_MOVE) + 1
    if len(rows):
        yield Hits(rule="large_move", level=Level.NOTE, ts=series.ordered.ts[rows],
                   message="the close moved by more than 25 % (log)")  # fmt: skip


def unexplained_jumps(series: Series) -> Iterator[Hits]:
    """Jumps of shares that stay: a split that no factor explains, or another company (F46).

    A split happens overnight, by a simple ratio, with the notional of an ordinary day; a crash
    does not. Without volume nobody can tell the two apart: a note. A jump over a hole of two weeks,
    or of a factor of 4.5, is another company's price.
    """
    if series.never_closes or len(series.ordered) < 3:
        return
    returns, ts = series.moves, series.ordered.ts
    steps = np.abs(returns)
    stays = np.ones(len(returns), dtype=np.bool_)
    stays[:-1] = np.abs(returns[:-1] + returns[1:]) >= _TAKEN_BACK * steps[:-1]
    after_hole = np.diff(ts) > _HOLE_MS
    others = stays & ((steps > _OTHER_COMPANY) | (after_hole & (steps > _OTHER_AFTER_HOLE)))
    splits = stays & ~after_hole & _like_splits(series, returns)
    volume = series.ordered.columns.get("volume", np.zeros(1))
    told = (steps > _NO_CRASH) | bool(np.any(volume > 0))
    for chosen, level, message in (
        (splits & told, Level.ERROR, "the price jumps like a split and no adjustment explains it"),
        (splits & ~told, Level.NOTE, "the price jumps like a split, or by news: no volume tells"),
    ):
        if bool(chosen.any()):
            yield Hits(rule="unexplained_split", level=level, ts=ts[1:][chosen], message=message)
    others &= ~splits
    if bool(others.any()):
        yield Hits(rule="other_company", level=Level.ERROR, ts=ts[1:][others],
                   message="the price jumps as if the symbol had been another company before")  # fmt: skip


def _like_splits(series: Series, returns: Floats) -> NDArray[np.bool_]:
    """Returns that are a simple ratio overnight, at a notional of the ten bars before."""
    columns = series.ordered.columns
    size = np.abs(returns)
    candidates = np.flatnonzero(size > 2 * SPLIT_STEP)
    found = np.zeros(len(returns), dtype=np.bool_)
    for at in candidates.tolist():
        # A split and an ordinary day's move come together: the ratio is that of the open.
        overnight = size[at]
        if "open" in columns:
            factor = 1.0 if series.factor is None else series.factor[at + 1] / series.factor[at]
            overnight = abs(np.log(columns["open"][at + 1] * factor / columns["close"][at]))
        ratios = np.append(_SPLITS, _THREE_FOR_TWO) if returns[at] < 0 else _SPLITS
        near = float(np.min(np.abs(overnight - ratios)))
        ordinary = abs(size[at] - overnight) < size[at] / 4
        plain = size[at] > _NO_CRASH or _ordinary_notional(columns, at + 1)
        found[at] = near < _SPLIT_CLOSENESS and ordinary and plain
    return found


def _ordinary_notional(columns: dict[str, Floats], row: int) -> bool:
    if "volume" not in columns:
        return True  # nothing speaks against it
    notional = columns["volume"] * columns["close"]
    usual = float(np.median(notional[max(0, row - 10) : row]))
    return not notional[row] > _CRASH_NOTIONAL * usual
