"""OKX by its v5 interface: transport, names, and public data. Read `streams.py` first.

REST and sockets are ccxt's; what their texts mean is read here, as `rest.py` says why. Orders and
the account are in `execution/adapters/okx`, which builds on this.
"""
