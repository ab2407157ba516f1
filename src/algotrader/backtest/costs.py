"""What trading costs where nobody has said: the venue's own fees, and fees given by hand.

Rates are each venue's published schedule for its lowest tier; they are a default, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from algotrader.core.errors import UsageError
from algotrader.core.instruments import FeeCurrency, FeeSchedule, Instrument, SlippageModel
from algotrader.core.symbols import FILE_VENUE, InstrumentKind
from algotrader.core.units import parse_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCosts:
    """Fees and slippage of one kind of instrument on one venue."""

    fees: FeeSchedule
    slippage: SlippageModel


def _rates(
    maker: str,
    taker: str,
    slippage: str,
    source: str,
    *,
    minimum: str = "0",
    fee_in: FeeCurrency = FeeCurrency.QUOTE,
) -> VenueCosts:
    return VenueCosts(
        fees=FeeSchedule(
            maker=Decimal(maker),
            taker=Decimal(taker),
            minimum=Decimal(minimum),
            fee_in=fee_in,
            source=source,
        ),
        slippage=SlippageModel(half_spread_bps=Decimal(slippage)),
    )


_BY_VENUE: dict[tuple[str, InstrumentKind], VenueCosts] = {
    ("OKX", InstrumentKind.SPOT): _rates(
        "0.0008", "0.0010", "1", "OKX spot, regular user level 1", fee_in=FeeCurrency.RECEIVED
    ),
    ("OKX", InstrumentKind.PERPETUAL): _rates(
        "0.0002", "0.0005", "1", "OKX perpetuals, regular user level 1"
    ),
    ("BINANCE", InstrumentKind.SPOT): _rates(
        "0.0010", "0.0010", "1", "Binance spot, regular user", fee_in=FeeCurrency.RECEIVED
    ),
    ("BINANCE", InstrumentKind.PERPETUAL): _rates(
        "0.0002", "0.0005", "1", "Binance USD-M, regular user"
    ),
    ("US", InstrumentKind.EQUITY): _rates(
        "0.0001", "0.0001", "2", "US shares: 1 bp of notional, at least 1 USD an order", minimum="1"
    ),
}
_LARGEST_REBATE = Decimal("0.01")  # no venue pays more; beyond it is a slip of the hand
_ELSEWHERE = _rates("0.0010", "0.0010", "2", "venue unknown: 10 bps, a careful guess")


def venue_costs(venue: str, kind: InstrumentKind) -> VenueCosts:
    """The default costs of a venue; where it is unknown (`FILE:`), a careful guess."""
    return _BY_VENUE.get((venue, kind), _ELSEWHERE)


def with_costs(instrument: Instrument, fees: str, slippage_bps: float | None) -> Instrument:
    """The instrument as a run trades it: `venue`, `10bps`, `maker=2bps,taker=5bps` or `0`.

    Fees by hand are a fraction of notional in quote currency. UsageError says what is understood.
    """
    default = venue_costs(instrument.symbol.venue, instrument.kind)
    declared = instrument.fees.taker != 0 or instrument.fees.maker != 0
    schedule = (
        (instrument.fees if declared else default.fees) if fees == "venue" else _by_hand(fees)
    )
    if slippage_bps is not None:
        slippage = SlippageModel(bps=Decimal(repr(slippage_bps)))
    elif instrument.symbol.venue == FILE_VENUE or instrument.slippage == SlippageModel():
        slippage = default.slippage
    else:
        slippage = instrument.slippage
    return replace(instrument, fees=schedule, slippage=slippage)


def _by_hand(text: str) -> FeeSchedule:
    schedule = _read(text)
    if min(schedule.maker, schedule.taker) < -_LARGEST_REBATE:
        raise _unreadable(text)
    return schedule


def _read(text: str) -> FeeSchedule:
    parts = [part.strip() for part in text.split(",")]
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    try:
        if not named and len(parts) == 1:
            rate = parse_fraction(parts[0])
            return FeeSchedule(maker=rate, taker=rate, source=f"by hand: {text}")
        if set(named) == {"maker", "taker"} and len(parts) == len(named):
            return FeeSchedule(
                maker=parse_fraction(named["maker"]),
                taker=parse_fraction(named["taker"]),
                source=f"by hand: {text}",
            )
    except ValueError as error:
        raise _unreadable(text) from error
    raise _unreadable(text)


def _unreadable(text: str) -> UsageError:
    return UsageError(
        "backtest.fees",
        f"fees {text!r} cannot be read",
        hint="use venue, 10bps, maker=2bps,taker=5bps, or 0",
    )
