"""What is done to weights after an allocator: caps, leverage, a volatility target, a band."""

from __future__ import annotations

import math

import numpy as np

from algotrader.portfolio.moments import Floats, moments


def cap_weights(weights: Floats, max_weight: float) -> Floats:
    """Long weights with none above `max_weight`; what is cut goes to the others pro rata.

    Redistribution repeats until none is above. If there are too few names to take it all up, each
    is at the cap and the rest is cash. ValueError for negative weights.
    """
    if np.any(weights < 0.0):
        raise ValueError("caps redistribute long weights only")
    capped = np.array(weights, dtype=np.float64)
    total = capped.sum()
    while np.any(capped > max_weight):
        full = capped >= max_weight
        capped[full] = max_weight
        open_ = ~full & (capped > 0.0)
        if not open_.any():
            break
        capped[open_] *= (total - max_weight * full.sum()) / capped[open_].sum()
    return capped


def cap_gross(weights: Floats, max_gross: float) -> Floats:
    """Weights scaled down, if need be, until their absolute values sum to `max_gross` (R12)."""
    gross = np.abs(weights).sum()
    return np.asarray(weights * (max_gross / gross)) if gross > max_gross else weights


def target_volatility(
    weights: Floats,
    returns: Floats,
    *,
    volatility: float,
    periods_per_year: float,
    max_gross: float = 1.0,
) -> Floats:
    """Weights scaled to an ex-ante volatility a year, their sum capped at `max_gross`.

    Ex-ante volatility is sqrt(w' Sigma w x periods_per_year), Sigma of the same returns (T, N)
    that the weights came from. Weights without any risk are only capped.
    """
    variance = float(weights @ moments(returns).covariance @ weights) * periods_per_year
    if variance <= 0.0:
        return cap_gross(weights, max_gross)
    return cap_gross(weights * (volatility / math.sqrt(variance)), max_gross)


def no_trade_band(weights: Floats, held: Floats, band: float) -> Floats:
    """`held` where it is within `band` x |weight| of the weight, else the weight (R10).

    Entering, leaving and changing sign always trade. For studies on weights alone: an account's
    own band looks at lots, see `sizing`.
    """
    same_side = weights * held > 0.0
    near = np.abs(weights - held) < band * np.abs(weights)
    return np.where(same_side & near, held, weights)
