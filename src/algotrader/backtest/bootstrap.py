"""Interval of the Sharpe ratio by resampling blocks of days, so that streaks stay together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from algotrader.backtest.metrics import Reason, UndefinedMetric, sharpe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 2_000_000  # indices drawn at once: bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeInterval:
    """Annualised, like `estimate`; `confidence` of the resamples lie between low and high."""

    estimate: float
    low: float
    high: float
    confidence: float
    block_days: float


def sharpe_interval(
    returns: Floats,
    periods_per_year: float,
    *,
    rng: np.random.Generator,
    confidence: float = 0.90,
    samples: int = 2_000,
    block_days: float | None = None,
    method: Literal["stationary", "circular"] = "stationary",
) -> SharpeInterval:
    """Percentile interval of the annualised Sharpe ratio of daily returns of shape (D,).

    `stationary`: blocks of geometric length with mean `block_days` (Politis and Romano, 1994);
    `circular`: of that very length (Politis and Romano, 1992). Both wrap around the end. Default
    length: cube root of D. A resample without variance has the ratio 0.
    """
    estimate = sharpe(returns, periods_per_year)
    if not 0.0 < confidence < 1.0 or samples < 100:
        raise ValueError("confidence is between 0 and 1, samples at least 100")
    days = returns.size
    length = float(block_days if block_days is not None else round(days ** (1.0 / 3.0)))
    if not 1.0 <= length <= days:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)
    draw = _stationary if method == "stationary" else _circular
    rows = max(1, _CHUNK // days)
    ratios = np.concatenate(
        [
            _sharpes(returns[draw(rng, min(rows, samples - done), days, length)])
            for done in range(0, samples, rows)
        ]
    ) * np.sqrt(periods_per_year)
    low, high = np.quantile(ratios, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return SharpeInterval(
        estimate=estimate,
        low=float(low),
        high=float(high),
        confidence=confidence,
        block_days=length,
    )


def _stationary(rng: np.random.Generator, samples: int, days: int, length: float) -> Ints:
    """Indices of shape (samples, days): each day goes on with its block or begins a new one."""
    begins = rng.random((samples, days)) < 1.0 / length
    begins[:, 0] = True
    return _walk(rng, begins, days)


def _circular(rng: np.random.Generator, samples: int, days: int, length: float) -> Ints:
    """Indices of shape (samples, days) in blocks of one length, the last one cut."""
    begins = np.broadcast_to(np.arange(days) % round(length) == 0, (samples, days))
    return _walk(rng, begins, days)


def _walk(rng: np.random.Generator, begins: NDArray[np.bool_], days: int) -> Ints:
    position = np.arange(days)
    start = np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    source = np.take_along_axis(rng.integers(0, days, begins.shape), start, axis=1)
    return (source + position - start) % days


def _sharpes(resamples: Floats) -> Floats:
    constant = resamples.min(axis=1) == resamples.max(axis=1)
    deviation = np.where(constant, 1.0, resamples.std(axis=1, ddof=1))
    return np.where(constant, 0.0, resamples.mean(axis=1) / deviation)
