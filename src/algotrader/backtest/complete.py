"""A run from request to stored, judged and reported result: what the command and the library do."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from algotrader.backtest.finer import market_for
from algotrader.backtest.judge import Overfitting
from algotrader.backtest.judgement import doubted, instruments_key, judge_run, trial
from algotrader.backtest.loading import DataRequest, parse_instant
from algotrader.backtest.market import Market
from algotrader.backtest.plain import RESULT_FILE, plain_run, result_file
from algotrader.backtest.reporting import Checked, Paths, report_data
from algotrader.backtest.run import QUICK_CUTS, RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings, PathName
from algotrader.backtest.store import RunRecord, RunStore, record_of
from algotrader.backtest.trades import TradeTable
from algotrader.backtest.trials import TrialLedger
from algotrader.backtest.workspace import Workspace
from algotrader.core.errors import StrategyRaisedError
from algotrader.core.instants import utc_at
from algotrader.strategy.base import Strategy
from algotrader.strategy.loader import LoadedStrategy
from algotrader.strategy.session import LogLine

if TYPE_CHECKING:
    from algotrader.risk.settings import RiskSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A finished run with everything that is known of it."""

    result: RunResult
    record: RunRecord
    judged: Overfitting
    paths: Paths | None
    checked: Checked | None
    folder: Path  # where it is stored

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    def plain(self) -> dict[str, Any]:
        """What `backtest --json` prints, but for where the report is."""
        return plain_run(self.result, self.record, self.judged)


def complete_run(
    loaded: LoadedStrategy,
    strategy: Strategy,
    request: DataRequest,
    settings: BacktestSettings,
    workspace: Workspace,
    *,
    market: Market | None = None,
    risk: RiskSettings | None = None,
) -> Completed:
    """Load, run, count as a trial, judge, report and store. With `risk` by the full driver.

    What fails leaves nothing behind but its place among the trials (R31).
    """
    from algotrader.backtest.report import render_run  # templates; only who reports pays for them

    start = parse_instant(request.start, "--start")
    ledger = TrialLedger(workspace.trials)
    market = market or market_for(request, settings, workspace.lake)
    result, judged = _judged(loaded, strategy, market, settings, ledger, start, risk)
    record = record_of(loaded, result, request)
    paths = both_paths(result, start)
    checked = quick_check(result)
    data = report_data(
        result, record, judged, paths=paths, checked=checked, ledger_since=ledger.since()
    )
    folder = RunStore(workspace.runs).save(
        record,
        {
            "report.html": render_run(data).encode(),
            "trades.csv": trades_csv(result.trades).encode(),
            "strategy.py": loaded.source.encode(),
            RESULT_FILE: result_file(result, record, judged),
            **({"log.jsonl": log_lines(result.log)} if result.log else {}),
        },
    )
    return Completed(
        result=result,
        record=record,
        judged=judged,
        paths=paths,
        checked=checked,
        folder=folder,
    )


def judged_run(
    loaded: LoadedStrategy,
    strategy: Strategy,
    request: DataRequest,
    settings: BacktestSettings,
    workspace: Workspace,
    *,
    market: Market | None = None,
    risk: RiskSettings | None = None,
) -> tuple[RunResult, RunRecord, Overfitting]:
    """`complete_run` that stores no run: it is counted as a trial, once, and nothing is written."""
    start = parse_instant(request.start, "--start")
    market = market or market_for(request, settings, workspace.lake)
    ledger = TrialLedger(workspace.trials)
    result, judged = _judged(loaded, strategy, market, settings, ledger, start, risk)
    return result, record_of(loaded, result, request), judged


def _judged(
    loaded: LoadedStrategy,
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    ledger: TrialLedger,
    start: int | None,
    risk: RiskSettings | None,
) -> tuple[RunResult, Overfitting]:
    """Run, and judge what came of it among the ledger's trials, of which it is one."""
    try:
        result = run_by(strategy, market, settings, start, risk)
    except StrategyRaisedError:
        failed = trial(loaded, strategy.values, instruments_key(market), market.bars.ts, None)
        ledger.record([failed])
        raise
    return result, doubted(judge_run(loaded, result, ledger), result)


def run_by(
    strategy: Strategy,
    market: Market,
    settings: BacktestSettings,
    start: int | None,
    risk: RiskSettings | None,
) -> RunResult:
    """By the fast driver, or by the full one where there is risk to be held."""
    if risk is None:
        return run_backtest(strategy, market, settings, start=start)
    from algotrader.backtest.full_result import run_full_backtest  # the engine is not small

    return run_full_backtest(strategy, market, settings, risk, start=start)


def both_paths(result: RunResult, start: int | None) -> Paths | None:
    """Net profit of whole runs under the worst and the best path; `None` if no trade differs."""
    if not result.trades.ambiguous.any() or result.market.bars.close_only:
        return None

    def net(path: PathName) -> float:
        settings = replace(result.settings, path=path)
        same = type(result.strategy)(**result.strategy.values)
        again = run_by(same, result.market, settings, start, result.risk)
        return float(again.curve.equity[-1]) - settings.cash

    return Paths(worst=net("worst"), best=net("best"))


def quick_check(result: RunResult) -> Checked | None:
    """What `RunResult.checked` found, as a report shows it."""
    found = result.checked
    return None if found is None else Checked(prefixes=QUICK_CUTS, findings=found)


def log_lines(lines: Sequence[LogLine]) -> bytes:
    """What the strategy logged, a JSON object a line; fields that are no JSON value as text."""
    return b"".join(
        msgspec.json.encode(
            {"at_ms": line.at_ms, "level": line.level, "event": line.event, **line.fields},
            enc_hook=str,
        )
        + b"\n"
        for line in lines
    )


def trades_csv(trades: TradeTable) -> str:
    """The trade list for a spreadsheet: raw values, UTC, units in the head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["symbol", "side", "entry_utc", "exit_utc", "quantity", "entry_price", "exit_price",
         "fees", "funding", "slippage", "profit", "return_fraction", "mae_fraction",
         "mfe_fraction", "bars", "exit_reason", "ambiguous", "open"]
    )  # fmt: skip
    for row in trades:
        writer.writerow(
            [row.symbol, "long" if row.side > 0 else "short",
             f"{utc_at(row.entry_ts):%Y-%m-%dT%H:%M:%SZ}", f"{utc_at(row.exit_ts):%Y-%m-%dT%H:%M:%SZ}",
             row.quantity, row.entry_price, row.exit_price, row.fees, row.funding, row.slippage,
             row.profit, row.return_, row.mae, row.mfe, row.bars, row.exit_reason.name.lower(),
             row.ambiguous, row.is_open]
        )  # fmt: skip
    return text.getvalue()
