"""Risk: the limits a person sets, and whether a driver can hold them.

May import: portfolio, strategy, features, data, core, _kernel.
Read first: `settings.RiskSettings`.
"""
