"""From targets to order intents (sizing, rebalancing, allocators), and the books in `Decimal`.

May import: features, data, core, _kernel; not strategy, which stands beside it.
Read first: `ledger.Ledger.apply`, then `sizing.targets_to_intents`.
"""
