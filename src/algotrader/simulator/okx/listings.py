"""What the venue lists: instruments under its own names, and the row it shows of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from algotrader.core.errors import UsageError
from algotrader.core.instruments import (
    FeeCurrency,
    FeeSchedule,
    Instrument,
    MarginSchedule,
    MarginTier,
)
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.simulator.okx.numerals import plain

LISTED_MS = 1_548_133_413_000
MAX_LEVERAGE = Decimal(100)


class ListingState(StrEnum):
    """May it be traded? Stored as the venue writes it."""

    LIVE = "live"
    SUSPEND = "suspend"
    PREOPEN = "preopen"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument with what the venue adds to it. Sizes are base units or contracts."""

    instrument: Instrument
    number: int
    state: ListingState = ListingState.LIVE
    max_limit: Decimal = Decimal("9999999999")
    max_market: Decimal = Decimal("1000000")
    expires_ms: int | None = None

    @property
    def inst_id(self) -> str:
        pair = f"{self.instrument.base}-{self.instrument.quote}"
        return pair if self.is_spot else f"{pair}-SWAP"

    @property
    def family(self) -> str:
        return f"{self.instrument.base}-{self.instrument.quote}"

    @property
    def is_spot(self) -> bool:
        return self.instrument.is_spot_like

    @property
    def inst_type(self) -> str:
        return "SPOT" if self.is_spot else "SWAP"

    def changed(self, **values: Any) -> Listing:
        """The listing after its venue changed rules of the instrument or its state."""
        own = {name: values.pop(name) for name in ("state", "expires_ms") if name in values}
        return replace(self, instrument=replace(self.instrument, **values), **own)

    def row(self) -> dict[str, Any]:
        """As `public/instruments` shows it."""
        made = self.instrument
        common: dict[str, Any] = {
            "alias": "", "auctionEndTime": "", "baseCcy": "", "category": "1", "ctMult": "",
            "ctType": "", "ctVal": "", "ctValCcy": "", "expTime": "", "instFamily": "",
            "instId": self.inst_id, "instType": self.inst_type, "lever": "",
            "listTime": str(LISTED_MS), "lotSz": plain(made.lot),
            "maxIcebergSz": plain(self.max_limit), "maxLmtAmt": "20000000",
            "maxLmtSz": plain(self.max_limit), "maxMktAmt": "1000000",
            "maxMktSz": plain(self.max_market), "maxStopSz": plain(self.max_market),
            "maxTriggerSz": plain(self.max_limit), "maxTwapSz": plain(self.max_limit),
            "minSz": plain(made.min_quantity), "optType": "", "quoteCcy": "",
            "ruleType": "normal", "settleCcy": "", "state": str(self.state), "stk": "",
            "tickSz": plain(made.tick), "uly": "",
        }  # fmt: skip
        if self.expires_ms is not None:
            common["expTime"] = str(self.expires_ms)
        if self.is_spot:
            return common | {"baseCcy": made.base, "quoteCcy": made.quote}
        inverse = made.is_inverse
        return common | {
            "contTdSwTime": "", "ctMult": "1", "ctType": "inverse" if inverse else "linear",
            "ctVal": plain(made.multiplier), "ctValCcy": made.quote if inverse else made.base,
            "futureSettlement": False, "instFamily": self.family, "instIdCode": self.number,
            "lever": plain(MAX_LEVERAGE), "maxMktAmt": "", "maxPlatOILmt": "", "openType": "",
            "posLmtAmt": "", "posLmtPct": "", "preMktSwTime": "", "settleCcy": made.settle,
            "tradeQuoteCcyList": [], "uly": self.family,
        }  # fmt: skip


def symbol_of(inst_id: str) -> Symbol:
    """`BTC-USDT` and `BTC-USDT-SWAP` as our symbols. UsageError for any other text."""
    parts = inst_id.split("-")
    if len(parts) == 2:
        return Symbol.parse(f"OKX:{parts[0]}/{parts[1]}")
    if len(parts) == 3 and parts[2] == "SWAP":
        base, quote = parts[:2]
        settle = base if quote == "USD" else quote
        return Symbol.parse(f"OKX:{base}/{quote}:{settle}")
    raise UsageError(
        "simulator.instrument", f"{inst_id!r} is no instrument of the simulated venue",
        hint="write BTC-USDT for spot, BTC-USDT-SWAP or BTC-USD-SWAP for a perpetual",
    )  # fmt: skip


_SPOT_FEES = FeeSchedule(
    maker=Decimal("0.0008"), taker=Decimal("0.001"), fee_in=FeeCurrency.RECEIVED,
    source="okx, regular tier",
)  # fmt: skip
_SWAP_FEES = FeeSchedule(
    maker=Decimal("0.0002"), taker=Decimal("0.0005"), source="okx, regular tier"
)
_TIERS = tuple(
    MarginTier(upper_notional=Decimal(upper), maintenance_rate=Decimal(rate))
    for upper, rate in ((1_000_000, "0.004"), (10_000_000, "0.01"), (100_000_000, "0.05"))
)
_COIN_TIERS = tuple(
    MarginTier(upper_notional=Decimal(upper), maintenance_rate=Decimal(rate))
    for upper, rate in ((20, "0.004"), (200, "0.01"), (2_000, "0.05"))
)


# tick, spot lot, spot minimum, contract size; of what is not here: those of BTC
_STEPS = {
    "BTC": ("0.1", "0.00000001", "0.00001", "0.01"),
    "ETH": ("0.01", "0.000001", "0.0001", "0.1"),
    "SOL": ("0.01", "0.000001", "0.001", "1"),
    "LTC": ("0.01", "0.000001", "0.001", "1"),
    "XRP": ("0.0001", "0.000001", "0.1", "100"),
    "DOGE": ("0.00001", "0.000001", "1", "1000"),
}


def usual_instrument(symbol: Symbol) -> Instrument:
    """Rules like the venue's for a pair, where no others are known."""
    base, quote, settle = symbol.base, symbol.quote, symbol.settle
    if base is None or quote is None or settle is None or symbol.expiry is not None:
        raise UsageError(
            "simulator.instrument", f"{symbol} is neither a spot pair nor a perpetual",
            hint="the simulated venue lists pairs such as OKX:BTC/USDT and OKX:BTC/USDT:USDT",
        )  # fmt: skip
    tick, lot, least, size = (Decimal(text) for text in _STEPS.get(base, _STEPS["BTC"]))
    if symbol.kind is InstrumentKind.SPOT:
        return Instrument(
            symbol=symbol, kind=symbol.kind, base=base, quote=quote, settle=quote,
            tick=tick, lot=lot, min_quantity=least, fees=_SPOT_FEES,
        )  # fmt: skip
    inverse = symbol.is_inverse
    margin = MarginSchedule(
        leverage=Decimal(3), tiers=_COIN_TIERS if inverse else _TIERS,
        liquidation_fee=Decimal("0.0005"),
    )  # fmt: skip
    return Instrument(
        symbol=symbol, kind=symbol.kind, base=base, quote=quote, settle=settle,
        tick=tick, lot=Decimal(1) if inverse else Decimal("0.01"),
        min_quantity=Decimal(1) if inverse else Decimal("0.01"),
        multiplier=Decimal(100 if base == "BTC" else 10) if inverse else size,
        fees=_SWAP_FEES, margin=margin,
    )  # fmt: skip
