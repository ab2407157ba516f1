"""Quotes, public trades and books of OKX by stream."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from algotrader.core.instants import utc_ms
from algotrader.core.orders import Side
from algotrader.core.ports import Clock
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.book import BookBrokenError, OkxBook
from algotrader.data.adapters.okx.names import inst_id, symbol_of
from algotrader.data.adapters.okx.rest import NoAnswerError, OkxRest
from algotrader.data.adapters.okx.streams import Arg, Lost, OkxStreams, Opened, Pushed
from algotrader.data.quotes import BookView, Interrupted, PublicTrade, Quote

log = logging.getLogger(__name__)

QUOTES: Final = "bbo-tbt"
TRADES: Final = "trades"
BOOKS: Final = "books"
_REMEMBERED: Final = 5_000  # trades of each instrument that are told but once
_RECENT: Final = "500"  # trades that are asked for after a gap
_ROW_ERRORS: Final = (KeyError, IndexError, TypeError, ValueError, InvalidOperation)


class OkxMarketFeed:
    """The `MarketFeed` port on OKX. Needs no keys."""

    def __init__(self, rest: OkxRest, streams: OkxStreams, clock: Clock) -> None:
        self._rest = rest
        self._streams = streams
        self._clock = clock

    async def quotes(self, instruments: Sequence[Symbol]) -> AsyncIterator[Quote | Interrupted]:
        """Best bid and ask at each change. An older one that overtook a newer is left out."""
        newest: dict[str, int] = {}
        async for heard in self._streams.follow("public", _args(QUOTES, instruments)):
            match heard:
                case Pushed():
                    for row in heard.rows:
                        quote = read_quote(row, heard.inst_id, self._now_ms())
                        if quote is not None and quote.ts >= newest.get(heard.inst_id, 0):
                            newest[heard.inst_id] = quote.ts
                            yield quote
                case Lost():
                    yield Interrupted(reason=heard.reason)

    async def ask_quote(self, instrument: Symbol) -> Quote | None:
        """The best prices by REST; None where the venue does not answer, or quotes one side."""
        try:
            answer = await self._rest.get(
                "market/books", {"instId": inst_id(instrument), "sz": "1"}
            )
        except NoAnswerError:
            return None
        if not answer.is_ok:
            return None
        return read_quote(answer.row, inst_id(instrument), self._now_ms())

    async def trades(
        self, instruments: Sequence[Symbol]
    ) -> AsyncIterator[PublicTrade | Interrupted]:
        """Each trade once; after a gap those that the venue still lists are told first."""
        seen = {inst_id(symbol): _Seen() for symbol in instruments}
        had_gap = False
        async for heard in self._streams.follow("public", _args(TRADES, instruments)):
            match heard:
                case Opened() if had_gap:
                    for name in seen:
                        for trade in self._new(await self._listed(name), name, seen[name]):
                            yield trade
                case Pushed() if heard.inst_id in seen:
                    for trade in self._new(heard.rows, heard.inst_id, seen[heard.inst_id]):
                        yield trade
                case Lost():
                    had_gap = True
                    yield Interrupted(reason=heard.reason)
                case _:
                    pass

    async def books(
        self, instruments: Sequence[Symbol], *, depth: int = 25
    ) -> AsyncIterator[BookView | Interrupted]:
        """Whole books after each change. A broken one is dropped and subscribed to anew."""
        failures = 0
        while True:
            kept = {inst_id(symbol): OkxBook() for symbol in instruments}
            stream = self._streams.follow("public", _args(BOOKS, instruments))
            async with aclosing(stream):
                async for heard in stream:
                    if isinstance(heard, Lost):
                        kept = {name: OkxBook() for name in kept}
                        yield Interrupted(reason=heard.reason)
                    if not isinstance(heard, Pushed) or heard.inst_id not in kept:
                        continue
                    try:
                        view = self._applied(kept[heard.inst_id], heard, depth)
                    except BookBrokenError as error:
                        log.warning("the book of %s broke: %s", heard.inst_id, error)
                        yield Interrupted(reason=f"{heard.inst_id}: {error}")
                        break
                    failures = 0
                    yield view
            await self._streams.pause(failures)
            failures += 1

    def _applied(self, book: OkxBook, pushed: Pushed, depth: int) -> BookView:
        for row in pushed.rows:
            book.apply(pushed.action, row)
        symbol = symbol_of(pushed.inst_id)
        if symbol is None:
            raise BookBrokenError(f"{pushed.inst_id} is nothing we trade")
        return BookView(
            instrument=symbol,
            bids=book.best("bids", depth),
            asks=book.best("asks", depth),
            ts=book.ts,
            known_ms=self._now_ms(),
        )

    def _new(self, rows: Sequence[Any], name: str, seen: _Seen) -> list[PublicTrade]:
        new = []
        for row in rows:
            trade = read_trade(row, name, self._now_ms())
            if trade is not None and seen.is_new(trade.trade_id):
                seen.add_matches(trade.trade_id, row.get("count"))
                new.append(trade)
        return new

    async def _listed(self, name: str) -> Sequence[Any]:
        """Recent trades, the oldest first; none where the venue does not answer."""
        try:
            answer = await self._rest.get("market/trades", {"instId": name, "limit": _RECENT})
        except NoAnswerError as error:
            log.warning("trades of %s could not be asked for: %s", name, error)
            return ()
        return answer.rows[::-1] if answer.is_ok else ()

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())


class _Seen:
    """Ids that were told, as many as are remembered."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._ids: set[str] = set()

    def is_new(self, name: str) -> bool:
        if name in self._ids:
            return False
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > _REMEMBERED:
            self._ids.discard(self._order.popleft())
        return True

    def add_matches(self, last: str, count: Any) -> None:
        """A push is what one order took at one price, named by the last of `count` matches; the
        list of recent trades has each of them, and together they are what was told already."""
        if last.isdecimal() and str(count or "").isdecimal():
            for back in range(1, min(int(count), _REMEMBERED)):
                self.is_new(str(int(last) - back))


def read_quote(row: Any, name: str, now_ms: int) -> Quote | None:
    """A push of `bbo-tbt`; None for one that has not both sides, or cannot be read."""
    symbol = symbol_of(name)
    try:
        (bid, bid_quantity), (ask, ask_quantity) = row["bids"][0][:2], row["asks"][0][:2]
        quote = Quote(
            instrument=symbol, bid=Decimal(bid), bid_quantity=Decimal(bid_quantity),
            ask=Decimal(ask), ask_quantity=Decimal(ask_quantity), ts=int(row["ts"]),
            known_ms=now_ms,
        ) if symbol is not None else None  # fmt: skip
    except _ROW_ERRORS:
        return None
    is_sound = quote is not None and Decimal(0) < quote.bid < quote.ask
    return quote if is_sound else None


def read_trade(row: Any, name: str, now_ms: int) -> PublicTrade | None:
    """A push of `trades`, or a row of `market/trades`; None for what cannot be read."""
    symbol = symbol_of(name)
    if symbol is None:
        return None
    try:
        return PublicTrade(
            instrument=symbol, trade_id=str(row["tradeId"]), side=Side(str(row["side"])),
            price=Decimal(row["px"]), quantity=Decimal(row["sz"]), ts=int(row["ts"]),
            known_ms=now_ms,
        )  # fmt: skip
    except _ROW_ERRORS as error:
        log.warning("a trade of %s cannot be read: %r", name, error)
        return None


def _args(channel: str, instruments: Sequence[Symbol]) -> list[Arg]:
    return [{"channel": channel, "instId": inst_id(symbol)} for symbol in instruments]
