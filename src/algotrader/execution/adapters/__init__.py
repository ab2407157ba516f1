"""Adapters of the `Broker` port: one venue each, where a vendor's words begin and end.

May import: execution and what is below it; never `algotrader.simulator`, which is what they are
tested against. Read `okx/broker.py` first.
"""
