"""Tells by messenger that long research work has ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from algotrader.cli.output import Output
from algotrader.core.errors import AlgotraderError
from algotrader.core.ports import SystemClock

if TYPE_CHECKING:
    from algotrader.backtest.complete import Completed
    from algotrader.backtest.judge import Overfitting


def now_s() -> float:
    """When work begins, for `tell`."""
    return SystemClock().monotonic_s()


def tell(
    out: Output,
    kind: Literal["backtest", "sweep"],
    run: Completed,
    judged: Overfitting,
    report: Path,
    *,
    began_s: float,
) -> None:
    """Tell of a run where channels are set up. What goes wrong here is noted: the work is done."""
    from algotrader.ops.config import load

    took_s = now_s() - began_s
    configuration = load(out.config, environment=os.environ)
    if not configuration.settings.notification.channels:
        return  # without the imports of a messenger
    from algotrader.ops.notification.finished import Finished, tell_finished

    values = run.result.summary.values
    done = Finished(
        kind=kind,
        name=run.record.strategy,
        took_s=took_s,
        metrics={name: values.get(name) for name in ("total_return", "sharpe", "max_drawdown")},
        verdict={"en": judged.verdict.text("en"), "zh": judged.verdict.text("zh")},
        report=report.resolve(),
    )
    try:
        tell_finished(configuration, os.environ, done)
    except AlgotraderError as error:
        out.note(f"△ nobody was told: {error.message}")
