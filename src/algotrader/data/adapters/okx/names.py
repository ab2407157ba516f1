"""OKX's names for what we trade: `BTC-USDT`, `BTC-USDT-SWAP`, `BTC-USD-SWAP`."""

from __future__ import annotations

from algotrader.core.errors import UsageError
from algotrader.core.symbols import InstrumentKind, Symbol

_SWAP = "SWAP"


def inst_id(symbol: Symbol) -> str:
    """The venue's id of a spot pair or a perpetual swap; UsageError for anything else."""
    if symbol.kind is InstrumentKind.SPOT:
        return f"{symbol.base}-{symbol.quote}"
    # The id does not say what a swap settles in: OKX:BTC/USD:USD is not BTC-USD-SWAP, which pays
    # in BTC and counts in dollars.
    if symbol.kind is InstrumentKind.PERPETUAL and symbol.settle == _settle(
        symbol.base, symbol.quote
    ):
        return f"{symbol.base}-{symbol.quote}-{_SWAP}"
    raise UsageError(
        "okx.symbol",
        f"{symbol} is neither a spot pair nor a perpetual swap that is traded on OKX",
        hint="write OKX:BTC/USDT, OKX:BTC/USDT:USDT or OKX:BTC/USD:BTC",
    )


def inst_type(symbol: Symbol) -> str:
    return "SPOT" if symbol.kind is InstrumentKind.SPOT else _SWAP


def inst_family(symbol: Symbol) -> str:
    """What the tiers of a swap are asked by: `BTC-USDT`."""
    return f"{symbol.base}-{symbol.quote}"


def symbol_of(named: str) -> Symbol | None:
    """What an id of the venue stands for; None for what we do not trade: options, futures, and
    names that no symbol has, such as `BTC-USD_UM-SWAP`. They stand in every list of the venue."""
    match named.split("-"):
        case [base, quote]:
            code = f"{base}/{quote}"
        case [base, quote, kind] if kind == _SWAP:
            code = f"{base}/{quote}:{_settle(base, quote)}"
        case _:
            return None
    try:
        return Symbol.parse(f"OKX:{code}")
    except UsageError:
        return None


def _settle(base: str | None, quote: str | None) -> str | None:
    """What a swap is paid in: contracts in USD settle in their coin."""
    return base if quote == "USD" else quote
