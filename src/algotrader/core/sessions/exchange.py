"""Stock exchanges, compiled once from exchange_calendars into a small file.

The library needs pandas and more than a second to load; the compiled table needs neither. The
file is keyed by calendar and library version. It is only a copy: what is missing, damaged or
cannot be written is compiled again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from algotrader.core.errors import ConfigurationError
from algotrader.core.sessions.calendar import Ints
from algotrader.core.sessions.table import SessionTable

_LAYOUT: Final = 1  # of the file; raise it when its arrays change
_FIRST_DATE: Final = "1970-01-01"
_LAST_DATE: Final = "2035-12-31"  # as far as rules reach; a fixed date, so that no clock decides
_ARRAYS: Final = ("dates", "opens", "closes", "owner")


def load_table(name: str, cache_dir: Path) -> SessionTable:
    """The sessions of exchange `name` (`XNYS`), from the file in `cache_dir` or compiled anew.

    ConfigurationError if there is no such exchange.
    """
    from importlib.metadata import version

    path = cache_dir / f"{name}-{version('exchange_calendars')}-{_LAYOUT}.npz"
    table = _read(path)
    if table is None:
        table = _compile(name)
        _write(path, table)
    return table


def default_cache_dir() -> Path:
    """`$XDG_CACHE_HOME/algotrader/calendars`, or the same under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "algotrader" / "calendars"


def _read(path: Path) -> SessionTable | None:
    """The table in `path`; None if there is none or it is not whole."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return SessionTable(**{name: stored[name] for name in _ARRAYS})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, table: SessionTable) -> None:
    """Write aside and rename: a reader sees a whole file or none, and the last writer wins."""
    aside: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **{name: getattr(table, name) for name in _ARRAYS})
        Path(aside).replace(path)
    except OSError:
        # A full or read-only disk costs a second at the next start and nothing else.
        if aside is not None:
            with contextlib.suppress(OSError):
                Path(aside).unlink()


def _compile(name: str) -> SessionTable:
    with warnings.catch_warnings():
        # What the library says to its own authors about pandas is no news for a user.
        warnings.simplefilter("ignore")
        return _table(_schedule(name))


def _schedule(name: str) -> Any:
    import exchange_calendars

    names = exchange_calendars.get_calendar_names(include_aliases=False)
    if name not in names:
        raise ConfigurationError(
            "calendar.unknown",
            f"there is no calendar {name!r}",
            hint="use 24/7, 24/5, CNF:<product>, or an exchange such as XNYS, XSHG, XHKG",
        )
    exchange: Any = type(exchange_calendars.get_calendar(name))
    first, last = exchange.bound_min(), exchange.bound_max()
    calendar = exchange(
        start=_FIRST_DATE if first is None else max(str(first.date()), _FIRST_DATE),
        end=_LAST_DATE if last is None else min(str(last.date()), _LAST_DATE),
    )
    return calendar.schedule


def _table(schedule: Any) -> SessionTable:
    """From a frame of open, break_start, break_end, close; the breaks may be absent."""
    opened, lunch, resumed, closed = (
        _milliseconds(schedule[column].dt.tz_convert(None).to_numpy())
        for column in ("open", "break_start", "break_end", "close")
    )
    broken = lunch != -1
    return SessionTable.build(
        _milliseconds(schedule.index.to_numpy()),
        np.column_stack((opened, np.where(broken, resumed, -1))),
        np.column_stack((np.where(broken, lunch, closed), np.where(broken, closed, -1))),
    )


def _milliseconds(stamps: NDArray[np.datetime64]) -> Ints:
    """UTC ms; -1 where there is no stamp."""
    whole = stamps.astype("datetime64[ms]")
    return np.where(np.isnat(whole), -1, whole.astype(np.int64))
