"""OKX's names for what we trade: `BTC-USDT`, `BTC-USDT-SWAP`, `BTC-USD-SWAP`."""

from __future__ import annotations

from algotrader.core.errors import UsageError
from algotrader.core.symbols import InstrumentKind, Symbol


def inst_id(symbol: Symbol) -> str:
    """The venue's id of a spot pair or a perpetual swap; UsageError for anything else."""
    if symbol.kind is InstrumentKind.SPOT:
        return f"{symbol.base}-{symbol.quote}"
    if symbol.kind is InstrumentKind.PERPETUAL:
        return f"{symbol.base}-{symbol.quote}-SWAP"
    raise UsageError(
        "okx.symbol",
        f"{symbol} is neither a spot pair nor a perpetual swap of OKX",
        hint="write OKX:BTC/USDT or OKX:BTC/USDT:USDT",
    )


def inst_type(symbol: Symbol) -> str:
    return "SPOT" if symbol.kind is InstrumentKind.SPOT else "SWAP"
