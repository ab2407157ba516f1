"""The engine on the clock: journal, recovery, runtime, strategy workers.

May import: engine, execution, risk, portfolio, strategy, features, data, core, _kernel.
Read first: `journal/journal.py` (what a decision depends on, kept before it is used).
"""
