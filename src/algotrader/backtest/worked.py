"""Orders that are worked over time, on bars: what bars show of them, and what they cannot (R13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from algotrader.backtest.remark import Remark
from algotrader.backtest.run import RunResult
from algotrader.backtest.settings import WORKED, BacktestSettings
from algotrader.core.units import format_duration, format_number

_CHASE: Final = "chase"


def worked_text(settings: BacktestSettings, bar_ms: int) -> tuple[str, str]:
    """How targets are filled, in English and in Chinese."""
    over = format_duration(settings.work_for)
    over_zh = format_duration(settings.work_for, language="zh")
    if _falls_into_one_bar(settings, bar_ms):
        return (
            f"{settings.execution} over {over}, all of it at the next open within 50 bps of the "
            "decision's close: no bar ends before it does",
            f"{settings.execution}，{over_zh}，全部于次开盘成交，限于决策收盘价 50 bps 内：期间没有 K 线收盘",
        )
    if settings.execution == _CHASE:
        return (
            f"chase over {over}: rests at the decision's close, then the rest at the cap of 50 bps",
            f"chase，{over_zh}：挂于决策收盘价，余量按 50 bps 上限成交",
        )
    a_bar = format_number(_slices_a_bar(settings, bar_ms), 1)
    return (
        f"twap over {over} in {settings.slices} slices, {a_bar} a bar: those of a bar fill together "
        "at its open, within 50 bps of the decision's close",
        f"twap，{over_zh}，{settings.slices} 份，每根 K 线 {a_bar} 份，同一根内一起于开盘成交，"
        "限于决策收盘价 50 bps 内",
    )


def about_bars(result: RunResult) -> Iterator[Remark]:
    """Where bars are too coarse to show what working an order does."""
    settings, bar_ms = result.settings, result.market.bars.timeframe.ms
    if settings.execution not in WORKED:
        return
    name = settings.execution
    if _falls_into_one_bar(settings, bar_ms):
        yield Remark(
            code="coarse_bars",
            en=f"{name} is shorter than a bar, so it filled as capped orders do: shorter bars, or a "
            "longer --work-for, show a difference.",
            zh=f"{name} 短于一根 K 线，成交与 capped 相同：请用更短的 K 线或更长的 --work-for。",
        )
    elif name != _CHASE and _slices_a_bar(settings, bar_ms) > 1:
        yield Remark(
            code="coarse_bars",
            en=f"Several slices of {name} fall into one bar and filled together at its open.",
            zh=f"{name} 的多份落在同一根 K 线内，一起于开盘成交。",
        )


def _falls_into_one_bar(settings: BacktestSettings, bar_ms: int) -> bool:
    """Slices until the close of the first bar all meet its open; a chase ends before it is seen."""
    if settings.execution == _CHASE:
        return settings.work_for < bar_ms
    return settings.work_for <= bar_ms


def _slices_a_bar(settings: BacktestSettings, bar_ms: int) -> float:
    return settings.slices * bar_ms / settings.work_for
