"""Look-alike venues on loopback, with faults on demand: to rehearse on, and to test against.

May import: execution, risk, portfolio, features, data, core, _kernel; never an adapter of
execution, whose reading of a venue must stay independent of what is written here.
Read first: `okx.exchange.Exchange.step`.
"""
