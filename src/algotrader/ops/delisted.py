"""What the venue of a paper trader no longer lists, as its start found out (F32).

A trader with orders at a venue looks at the rules of its instruments while it runs. On paper nobody
does; but a start asks for the bars of each, and hears then that one is gone. It is frozen as it
would be there: nothing of it is sent, what is held stays and is shown, the others go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from algotrader.core.events import InstrumentChanged
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.engine.state import EngineState

GONE: Final = "the venue no longer lists it"


def listed_anew(
    state: EngineState, gone: Collection[Symbol] | None, now_ms: int
) -> Iterator[InstrumentChanged]:
    """Freeze what is gone, and let go of what is listed again; nothing if nobody asked (None)."""
    if gone is None:
        return
    for symbol, one in sorted(state.settings.instruments.items()):
        is_gone, why = symbol in gone, state.frozen.get(symbol)
        if (is_gone and why is None) or (not is_gone and why == GONE):
            yield InstrumentChanged(
                ts_event=now_ms, ts_known=now_ms, instrument=symbol, tick=one.tick, lot=one.lot,
                min_quantity=one.min_quantity, multiplier=one.multiplier,
                expires_ms=None if one.expires_at is None else utc_ms(one.expires_at),
                frozen=GONE if is_gone else None, changes=("frozen",),
            )  # fmt: skip
