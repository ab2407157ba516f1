"""The trade list of a run (R32)."""

from algotrader.backtest.trades import TradeTable, no_trades


def trades_of(simulation, market, instruments) -> TradeTable:  # temporary, never landed
    return no_trades(tuple(str(i.symbol) for i in instruments))
