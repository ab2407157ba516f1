"""From markets and strategies to the arrays of the simulator's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.costs import with_costs
from algotrader.backtest.market import Market, MarkSeries
from algotrader.backtest.settings import BacktestSettings
from algotrader.core.instruments import Instrument
from algotrader.core.rebalancing import RebalanceKind
from algotrader.execution.simulation import (
    ExecutionRule,
    GapFill,
    InstrumentKind,
    MarginMode,
    Panel,
    PathRule,
    RebalanceRule,
    SimulatedInstrument,
    SimulationSettings,
    SizeAt,
)
from algotrader.portfolio.sizing import KernelTerms
from algotrader.strategy.base import Strategy
from algotrader.strategy.rebalance import decisions

_REBALANCE = {
    RebalanceKind.ON_CHANGE: RebalanceRule.ON_CHANGE,
    RebalanceKind.EVERY_BAR: RebalanceRule.EVERY_BAR,
    RebalanceKind.SCHEDULE: RebalanceRule.SCHEDULE,
    RebalanceKind.BAND: RebalanceRule.BAND,
}
_PATHS = {
    "worst": PathRule.WORST,
    "best": PathRule.BEST,
    "near-far": PathRule.NEAR_FAR,
    "finer": PathRule.FINER,
}
_EXECUTIONS = {
    "market": ExecutionRule.MARKET,
    "capped": ExecutionRule.CAPPED,
    "twap": ExecutionRule.CAPPED,  # inside the same cap
    "chase": ExecutionRule.CAPPED,
    None: None,
}
_MARGINS = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_SIZES = {"close": SizeAt.CLOSE, "fill": SizeAt.FILL}
_GAPS = {"venue": GapFill.BY_VENUE, "open": GapFill.OPEN, "limit": GapFill.LIMIT}


def panel_of(market: Market, strategy: Strategy, first: int) -> Panel:
    """The market as the kernel reads it; `first` is the row of the first decision."""
    bars = market.bars.as_panel()
    schedule = decisions(strategy.rebalance, bars)
    if schedule is not None:
        schedule[first] = True
    funding = _funding(market)
    return Panel(
        ts=bars.ts,
        timeframe_ms=bars.timeframe.ms,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=_volume(market, bars.volume),
        session=bars.session,
        mark_open=_marks(market, lambda mark: mark.open),
        mark_high=_marks(market, lambda mark: mark.high),
        mark_low=_marks(market, lambda mark: mark.low),
        mark_close=_marks(market, lambda mark: mark.close),
        funding_ts=funding[0] if funding else None,
        funding_instrument=funding[1] if funding else None,
        funding_rate=funding[2] if funding else None,
        schedule=schedule,
        finer_ts=None if market.finer is None else market.finer.as_panel().ts,
        finer_ohlc=None if market.finer is None else _finer(market),
    )


def instruments_of(
    market: Market, settings: BacktestSettings, share: float
) -> list[SimulatedInstrument]:
    """The instruments with the run's costs. `share` of equity is what each sizes with (R2)."""
    return [
        _instrument(traded(instrument, settings), market, settings, share)
        for instrument in market.instruments
    ]


def traded(instrument: Instrument, settings: BacktestSettings) -> Instrument:
    """The instrument as this run trades it: fees, slippage and lot of the settings."""
    priced = with_costs(instrument, settings.fees, settings.slippage_bps)
    if settings.lot is None:
        return priced
    return replace(priced, lot=Decimal(repr(settings.lot)))


def settings_of(
    strategy: Strategy, settings: BacktestSettings, *, close_only: bool
) -> SimulationSettings:
    return SimulationSettings(
        cash=settings.cash,
        margin_mode=_MARGINS[settings.margin_mode],
        cash_buffer=settings.cash_buffer,
        max_leverage=settings.max_leverage,
        max_weight=np.inf if settings.max_weight is None else settings.max_weight,
        max_notional=np.inf if settings.max_notional is None else settings.max_notional,
        rebalance=_REBALANCE[strategy.rebalance.kind],
        band=strategy.rebalance.width,
        execution=_EXECUTIONS[settings.execution],
        path=_PATHS[settings.path],
        gap_fill=_GAPS[settings.gap_fill],
        size_at=_SIZES[settings.size_at],
        stop_loss=strategy.stop_loss,
        take_profit=strategy.take_profit,
        trailing=strategy.trailing,
        reenter_after=strategy.reenter_after,
        close_only=close_only,
    )


def _instrument(
    instrument: Instrument, market: Market, settings: BacktestSettings, share: float
) -> SimulatedInstrument:
    terms = KernelTerms.of(instrument)
    participation = 0.1 if settings.participation is None else settings.participation
    own: dict[str, Any] = {name: getattr(terms, name) for name in KernelTerms.__slots__}
    own |= {
        "symbol": str(instrument.symbol),
        "kind": InstrumentKind(terms.kind),
        "participation": participation if market.provenance.volume_known else 0.0,  # R20
        "leverage": terms.leverage if settings.leverage is None else settings.leverage,
        "size_share": share,
    }
    return SimulatedInstrument(**own)


def _volume(market: Market, volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """A volume that is not known is NaN: a 0 would say that nothing traded (R20)."""
    return volume if market.provenance.volume_known else np.full_like(volume, np.nan)


def _funding(
    market: Market,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]] | None:
    if not market.funding:
        return None
    parts = [
        (series.ts, np.full(len(series.ts), column, dtype=np.int64), series.rate)
        for column, instrument in enumerate(market.instruments)
        if (series := market.funding.get(instrument.symbol)) is not None
    ]
    ts = np.concatenate([part[0] for part in parts])
    order = np.argsort(ts, kind="stable")
    return (
        ts[order],
        np.concatenate([part[1] for part in parts])[order],
        np.concatenate([part[2] for part in parts])[order],
    )


def _marks(
    market: Market, part: Callable[[MarkSeries], NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    if not market.marks:
        return None
    columns = [
        part(market.marks[instrument.symbol])
        if instrument.symbol in market.marks
        else np.full(len(market.bars), np.nan)
        for instrument in market.instruments
    ]
    return np.ascontiguousarray(np.column_stack(columns))


def _finer(market: Market) -> NDArray[np.float64]:
    if market.finer is None:
        raise ValueError("the market has no finer bars")
    finer = market.finer.as_panel()
    return np.ascontiguousarray(np.stack([finer.open, finer.high, finer.low, finer.close], axis=1))
