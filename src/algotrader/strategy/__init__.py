"""What a strategy is: base class, parameters, rebalancing, context, loader; `library/` to read.

May import: features, data, core, _kernel.
Read first: `base.Strategy`, then `library/trend.py`.
"""
