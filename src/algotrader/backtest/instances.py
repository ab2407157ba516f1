"""What the engine is told of a strategy: the same in the full driver and in trading."""

from __future__ import annotations

import math

from algotrader.backtest.settings import BacktestSettings
from algotrader.core.bars import Bars
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Protection
from algotrader.core.rebalancing import RebalanceKind
from algotrader.engine.settings import Algorithm, StrategyInstance
from algotrader.portfolio.intents import Execution
from algotrader.portfolio.sizing import SizingRules
from algotrader.strategy.base import Strategy, Style


def strategy_instance(
    strategy: Strategy,
    name: StrategyId,
    account: AccountId,
    bars: Bars,
    settings: BacktestSettings,
    *,
    cash_share: float = 1.0,
    algorithm: Algorithm | None = None,
) -> StrategyInstance:
    """One strategy on one account, with the instruments and time frame of `bars`."""
    by_bar = strategy.style is not Style.TARGETS
    sizing = SizingRules(
        cash_buffer=settings.cash_buffer,
        max_leverage=settings.max_leverage,
        max_weight=math.inf if settings.max_weight is None else settings.max_weight,
        max_notional=math.inf if settings.max_notional is None else settings.max_notional,
        band=0.0 if by_bar else strategy.rebalance.width,
    )
    return StrategyInstance(
        strategy=name,
        account=account,
        instruments=tuple(bars.symbols),
        timeframe=str(bars.timeframe),
        panel=strategy.panel,
        by_bar=by_bar,
        # What a bar-by-bar strategy asks for is acted on at once (R10).
        rebalance=RebalanceKind.EVERY_BAR if by_bar else strategy.rebalance.kind,
        sizing=sizing,
        execution=_execution(settings, close_only=bars.close_only),
        protection=Protection(
            stop_loss=strategy.stop_loss,
            take_profit=strategy.take_profit,
            trailing=strategy.trailing,
        ),
        reenter_after=strategy.reenter_after,
        algorithm=algorithm,
        cash_share=cash_share,
    )


def _execution(settings: BacktestSettings, *, close_only: bool) -> Execution | None:
    if settings.execution is not None:
        plain = settings.execution == "market"
        return Execution.MARKET if plain else Execution.CAPPED
    return Execution.MARKET if close_only else None
