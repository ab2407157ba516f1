"""How fresh prices are: the newest best prices, and which instruments have fallen silent (F20).

A fold of events, a part of the engine's state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from algotrader.core.errors import UsageError
from algotrader.core.events import BarClosed, HeartbeatMissed, QuoteSeen
from algotrader.core.symbols import Symbol
from algotrader.risk.exposure import Quote

BARS: Final = "bars:"
QUOTES: Final = "quotes:"


class Freshness:
    """Changed by the methods below alone, as events tell."""

    def __init__(self, max_quote_age_ms: int | None) -> None:
        self._max_quote_age_ms = max_quote_age_ms
        self.quotes: dict[Symbol, Quote] = {}
        self.silent: dict[Symbol, str] = {}  # what it is that has not come: `bars:`, `quotes:`

    def seen(self, event: QuoteSeen) -> None:
        self.quotes[event.instrument] = Quote(bid=event.bid, ask=event.ask, at_ms=event.ts_known)
        if self.silent.get(event.instrument) == QUOTES:
            del self.silent[event.instrument]

    def closed(self, event: BarClosed) -> None:
        """A bar that came in time ends the silence of bars."""
        if self.silent and not event.is_late and self.silent.get(event.instrument) == BARS:
            del self.silent[event.instrument]

    def missed(self, event: HeartbeatMissed) -> Symbol | None:
        """The instrument that is frozen now, if the event is of one."""
        for kind in (BARS, QUOTES):
            symbol = named(event.component, kind)
            if symbol is not None:
                self.silent.setdefault(symbol, kind)
                return symbol
        return None

    def is_stale(self, symbol: Symbol, now_ms: int) -> bool:
        """Whether nothing may be priced by what is known of it."""
        if symbol in self.silent:
            return True
        if self._max_quote_age_ms is None:
            return False
        quote = self.quotes.get(symbol)
        return quote is None or now_ms - quote.at_ms > self._max_quote_age_ms

    def stale(self, symbols: Mapping[Symbol, object], now_ms: int) -> frozenset[Symbol]:
        """Those of some instruments that are stale; nothing is looked at where none can be."""
        if not self.silent and self._max_quote_age_ms is None:
            return frozenset()
        return frozenset(symbol for symbol in symbols if self.is_stale(symbol, now_ms))

    def mid(self, symbol: Symbol) -> float | None:
        """Between the best prices, None where none is known."""
        quote = self.quotes.get(symbol)
        return None if quote is None else float((quote.bid + quote.ask) / 2)


def named(component: str, kind: str) -> Symbol | None:
    """The instrument in `bars:OKX:BTC/USDT 1h` or `quotes:OKX:BTC/USDT`; None for anything else."""
    if not component.startswith(kind):
        return None
    try:
        return Symbol.parse(component.removeprefix(kind).rsplit(" ", 1)[0])
    except UsageError:
        return None
