"""The fold of a journal, kept up with it: each row is read once, and all again after a loss."""

from __future__ import annotations

from algotrader.core.events import Event, decode_event
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings
from algotrader.live.journal.chain import Row
from algotrader.live.journal.memory import MemoryStorage
from algotrader.live.journal.records import PREFIX

PAGE = 1_000_000


class Fold:
    """An engine of its own that knows nothing but the rows on the disk."""

    def __init__(self, settings: EngineSettings, storage: MemoryStorage) -> None:
        self.settings = settings
        self._storage = storage
        self._begin()

    def _begin(self) -> None:
        self._last: Row | None = None
        self.engine = Engine(self.settings)
        self.events: list[Event] = []

    def follow(self) -> Engine:
        """The engine as the journal tells it now."""
        last = self._last
        if last is not None and self._storage.newest(at_most=last.seq) != last:
            self._begin()  # a crash took rows that were here
        for row in self._storage.page(1 if self._last is None else self._last.seq + 1, PAGE):
            self._last = row
            if not row.kind.startswith(PREFIX):
                event = decode_event(row.body)
                self.engine.apply(event)
                self.events.append(event)
        return self.engine
