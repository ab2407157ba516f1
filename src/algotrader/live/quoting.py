"""Best prices for the engine: of each instrument the newest, told before what is decided on it.

A venue quotes many times a second, and the engine decides once a bar. So quotes are kept here, and
only the newest goes into the journal, in the same step and before the event that may use it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

from algotrader.core.events import (
    BarClosed,
    CashMoved,
    Event,
    FundingPaid,
    HeartbeatMissed,
    OrderAccepted,
    QuoteSeen,
    TimerFired,
)
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.data.quotes import Interrupted, Quote
from algotrader.engine.freshness import QUOTES
from algotrader.engine.step import LOOK_UP

log = logging.getLogger(__name__)

QUOTE_AGE_MS: Final = 60_000
"""Best prices older than this price nothing (F20)."""
_ASK_AFTER_MS: Final = 20_000  # a quiet market quotes nothing new: it is asked
_LOOK_S: Final = 2.0
_LEADS_TO_NOTHING: Final = (BarClosed, OrderAccepted, CashMoved, FundingPaid, HeartbeatMissed)


class QuoteSource(Protocol):
    """Where best prices come from: a stream, and a question for when it says nothing."""

    def quotes(self, instruments: Sequence[Symbol]) -> AsyncIterator[Quote | Interrupted]: ...

    async def ask_quote(self, instrument: Symbol) -> Quote | None: ...


class QuoteBook:
    """The newest quote of each instrument, and which of them the engine has been told."""

    def __init__(
        self, instruments: Iterable[Symbol], publish: Callable[[Quote], None] = lambda _: None
    ) -> None:
        """`publish` is told each quote that is kept: `Bus.quote`."""
        self.instruments = tuple(sorted(instruments))
        self._publish = publish
        self._newest: dict[Symbol, Quote] = {}
        self._told: dict[Symbol, int] = {}
        self._silent: set[Symbol] = set()

    def hear(self, quote: Quote) -> None:
        """Keep it, unless a newer one is known."""
        known = self._newest.get(quote.instrument)
        if known is None or quote.ts >= known.ts:
            self._newest[quote.instrument] = quote
            self._publish(quote)

    def before(self, event: Event) -> list[QuoteSeen]:
        """What the engine is to be told before an event that may lead to orders."""
        if isinstance(event, _LEADS_TO_NOTHING) or _is_look_up(event):
            return []
        told = []
        for symbol in self.instruments:
            quote = self._newest.get(symbol)
            if quote is None or self._told.get(symbol) == quote.known_ms:
                continue
            self._told[symbol] = quote.known_ms
            told.append(
                QuoteSeen(
                    ts_event=quote.ts, ts_known=quote.known_ms, instrument=symbol,
                    bid=quote.bid, ask=quote.ask,
                )
            )  # fmt: skip
        return told

    def is_complete(self) -> bool:
        return len(self._newest) == len(self.instruments)

    def age_ms(self, symbol: Symbol, now_ms: int) -> int | None:
        """How long ago its newest quote came; None if none ever did."""
        quote = self._newest.get(symbol)
        return None if quote is None else now_ms - quote.known_ms

    def silent(self, now_ms: int, since_ms: int) -> list[HeartbeatMissed]:
        """Instruments without a quote for too long, each told once until one comes."""
        told = []
        for symbol in self.instruments:
            age_ms = self.age_ms(symbol, now_ms)
            if (now_ms - since_ms if age_ms is None else age_ms) <= QUOTE_AGE_MS:
                self._silent.discard(symbol)
            elif symbol not in self._silent:
                self._silent.add(symbol)
                told.append(
                    HeartbeatMissed(
                        ts_event=now_ms, ts_known=now_ms, component=f"{QUOTES}{symbol}",
                        last_seen_ms=None if age_ms is None else now_ms - age_ms,
                        allowed_ms=QUOTE_AGE_MS,
                    )
                )  # fmt: skip
        return told


async def follow_quotes(
    book: QuoteBook,
    source: QuoteSource,
    clock: Clock,
    tell: Callable[[Event], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep the book, for ever; what falls silent is asked for, and then told."""

    async def listen() -> None:
        async for heard in source.quotes(book.instruments):
            if isinstance(heard, Quote):
                book.hear(heard)

    async def watch() -> None:
        since_ms = utc_ms(clock.now())
        while True:
            await sleep(_LOOK_S)
            for symbol in book.instruments:
                age_ms = book.age_ms(symbol, utc_ms(clock.now()))
                if age_ms is None or age_ms > _ASK_AFTER_MS:
                    quote = await source.ask_quote(symbol)
                    if quote is not None:
                        book.hear(quote)
            for missed in book.silent(utc_ms(clock.now()), since_ms):
                tell(missed)

    async with asyncio.TaskGroup() as both:
        both.create_task(listen())
        both.create_task(watch())


async def first_quotes(book: QuoteBook, *, patience_s: float = 10.0) -> None:
    """Wait until each instrument is quoted, not longer than `patience_s`: then it is frozen (F20)."""
    try:
        async with asyncio.timeout(patience_s):
            while not book.is_complete():
                await asyncio.sleep(0.05)
    except TimeoutError:
        log.warning("not every instrument is quoted after %s s", patience_s)


def _is_look_up(event: Event) -> bool:
    return isinstance(event, TimerFired) and event.name.startswith(LOOK_UP)
