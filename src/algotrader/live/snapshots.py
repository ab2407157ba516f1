"""Snapshots of the engine's state beside its journal: a start folds only what came after one.

A snapshot is used when it was written by this very build, under these very settings, and stands in
this history: its row has the hash that the chain has. Any other is passed over with a word in the
log, and the journal is folded from an older one or from its first row. So a snapshot can be slow to
miss and never wrong to use.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

import algotrader
from algotrader.core.events import decode_event
from algotrader.engine.image import (
    OWN,
    ImageError,
    differences,
    differences_of,
    image_of,
    state_of,
)
from algotrader.engine.settings import EngineSettings
from algotrader.engine.state import EngineState
from algotrader.live.journal.journal import fitting
from algotrader.live.journal.port import Rows, Snapshot
from algotrader.live.journal.records import PREFIX
from algotrader.live.journal.verifying import read

KIND: Final = "engine"
FORMAT: Final = 1
log = logging.getLogger(__name__)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a snapshot."""

    format: int
    build: str
    image: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """A state, and the row after which it stands."""

    state: EngineState
    seq: int
    folded: int = 0  # events that were folded on top of the snapshot


def body_of(state: EngineState) -> bytes:
    """What is kept of a state."""
    return msgspec.msgpack.encode(_Kept(format=FORMAT, build=build_name(), image=image_of(state)))


def newest_state(rows: Rows, settings: EngineSettings | None = None) -> Stood | None:
    """The newest snapshot that may be used; None if there is none.

    `settings` are those of the engine that will go on; None takes the ones in the snapshot, as
    readers do that only look.
    """
    for snapshot in fitting(rows, KIND):
        try:
            state = _read(snapshot, settings)
        except ImageError as error:
            log.warning("the snapshot after row %d is not used: %s", snapshot.seq, error)
            continue
        return Stood(state=state, seq=snapshot.seq)
    return None


def folded(rows: Rows) -> Stood | None:
    """Where a journal ends, by its newest snapshot and the rows after it; None without one.

    Reads only, also while a trader writes. JournalDamagedError where the chain breaks.
    """
    stood = newest_state(rows)
    if stood is None:
        return None
    seq, count = stood.seq, 0
    for row in read(rows, stood.seq + 1):
        seq = row.seq
        if not row.kind.startswith(PREFIX):
            stood.state.apply(decode_event(row.body))
            count += 1
    return replace(stood, seq=seq, folded=count)


def differing_parts(rows: Rows) -> list[str] | None:
    """The parts of the newest snapshot that its rows do not add up to; None if none is usable."""
    from algotrader.engine.engine import Engine  # who only looks at a state needs none

    stood = newest_state(rows)
    if stood is None:
        return None
    engine = Engine(stood.state.settings)
    for row in read(rows):
        if row.seq > stood.seq:
            break
        if not row.kind.startswith(PREFIX):
            engine.apply(decode_event(row.body))
    return differences(stood.state, engine.state)


def _read(snapshot: Snapshot, settings: EngineSettings | None) -> EngineState:
    try:
        kept = msgspec.msgpack.decode(snapshot.body, type=_Kept)
    except msgspec.MsgspecError as error:
        raise ImageError(f"it is damaged: {error}") from error
    if kept.format != FORMAT or kept.build != build_name():
        raise ImageError("another build of the program wrote it")
    state = state_of(kept.image)
    if settings is not None:
        # The hash covers the whole file, also what decides nothing.
        before = replace(state.settings, configuration_hash=settings.configuration_hash)
        if before != settings and (changed := differences_of(before, settings)):
            raise ImageError(f"it was written under other settings ({', '.join(changed)})")
        state.settings = settings
    return state


@cache
def build_name() -> str:
    """What tells two builds apart that may read a state differently: version and sources."""
    digest = blake2b(digest_size=16)
    for source in _sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{algotrader.__version__} {python} {digest.hexdigest()}"


def _sources() -> Iterator[Path]:
    root = Path(algotrader.__file__).parent
    for package in OWN:
        yield from sorted((root / package).rglob("*.py"))
