"""From gross to net profit: what each cost took, and at what cost nothing would be left."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from algotrader.backtest.metrics import Reason, UndefinedMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Sums over a run, account currency."""

    fees: float = 0.0  # paid; negative when rebates are larger
    slippage: float = 0.0  # paid, inside the prices of the fills
    funding: float = 0.0  # received; negative was paid
    borrow: float = 0.0  # paid, interest included

    @property
    def total(self) -> float:
        """All that stands between gross and net profit; positive lowers the profit."""
        return fsum((self.fees, self.slippage, -self.funding, self.borrow))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One bar of the waterfall: a stable key, and what it adds to the profit (signed)."""

    key: str
    amount: float


def waterfall(net_profit: float, costs: Costs) -> tuple[Step, ...]:
    """gross, fees, slippage, funding, borrow, net: the first five sum to the last.

    Gross profit is what the same fills would have made at the prices before slippage, without
    fees, funding and borrowing.
    """
    return (
        Step(key="gross", amount=net_profit + costs.total),
        Step(key="fees", amount=-costs.fees),
        Step(key="slippage", amount=-costs.slippage),
        Step(key="funding", amount=costs.funding),
        Step(key="borrow", amount=-costs.borrow),
        Step(key="net", amount=net_profit),
    )


def paid_bps(costs: Costs, traded_notional: float) -> float:
    """Fees and slippage per traded notional of a side (a round trip trades twice), in bps."""
    return (costs.fees + costs.slippage) / _traded(traded_notional) * 1e4


def break_even_bps(net_profit: float, costs: Costs, traded_notional: float) -> float:
    """Fees and slippage per side, in bps, at which the net profit would be 0.

    The same fills are assumed: that is exact for fees, and close for slippage. Negative: the
    strategy would need to be paid to trade.
    """
    left = net_profit + costs.fees + costs.slippage
    return left / _traded(traded_notional) * 1e4


def _traded(notional: float) -> float:
    if not notional > 0.0:
        raise UndefinedMetric(Reason.NOTHING_TRADED)
    return notional
