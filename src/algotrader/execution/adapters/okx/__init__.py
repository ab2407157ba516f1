"""OKX, spot and perpetual swaps, by its v5 interface. Read `broker.py` first."""
