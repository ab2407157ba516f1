"""Tells that long research work has ended: three figures, and where the report is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from algotrader.core.ports import Notice, Severity
from algotrader.core.units import format_number, format_percent
from algotrader.ops.config import Configuration
from algotrader.ops.notification.wiring import notifying, texts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What is told of a backtest, or of the best set of a sweep."""

    kind: Literal["backtest", "sweep"]
    name: str  # of the strategy
    took_s: float
    metrics: Mapping[str, float | None]  # total_return, sharpe, max_drawdown
    verdict: Mapping[Literal["en", "zh"], str]
    report: Path


def tell_finished(
    configuration: Configuration, environment: Mapping[str, str], done: Finished
) -> bool:
    """Whether it was told: only where channels are set up, and of what took long enough.

    Within seconds it is sent, or left for who delivers. ConfigurationError for a missing secret,
    UsageError without the extra: the work itself is done by then.
    """
    settings = configuration.settings.notification
    if not settings.channels or done.took_s < settings.finished_after_s:
        return False
    loudness = settings.loudness("research", Severity.INFO)
    if loudness is None:
        return False
    texts = texts_of(settings)
    lines = [
        texts.say(
            "figures",
            total=format_percent(
                done.metrics.get("total_return"), signed=True, language=settings.language
            ),
            sharpe=format_number(done.metrics.get("sharpe")),
            drawdown=format_percent(done.metrics.get("max_drawdown"), language=settings.language),
        ),
        done.verdict.get(settings.language, ""),
        str(done.report),
    ]
    notice = Notice(
        severity=loudness,
        title=texts.say(f"finished_{done.kind}", name=done.name),
        text="\n".join(line for line in lines if line),
        cause=f"research:{done.report}",
    )
    with notifying(configuration, environment, listens=False) as messenger:
        if messenger is not None:
            asyncio.run(messenger.notify(notice))
    return True
