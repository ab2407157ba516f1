"""The whole check of a strategy: its columns, and what it does bar by bar.

Bar-by-bar strategies are run whole, run again with restarts in the middle that leave them their
`ctx.state` alone (R35), and run on prefixes: each time they must ask for the same orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.lookahead import Finding, Level, brought_along, check_columns
from algotrader.backtest.market import Market
from algotrader.backtest.recorded_run import (
    Record,
    Remake,
    changed_attributes,
    first_difference,
    record_run,
    seen_attributes,
)
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.errors import StrategyRaisedError
from algotrader.core.instants import utc_at
from algotrader.strategy.base import Strategy, Style
from algotrader.strategy.decide import first_decision, prepare_all
from algotrader.strategy.outside_data import cut_to

_RUN_CUTS = 10  # runs on prefixes; most end where an order was asked for: a reason may lie ahead
_RESTARTS = 8  # in one run
DECISIONS = "decisions"


def check_strategy(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    *,
    cuts: int = 32,
    start: int | None = None,
    remake: Remake | None = None,
) -> list[Finding]:
    """All findings, errors first. What the strategy raises on all of its bars, raises.

    `remake` makes the strategy as a restarted program would, with its module loaded anew; without
    it, a new instance of the same class.
    """
    again = remake or (lambda: type(strategy)(**strategy.values))
    findings: list[Finding] = list(brought_along(strategy, market.bars))
    for bars in _as_seen(strategy, market.bars):
        findings += check_columns(strategy, bars, cuts=cuts, seed=settings.seed)
    if strategy.style is Style.TARGETS:
        findings += _changed_by_targets(again(), market)
        if all(finding.level is not Level.ERROR for finding in findings):
            made = again()  # refused, as a run would be, if it never gets to decide anything
            first_decision(made, market.bars, prepare_all(made, market.bars), start)
    else:
        findings += _check_decisions(again, market, settings, start)
    return sorted(findings, key=lambda finding: finding.level is not Level.ERROR)


def _as_seen(strategy: Strategy, bars: Bars) -> Iterator[Bars]:
    """Bars as the strategy's `features` get them (R2)."""
    if strategy.panel:
        yield bars.as_panel()
    elif bars.panel:
        for column in range(len(bars.symbols)):
            own = bars.column(column)
            yield own.take(np.isfinite(own.close))
    else:
        yield bars


def _check_decisions(
    remake: Remake, market: Market, settings: BacktestSettings, start: int | None
) -> list[Finding]:
    whole = record_run(remake, market, settings, start)
    if whole.error is not None:
        raise whole.error
    rows = len(market.bars)
    generator = np.random.default_rng(settings.seed)
    possible = np.arange(whole.first + 1, rows)
    count = min(_RESTARTS, len(possible))
    restarts = sorted(int(row) for row in generator.choice(possible, size=count, replace=False))
    restarted = record_run(remake, market, settings, start, restarts=restarts)
    differs = first_difference(whole, restarted, rows)
    if differs is not None or restarted.error is not None:
        again = record_run(remake, market, settings, start)
        if (row := first_difference(whole, again, rows)) is not None:
            what = f"two runs on the same bars ask for different orders from bar {_when(market, row)} on"
            return [_error("check.not_repeatable", what, int(market.bars.ts[row]))]
    findings = list(_hidden_state(whole, restarted, market, restarts, differs))
    cuts = _cuts(whole, rows, generator)
    return findings + list(_changed_by_future(remake, market, settings, start, whole, cuts))


def _hidden_state(
    whole: Record, restarted: Record, market: Market, restarts: list[int], differs: int | None
) -> Iterator[Finding]:
    """What a restart loses: attributes that the run changed, or whatever made it ask otherwise."""
    lost = changed_attributes(whole)
    effect = ""
    bar_at = None
    if restarted.error is not None:
        differs = min(row for row in (differs, restarted.row) if row is not None)
        effect = f"restarted, it fails: {restarted.error.message}"
    elif differs is not None:
        begun = max((row for row in restarts if row <= differs), default=restarts[0])
        effect = (
            f"restarted at bar {_when(market, begun)}, it asks for other orders at bar "
            f"{_when(market, differs)}"
        )
    if differs is not None:
        bar_at = int(market.bars.ts[differs])
    for name in lost:
        yield _lost(name, bar_at, f"; {effect}" if effect else "")
    if effect and not lost:
        yield _error(
            "check.restart",
            f"{effect}: what it remembers is not all in ctx.state, or JSON changes it",
            bar_at,
        )


def _lost(name: str, bar_at: int | None = None, effect: str = "") -> Finding:
    return Finding(
        level=Level.ERROR,
        code="check.hidden_state",
        column=name,
        bar_at=bar_at,
        message=f"attribute self.{name} changes while the strategy runs and would be lost by a "
        f"restart: keep it in ctx.state{effect}",
    )


def _changed_by_targets(made: Strategy, market: Market) -> Iterator[Finding]:
    """Attributes that `targets` sets would be lost by a restart (R35)."""
    prepare_all(made, market.bars)
    before = seen_attributes(made)
    for bars in _as_seen(made, market.bars):
        made.targets(bars, prepare_all(made, bars).features)
    for name, look in seen_attributes(made).items():
        if before.get(name) != look:
            yield _lost(name)


def _cuts(whole: Record, rows: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Lengths of prefixes: two thirds end with a bar at which an order was asked for."""
    possible = np.arange(whole.first + 1, rows)
    asked = np.unique([request.row + 1 for request in whole.requests]).astype(np.int64)
    asked = asked[(asked > whole.first) & (asked < rows)]
    chosen = _some(asked, 2 * _RUN_CUTS // 3, generator)
    return np.union1d(chosen, _some(possible, _RUN_CUTS - len(chosen), generator))


def _some(
    values: NDArray[np.int64], count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    return generator.choice(values, size=min(count, len(values)), replace=False)


def _changed_by_future(
    remake: Remake,
    market: Market,
    settings: BacktestSettings,
    start: int | None,
    whole: Record,
    cuts: Iterable[int],
) -> Iterator[Finding]:
    for cut in map(int, cuts):
        known = _on_prefix(remake, market, settings, start, cut)
        row = first_difference(whole, known, cut)
        failed = isinstance(known.error, StrategyRaisedError)  # else its last state: not of a cut
        if known.error is not None and failed and (row is None or known.row <= row):
            what = f"bar {_when(market, known.row)} cannot be decided before later bars are known: "
            yield _error(
                "check.look_ahead", what + known.error.message, int(market.bars.ts[known.row])
            )
            return
        if row is not None:
            what = (
                f"what is asked for at bar {_when(market, row)} changes when later bars are known"
            )
            yield _error("check.look_ahead", what, int(market.bars.ts[row]))
            return


def _on_prefix(
    remake: Remake, market: Market, settings: BacktestSettings, start: int | None, cut: int
) -> Record:
    """The run on the first `cut` bars, with as much of what the strategy brought along."""
    prefix = _cut_extras(replace(market, bars=market.bars.rows(0, cut)), cut)
    with ExitStack() as held:

        def made() -> Strategy:
            strategy = remake()
            held.enter_context(cut_to(strategy, len(market.bars), cut))
            return strategy

        return record_run(made, prefix, settings, start)


def _cut_extras(market: Market, rows: int) -> Market:
    marks = {
        symbol: replace(
            mark,
            open=mark.open[:rows],
            high=mark.high[:rows],
            low=mark.low[:rows],
            close=mark.close[:rows],
        )
        for symbol, mark in market.marks.items()
    }
    return replace(market, marks=marks)


def _when(market: Market, row: int) -> str:
    return f"{utc_at(int(market.bars.ts[row])):%Y-%m-%d %H:%M} UTC"


def _error(code: str, what: str, bar_at: int | None) -> Finding:
    return Finding(
        level=Level.ERROR, code=code, column=DECISIONS, bar_at=bar_at, message=f"decisions: {what}"
    )
