"""The bars a live strategy has seen, growing by one slice at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from algotrader.core.bars import FIELDS, Bars

_SPARE_ROWS = 1_024
Scalar = TypeVar("Scalar", bound=np.generic)


class BarHistory:
    """A panel whose last row is the newest closed slice. `bars` shares memory with it."""

    def __init__(self, bars: Bars) -> None:
        self._first = bars.as_panel()
        self._rows = len(bars)
        self._ts = _roomy(self._first.ts)
        self._known_at = _roomy(self._first.known_at)
        self._session = None if bars.session is None else _roomy(bars.session)
        self._values = {name: _roomy(getattr(self._first, name)) for name in FIELDS}
        self._funding = None if self._first.funding is None else _roomy(self._first.funding)
        self._bars: Bars | None = None  # as they are until the next change

    def __len__(self) -> int:
        return self._rows

    @property
    def bars(self) -> Bars:
        """All rows so far, shape (T, N). They stay what they are when more rows come."""
        if self._bars is None:
            self._bars = self._made()
        return self._bars

    def _made(self) -> Bars:
        end = self._rows
        rows: dict[str, Any] = {name: _read_only(one, end) for name, one in self._values.items()}
        return self._first.fitting(
            ts=_read_only(self._ts, end),
            known_at=_read_only(self._known_at, end),
            session=None if self._session is None else _read_only(self._session, end),
            funding=None if self._funding is None else _read_only(self._funding, end),
            **rows,
        )

    @property
    def last_ts(self) -> int | None:
        """Open of the newest bar, UTC ms."""
        return int(self._ts[self._rows - 1]) if self._rows else None

    def cut(self, ts: int) -> None:
        """Forget the rows that open at `ts` or later."""
        newest = self.last_ts
        if newest is None or ts > newest:
            return
        self._rows = int(np.searchsorted(self._ts[: self._rows], ts))
        self._move(_copied)  # what was handed out keeps its rows

    def append(
        self,
        ts: int,
        known_at: int,
        session: int | None,
        values: Mapping[str, NDArray[np.float64]],
        funding: NDArray[np.float64] | None = None,
    ) -> None:
        """One more row: values (N,) by field, NaN prices and 0 volume where there is no bar.

        ValueError for a row that is not newer than the last.
        """
        newest = self.last_ts
        if newest is not None and ts <= newest:
            raise ValueError(f"a row at {ts} does not follow one at {newest}")
        if self._rows == len(self._ts):
            self._move(_roomy)
        row = self._rows
        self._ts[row], self._known_at[row] = ts, known_at
        if self._session is not None and session is not None:
            self._session[row] = session
        for name, own in self._values.items():
            own[row] = values[name]
        if self._funding is not None:
            self._funding[row] = np.nan if funding is None else funding
        self._rows += 1
        self._bars = None

    def _move(self, to: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        """Go on in other memory."""
        self._bars = None
        self._ts, self._known_at = to(self._ts), to(self._known_at)
        self._session = None if self._session is None else to(self._session)
        self._values = {name: to(values) for name, values in self._values.items()}
        self._funding = None if self._funding is None else to(self._funding)


def _read_only(values: NDArray[Scalar], end: int) -> NDArray[Scalar]:
    rows = values[:end]
    rows.flags.writeable = False
    return rows


def _copied(values: NDArray[Scalar]) -> NDArray[Scalar]:
    return values.copy()


def _roomy(values: NDArray[Scalar]) -> NDArray[Scalar]:
    """A copy with as many rows again, and some."""
    room = np.empty((2 * len(values) + _SPARE_ROWS, *values.shape[1:]), dtype=values.dtype)
    room[: len(values)] = values
    return room
