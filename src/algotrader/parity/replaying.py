"""Replay: the journal's inputs through this build's engine; every row must come out byte for byte.

An input is the first row of a step, after the quotes told with it: a bar, a strategy's answer, a
fill, funding, cash, a timer, an operator's request. What follows it in its step is what the engine
made of it then, orders and cancels among it, and is made again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from algotrader import __version__
from algotrader.core.events import Event, QuoteSeen, decode_event, encode_event
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings
from algotrader.live.journal.chain import Row
from algotrader.parity.reading import Start, Step

MOST_DIFFERENCES: Final = 10
"""After each the engine is folded anew from the journal; more than these say nothing new."""
_COMMANDS: Final = frozenset({"OrderSubmitted", "OrderCancelRequested", "OrderAmendRequested"})

Watch = Callable[[Sequence[Event]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first row of a step that came out otherwise."""

    seq: int
    time_ms: int  # UTC ms
    input: str  # kind of the event that the step began with
    kind: str  # of the row that differs
    journal: str | None  # its text; None: the journal has no such row
    replayed: str | None  # None: the replay has none, or failed
    error: str | None = None  # what the engine raised
    configuration_changed: bool = False  # its start had other settings than today's


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What the replay of a journal found."""

    rows: int = 0
    steps: int = 0
    equal: int = 0  # steps
    commands: int = 0  # orders, cancels and changes of orders
    equal_commands: int = 0
    differences: list[Difference] = field(default_factory=list)
    stopped_at: int | None = None  # row at which it gave up, after too many differences
    starts: list[Start] = field(default_factory=list)
    configuration_hash: str = ""  # today's
    software: str = __version__

    @property
    def is_equal(self) -> bool:
        return not self.differences

    @property
    def configurations_differ(self) -> bool:
        """Whether a start had other settings than today's."""
        return any(one.configuration_hash != self.configuration_hash for one in self.starts)


class Replayer:
    """Goes through a journal once. `watch` is told every event as the journal has it."""

    def __init__(
        self,
        settings: EngineSettings,
        read: Callable[[], Iterator[Step | Start]],
        watch: Watch,
    ) -> None:
        self._settings = settings
        self._read = read
        self._watch = watch
        self._found = Replayed(configuration_hash=settings.configuration_hash)
        self._engine = Engine(settings)
        self._hash = settings.configuration_hash
        self._resumes = False

    def run(self, on_start: Callable[[Start], None]) -> Replayed:
        """JournalDamagedError where the journal breaks; KeyError for what the settings lack."""
        found = self._found
        for one in self._read():
            if isinstance(one, Start):
                self._started(one)
                on_start(one)
                continue
            if found.stopped_at is not None:
                self._watch([decode_event(row.body) for row in one.rows])
                continue
            found.rows += len(one.rows)
            found.steps += 1
            self._step(one)
        return found

    def _started(self, start: Start) -> None:
        self._found.starts.append(start)
        self._resumes = self._found.steps > 0
        if start.configuration_hash != self._hash:
            # The hash is written with each decision: an input, as far as the replay goes.
            self._hash = start.configuration_hash
            if self._found.stopped_at is None:
                self._engine = self._folded(start.seq - 1)

    def _step(self, step: Step) -> None:
        first = decode_event(step.rows[0].body)
        events: list[Event] = []
        error: str | None = None
        try:
            events = self._made(first, step)
        except Exception as raised:  # noqa: BLE001  whatever the engine raises is the finding
            error = f"{type(raised).__name__}: {raised}"
        at = _first_difference(step.rows, events) if error is None else 0
        commands = sum(row.kind in _COMMANDS for row in step.rows)
        self._found.commands += commands
        if at is None:
            self._found.equal += 1
            self._found.equal_commands += commands
            self._watch(events)
            return
        self._found.equal_commands += sum(row.kind in _COMMANDS for row in step.rows[:at])
        self._differs(step, at, events, error)

    def _made(self, first: Event, step: Step) -> list[Event]:
        """What the engine makes of the step's input now."""
        if self._resumes:
            self._resumes = False
            outcome = self._engine.resume(step.rows[0].time_ms)
            if outcome.events:
                return outcome.events
        events: list[Event] = []
        rows = iter(step.rows[1:])
        while isinstance(first, QuoteSeen):  # told before what may use it, in the same step
            events += self._engine.handle(first).events
            if (row := next(rows, None)) is None:
                return events
            first = decode_event(row.body)
        return events + self._engine.handle(first).events

    def _differs(self, step: Step, at: int, events: list[Event], error: str | None) -> None:
        row = step.rows[min(at, len(step.rows) - 1)]
        found = self._found
        found.differences.append(
            Difference(
                seq=row.seq,
                time_ms=row.time_ms,
                input=step.rows[0].kind,
                kind=step.rows[at].kind if at < len(step.rows) else events[at].kind,
                journal=step.rows[at].body.decode() if at < len(step.rows) else None,
                replayed=encode_event(events[at]).decode() if at < len(events) else None,
                error=error,
                configuration_changed=self._hash != found.configuration_hash,
            )
        )
        self._watch([decode_event(one.body) for one in step.rows])
        if len(found.differences) == MOST_DIFFERENCES:
            found.stopped_at = step.rows[-1].seq
            return
        self._engine = self._folded(step.rows[-1].seq)

    def _folded(self, seq: int) -> Engine:
        """An engine as the journal says it stood after row `seq`."""
        engine = Engine(replace(self._settings, configuration_hash=self._hash))
        for one in self._read():
            if isinstance(one, Start):
                continue
            if one.rows[-1].seq > seq:
                break
            for row in one.rows:
                engine.apply(decode_event(row.body))
        return engine


def _first_difference(rows: Sequence[Row], events: Sequence[Event]) -> int | None:
    """Place of the first row that is not what was made again, None if all are."""
    for at, (row, event) in enumerate(zip(rows, events, strict=False)):
        made = encode_event(event)
        # What an older version wrote is compared as this one reads it.
        if made != row.body and made != encode_event(decode_event(row.body)):
            return at
    return None if len(rows) == len(events) else min(len(rows), len(events))
