"""The annunciator row: what must be well for trading to be well, each thing known or said unknown.

A lamp tells from what this process can read: the journal, the trader's figures, the live store,
the outbox, the disk. What none of them knows is `unknown` with the reason, never `well`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.api.guards import Cover, cover_of
from algotrader.api.models.desk import Lamp
from algotrader.api.serving import Serving, has_own_clock, is_live
from algotrader.core.events import TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.venue_clock import SHOWN_MS
from algotrader.data.live_bars import STALE_BARS
from algotrader.data.live_store import FILE, LiveStore
from algotrader.engine.protected import Place
from algotrader.engine.state import EngineState
from algotrader.live.comparing import BY as RECOVERY
from algotrader.live.comparing import SILENCE
from algotrader.ops.config import Configuration
from algotrader.ops.health import LOW_DISK_BYTES
from algotrader.ops.notification.wiring import notification_folder, outbox_of
from algotrader.ops.observing.summary import Summary, read_summary, state_of

_GRACE_MS: Final = 15_000  # a bar is told so long after its close at the latest
_UNSENT_MS: Final = 120_000
_FEED: Final = "feed: no bars of "


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What files and the disk say."""

    summary: Summary | None
    silent: tuple[tuple[str, str], ...]  # sources of the live store that stopped, and why
    disk: Lamp
    notifier: Lamp


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the lamps are told from."""

    serving: Serving
    state: EngineState | None
    summary: Summary | None
    silent: tuple[tuple[str, str], ...]
    now_ms: int

    @property
    def runs(self) -> bool:
        return self.summary is not None and state_of(self.summary) != "not running"

    @property
    def has_own_clock(self) -> bool:
        return has_own_clock(self.serving.configuration)

    @property
    def is_live(self) -> bool:
        return is_live(self.serving.configuration)


def read_files(serving: Serving) -> Files:
    """Not for the event loop, which it would hold up."""
    configuration, now_ms = serving.configuration, utc_ms(serving.clock.now())
    return Files(
        summary=read_summary(configuration.path(configuration.settings.workspace.logs)),
        silent=_silent_sources(configuration),
        disk=_disk(configuration),
        notifier=_notifier(configuration, now_ms),
    )


def lamps_of(serving: Serving, state: EngineState | None, files: Files) -> list[Lamp]:
    """Every lamp, in the order in which they stand. In the event loop, where the state changes:
    from a thread it would be read while it is half changed."""
    seen = _Seen(
        serving=serving, state=state, summary=files.summary, silent=files.silent,
        now_ms=utc_ms(serving.clock.now()),
    )  # fmt: skip
    return [
        _trader(seen), *_feeds(seen), _clock(seen), _journal(seen), _reconciled(seen), _stops(seen),
        files.disk, files.notifier, *_venues(seen),
    ]  # fmt: skip


def _trader(seen: _Seen) -> Lamp:
    summary = seen.summary
    if summary is None:
        return Lamp(lamp="trader", state="unknown", reason="never_ran")
    state = state_of(summary)
    if state == "silent":
        return Lamp(lamp="trader", state="wrong", reason="silent", at=summary.written_ms)
    if state == "not running":
        died = not summary.ended
        left = seen.is_live and seen.state is not None and any(_held(seen.state))
        reason = "died" if died else "left_positions" if left else "ended"
        state = "wrong" if died or left else "unknown"
        return Lamp(lamp="trader", state=state, reason=reason, at=summary.written_ms)
    if summary.reasons:
        says = "; ".join(summary.reasons)
        return Lamp(lamp="trader", state="wrong", reason="refuses", says=says)
    return Lamp(lamp="trader", state="well", reason="running", at=summary.started_ms)


def _feeds(seen: _Seen) -> Iterator[Lamp]:
    """One for each venue of what is traded: how long ago its newest bars came."""
    at = _told_at(seen, "SliceClosed")
    if not seen.is_live:
        last = None if seen.state is None else _last_decision(seen.state)
        known = "replay" if last is not None else "no_bar"
        yield Lamp(lamp="feed", subject="replay", reason=known, at=last,
                   state="unknown" if last is None else "well")  # fmt: skip
        return
    frames: dict[str, list[Timeframe]] = {}
    for one in seen.serving.configuration.settings.strategies.values():
        for symbol in one.symbols:
            frames.setdefault(Symbol.parse(symbol).venue, []).append(Timeframe.parse(one.timeframe))
    for venue in sorted(frames):
        yield _feed(seen, venue, min(frames[venue], key=lambda frame: frame.ms), at)


def _feed(seen: _Seen, venue: str, frame: Timeframe, at: int | None) -> Lamp:
    allowed_ms = STALE_BARS * frame.ms + _GRACE_MS
    made = Lamp(lamp="feed", subject=venue, state="well", reason="delivers", at=at, of=allowed_ms)
    silent = _silent_parts(seen, venue)
    if silent:
        return made.model_copy(update={"state": "wrong", "reason": "silent", "says": silent})
    if at is None:
        return made.model_copy(update={"state": "unknown", "reason": "no_bar"})
    if seen.now_ms - at > allowed_ms:
        return made.model_copy(update={"state": "wrong", "reason": "stale"})
    return (
        made if seen.runs else made.model_copy(update={"state": "unknown", "reason": "no_trader"})
    )


def _silent_parts(seen: _Seen, venue: str) -> str | None:
    """Instruments of a venue whose bars stopped, as the trader and the collector say."""
    reasons = () if seen.summary is None or not seen.runs else seen.summary.reasons
    found = [one.removeprefix(_FEED) for one in reasons if one.startswith(f"{_FEED}{venue}:")]
    found += [f"{name.partition(':')[2]}: {says}" for name, says in seen.silent
              if f":{venue}:" in f":{name}"]  # fmt: skip
    return "; ".join(found) or None


def _silent_sources(configuration: Configuration) -> tuple[tuple[str, str], ...]:
    folder = configuration.path(configuration.settings.workspace.live)
    if not is_live(configuration) or not (folder / FILE).is_file():
        return ()
    store = LiveStore(folder)
    try:
        return tuple((one.name, one.says) for one in store.sources() if not one.is_alive)
    finally:
        store.close()


def _clock(seen: _Seen) -> Lamp:
    """The venue's clock less ours, as the trader measured it."""
    if seen.summary is None or not seen.runs:
        return Lamp(lamp="clock", state="unknown", reason="no_trader")
    if not seen.summary.offsets_ms:
        reason = "not_measured" if seen.is_live else "replay"
        return Lamp(lamp="clock", state="unknown", reason=reason)
    if seen.has_own_clock:
        return Lamp(lamp="clock", state="well", reason="own")
    venue, offset = max(seen.summary.offsets_ms.items(), key=lambda pair: abs(pair[1]))
    off = abs(offset) > SHOWN_MS
    return Lamp(lamp="clock", subject=venue, state="wrong" if off else "well", value=offset,
                reason="off" if off else "fine", of=SHOWN_MS)  # fmt: skip


def _journal(seen: _Seen) -> Lamp:
    """What waits to be written; what was lost on the way to those who listen."""
    if seen.state is None:
        return Lamp(lamp="journal", state="unknown", reason="never_ran")
    queues = seen.summary.queues if seen.summary is not None and seen.runs else {}
    lost = sum(queue.dropped for queue in queues.values())
    if lost:
        return Lamp(lamp="journal", state="wrong", reason="dropped", value=lost)
    waiting = queues["trader"].depth if "trader" in queues else None
    reason = "behind" if waiting is not None else "ended"
    return Lamp(lamp="journal", state="well", reason=reason, value=waiting,
                of=seen.serving.view.seq)  # fmt: skip


def _reconciled(seen: _Seen) -> Lamp:
    """Whether the books are what the venue holds."""
    state = seen.state
    if state is None:
        return Lamp(lamp="reconciled", state="unknown", reason="never_ran")
    for account in sorted(state.modes):
        if state.modes[account] is TradingMode.STARTING:
            found = "comparing" if seen.runs else "never_compared"
            how = "wrong" if seen.runs else "unknown"
            return Lamp(lamp="reconciled", subject=account, state=how, reason=found)
        limited = state.modes[account] is not TradingMode.TRADING
        if limited and state.mode_by.get(account) == RECOVERY:
            return Lamp(lamp="reconciled", subject=account, state="wrong", reason="differs")
    at = _told_at(seen, "ModeChanged")
    if not seen.runs:
        return Lamp(lamp="reconciled", state="unknown", reason="no_trader", at=at)
    return Lamp(lamp="reconciled", state="well", reason="equal", at=at)


def _stops(seen: _Seen) -> Lamp:
    """Positions whose stops cover all that is held, of those whose strategy wants one."""
    state = seen.state
    if state is None:
        return Lamp(lamp="stops", state="unknown", reason="never_ran")
    covers = {place: cover_of(state, account, place) for account, place in _held(state)}
    needed = {place: cover for place, cover in covers.items() if cover.wanted}
    bare = {place: needed[place] for place in sorted(needed) if needed[place].bare}
    since = [state.protected.bare[place] for place in bare if place in state.protected.bare]
    partly = any(cover.covered for cover in bare.values())
    says = ", ".join(_uncovered(place, cover, partly) for place, cover in bare.items()) or None
    return Lamp(
        lamp="stops", state="wrong" if bare else "well",
        reason="partly" if partly else "missing" if bare else "live",
        value=len(needed) - len(bare), of=len(needed), at=min(since, default=None), says=says,
    )  # fmt: skip


def _uncovered(place: Place, cover: Cover, partly: bool) -> str:
    """Which position, and where some have stops of a part how much has none, of how much."""
    strategy, symbol = place
    name = f"{symbol} ({strategy})"
    return f"{name} {_plain(cover.bare)}/{_plain(cover.wanted)}" if partly else name


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize() + 0:f}"


def _held(state: EngineState) -> Iterator[tuple[AccountId, Place]]:
    for account, book in state.books.items():
        for strategy, part in book.parts.items():
            for symbol in part.contracts:
                if part.position(symbol).quantity:
                    yield account, (strategy, symbol)


def _disk(configuration: Configuration) -> Lamp:
    """Free room where the workspace is."""
    try:
        free = shutil.disk_usage(configuration.folder).free
    except OSError as error:
        return Lamp(lamp="disk", state="unknown", reason="unreadable", says=error.strerror)
    low = free < LOW_DISK_BYTES
    return Lamp(lamp="disk", state="wrong" if low else "well", reason="low" if low else "free",
                value=free, of=LOW_DISK_BYTES)  # fmt: skip


def _notifier(configuration: Configuration, now_ms: int) -> Lamp:
    """Whether messages wait that should have been sent."""
    channels = configuration.settings.notification.channels
    if not channels:
        return Lamp(lamp="notifier", state="unknown", reason="no_channel")
    named = ", ".join(channels)
    if not notification_folder(configuration).is_dir():
        return Lamp(lamp="notifier", subject=named, state="unknown", reason="never_ran")
    try:
        outbox = outbox_of(configuration)
        waiting = [one for name in channels for one in outbox.waiting(name)]
    except sqlite3.Error as error:
        return Lamp(lamp="notifier", subject=named, state="unknown", reason="unreadable",
                    says=str(error))  # fmt: skip
    oldest = min((one.message.at_ms for one in waiting), default=None)
    late = oldest is not None and now_ms - oldest > _UNSENT_MS
    return Lamp(
        lamp="notifier", subject=named, state="wrong" if late else "well", at=oldest,
        reason="unsent" if late else "sent", value=len(waiting),
    )  # fmt: skip


def _venues(seen: _Seen) -> Iterator[Lamp]:
    """Where orders go: whether it answers."""
    trading = seen.serving.configuration.settings.trading
    if trading.mode == "paper":
        yield Lamp(lamp="venue", subject="paper", state="well", reason="paper")
        return
    state = seen.state
    if state is None or not seen.runs:
        yield Lamp(lamp="venue", state="unknown", reason="no_trader")
        return
    mute = [account for account, by in state.mode_by.items()
            if by == SILENCE and state.modes[account] is not TradingMode.TRADING]  # fmt: skip
    doubt = sum(one.status is OrderStatus.UNKNOWN for one in state.orders.open())
    accept = None if seen.summary is None else seen.summary.accept.p50_ms
    if mute:
        yield Lamp(lamp="venue", subject=", ".join(mute), state="wrong", reason="no_answer")
    elif doubt:
        yield Lamp(lamp="venue", state="wrong", reason="unknown_orders", value=doubt)
    else:
        yield Lamp(lamp="venue", state="well", reason="answers", value=accept)


def _told_at(seen: _Seen, kind: str) -> int | None:
    """When the newest row of a kind was written, UTC ms."""
    rows = seen.serving.view.picked(seen.serving.view.index.newest((kind,), None, 1))
    return rows[0].time_ms if rows else None


def _last_decision(state: EngineState) -> int | None:
    return max((one.decision_ts for one in state.slices.values()), default=None)
