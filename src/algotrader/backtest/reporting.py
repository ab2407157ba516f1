"""From a run to the data of its report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest import report
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.attribution import attribution
from algotrader.backtest.judge import Overfitting
from algotrader.backtest.lookahead import Finding
from algotrader.backtest.market import Coverage, Market
from algotrader.backtest.remark import Remark
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.returns import DAY_MS, EquityCurve, monthly_returns
from algotrader.backtest.run import RunResult, looks_ahead
from algotrader.backtest.store import RunRecord

_CHARTED_FEATURES = 4
_CHARTED_BARS = 60_000  # of all instruments together: a report stays under 500 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Net profit of two more whole runs, under the worst and the best path (R17)."""

    worst: float
    best: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the look-ahead check of this run found."""

    prefixes: int
    findings: tuple[Finding, ...]


def report_data(
    result: RunResult,
    record: RunRecord,
    judged: Overfitting,
    *,
    paths: Paths | None = None,
    checked: Checked | None = None,
    ledger_since: str | None = None,
) -> report.ReportData:
    """Everything the report of a run shows."""
    summary = result.summary
    net = float(summary.values["net_profit"] or 0.0)
    split = attribution(result.trades, net_profit=net, costs=result.costs)
    return report.ReportData(
        identity=identity_of(result, record),
        metrics=summary.values,
        reasons={name: str(reason) for name, reason in summary.undefined.items()},
        overfitting=overfitting_of(judged, result.market, ledger_since),
        equity=equity_of(result),
        prices=_prices(result),
        trades=result.trades,
        months=monthly_returns(result.daily),
        waterfall=split.by_cost,
        costs=costs_of(result),
        coverage=coverage_of(result.market.coverage),
        path=_path(result, paths),
        look_ahead=look_ahead_of(checked),
        attribution=split,
        assumptions=tuple(assumption_of(remark) for remark in assumptions_of(result)),
        warnings=tuple(notice_of(remark) for remark in warnings_of(result)),
        provenance=provenance_of(result, record),
    )


def identity_of(result: RunResult, record: RunRecord) -> report.Identity:
    bars = result.bars
    return report.Identity(
        strategy=record.strategy,
        symbols=tuple(str(symbol) for symbol in bars.symbols),
        timeframe=str(bars.timeframe),
        start=int(bars.ts[0]),
        end=int(bars.ts[-1]),
        currency=result.market.currency,
        capital=result.settings.cash,
        parameters=result.strategy.values,
        run=record.run,
        generated=result.market.provenance.generated,
        driver=result.driver,
    )


def overfitting_of(
    judged: Overfitting, market: Market, ledger_since: str | None = None
) -> report.Overfitting:
    periods, record = market.periods_per_year, judged.min_track_record_days
    sharpes = judged.trials.sharpes * np.sqrt(periods)
    days_a_return = max(market.bars.timeframe.ms / DAY_MS, 1.0)
    return report.Overfitting(
        kind=report.VerdictKind(judged.verdict.outcome.value),
        trials=judged.trials.n_trials,
        ledger_since=ledger_since,
        sharpe=judged.sharpe,
        sharpe_interval=(judged.interval.low, judged.interval.high) if judged.interval else None,
        luck_sharpe=judged.luck_sharpe,
        trial_sharpes=sharpes[np.isfinite(sharpes)],
        reasons=tuple(
            report.VerdictReason(en=why.text("en"), zh=why.text("zh"), holds=why.holds)
            for why in judged.verdict.reasons
        ),
        deflated_sharpe=judged.deflated_sharpe,
        pbo=None if judged.cscv is None else judged.cscv.pbo,
        pbo_splits=None if judged.cscv is None else judged.cscv.logits.size,
        probabilistic_sharpe=judged.probabilistic_sharpe,
        min_track_record_days=None if record is None else record * days_a_return,
        effective_trials=judged.trials.effective_trials,
        neighbours_mean_sharpe=judged.neighbours.mean * np.sqrt(periods)
        if judged.neighbours
        else None,
    )


def equity_of(result: RunResult) -> report.EquitySeries:
    curve = result.curve
    return report.EquitySeries(
        ts=curve.ts,
        equity=curve.equity,
        drawdown=drawdown_of(curve),
        benchmark=result.benchmark.equity,
        exposure=_relative(result.exposure, curve.equity),
    )


def drawdown_of(curve: EquityCurve) -> NDArray[np.float64]:
    """Equity over its peak so far, minus one; the starting cash is the first peak."""
    peak = np.maximum.accumulate(np.maximum(curve.equity, curve.initial))
    return curve.equity / peak - 1.0


def costs_of(result: RunResult) -> report.CostFacts:
    values = result.summary.values
    codes = {remark.code for remark in warnings_of(result)}
    return report.CostFacts(
        paid_bps=values["cost_bps"],
        break_even_bps=values["break_even_bps"],
        zero_fees="zero_fees" in codes,
        zero_slippage="zero_slippage" in codes,
    )


def coverage_of(coverage: Coverage) -> tuple[report.Coverage, ...]:
    bars = report.Coverage(
        kind="bars",
        ratio=coverage.bars,
        rows=coverage.present,
        missing=coverage.expected - coverage.present,
        months=tuple(
            report.CoverageMonth(month=month, ratio=ratio) for month, ratio in coverage.months
        ),
    )
    if coverage.funding is None:
        return (bars,)
    months = tuple(
        report.CoverageMonth(month=month, ratio=ratio) for month, ratio in coverage.funding_months
    )
    return (bars, report.Coverage(kind="funding", ratio=coverage.funding, rows=0, months=months))


def notice_of(remark: Remark) -> report.Notice:
    return report.Notice(code=remark.code, en=remark.en, zh=remark.zh)


def provenance_of(result: RunResult, record: RunRecord) -> report.Provenance:
    provenance = result.market.provenance
    return report.Provenance(
        run=record.run,
        version=record.versions["algotrader"],
        driver=result.driver,
        seed=result.settings.seed,
        data_hash=record.data_hash,
        data_source=provenance.source,
        data_licence=provenance.licence or None,
        code_hash=record.source_hash[:32],
        versions=record.versions,
    )


def _prices(result: RunResult) -> tuple[report.PriceSeries, ...]:
    """Bars of the first instruments with the features that the strategy decided by."""
    panel = result.bars.as_panel()
    count = min(len(panel.symbols), max(1, _CHARTED_BARS // len(panel)))
    return tuple(_price(result, column) for column in range(count))


def _price(result: RunResult, column: int) -> report.PriceSeries:
    bars = result.bars.as_panel()
    instrument = result.instruments[column]
    whole = not bars.close_only
    return report.PriceSeries(
        symbol=str(instrument.symbol),
        ts=bars.ts,
        close=bars.close[:, column],
        open=bars.open[:, column] if whole else None,
        high=bars.high[:, column] if whole else None,
        low=bars.low[:, column] if whole else None,
        features=_features(result, column),
        tick=float(instrument.tick) or None,
        lot=float(instrument.lot),
    )


def _features(result: RunResult, column: int) -> tuple[report.ChartFeature, ...]:
    if result.prepared is None or result.strategy.panel:
        return ()
    close = result.bars.as_panel().close[:, column]
    middle = float(np.nanmedian(close))
    drawn = []
    for name, values in list(result.prepared.features.items())[:_CHARTED_FEATURES]:
        own = (values if values.ndim == 1 else values[:, column])[result.first :]
        typical = float(np.nanmedian(own)) if np.isfinite(own).any() else 0.0
        near = 0.5 * middle < typical < 2.0 * middle
        drawn.append(report.ChartFeature(name=name, values=own, on_price=near))
    return tuple(drawn)


def _path(result: RunResult, paths: Paths | None) -> report.PathGuess | None:
    if result.market.bars.close_only:
        return None
    trades = result.trades
    return report.PathGuess(
        trades=int(trades.ambiguous.sum()),
        of=len(trades),
        reported=result.settings.path,
        worst_profit=None if paths is None else paths.worst,
        best_profit=None if paths is None else paths.best,
    )


def look_ahead_of(checked: Checked | None) -> report.LookAhead | None:
    if checked is None:
        return None
    found = sum(looks_ahead(finding) for finding in checked.findings)
    if not found and any(one.code == "check.not_repeatable" for one in checked.findings):
        return None  # what differs each time cannot be compared
    return report.LookAhead(prefixes=checked.prefixes, findings=found)


def assumption_of(remark: Remark) -> report.Assumption:
    return report.Assumption(key=remark.code, en=remark.en, zh=remark.zh)


def _relative(exposure: NDArray[np.float64], equity: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(equity > 0.0, equity, np.nan)
    return np.nan_to_num(exposure / safe)
