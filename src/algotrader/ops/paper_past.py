"""What a journal tells of a paper account's past, as its venue lived through it.

A bar's fills are written before its slice. A kill between the two leaves fills of a bar that the
journal does not have: the lake has it, and the venue is brought over it at the next start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from algotrader.core.errors import RunError
from algotrader.core.events import (
    BarClosed,
    Event,
    FundingPaid,
    Liquidated,
    OrderFilled,
    SliceClosed,
)
from algotrader.core.instants import utc_ms
from algotrader.data.rows import stamp_text
from algotrader.engine.slices import Slice, slices_of
from algotrader.execution.paper import PaperVenue
from algotrader.execution.paper_broker import HISTORY
from algotrader.ops.desk import DeskAccount

OF_ROWS: Final = (SliceClosed, OrderFilled, FundingPaid, Liquidated)
PAST: Final = (*HISTORY, FundingPaid, OrderFilled, Liquidated)


def row_cut_short(events: Iterable[Event], account: DeskAccount) -> int | None:
    """Open of a bar that filled or settled something whose slice nobody wrote; else None."""
    row: int | None = None
    own = str(account.market.bars.timeframe)  # of the bars that fill its orders
    for event in events:
        match event:
            case SliceClosed() if event.timeframe == own:
                row = None
            case OrderFilled() if event.fill.account == account.name:
                row = utc_ms(event.fill.filled_at)
            case FundingPaid() | Liquidated() if event.account == account.name:
                row = event.ts_event
            case _:
                pass
    return row


def slice_of(account: DeskAccount, ts: int) -> Slice:
    """The bars that opened at `ts`, as the lake has them. RunError if it does not."""
    bars = account.market.bars
    row = int(np.searchsorted(bars.ts, ts))
    if row == len(bars) or int(bars.ts[row]) != ts:
        raise RunError(
            "trading.bars_missing",
            f"account {account.name}: its orders filled on bars of {stamp_text(ts)} that are not "
            "in the lake",
            hint=f"algotrader data download {bars.symbols[0]} --timeframe {bars.timeframe}",
        )
    return next(slices_of(bars, first=row))


def is_own(bar: BarClosed, account: DeskAccount) -> bool:
    bars = account.market.bars
    is_of_frame = bar.timeframe == str(bars.timeframe)
    return is_of_frame and bar.instrument in bars.symbols and not bar.is_late


def as_it_was(account: DeskAccount, events: Iterable[Event], venue: PaperVenue) -> Iterator[Event]:
    """The events as the venue lived through them.

    Each funding rate is told to it before the bar that it was settled in. A row that filled orders,
    and whose slice a kill kept from being written, is put back in its place.
    """
    row: int | None = None
    own = str(account.market.bars.timeframe)
    for event in events:
        match event:
            case FundingPaid() if event.account == account.name:
                venue.settle(event.instrument, event.ts_event, float(event.rate))
                row = event.ts_event
            case OrderFilled() if event.fill.account == account.name:
                row = utc_ms(event.fill.filled_at)
            case Liquidated() if event.account == account.name:
                row = event.ts_event
            case BarClosed() if row is not None and is_own(event, account) and event.ts > row:
                yield from slice_of(account, row).events
                row = None
            case SliceClosed() if event.timeframe == own:
                row = None
            case _:
                pass
        yield event
