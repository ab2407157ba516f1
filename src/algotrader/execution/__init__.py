"""From orders to fills: the simulator's contract and its facade over the native kernel.

May import: risk, portfolio, strategy, features, data, core, _kernel.
Read first: `simulation.py` (what goes in and out), then `simulated.simulate`.
"""
