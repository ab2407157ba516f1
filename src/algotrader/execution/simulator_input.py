"""What the simulator is given, checked before it runs: a ValueError says what is wrong where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algotrader import _kernel
from algotrader.execution.simulation import (
    ExecutionRule,
    Floats,
    InstrumentKind,
    OrderRequest,
    Panel,
    PathRule,
    RebalanceRule,
    Script,
    SimulatedInstrument,
    SimulationSettings,
)

Row = TypeVar("Row", bound=np.generic)

_PRICES = ("open", "high", "low", "close", "volume")
_MARKS = ("mark_open", "mark_high", "mark_low", "mark_close")
_FUNDING = ("funding_ts", "funding_instrument", "funding_rate")


def checked_panel(panel: Panel, settings: SimulationSettings) -> Panel:
    """The panel as contiguous float64 (T, N) arrays; ValueError where it cannot be simulated."""
    ts = np.ascontiguousarray(panel.ts, dtype=np.int64)
    if ts.ndim != 1 or ts.size == 0:
        raise ValueError("panel: ts must have shape (T,) with at least one row")
    if np.any(ts[1:] <= ts[:-1]):
        row = int(np.argmax(ts[1:] <= ts[:-1])) + 1
        raise ValueError(f"panel: ts must ascend strictly, row {row} does not")
    if panel.timeframe_ms <= 0:
        raise ValueError(f"panel: timeframe_ms must be positive, not {panel.timeframe_ms}")
    columns = 1 if np.ndim(panel.close) == 1 else np.shape(panel.close)[-1]
    bars = {
        name: checked_matrix(f"panel: {name}", getattr(panel, name), ts.size, columns)
        for name in _PRICES + _MARKS
        if getattr(panel, name) is not None
    }
    _check_bars(bars, settings)
    changes = {"ts": ts, **bars, **_checked_extras(panel, ts.size, columns, settings)}
    return replace(panel, **changes)  # type: ignore[arg-type]


def _check_bars(bars: dict[str, Floats], settings: SimulationSettings) -> None:
    if _kernel.bars_are_sound(*(bars[name] for name in _PRICES)):
        return
    names = ("close",) if settings.close_only else ("open", "high", "low", "close")
    missing = np.isnan(bars["close"])
    for name in names:
        if np.any(np.isnan(bars[name]) != missing):
            raise ValueError(f"panel: a bar is missing in all of its prices or in none ({name})")
        if np.any(bars[name] <= 0.0) or np.any(np.isinf(bars[name])):
            raise ValueError(f"panel: {name} must be positive and finite, or NaN")
    if not settings.close_only:
        top = np.fmax(bars["open"], bars["close"])
        bottom = np.fmin(bars["open"], bars["close"])
        if np.any(bars["high"] < top) or np.any(bars["low"] > bottom):
            raise ValueError("panel: high and low must enclose open and close")
    if np.any(bars["volume"] < 0.0):
        raise ValueError("panel: volume must not be negative")


def _checked_extras(
    panel: Panel, rows: int, columns: int, settings: SimulationSettings
) -> dict[str, object]:
    changes: dict[str, object] = {}
    if panel.session is not None:
        changes["session"] = _vector("session", panel.session, np.int64, rows)
    if panel.schedule is not None:
        changes["schedule"] = _vector("schedule", panel.schedule, np.bool_, rows)
    elif settings.rebalance is RebalanceRule.SCHEDULE:
        raise ValueError("settings: rebalance by schedule needs panel.schedule")
    marks = [name for name in _MARKS if getattr(panel, name) is not None]
    if marks and len(marks) < len(_MARKS):
        raise ValueError(f"panel: mark bars need all of {', '.join(_MARKS)}")
    if any(getattr(panel, name) is not None for name in _FUNDING):
        changes |= _checked_funding(panel, columns)
    if panel.finer_ts is not None and panel.finer_ohlc is not None:
        changes |= _checked_finer(panel, columns)
    elif settings.path is PathRule.FINER:
        raise ValueError("settings: path finer needs panel.finer_ts and panel.finer_ohlc")
    return changes


def _checked_funding(panel: Panel, columns: int) -> dict[str, object]:
    if panel.funding_ts is None or panel.funding_instrument is None or panel.funding_rate is None:
        raise ValueError(f"panel: funding needs all of {', '.join(_FUNDING)}")
    ts = _vector("funding_ts", panel.funding_ts, np.int64, None)
    instrument = _vector("funding_instrument", panel.funding_instrument, np.int64, ts.size)
    rate = _vector("funding_rate", panel.funding_rate, np.float64, ts.size)
    if np.any(ts[1:] < ts[:-1]):
        raise ValueError("panel: funding_ts must ascend")
    if np.any((instrument < 0) | (instrument >= columns)):
        raise ValueError(f"panel: funding_instrument must be a column below {columns}")
    if not np.all(np.isfinite(rate)):
        raise ValueError("panel: funding_rate must be finite")
    return {"funding_ts": ts, "funding_instrument": instrument, "funding_rate": rate}


def _checked_finer(panel: Panel, columns: int) -> dict[str, object]:
    ts = _vector("finer_ts", panel.finer_ts, np.int64, None)
    changes: dict[str, object] = {"finer_ts": ts}
    for name in ("finer_ohlc", "finer_mark_ohlc"):
        values = getattr(panel, name)
        if values is None:
            continue
        bars = np.ascontiguousarray(values, dtype=np.float64)
        if bars.ndim == 2 and columns == 1:
            bars = bars[:, :, None]
        if bars.shape != (ts.size, 4, columns):
            raise ValueError(f"panel: {name} must have shape (M, 4, N), not {bars.shape}")
        changes[name] = np.ascontiguousarray(bars)
    if np.any(ts[1:] <= ts[:-1]):
        raise ValueError("panel: finer_ts must ascend strictly")
    return changes


def checked_matrix(name: str, values: Floats, rows: int, columns: int) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim == 1 and columns == 1:
        array = array[:, None]
    if array.shape != (rows, columns):
        raise ValueError(f"{name} must have shape ({rows}, {columns}), not {array.shape}")
    return array


def _vector(name: str, values: object, dtype: type[Row], size: int | None) -> NDArray[Row]:
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.ndim != 1 or (size is not None and array.size != size):
        raise ValueError(f"panel: {name} must have shape ({size or 'M'},), not {array.shape}")
    return array


def check_instruments(
    instruments: Sequence[SimulatedInstrument], settings: SimulationSettings, columns: int
) -> None:
    """ValueError where instruments or settings cannot be simulated.

    The numbers of each instrument are looked at where the kernel reads them.
    """
    if len(instruments) != columns:
        raise ValueError(f"{len(instruments)} instruments for a panel of {columns} columns")
    symbols = [instrument.symbol for instrument in instruments]
    if symbols != sorted(symbols):
        raise ValueError("instruments must stand in the order of their symbols' text (R1)")
    kinds = {instrument.kind for instrument in instruments}
    if InstrumentKind.INVERSE in kinds and len(kinds) > 1:
        raise ValueError("one settlement currency per account: inverse contracts stand alone (R26)")
    _check_settings(settings)


def _check_settings(settings: SimulationSettings) -> None:
    if not (np.isfinite(settings.cash) and settings.cash >= 0.0):
        raise ValueError(f"settings: cash must be finite and not negative, not {settings.cash}")
    if not 0.0 <= settings.cash_buffer < 1.0:
        raise ValueError(f"settings: cash_buffer must be in [0, 1), not {settings.cash_buffer}")
    for name in ("max_leverage", "max_weight", "max_notional", "max_weight_abs"):
        if not getattr(settings, name) > 0.0:
            raise ValueError(f"settings: {name} must be positive")
    for name in ("band", "cap_bps"):
        value = getattr(settings, name)
        if not (np.isfinite(value) and value >= 0.0):
            raise ValueError(f"settings: {name} must be finite and not negative, not {value}")
    for name in ("stop_loss", "take_profit", "trailing"):
        value = getattr(settings, name)
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"settings: {name} must be a positive fraction, not {value}")
        if value is not None and settings.close_only:
            raise ValueError(f"settings: {name} is refused on a close-only panel (R38)")
    if settings.close_only and settings.execution is ExecutionRule.CAPPED:
        raise ValueError("settings: capped execution is refused on a close-only panel (R38)")


def check_script(
    script: Script | None, settings: SimulationSettings, rows: int, columns: int
) -> None:
    for row, requests in (script or {}).items():
        if not 0 <= row < rows:
            raise ValueError(f"script: row {row} is not in the panel of {rows} rows")
        for request in requests:
            column = getattr(request, "instrument", 0)
            if not 0 <= column < columns:
                raise ValueError(f"script: row {row}: no instrument {column} in {columns} columns")
            if isinstance(request, OrderRequest):
                _check_order(request, settings, row)


def _check_order(request: OrderRequest, settings: SimulationSettings, row: int) -> None:
    where = f"script: row {row}"
    sizes = [request.quantity, request.weight, request.value]
    given = [size for size in sizes if size is not None]
    if len(given) != 1:
        raise ValueError(f"{where}: exactly one of quantity, weight and value (R36)")
    if not (np.isfinite(given[0]) and given[0] > 0.0):
        raise ValueError(f"{where}: a size must be positive and finite, not {given[0]}")
    if request.side not in (1, -1):
        raise ValueError(f"{where}: side must be 1 or -1, not {request.side}")
    prices = (request.limit, request.stop, request.trail)
    protection = (request.stop_loss, request.take_profit, request.trailing)
    for value in (*prices, *protection):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"{where}: prices and fractions must be positive, not {value}")
    if request.trail is not None and (request.limit is not None or request.stop is not None):
        raise ValueError(f"{where}: trail goes with neither limit nor stop")
    if settings.close_only and any(value is not None for value in (*prices, *protection)):
        raise ValueError(f"{where}: only market orders on a close-only panel (R38)")
