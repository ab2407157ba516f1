"""Quotes over the output bus to ten listeners, as a venue's stream would bring them."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from decimal import Decimal

from algotrader.core.symbols import Symbol
from algotrader.data.quotes import Quote
from algotrader.live.bus import Bus
from algotrader.live.subscription import Message

LISTENERS = 10
INSTRUMENTS = 50
BURST = 20  # quotes that one read of a socket brings


@dataclass(slots=True)
class Listener:
    """Keeps the newest price of each instrument, as a console does."""

    newest: dict[Symbol, Decimal]

    def hear(self, message: Message) -> None:
        if isinstance(message.body, Quote):
            self.newest[message.body.instrument] = message.body.bid


def quotes(count: int) -> list[Quote]:
    """Made before the clock runs: parsing them is the adapter's work."""
    symbols = [Symbol.parse(f"OKX:C{number}/USDT") for number in range(INSTRUMENTS)]
    one = Decimal(1)
    return [
        Quote(
            instrument=symbols[number % INSTRUMENTS], bid=Decimal(number), bid_quantity=one,
            ask=Decimal(number + 1), ask_quantity=one, ts=number, known_ms=number,
        )
        for number in range(count)
    ]  # fmt: skip


async def spread(made: list[Quote]) -> float:
    """Seconds of processor time from the first quote until all listeners have the last ones."""
    bus = Bus()
    listeners = [Listener({}) for _ in range(LISTENERS)]
    for number, listener in enumerate(listeners):
        bus.subscribe(str(number), listener.hear, topics=["market.quote"], quick=True)
    began = time.process_time()
    for first in range(0, len(made), BURST):
        for quote in made[first : first + BURST]:
            bus.quote(quote)
        await asyncio.sleep(0)
    await bus.close()
    seconds = time.process_time() - began
    last = {quote.instrument: quote.bid for quote in made}
    if any(listener.newest != last for listener in listeners):
        raise RuntimeError("a listener does not have the newest quotes")
    return seconds


def measure(count: int) -> dict[str, float]:
    made = quotes(count)
    return {"seconds": asyncio.run(spread(made)), "quotes": count}


if __name__ == "__main__":
    import json

    print(json.dumps(measure(int(sys.argv[1]))))
