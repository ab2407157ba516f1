"""Library use, as short as the command:

    import algotrader as at

    r = at.backtest(TrendFollow(), "OKX:BTC/USDT", timeframe="1h")
    r.metrics["sharpe"], r.trades, r.equity
    r.report("out.html")

A polars or pandas frame with a time column and OHLCV may stand in the symbol's place.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algotrader.backtest.finer import market_for
from algotrader.backtest.judge import Overfitting, judge
from algotrader.backtest.loading import DataRequest, frame_market, parse_instant
from algotrader.backtest.reporting import report_data
from algotrader.backtest.run import RunResult, run_backtest
from algotrader.backtest.settings import BacktestSettings
from algotrader.backtest.store import RunRecord, record_of, write_file
from algotrader.backtest.summary import Value
from algotrader.backtest.trades import TradeTable
from algotrader.core.errors import UsageError
from algotrader.core.spelling import hint_among
from algotrader.strategy.base import Strategy
from algotrader.strategy.loader import LoadedStrategy

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A finished run: figures by name, the trade list, equity, and its report."""

    result: RunResult
    record: RunRecord
    judged: Overfitting

    def __repr__(self) -> str:
        """One line: a session that shows its last value is not flooded with arrays."""
        bars = self.result.market.bars
        symbols = ", ".join(map(str, bars.symbols[:3])) + (", …" if len(bars.symbols) > 3 else "")
        figures = ", ".join(
            f"{name} {value:.4g}"
            for name in ("total_return", "sharpe", "max_drawdown", "trades")
            if (value := self.metrics[name]) is not None
        )
        return f"<Backtest {self.record.strategy} on {symbols} {bars.timeframe}: {figures}>"

    @property
    def metrics(self) -> Mapping[str, Value]:
        """Figures by their name (`sharpe`, `max_drawdown`, …); `None` where undefined."""
        return self.result.summary.values

    @property
    def trades(self) -> TradeTable:
        """The trades: iterate, take one by its number, or `trades.frame()` for a polars frame."""
        return self.result.trades

    @property
    def equity(self) -> pl.DataFrame:
        """Equity after each bar: columns `time` (UTC), `equity` (account currency)."""
        import polars as pl

        curve = self.result.curve
        time = pl.Series("time", curve.ts).cast(pl.Datetime("ms", "UTC"))
        return pl.DataFrame({"time": time, "equity": curve.equity})

    def report(self, path: str | Path) -> Path:
        """Write the HTML report and return its path."""
        from algotrader.backtest.complete import quick_check
        from algotrader.backtest.judgement import doubted
        from algotrader.backtest.report import render_run

        judged = doubted(self.judged, self.result)
        checked = quick_check(self.result)
        page = render_run(report_data(self.result, self.record, judged, checked=checked))
        write_file(Path(path), page.encode())
        return Path(path)


def backtest(
    strategy: Strategy,
    symbol: Any = (),
    *,
    timeframe: str | None = None,
    data: Any = None,
    start: str | None = None,
    end: str | None = None,
    lake: str | Path = "lake",
    settings: BacktestSettings | None = None,
    **changes: Any,
) -> Backtest:
    """Run a strategy over the lake, the bundled sample, a file or a frame.

    `symbol` is one, or several in a list; a polars or pandas frame in its place, or as `data`, is
    run as it is: a time column (or index) and OHLCV. `data` may also be the path of a file.
    `changes` are fields of `BacktestSettings` (`cash=50_000, fees="10bps"`). Nothing is written;
    the run is no trial of a workspace. The errors are those of the command.
    """
    _refuse_no_strategy(strategy)
    chosen = _changed(settings or BacktestSettings(), changes)
    symbols, data = _what(symbol, data)
    is_file = data is None or isinstance(data, str | Path)
    request = DataRequest(
        symbols=symbols,
        timeframe=timeframe,
        start=start,
        end=end,
        data=None if data is None or not is_file else str(data),
        allow_gaps=chosen.allow_gaps,
    )
    market = market_for(request, chosen, Path(lake)) if is_file else frame_market(data, request)
    result = run_backtest(strategy, market, chosen, start=parse_instant(start, "start"))
    return Backtest(
        result=result,
        record=record_of(_described(type(strategy)), result, request),
        judged=judge(result.daily.returns[None, :], periods_per_year=market.periods_per_year),
    )


def _what(symbol: Any, data: Any) -> tuple[tuple[str, ...], Any]:
    """Symbols and data, of which the first argument may be either."""
    if isinstance(symbol, str):
        return (symbol,), data
    if isinstance(symbol, list | tuple):
        return tuple(symbol), data
    if data is not None:
        raise UsageError(
            "usage.data",
            f"a {type(symbol).__name__} was given beside data",
            hint='give the frame alone, or the symbol as text: "OKX:BTC/USDT"',
        )
    return (), symbol


def _refuse_no_strategy(strategy: object) -> None:
    if isinstance(strategy, Strategy):
        return
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        said, hint = f"{strategy.__name__} is a class", f"give one of it: {strategy.__name__}()"
    else:
        said = f"a {type(strategy).__name__} is no strategy"
        hint = "give an object of a class that inherits from algotrader.Strategy"
    raise UsageError("usage.strategy", said, hint=hint)


def _changed(settings: BacktestSettings, changes: Mapping[str, Any]) -> BacktestSettings:
    known = [field.name for field in fields(BacktestSettings)]
    for name in changes:
        if name not in known:
            raise UsageError(
                "usage.setting",
                f"backtest has no setting {name!r}",
                hint=hint_among(name, known, f"its settings are: {', '.join(known)}"),
            )
    return replace(settings, **changes)


def _described(kind: type[Strategy]) -> LoadedStrategy:
    """A class made in a session or a notebook, whose source may not be found."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        source = f"class {kind.__qualname__}: source unknown"
    return LoadedStrategy(
        kind=kind,
        origin=f"{kind.__module__}:{kind.__qualname__}",
        source=source,
        source_hash=hashlib.sha256(source.encode()).hexdigest(),
    )
