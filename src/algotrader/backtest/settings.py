"""What one backtest is asked to do: money, costs, fills, and how strict to be."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, Literal

from algotrader.core.errors import UsageError

PathName = Literal["worst", "best", "near-far", "finer"]
ExecutionName = Literal["market", "capped", "twap", "chase"]
WORKED: Final = ("twap", "chase")
"""Ways of execution that take time: the full driver alone has them."""
SizeAtName = Literal["close", "fill"]
MarginName = Literal["cross", "isolated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """Fractions, not percent. `None` leaves the choice to the venue of the instrument."""

    cash: float = 10_000.0
    fees: str = "venue"  # `venue`, `10bps`, `maker=2bps,taker=5bps`, `0`
    slippage_bps: float | None = None
    participation: float | None = None  # fraction of a bar's volume; 0 switches the cap off
    leverage: float | None = None  # of derivatives
    max_leverage: float = 1.0  # of Σ|weight| (R12)
    max_weight: float | None = None
    max_notional: float | None = None
    margin_mode: MarginName = "cross"
    path: PathName = "worst"
    execution: ExecutionName | None = None
    work_for: int = 600_000  # ms, of twap and chase: then the rest is taken at the cap
    slices: int = 10  # of twap
    size_at: SizeAtName = "close"
    gap_fill: Literal["venue", "open", "limit"] = "venue"
    cash_buffer: float = 0.0
    lot: float | None = None  # overrides of the instrument, for comparisons
    allow_gaps: bool = False
    seed: int = 0
    limits_off: tuple[str, ...] = ()  # of the workspace's risk limits: a search left them out

    def __post_init__(self) -> None:
        _require(0 < self.cash < inf, "cash", self.cash, "must be above 0, and finite")
        _require(
            0 <= self.cash_buffer < 1,
            "cash-buffer",
            self.cash_buffer,
            "must be a fraction, 0 or more and below 1",
        )
        _require(
            0 < self.max_leverage < inf,
            "max-leverage",
            self.max_leverage,
            "must be above 0, and finite",
        )
        _require(self.work_for > 0, "work-for", self.work_for, "must be above 0")
        _require(0 < self.slices <= self.work_for, "slices", self.slices, "must be 1 or more")
        _require(self.seed >= 0, "seed", self.seed, "must be 0 or above")
        if self.leverage is not None:
            _require(0 < self.leverage < inf, "leverage", self.leverage, "must be above 0")
        if self.slippage_bps is not None:
            _require(
                0 <= self.slippage_bps < 10_000,
                "slippage-bps",
                self.slippage_bps,
                "must be 0 or more and below 10,000",
            )
        if self.participation is not None:
            _require(0 <= self.participation <= 1, "participation", self.participation, "is 0 to 1")


def refuse_worked(settings: BacktestSettings) -> None:
    """UsageError for what the fast driver does not have."""
    if settings.execution in WORKED:
        raise UsageError(
            "engine.full_needed",
            f"--execution {settings.execution} works an order over time, which the fast driver "
            "cannot",
            hint="algotrader backtest --engine full works it; sweeps use --execution capped",
        )


def _require(condition: bool, option: str, value: float, rule: str) -> None:
    if not condition:
        raise UsageError(
            "backtest.setting",
            f"--{option} {value:g}: {rule}",
            hint=f"change --{option}, or leave it out for its default",
        )
