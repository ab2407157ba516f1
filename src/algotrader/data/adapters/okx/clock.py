"""How far OKX's clock is from ours."""

from __future__ import annotations

from collections.abc import Callable

from algotrader.data.adapters.okx.rest import Asks, NoAnswerError
from algotrader.data.adapters.venue_clock import (
    HALTED_MS,
    REFUSED_MS,
    SAMPLES,
    SHOWN_MS,
    ClockReading,
    ClockVerdict,
    clock_verdict,
    reading_of,
    surest_reading,
)

__all__ = [
    "HALTED_MS",
    "REFUSED_MS",
    "SHOWN_MS",
    "ClockReading",
    "ClockVerdict",
    "clock_verdict",
    "measure_clock",
    "reading_of",
]


async def measure_clock(
    rest: Asks, now_ms: Callable[[], int], *, samples: int = SAMPLES
) -> ClockReading:
    """The surest of some readings. NoAnswerError if the venue does not tell the time."""

    async def ask_ms() -> int:
        answer = await rest.get("public/time", {})
        if not answer.is_ok or not answer.row.get("ts"):
            raise NoAnswerError(f"public/time: {answer.code} {answer.message}")
        try:
            return int(answer.row["ts"])
        except (TypeError, ValueError) as error:
            raise NoAnswerError(f"public/time: {answer.row['ts']!r} is no time") from error

    return await surest_reading(ask_ms, now_ms, samples)
