"""What was traded against what was tested: replay of the journal, and the backtest of its range.

May import: backtest, live, simulator, engine and below. Read first: `comparing.py`.
"""
