"""One step: an event is handled, made durable with all that follows, and only then acted on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from algotrader.core.errors import RunError
from algotrader.core.events import (
    BarClosed,
    Event,
    OrderAccepted,
    OrderFilled,
    OrderSeen,
    SliceClosed,
    StrategyAnswered,
    TimerFired,
    decode_event,
    encode_event,
)
from algotrader.engine.commands import AskStrategy, Command
from algotrader.engine.engine import Engine
from algotrader.engine.step import Outcome
from algotrader.live.journal.chain import Entry
from algotrader.live.journal.errors import JournalUnwrittenError
from algotrader.live.journal.journal import Journal
from algotrader.live.journal.records import PREFIX
from algotrader.live.snapshots import KIND, body_of, newest_state

SNAPSHOT_ROWS: Final = 10_000  # after so many one is kept when nothing else is to be done
LATEST_ROWS: Final = 40_000  # and after so many in any case
REPLAY_STEPS: Final = 128  # of a replay that wait for one commit
_TOLD_AGAIN: Final = (OrderFilled, OrderSeen, OrderAccepted, SliceClosed, TimerFired)
_REPLAYED: Final = (BarClosed, StrategyAnswered, *_TOLD_AGAIN)
_Step = tuple[Sequence[Event], Sequence[Entry]]
log = logging.getLogger(__name__)


class Steps:
    """The engine and its journal, never apart by more than the step being written."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        committed: Callable[[Sequence[Event]], None] = lambda _: None,
        before: Callable[[Event], Iterable[Event]] = lambda _: (),
        gather_steps: int = 1,
    ) -> None:
        """`committed` is told the events of each step once they are durable: `Bus.publish`.

        `before` gives what the engine is to know before an event: the newest quotes.

        `gather_steps` above 1 is for replays, whose venue stands in this process and forgets with
        it: steps are then acted upon at once, and so many wait for one commit. What is lost
        is decided again, from the same bars. What a person asked for is never lost: it is written
        before it is acted upon, here too.
        """
        self._gather_steps = gather_steps
        self._before = before
        self._engine = engine
        self._journal = journal
        self._committed = committed
        self._unwritten: Outcome | None = None
        self._waiting: list[_Step] = []  # to be written with the next, in one commit
        self._snapshot_seq = -LATEST_ROWS  # none: one is due at once

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def is_written(self) -> bool:
        """Whether the journal has all that the engine knows."""
        return not self._waiting and self._unwritten is None

    def replay(self) -> bool:
        """Stand where the journal ends; whether it held an event. To be called once, first.

        From the newest snapshot that may be used, and the rows after it. JournalDamagedError,
        VersionError or UsageError where it cannot be read: do not trade.
        """
        stood = newest_state(self._journal.rows, self._engine.state.settings)
        if stood is not None:
            self._engine.stand_at(stood.state)
            self._snapshot_seq = stood.seq
        has_events = stood is not None
        for row in self._journal.read(self._snapshot_seq + 1 if stood else 1):
            if not row.kind.startswith(PREFIX):
                self._engine.apply(decode_event(row.body))
                has_events = True
        return has_events

    def rest(self, after_rows: int = SNAPSHOT_ROWS) -> None:
        """Keep a snapshot if that many rows came since the last. Between steps."""
        if self._journal.head.seq - self._snapshot_seq < after_rows:
            return
        try:
            if self._gather_steps > 1 and self._unwritten is None:
                self._keep(Outcome())
            if not self.is_written:
                return
            self._snapshot_seq = self._journal.head.seq
            self._journal.keep_snapshot(KIND, body_of(self._engine.state))
        except RunError as error:  # it is rebuildable: trading goes on, and it is tried again later
            log.warning("no snapshot was kept: %s", error.message)

    def take(
        self, *events: Event, ask: Callable[[AskStrategy], None] | None = None
    ) -> list[Command]:
        """All that is to be done after an event, durable when this returns.

        Several that wait together are a step each, in one commit. A step that asks for nothing
        outside and that a restart can do without (`_may_wait`) is written with the next one: until
        then it is as if it had not been heard of. Questions to strategies do nothing outside: with
        `ask` they are asked at once, and are none of what is given back.

        JournalUnwrittenError while the disk refuses: nothing may be done, and no further event
        taken, until `retry` returns. Anything else the journal raises ends the process.
        """
        if self._unwritten is not None:
            raise RuntimeError("a step waits to be written: retry it first")
        done, heard = Outcome(), []
        for event in events:
            known = [self._engine.handle(one) for one in self._before(event)]
            outcome = self._engine.handle(event)
            for one in (*known, outcome):
                done.commands += one.commands
            heard += [(event, one) for one in (*known, outcome) if one.events]
        asked = [one for one in done.commands if isinstance(one, AskStrategy)]
        if ask is not None:
            done.commands = [one for one in done.commands if not isinstance(one, AskStrategy)]
            for question in asked:
                ask(question)
        # Strategies think while their question is put into words for the disk.
        self._waiting += [(one.events, [_entry(each) for each in one.events]) for _, one in heard]
        return self._keep(done) if self._is_due(heard, has_asked=bool(asked)) else done.commands

    def resume(self, now_ms: int) -> list[Command]:
        """What a restart has to find out, durable when this returns."""
        outcome = self._engine.resume(now_ms)
        if outcome.events:
            self._waiting.append((outcome.events, [_entry(each) for each in outcome.events]))
        return self._keep(outcome)

    def retry(self) -> list[Command]:
        """Write the step that could not be written. JournalUnwrittenError if it still cannot."""
        outcome, self._unwritten = self._unwritten, None
        return [] if outcome is None else self._keep(outcome)

    def _is_due(self, heard: Sequence[tuple[Event, Outcome]], *, has_asked: bool) -> bool:
        """Whether something of these steps may not wait for the next ones to be written."""
        if self._gather_steps > 1:
            is_lost_for_good = not all(isinstance(event, _REPLAYED) for event, _ in heard)
            return is_lost_for_good or len(self._waiting) >= self._gather_steps
        may_wait = _may_wait if has_asked else _may_wait_alone
        return not all(may_wait(event, one) for event, one in heard)

    def _keep(self, outcome: Outcome) -> list[Command]:
        """Write what waits; then what was to be done may be."""
        if self._waiting:
            try:
                self._journal.append_steps([entries for _, entries in self._waiting])
            except JournalUnwrittenError:
                # The engine is ahead of its journal until this very step is written.
                self._unwritten = outcome
                raise
            written, self._waiting = self._waiting, []
            for events, _ in written:
                self._committed(events)
        return outcome.commands


def _may_wait_alone(event: Event, outcome: Outcome) -> bool:
    """Whether a step does nothing outside: bars, the question to strategies, and their answers.

    A decision is one commit: what it depends on is written with it, and before anything is sent.
    After a crash in between the bars are told and the strategies asked again.
    """
    match event:
        case BarClosed() | StrategyAnswered():
            return len(outcome.events) <= 1 and not outcome.commands
        case SliceClosed():
            return bool(outcome.commands) and _only_asks(outcome)
        case _:
            return False


def _may_wait(event: Event, outcome: Outcome) -> bool:
    """The same beside a question to strategies: what a venue or a timer tells is told again, too.

    The answers, or the end of the time for them, bring the next commit soon.
    """
    if isinstance(event, _TOLD_AGAIN):
        return _only_asks(outcome)
    return _may_wait_alone(event, outcome)


def _only_asks(outcome: Outcome) -> bool:
    return all(isinstance(one, AskStrategy) for one in outcome.commands)


def _entry(event: Event) -> Entry:
    return Entry(time_ms=event.ts_known, kind=event.kind, body=encode_event(event))
