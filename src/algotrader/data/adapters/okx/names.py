"""OKX's names for what we trade: `BTC-USDT`, `BTC-USDT-SWAP`, `BTC-USD-SWAP`."""

from __future__ import annotations

from algotrader.core.errors import UsageError
from algotrader.core.symbols import InstrumentKind, Symbol

_SWAP = "SWAP"


def inst_id(symbol: Symbol) -> str:
    """The venue's id of a spot pair or a perpetual swap; UsageError for anything else."""
    if symbol.kind is InstrumentKind.SPOT:
        return f"{symbol.base}-{symbol.quote}"
    if symbol.kind is InstrumentKind.PERPETUAL:
        return f"{symbol.base}-{symbol.quote}-{_SWAP}"
    raise UsageError(
        "okx.symbol",
        f"{symbol} is neither a spot pair nor a perpetual swap of OKX",
        hint="write OKX:BTC/USDT or OKX:BTC/USDT:USDT",
    )


def inst_type(symbol: Symbol) -> str:
    return "SPOT" if symbol.kind is InstrumentKind.SPOT else _SWAP


def inst_family(symbol: Symbol) -> str:
    """What the tiers of a swap are asked by: `BTC-USDT`."""
    return f"{symbol.base}-{symbol.quote}"


def symbol_of(named: str) -> Symbol | None:
    """What an id of the venue stands for; None for what we do not trade: options, futures."""
    match named.split("-"):
        case [base, quote]:
            return Symbol.parse(f"OKX:{base}/{quote}")
        case [base, quote, kind] if kind == _SWAP:
            settle = base if quote == "USD" else quote  # contracts in USD settle in their coin
            return Symbol.parse(f"OKX:{base}/{quote}:{settle}")
        case _:
            return None
