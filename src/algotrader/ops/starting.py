"""A start goes into the journal with the code and settings it trades with (F63)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from algotrader import __version__
from algotrader.core.errors import ConfigurationError
from algotrader.core.events import RunStarted
from algotrader.core.ids import AccountId
from algotrader.engine.state import EngineState
from algotrader.live.journal.journal import Journal
from algotrader.live.steps import Steps
from algotrader.ops.by_hand import holding, no_longer_fitting
from algotrader.ops.desk import Desk
from algotrader.ops.settings_text import deciding, differences, sentence

Accept = Callable[[Sequence[str]], str | None]
"""Asked with what changed while positions are open; who lets the start go on, None if nobody."""
_SHOWN: Final = 8


def accept_none(_: Sequence[str]) -> None:
    """Nobody is there to ask."""


def record_start(
    desk: Desk, journal: Journal, steps: Steps, now_ms: int, accept: Accept = accept_none
) -> None:
    """To be called once, after the journal was folded and before anything is sent.

    ConfigurationError if code or settings are others than before while positions or orders are
    open, and nobody accepts that. A replay, of which everything can be had again, only tells it.
    """
    state = steps.engine.state
    for event in no_longer_fitting(desk, state, now_ms):
        steps.take(event)
    held = holding(desk, state)
    mode = desk.configuration.settings.trading.mode
    changes = tuple(_changes(held, state)) if is_exposed(state) else ()
    accepted_by = accept(changes) if changes else None
    if changes and accepted_by is None and not _is_replay(desk):
        raise _unaccepted(changes)
    steps.take(
        RunStarted(
            ts_event=now_ms,
            ts_known=now_ms,
            run_id=journal.run_id,
            execution=mode,
            configuration_hash=desk.configuration_hash,
            software=__version__,
            settings=deciding(held.configuration.settings, held.risk()),
            sources={one.name: one.source_hash for one in desk.strategies},
            changes=changes,
            accepted_by=accepted_by,
        )
    )
    journal.record_start(config_hash=desk.configuration_hash, now_ms=now_ms)


def is_exposed(state: EngineState, account: AccountId | None = None) -> bool:
    """Whether something is held or may still trade: of one account, or of any."""
    held = any(
        books.whole.position(symbol).quantity != Decimal(0)
        for name, books in state.books.items()
        if account in (None, name)
        for symbol in books.whole.contracts
    )
    return held or any(True for _ in state.orders.open(account))


def _changes(desk: Desk, state: EngineState) -> Iterator[str]:
    before = state.inforce
    if not before.settings:
        return  # no start before that told them
    if before.software != __version__:
        yield f"algotrader: {__version__}, was {before.software}"
    for one in desk.strategies:
        if before.sources.get(one.name, one.source_hash) != one.source_hash:
            yield f"the code of strategy {one.name}"
    after = deciding(desk.configuration.settings, desk.risk())
    yield from (sentence(change) for change in differences(before.settings, after))


def _is_replay(desk: Desk) -> bool:
    trading = desk.configuration.settings.trading
    return (trading.mode, trading.data) == ("paper", "replay")


def _unaccepted(changes: Sequence[str]) -> ConfigurationError:
    shown = "; ".join(changes[:_SHOWN]) + ("; …" if len(changes) > _SHOWN else "")
    return ConfigurationError(
        "trading.changed",
        f"positions or orders are open, and since the last start this changed: {shown}",
        hint="if that is meant: algotrader trade --accept-changes",
    )
