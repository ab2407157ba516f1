"""A finished sweep or walk-forward as plain values: what is kept beside its report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from algotrader import __version__
from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.plain import number, plain_overfitting
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import RunResult
from algotrader.backtest.sweep import SweepResult
from algotrader.backtest.walkforward import FoldResult

if TYPE_CHECKING:
    from algotrader.backtest.complete_sweep import CompletedSweep
    from algotrader.backtest.complete_walkforward import CompletedWalkForward
    from algotrader.backtest.loading import DataRequest

SWEEP_FILE: Final = "sweep.json"
WALKFORWARD_FILE: Final = "walkforward.json"
_CURVE_POINTS: Final = 3_000


def sweep_file(done: CompletedSweep, request: DataRequest) -> bytes:
    """What was searched, on what, and the verdict; the sets themselves are in the table."""
    result, plan = done.result, done.result.plan
    kept = {
        "sweep": plan.sweep,
        "strategy": plan.loaded.name,
        "origin": plan.loaded.origin,
        "source_hash": plan.loaded.source_hash,
        "sets": len(plan.sets),
        "parameters": list(plan.sets[0]),
        "swept": swept(result),
        "best": result.best,
        "failed": sum(one.failure is not None for one in result.results),
        "idle": int(result.idle.sum()),
        "data": request,
        "settings": plan.settings,
        "data_hash": result.market.provenance.data_hash,
        "chosen": done.chosen.record.run,
        "overfitting": plain_overfitting(done.judged),
        "version": __version__,
        **_basis(done.chosen.result),
    }
    return _json(kept)


def swept(result: SweepResult) -> list[str]:
    """Names of the parameters of which more than one value was tried."""
    sets = result.plan.sets
    return [name for name in sets[0] if len({one[name] for one in sets}) > 1]


def walkforward_file(done: CompletedWalkForward, request: DataRequest) -> bytes:
    """The folds with the joined account in fewer points that keep its extremes."""
    from algotrader.backtest.report.encode import bucket_extremes

    walked, curve, inside = done.walked, done.walked.run.curve, done.in_sample
    rows = bucket_extremes([curve.equity, *([] if inside is None else [inside])], _CURVE_POINTS)
    plan = walked.sweep.plan
    kept = plain_walkforward(done) | {
        "sweep": plan.sweep,
        "sets": len(plan.sets),
        "swept": list(done.swept),
        "windows": asdict(walked.windows),
        "data": request,
        "settings": plan.settings,
        "currency": walked.sweep.market.currency,
        "undefined": {name: str(why) for name, why in walked.run.summary.undefined.items()},
        "equity": {
            "ts": curve.ts[rows].tolist(),
            "equity": curve.equity[rows].tolist(),
            "in_sample": None if inside is None else inside[rows].tolist(),
        },
        "version": __version__,
        **_basis(walked.run),
    }
    return _json(kept)


def plain_walkforward(done: CompletedWalkForward) -> dict[str, Any]:
    """Figures of the joined account, each fold, and the verdict."""
    walked = done.walked
    return {
        "walkforward": done.name,
        "strategy": walked.sweep.plan.loaded.name,
        "metrics": dict(walked.run.summary.values),
        "efficiency": walked.efficiency,
        "folds": [_fold(walked.sweep, fold) for fold in walked.folds],
        "overfitting": plain_overfitting(done.judged),
    }


def _fold(sweep: SweepResult, fold: FoldResult) -> dict[str, Any]:
    days = sweep.days
    return {
        "train": [int(days[fold.train.start]), int(days[fold.train.stop - 1])],
        "test": [int(days[fold.test.start]), int(days[fold.test.stop - 1])],
        "parameters": sweep.plan.sets[fold.chosen],
        "train_return": fold.train_return,
        "train_sharpe": fold.train_sharpe,
        "test_return": fold.test_return,
        "test_sharpe": fold.test_sharpe,
        "test_trades": fold.test_trades,
    }


def _basis(run: RunResult) -> dict[str, Any]:
    """What the figures rest on."""
    bars = run.market.bars
    return {
        "symbols": [str(symbol) for symbol in bars.symbols],
        "timeframe": str(bars.timeframe),
        "first_ts": int(run.curve.ts[0]),
        "last_ts": int(run.curve.ts[-1]),
        "coverage": run.market.coverage.bars,
        "assumptions": {one.code: {"en": one.en, "zh": one.zh} for one in assumptions_of(run)},
        "warnings": [remark.as_dict() for remark in warnings_of(run)],
    }


def _json(kept: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(kept, enc_hook=number), indent=2)
