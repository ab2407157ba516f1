"""A finished run as plain values: what `--json` prints, and what is kept beside its report."""

from __future__ import annotations

from typing import Any

import msgspec

from algotrader.backtest.assumptions import assumptions_of
from algotrader.backtest.judge import Overfitting
from algotrader.backtest.remarks import warnings_of
from algotrader.backtest.run import RunResult
from algotrader.backtest.store import RunRecord

RESULT_FILE = "result.json"
_CURVE_POINTS = 3_000


def result_file(result: RunResult, record: RunRecord, judged: Overfitting) -> bytes:
    """The same with the course of equity, in fewer points that keep its extremes."""
    from algotrader.backtest.report.encode import bucket_extremes

    curve = result.curve
    rows = bucket_extremes([curve.equity], _CURVE_POINTS)
    kept = plain_run(result, record, judged) | {
        "timeframe": str(result.market.bars.timeframe),
        "symbols": [str(symbol) for symbol in result.market.bars.symbols],
        "assumptions_zh": {one.code: one.zh for one in assumptions_of(result)},
        "first_ts": int(curve.ts[0]),
        "last_ts": int(curve.ts[-1]),
        "equity": {"ts": curve.ts[rows].tolist(), "equity": curve.equity[rows].tolist()},
    }
    return msgspec.json.encode(kept, enc_hook=number)


def number(value: Any) -> Any:
    """A figure that still is numpy's."""
    return value.item()


def plain_run(result: RunResult, record: RunRecord, judged: Overfitting) -> dict[str, Any]:
    """Figures, trades, data, verdict and assumptions of a finished run."""
    return {
        "run": record.run,
        "driver": result.driver,
        "strategy": record.strategy,
        "parameters": record.parameters,
        "metrics": dict(result.summary.values),
        "undefined": {name: str(reason) for name, reason in result.summary.undefined.items()},
        "trades": [
            {
                "symbol": trade.symbol,
                "entry_ts": trade.entry_ts,
                "exit_ts": trade.exit_ts,
                "side": "long" if trade.side > 0 else "short",
                "quantity": trade.quantity,
                "entry_price": trade.entry_price,
                "exit_price": trade.exit_price,
                "fees": trade.fees,
                "funding": trade.funding,
                "profit": trade.profit,
                "exit_reason": trade.exit_reason.name.lower(),
                "ambiguous": trade.ambiguous,
                "open": trade.is_open,
            }
            for trade in result.trades
        ],
        "data": {
            "hash": record.data_hash,
            "source": result.market.provenance.source,
            "generated": result.market.provenance.generated,
            "coverage": result.market.coverage.bars,
            "funding_coverage": result.market.coverage.funding,
            "bars": len(result.bars),
        },
        "overfitting": plain_overfitting(judged),
        "assumptions": {remark.code: remark.en for remark in assumptions_of(result)},
        "warnings": [remark.as_dict() for remark in warnings_of(result)],
    }


def plain_overfitting(judged: Overfitting) -> dict[str, Any]:
    """The verdict in both languages, and what it rests on. Sharpe ratios are annual."""
    beside, interval = judged.neighbours, judged.interval
    return {
        "verdict": judged.verdict.outcome.value,
        "sentence": {"en": judged.verdict.text("en"), "zh": judged.verdict.text("zh")},
        "reasons": [reason.text("en") for reason in judged.verdict.reasons],
        "why": [
            {"en": reason.text("en"), "zh": reason.text("zh"), "holds": reason.holds}
            for reason in judged.verdict.reasons
        ],
        "sharpe": judged.sharpe,
        "sharpe_interval": None if interval is None else [interval.low, interval.high],
        "neighbours": None if beside is None else {
            "sets": list(beside.neighbours), "ratio": beside.ratio,
        },
        "trials": judged.trials.n_trials,
        "effective_trials": judged.trials.effective_trials,
        "luck_sharpe": judged.luck_sharpe,
        "deflated_sharpe": judged.deflated_sharpe,
        "probabilistic_sharpe": judged.probabilistic_sharpe,
        "pbo": None if judged.cscv is None else judged.cscv.pbo,
    }  # fmt: skip
