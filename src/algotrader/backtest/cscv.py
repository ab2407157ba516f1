"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).

Bailey, Borwein, López de Prado and Zhu (2017), The Probability of Backtest Overfitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from algotrader import _kernel
from algotrader.backtest.metrics import Reason, UndefinedMetric

Floats = NDArray[np.float64]

MAX_SPLITS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cscv:
    """What happened to the trial that was best on one half of the blocks, on the other half."""

    pbo: float  # share of splits whose best trial ended in the lower half (logit <= 0)
    logits: Floats  # (splits,) log(w / (1 - w)), w = rank out of sample / (trials + 1)
    in_sample: Floats  # (splits,) Sharpe ratio per observation of the best trial, in sample
    out_of_sample: Floats  # (splits,) of the same trial, out of sample
    blocks: int

    @property
    def probability_of_loss(self) -> float:
        """Share of splits whose best trial lost money out of sample."""
        return float(np.mean(self.out_of_sample < 0.0))


def probability_of_overfitting(returns: Floats, *, blocks: int = 16, threads: int = 0) -> Cscv:
    """CSCV of daily returns of shape (trials, days): every way to halve `blocks` equal blocks.

    Days that do not fill the last block are left out at the start. A trial without variance on
    a half has the Sharpe ratio 0 there. Ties in sample go to the first trial; out of sample a
    trial's rank counts the trials below it, and half of its ties.
    UndefinedMetric with fewer than two trials or fewer than two days per block.
    """
    if blocks < 2 or blocks % 2 or comb(blocks, blocks // 2) > MAX_SPLITS:
        raise ValueError(f"blocks is even, from 2 to 22, not {blocks}")
    if returns.ndim != 2 or not np.all(np.isfinite(returns)):
        raise ValueError("returns is a finite array of shape (trials, days)")
    trials, days = returns.shape
    if trials < 2:
        raise UndefinedMetric(Reason.TOO_FEW_TRIALS)
    if days < 2 * blocks:
        raise UndefinedMetric(Reason.TOO_FEW_DAYS)
    used = np.ascontiguousarray(returns[:, days % blocks :])
    rank, inside, outside = _kernel.metrics.cscv(used, blocks, threads)
    share = rank / (trials + 1.0)
    logits = np.log(share / (1.0 - share))
    return Cscv(
        pbo=float(np.mean(logits <= 0.0)),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        blocks=blocks,
    )
