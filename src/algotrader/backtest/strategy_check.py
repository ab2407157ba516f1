"""The whole check of a strategy: its columns, and what it does bar by bar.

Bar-by-bar strategies are run on prefixes too: their fills up to the cut must be the same. A run
that is stopped and begun again with its `ctx.state` alone must go on as if nothing had happened,
and no attribute may be set outside `__init__` and `features` (R35).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from algotrader.backtest.contexts import decide_by_bar
from algotrader.backtest.decide import first_decision, prepare_all
from algotrader.backtest.lookahead import Finding, Level, check_columns
from algotrader.backtest.market import Market
from algotrader.backtest.run import kernel_input
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.instants import utc_at
from algotrader.execution.simulation import Fills
from algotrader.strategy.base import Strategy, Style

_RUN_CUTS = 6  # whole runs on prefixes; each takes as long as a backtest
DECISIONS = "decisions"


def check_strategy(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    *,
    cuts: int = 32,
    start: int | None = None,
) -> list[Finding]:
    """All findings, errors first. What the strategy raises, raises."""
    findings: list[Finding] = []
    for bars in _as_seen(strategy, market.bars):
        findings += check_columns(strategy, bars, cuts=cuts, seed=settings.seed)
    if strategy.style is not Style.TARGETS:
        findings += _check_decisions(strategy, market, settings, start)
    findings += _hidden_attributes(strategy, market, settings, start)
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
    strategy: Strategy, market: Market, settings: BacktestSettings, start: int | None
) -> Iterator[Finding]:
    whole = _fills(strategy, market, settings, start)
    again = _fills(strategy, market, settings, start)
    if not _same(whole, again, len(market.bars)):
        yield _error("check.not_repeatable", "two runs on the same bars trade differently", None)
        return
    prepared = prepare_all(_fresh(strategy), market.bars)
    first = first_decision(strategy, market.bars, prepared, start)
    rows = len(market.bars)
    generator = np.random.default_rng(settings.seed)
    count = min(_RUN_CUTS, max(rows - first - 2, 0))
    for cut in sorted(generator.choice(np.arange(first + 2, rows), size=count, replace=False)):
        prefix = replace(market, bars=market.bars.rows(0, int(cut)))
        made = _fills(strategy, _cut_extras(prefix, int(cut)), settings, start)
        row = _first_difference(whole, made, int(cut))
        if row is not None:
            stamp = int(market.bars.ts[row])
            yield _error(
                "check.look_ahead",
                f"what is traded at bar {utc_at(stamp):%Y-%m-%d %H:%M} UTC changes when later "
                "bars are known",
                stamp,
            )
            return


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


def _hidden_attributes(
    strategy: Strategy, market: Market, settings: BacktestSettings, start: int | None
) -> Iterator[Finding]:
    """Attributes of the strategy that a run changes would be lost by a restart (R35)."""
    made = _fresh(strategy)
    prepared = prepare_all(made, market.bars)
    before = {name: repr(value) for name, value in vars(made).items()}
    if made.style is Style.TARGETS:
        for bars in _as_seen(made, market.bars):
            made.targets(bars, prepare_all(made, bars).features)
    else:
        first = first_decision(made, market.bars, prepared, start)
        given = kernel_input(made, market, settings, first)
        decide_by_bar(
            made, market, prepared, given.panel, given.instruments, given.settings, first=first
        )
    for name, value in vars(made).items():
        if before.get(name) != repr(value):
            yield Finding(
                level=Level.ERROR,
                code="check.hidden_state",
                column=name,
                message=f"attribute self.{name} changes while the strategy runs and would be lost "
                "by a restart: keep it in ctx.state",
            )


def _fresh(strategy: Strategy) -> Strategy:
    return type(strategy)(**strategy.values)


def _fills(
    strategy: Strategy, market: Market, settings: BacktestSettings, start: int | None
) -> Fills:
    made = _fresh(strategy)
    prepared = prepare_all(made, market.bars)
    first = first_decision(made, market.bars, prepared, start)
    given = kernel_input(made, market, settings, first)
    result, _ = decide_by_bar(
        made, market, prepared, given.panel, given.instruments, given.settings, first=first
    )
    return result.fills


def _first_difference(whole: Fills, prefix: Fills, rows: int) -> int | None:
    """First row before `rows` in which the two runs traded differently."""
    count = int(np.searchsorted(whole.row, rows))
    ours, theirs = _table(whole)[:count], _table(prefix)
    same = min(len(ours), len(theirs))
    differing = np.flatnonzero((ours[:same] != theirs[:same]).any(axis=1))
    if len(differing):
        return int(min(ours[differing[0], 0], theirs[differing[0], 0]))
    if len(ours) != len(theirs):
        return int((ours if len(ours) > same else theirs)[same, 0])
    return None


def _table(fills: Fills) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.column_stack([fills.row, fills.instrument, fills.quantity, fills.price]).astype(
        np.float64
    )


def _same(a: Fills, b: Fills, rows: int) -> bool:
    return _first_difference(a, b, rows) is None


def _error(code: str, what: str, bar_at: int | None) -> Finding:
    return Finding(
        level=Level.ERROR, code=code, column=DECISIONS, bar_at=bar_at, message=f"decisions: {what}"
    )
