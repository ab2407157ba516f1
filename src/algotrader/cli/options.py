"""Options that backtest, sweep, walkforward and check share, and what they stand for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from algotrader.backtest.loading import DataRequest
from algotrader.backtest.settings import WORKED, BacktestSettings, refuse_worked
from algotrader.backtest.workspace import Workspace
from algotrader.cli.completing import one_of, strategies
from algotrader.cli.engines import needs_full
from algotrader.core.errors import UsageError
from algotrader.core.spelling import hint_among
from algotrader.core.timeframes import Timeframe
from algotrader.ops.config import load as load_configuration
from algotrader.ops.settings import BacktestDefaults
from algotrader.risk.settings import RiskSettings
from algotrader.strategy.base import Strategy
from algotrader.strategy.loader import LoadedStrategy
from algotrader.strategy.parameters import ParameterValue, describe_range

Reference = Annotated[
    str,
    typer.Argument(
        metavar="STRATEGY",
        help="A file, FILE:Class, or a registered name.",
        autocompletion=strategies,
    ),
]
Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbol", "-s", metavar="SYMBOL", help="What to trade, VENUE:CODE; repeatable."),
]
TimeframeOption = Annotated[
    str | None,
    typer.Option(
        "--timeframe", "-t", metavar="LENGTH", help="15m, 1h, 4h, 1d, …",
        autocompletion=one_of("1m", "5m", "15m", "30m", "1h", "4h", "1d"),
    ),
]  # fmt: skip
Start = Annotated[
    str | None, typer.Option(help="First decision, ISO date, UTC; earlier bars are the warm-up.")
]
End = Annotated[str | None, typer.Option(help="End of the data, not included.")]
Data = Annotated[
    str | None, typer.Option("--data", metavar="PATH", help="A CSV or Parquet file of bars.")
]
Cash = Annotated[float | None, typer.Option(help="Starting money, account currency.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; repeatable.")
]
Fees = Annotated[str | None, typer.Option(help="venue, 10bps, maker=2bps,taker=5bps, or 0.")]
SlippageBps = Annotated[float | None, typer.Option(help="Against you, on orders that take.")]
Path_ = Annotated[
    str | None,
    typer.Option(
        "--path", help="worst, best, near-far or finer.",
        autocompletion=one_of("worst", "best", "near-far", "finer"),
    ),
]  # fmt: skip
Execution = Annotated[
    str | None,
    typer.Option(
        help="market or capped; default by venue. With the full driver also twap, chase.",
        autocompletion=one_of("market", "capped", "twap", "chase"),
    ),
]
WorkFor = Annotated[
    str | None, typer.Option(help="Of twap and chase: 4h, then the rest is taken; default: 10m.")
]
Slices = Annotated[int | None, typer.Option(help="Parts of twap; default: 10.")]
SizeAt = Annotated[
    str | None,
    typer.Option(help="close, or fill for comparisons.", autocompletion=one_of("close", "fill")),
]
CashBuffer = Annotated[float | None, typer.Option(help="Fraction of equity left alone.")]
MaxLeverage = Annotated[float | None, typer.Option(help="Largest sum of absolute weights.")]
Leverage = Annotated[float | None, typer.Option(help="Of derivatives; sets the margin only.")]
Adjust = Annotated[
    str,
    typer.Option(
        help="Splits and dividends: auto, none, splits or total.",
        autocompletion=one_of("auto", "none", "splits", "total"),
    ),
]
AllowGaps = Annotated[bool, typer.Option("--allow-gaps", help="Run on less than 99.5 % of bars.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
WithoutLimits = Annotated[
    bool,
    typer.Option(
        "--without-limits",
        help="Leave out risk limits that only the full driver holds; the report says which.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the common options of one call say, as they were typed."""

    symbols: Sequence[str] | None = None
    timeframe: str | None = None
    start: str | None = None
    end: str | None = None
    data: str | None = None
    cash: float | None = None
    fees: str | None = None
    slippage_bps: float | None = None
    path: str | None = None
    execution: str | None = None
    work_for: str | None = None
    slices: int | None = None
    size_at: str | None = None
    cash_buffer: float | None = None
    max_leverage: float | None = None
    leverage: float | None = None
    adjust: str = "auto"
    allow_gaps: bool = False
    seed: int | None = None
    without_limits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The same, joined with the workspace's settings."""

    workspace: Workspace
    request: DataRequest
    settings: BacktestSettings
    risk: RiskSettings | None = None  # for the full driver; None: the fast one runs


def resolve(asked: Asked, config: Path | None, *, engine: str | None = "fast") -> Resolved:
    """Overlay the workspace's defaults with what was typed (command line > file > default)."""
    loaded = load_configuration(config, environment=os.environ)
    defaults = loaded.settings.backtest
    folders = loaded.settings.workspace
    risk = loaded.settings.risk
    settings = _settings(asked, defaults, risk)
    if asked.without_limits:
        settings, risk = replace(settings, limits_off=risk.beyond_fast_driver()), RiskSettings()
    is_full = needs_full(engine, risk) or (engine is None and settings.execution in WORKED)
    if not is_full:
        refuse_worked(settings)
    return Resolved(
        workspace=Workspace(lake=loaded.path(folders.lake), runs=loaded.path(folders.runs)),
        request=DataRequest(
            symbols=tuple(asked.symbols or ()),
            # A file has the bars it has; the default chooses among those of the lake.
            timeframe=asked.timeframe or (defaults.timeframe if asked.data is None else None),
            start=asked.start,
            end=asked.end,
            data=_absolute(asked.data),
            adjust=_one_of("adjust", asked.adjust, ("auto", "none", "splits", "total")),
            allow_gaps=asked.allow_gaps or defaults.allow_gaps,
        ),
        settings=settings,
        risk=risk if is_full else None,
    )


def given_parameters(
    loaded: LoadedStrategy, texts: Sequence[str] | None
) -> dict[str, ParameterValue]:
    """`--set name=value` as values of the declared types."""
    values: dict[str, ParameterValue] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        declared = loaded.kind.parameters.get(name)
        if not separator:
            raise UsageError("usage.set", f"--set {text} has no =", hint="--set name=value")
        if declared is None:
            known = ", ".join(loaded.kind.parameters) or "none"
            raise UsageError(
                "strategy.parameter_unknown",
                f"{loaded.name} has no parameter {name!r}",
                hint=hint_among(name, loaded.kind.parameters, f"its parameters are: {known}"),
            )
        try:
            values[name] = declared.parse(value)
        except ValueError as error:
            raise UsageError(
                "usage.set",
                f"--set {text}: {value!r} is not {declared.kind}",
                hint=f"its range is {describe_range(declared)}",
            ) from error
    return values


def ranges(texts: Sequence[str] | None) -> dict[str, str]:
    """`--range name=low:high:step` by name."""
    split = [text.partition("=") for text in texts or ()]
    for name, separator, _ in split:
        if not separator:
            raise UsageError(
                "usage.range", f"--range {name} has no =", hint="--range name=low:high:step"
            )
    return {name: value for name, _, value in split}


def made(loaded: LoadedStrategy, texts: Sequence[str] | None) -> Strategy:
    return loaded.kind(**given_parameters(loaded, texts))


def _settings(asked: Asked, defaults: BacktestDefaults, risk: RiskSettings) -> BacktestSettings:
    def pick(name: str) -> float | None:
        typed = getattr(asked, name)
        value = getattr(defaults, name) if typed is None else typed
        return None if value is None else float(value)

    picked, cash_buffer = pick("max_leverage"), pick("cash_buffer")
    max_leverage = 1.0 if picked is None else picked
    if risk.account.max_leverage is not None:
        max_leverage = min(max_leverage, float(risk.account.max_leverage))
    weight, notional = risk.instrument.max_weight, risk.instrument.max_notional
    path = _one_of("path", asked.path or defaults.path, ("worst", "best", "near-far", "finer"))
    execution = asked.execution or defaults.execution
    size_at = _one_of("size-at", asked.size_at or "close", ("close", "fill"))
    return BacktestSettings(
        cash=float(defaults.cash) if asked.cash is None else asked.cash,
        fees=asked.fees or defaults.fees,
        slippage_bps=pick("slippage_bps"),
        participation=None if defaults.participation is None else float(defaults.participation),
        max_leverage=max_leverage,
        max_weight=None if weight is None else float(weight),
        max_notional=None if notional is None else float(notional),
        leverage=asked.leverage,
        path=path,
        execution=None
        if execution is None
        else _one_of("execution", execution, ("market", "capped", *WORKED)),
        work_for=_work_for(asked, defaults),
        slices=defaults.slices if asked.slices is None else asked.slices,
        size_at=size_at,
        cash_buffer=0.0 if cash_buffer is None else cash_buffer,
        allow_gaps=asked.allow_gaps or defaults.allow_gaps,
        seed=defaults.seed if asked.seed is None else asked.seed,
    )


def _work_for(asked: Asked, defaults: BacktestDefaults) -> int:
    """Milliseconds. UsageError where nothing is worked over time."""
    is_given = asked.work_for is not None or asked.slices is not None
    if is_given and (asked.execution or defaults.execution) not in WORKED:
        raise UsageError(
            "usage.work_for",
            "--work-for and --slices are of orders that are worked over time",
            hint="add --execution twap, or --execution chase",
        )
    return defaults.work_for if asked.work_for is None else Timeframe.parse(asked.work_for).ms


def _one_of(option: str, value: str, allowed: Sequence[str]) -> Any:
    if value not in allowed:
        raise UsageError(
            "usage.choice", f"--{option} {value!r} does not exist", hint=f"use {', '.join(allowed)}"
        )
    return value


def _absolute(data: str | None) -> str | None:
    """Files by their full path, so that `rerun` finds them from anywhere."""
    return data if data is None or data.startswith("sample:") else str(Path(data).resolve())
