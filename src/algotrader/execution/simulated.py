"""The typed way into the native bar simulator.

`simulate` runs target weights and scripted requests; `simulate_strategy` calls a strategy bar by
bar with a native context; `trade_columns` builds round trips. Many target arrays over one panel:
`execution.batch`. The rules are the rule book's (R1 to R38), the records those of `simulation.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrader import _kernel
from algotrader.execution.simulation import (
    Fills,
    Floats,
    Panel,
    Script,
    SimulatedInstrument,
    SimulationResult,
    SimulationSettings,
)
from algotrader.execution.simulator_input import (
    check_instruments,
    check_script,
    checked_matrix,
    checked_panel,
)


def simulate(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    *,
    targets: Floats | None = None,
    script: Script | None = None,
    keep_position: bool = True,
) -> SimulationResult:
    """Run target weights and scripted requests over a panel.

    `targets` has shape (T,) for one instrument or (T, N), NaN meaning no opinion (R4). `script`
    holds requests by row. Without `keep_position` the result's position is empty, (0, N), which
    saves 8 T N bytes. ValueError says what of the input cannot be simulated.
    """
    checked = checked_panel(panel, settings)
    rows, columns = checked.close.shape
    check_instruments(instruments, settings, columns)
    check_script(script, settings, rows, columns)
    weights = None if targets is None else checked_matrix("targets", targets, rows, columns)
    recording = _recording(checked, keep_position)
    out = _kernel.simulate(
        _kernel.Panel(checked), list(instruments), settings, weights, script, *recording
    )
    return _result(out, recording, columns)


class CallbackError(Exception):
    """A strategy raised while it was called; `__cause__` is what it raised."""

    def __init__(self, row: int, instrument: int | None, ts: int) -> None:
        super().__init__(f"the strategy raised at row {row}")
        self.row = row
        self.instrument = instrument  # column; None in a call for the whole panel
        self.ts = ts  # open of the bar, UTC ms


def simulate_strategy(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    *,
    features: Mapping[str, Floats],
    on_bar: Callable[[Any], object] | None = None,
    on_bars: Callable[[Any], object] | None = None,
    on_order: Callable[[Any, Any], object] | None = None,
    on_fill: Callable[[Any, Any], object] | None = None,
    context: Callable[[_kernel.Simulation, int], _kernel.Context] = _kernel.Context,
    panel_context: Callable[[_kernel.Simulation, Sequence[Any]], object] | None = None,
    first: int = 0,
    orders_from: int = 0,
    keep_position: bool = True,
) -> SimulationResult:
    """Call a strategy bar by bar (R2) and simulate what it asks for.

    `features` are float64 arrays (T,) or (T, N) by name. `on_bar(ctx)` is called once per row and
    instrument that has a bar, with what `context(simulation, column)` made for it; `on_bars(ctx)`
    once per row with what `panel_context(simulation, contexts)` made. `on_fill(ctx, fill)` and
    `on_order(ctx, order)` hear of a bar's fills and of orders that ended, before its decision.
    Calls begin at row `first`; requests of rows before `orders_from` are dropped (R30).
    CallbackError carries the row at which the strategy raised.
    """
    if (on_bar is None) == (on_bars is None):
        raise ValueError("give exactly one of on_bar and on_bars")
    checked = checked_panel(panel, settings)
    columns = checked.close.shape[1]
    check_instruments(instruments, settings, columns)
    arrays = {name: np.ascontiguousarray(f, dtype=np.float64) for name, f in features.items()}
    simulation = _kernel.Simulation(_kernel.Panel(checked), list(instruments), settings, arrays)
    contexts = [context(simulation, column) for column in range(columns)]
    whole = None if panel_context is None else panel_context(simulation, contexts)
    if on_bars is not None and whole is None:
        raise ValueError("on_bars needs a panel_context")
    recording = _recording(checked, keep_position)
    hooks = (on_bar, on_bars, whole, on_order, on_fill)
    try:
        out = simulation.run(contexts, *hooks, first, orders_from, *recording)
    except (Exception, SystemExit) as error:  # a strategy that calls exit() has failed
        column = None if simulation.column < 0 else simulation.column
        raise CallbackError(simulation.row, column, int(checked.ts[simulation.row])) from error
    return _result(out, recording, columns)


_Recording = tuple[Floats, Floats, Floats | None, Floats | None]


def _recording(panel: Panel, keep_position: bool) -> _Recording:
    rows, columns = panel.close.shape
    position = np.empty((rows, columns)) if keep_position else None
    funding = None if panel.funding_ts is None else np.zeros((rows, columns))
    return np.empty(rows), np.empty(rows), position, funding


def _result(out: dict[str, Any], recording: _Recording, columns: int) -> SimulationResult:
    equity, cash, position, funding = recording
    if funding is None:
        funding = np.broadcast_to(0.0, (equity.size, columns))  # one number, no memory
    return SimulationResult(
        fills=fills_from(out["fills"]),
        equity=equity,
        cash=cash,
        position=np.empty((0, columns)) if position is None else position,
        funding=funding,
        order_state=out["order_state"],
        counters=out["counters"],
        ambiguous_row=out["ambiguous_row"],
        ambiguous_instrument=out["ambiguous_instrument"],
    )


def fills_from(columns: dict[str, NDArray[Any]]) -> Fills:
    """The kernel's columns as the contract's record."""
    flags = ("maker", "opening", "ambiguous")
    typed: dict[str, NDArray[Any]] = dict(columns)
    for name in flags:
        typed[name] = columns[name].view(np.bool_)
    return Fills(**typed)


def trade_columns(
    panel: Panel,
    instruments: Sequence[SimulatedInstrument],
    settings: SimulationSettings,
    result: SimulationResult,
    *,
    fifo: bool = False,
) -> dict[str, NDArray[Any]]:
    """Round trips of a run as columns of shape (K,) in the order of their exits (R32).

    Flat to flat or to a flip; with `fifo` lot by lot. `entry_ts` and `exit_ts` are the opens of
    their bars, UTC ms; `mae` and `mfe` are fractions of the entry price over the bars held (the
    bar of the exit counts with its open and the exit's price). Trades open at the end come last,
    marked at the last close.
    """
    checked = checked_panel(panel, settings)
    columns: dict[str, NDArray[Any]] = _kernel.trades(
        _kernel.Panel(checked), list(instruments), result, settings.close_only, fifo
    )
    for name in ("ambiguous", "is_open"):
        columns[name] = columns[name].view(np.bool_)
    return columns
