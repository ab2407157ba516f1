"""Bars: OHLCV of one instrument `(T,)` or of a panel `(T, N)`, as immutable arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe

FIELDS = ("open", "high", "low", "close", "volume")


def _frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """A read-only, C-contiguous view or copy; arrays that already are, pass through unchanged."""
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.flags.writeable:
        array = array.view() if array is not values else array.copy()
        array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Bars over `[ts, ts + timeframe)`, ascending. What a strategy's `features` are made of.

    Prices are NaN and volume is 0 where an instrument has no bar (R3). `ts` (T,) is the open of
    each bar in UTC ms; for markets with sessions a daily bar's `ts` is 00:00 UTC of its trading
    date. `known_at` (T,) is when each bar could first be known. Shapes are `(T,)` for a single
    instrument and `(T, N)` with `panel=True`, columns in the order of the symbols' text (R1).
    """

    ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    known_at: NDArray[np.int64]
    timeframe: Timeframe
    symbols: tuple[Symbol, ...]
    session: NDArray[np.int64] | None = None  # (T,) ascending id of the trading day
    panel: bool = False
    close_only: bool = False  # no open, high, low or volume: R38
    funding: NDArray[np.float64] | None = None  # like close: rate last settled by the bar's close

    def __post_init__(self) -> None:
        for name in ("ts", "known_at"):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.int64))
        if self.session is not None:
            object.__setattr__(self, "session", _frozen(self.session, np.int64))
        for name in FIELDS:
            object.__setattr__(self, name, _frozen(getattr(self, name), np.float64))
        if self.funding is not None:
            object.__setattr__(self, "funding", _frozen(self.funding, np.float64))
        rows = self.ts.shape[0]
        shape = (rows, len(self.symbols)) if self.panel else (rows,)
        if not self.panel and len(self.symbols) != 1:
            raise ValueError("bars of several instruments must be a panel")
        for name in FIELDS:
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if self.funding is not None and self.funding.shape != shape:
            raise ValueError(f"funding has shape {self.funding.shape}, not {shape}")
        if self.known_at.shape != (rows,):
            raise ValueError("known_at must have one entry a row")
        if rows > 1 and not bool(np.all(np.diff(self.ts) > 0)):
            raise ValueError("ts must be strictly ascending")

    def __len__(self) -> int:
        return int(self.ts.shape[0])

    @property
    def symbol(self) -> Symbol:
        """The one instrument of single-instrument bars."""
        if self.panel:
            raise ValueError("a panel has several symbols")
        return self.symbols[0]

    def rows(self, start: int, stop: int) -> Bars:
        """Rows `[start, stop)`, sharing memory."""
        cut = slice(start, stop)
        return self.fitting(ts=self.ts[cut], known_at=self.known_at[cut], **self._cut(cut))

    def take(self, chosen: NDArray[np.bool_]) -> Bars:
        """The rows for which `chosen` (T,) is True."""
        return replace(
            self, ts=self.ts[chosen], known_at=self.known_at[chosen], **self._cut(chosen)
        )

    def column(self, index: int) -> Bars:
        """One instrument of a panel, shape `(T,)`."""
        if not self.panel:
            raise ValueError("only a panel has columns")
        values: dict[str, Any] = {
            name: None if values is None else _frozen(values[:, index], np.float64)
            for name, values in self._by_instrument()
        }
        return self.fitting(symbols=(self.symbols[index],), panel=False, **values)

    def as_panel(self) -> Bars:
        """The same bars with shape `(T, N)`, also for one instrument."""
        if self.panel:
            return self
        wide: dict[str, Any] = {
            n: None if values is None else values[:, None] for n, values in self._by_instrument()
        }
        return self.fitting(panel=True, **wide)

    def fitting(self, **changes: Any) -> Bars:
        """These bars with other values, unchecked: for who knows that they fit.

        Arrays are read-only, C-contiguous and of one length; `ts` ascends. A live strategy makes
        bars of its whole history at each decision, and a check costs as much as a feature.
        """
        made = object.__new__(type(self))
        for name in _NAMES:
            value = changes[name] if name in changes else getattr(self, name)
            object.__setattr__(made, name, value)
        return made

    @classmethod
    def stack(cls, singles: Sequence[Bars]) -> Bars:
        """A panel from single-instrument bars of one time frame: the union of their rows.

        Rows an instrument lacks are NaN in prices and 0 in volume, never filled forward (R3).
        """
        ordered = sorted(singles, key=lambda bars: bars.symbol)
        if len({bars.symbol for bars in ordered}) != len(ordered):
            raise ValueError("each symbol may be given once")
        if len({bars.timeframe for bars in ordered}) != 1:
            raise ValueError("bars of one panel share one time frame")
        ts = np.unique(np.concatenate([bars.ts for bars in ordered]))
        values = {name: np.full((len(ts), len(ordered)), np.nan) for name in FIELDS}
        values["volume"][:] = 0.0
        known_at = np.zeros(len(ts), dtype=np.int64)
        session = np.zeros(len(ts), dtype=np.int64)
        has_session = all(bars.session is not None for bars in ordered)
        for column, bars in enumerate(ordered):
            rows = np.searchsorted(ts, bars.ts)
            for name in FIELDS:
                values[name][rows, column] = getattr(bars, name)
            known_at[rows] = np.maximum(known_at[rows], bars.known_at)
            if bars.session is not None:
                session[rows] = bars.session
        return cls(
            ts=ts, known_at=known_at, timeframe=ordered[0].timeframe,
            symbols=tuple(bars.symbol for bars in ordered),
            session=session if has_session else None, panel=True,
            close_only=any(bars.close_only for bars in ordered), **values,
        )  # fmt: skip

    def _by_instrument(self) -> list[tuple[str, NDArray[np.float64] | None]]:
        """Names and values that have a column for each instrument; `None` where absent."""
        return [(name, getattr(self, name)) for name in (*FIELDS, "funding")]

    def _cut(self, rows: slice | NDArray[np.bool_]) -> dict[str, Any]:
        return {
            name: None if values is None else values[rows]
            for name, values in (*self._by_instrument(), ("session", self.session))
        }


_NAMES = tuple(field.name for field in fields(Bars))
