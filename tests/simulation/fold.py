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
    """What the rows on the disk tell, and an engine of its own that knows nothing else."""

    def __init__(self, settings: EngineSettings, storage: MemoryStorage) -> None:
        self.settings = settings
        self._storage = storage
        self._begin()

    def _begin(self) -> None:
        self._last: Row | None = None
        self.events: list[Event] = []
        self._begin_engine()

    def _begin_engine(self) -> None:
        self._engine: Engine | None = None  # made when somebody asks
        self._applied = 0

    def follow(self) -> list[Event]:
        """Every event that the journal tells now."""
        last = self._last
        if last is not None and self._storage.newest(at_most=last.seq) != last:
            self._begin()  # a crash took rows that were here
        for row in self._storage.page(1 if self._last is None else self._last.seq + 1, PAGE):
            self._last = row
            if not row.kind.startswith(PREFIX):
                self.events.append(decode_event(row.body))
        return self.events

    def engine(self) -> Engine:
        """The engine as the journal tells it now. To be looked at only."""
        events = self.follow()
        if self._engine is None:
            self._engine = Engine(self.settings)
        for event in events[self._applied :]:
            self._engine.apply(event)
        self._applied = len(events)
        return self._engine

    def engine_to_spend(self) -> Engine:
        """The same, to be gone on with by the caller: the next one is folded from the first row."""
        engine = self.engine()
        self._begin_engine()
        return engine
