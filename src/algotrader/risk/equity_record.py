"""What an account, a strategy or all accounts together were worth: the day's start, the peaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from algotrader.portfolio.positions import ZERO, exact


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityRecord:
    """The fold of marks. Deposits are no profit: they move the start of the day and the peaks."""

    equity: Decimal
    deposits: Decimal  # paid in less paid out since the run began
    day: int
    day_equity: Decimal  # at the day's start
    day_deposits: Decimal
    peak: Decimal  # since the last re-arming
    run_peak: Decimal  # since the run began

    @classmethod
    def first(cls, equity: Decimal, deposits: Decimal, day: int) -> EquityRecord:
        return cls(
            equity=equity, deposits=deposits, day=day, day_equity=equity,
            day_deposits=deposits, peak=equity, run_peak=equity,
        )  # fmt: skip

    def marked(self, equity: Decimal, deposits: Decimal, day: int) -> EquityRecord:
        """The record after a mark; a new day starts at the last equity of the one before."""
        new_day = day > self.day
        with exact():
            flow = deposits - self.deposits
            return replace(
                self,
                equity=equity,
                deposits=deposits,
                day=max(day, self.day),
                day_equity=self.equity if new_day else self.day_equity,
                day_deposits=self.deposits if new_day else self.day_deposits,
                peak=_peak(self.peak, equity, flow),
                run_peak=_peak(self.run_peak, equity, flow),
            )

    def rearmed(self) -> EquityRecord:
        """Drawdown counts from here (R28); the day's loss and the run's peak stand."""
        return replace(self, peak=self.equity)

    @property
    def daily_pnl(self) -> Decimal:
        """Equity now less equity at the day's start less net deposits since (R28)."""
        with exact():
            return self.equity - self.day_equity - (self.deposits - self.day_deposits)

    @property
    def daily_loss(self) -> Decimal:
        """Loss of the day as a fraction of its first equity; 0 in profit, 1 if there was none."""
        loss = -self.daily_pnl
        if loss <= 0:
            return ZERO
        with exact():
            return loss / self.day_equity if self.day_equity > 0 else Decimal(1)

    @property
    def drawdown(self) -> Decimal:
        """Fall from the peak since the last re-arming, a fraction of it."""
        return _fall(self.peak, self.equity)

    @property
    def run_drawdown(self) -> Decimal:
        """Fall from the peak since the run began."""
        return _fall(self.run_peak, self.equity)


def _peak(peak: Decimal, equity: Decimal, flow: Decimal) -> Decimal:
    """A flow of money scales the peak, so that it is neither a loss nor a recovery of one."""
    before = equity - flow
    reached = max(peak, before)
    if flow:
        reached = reached * equity / before if before > 0 else max(peak + flow, ZERO)
    return max(reached, equity)


def _fall(peak: Decimal, equity: Decimal) -> Decimal:
    with exact():
        return (peak - equity) / peak if peak > 0 else ZERO
