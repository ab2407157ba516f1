"""AlgorithmTrader: from raw market data to live orders in one code base.

Start reading at `algotrader.strategy.base` (what a strategy is) and `algotrader.backtest.run`
(what happens to it). Names below are loaded on first use, so `import algotrader` stays cheap.
"""

__version__ = "0.1.0"
