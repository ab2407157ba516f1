"""The whole look-alike without a port: exchange, REST, sessions, pace, faults."""

from __future__ import annotations

from dataclasses import dataclass, field

from algotrader.simulator.okx.api import Api
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.wire import Reply, Request

STEP_MS = 100  # longest the venue stands still while nobody asks, by the server's clock


@dataclass(slots=True, kw_only=True)
class Pace:
    """How the server's clock moves the venue's. Speed 0: only by hand."""

    started_ms: int  # server's clock
    venue_ms: int  # venue's clock at that moment
    speed: float = 1.0

    def venue_time(self, at_ms: int) -> float:
        return self.venue_ms + max(at_ms - self.started_ms, 0) * self.speed


@dataclass(slots=True)
class Simulator:
    """Everything but I/O. The caller says what time it is, in ms of the server's clock."""

    api: Api
    pace: Pace
    sessions: list[Session] = field(default_factory=list)
    _connections: int = 0

    def advance(self, at_ms: int) -> None:
        """Let the venue catch up with the server's clock."""
        self.api.desk.tick(at_ms)
        self.api.desk.exchange.step(self.pace.venue_time(at_ms))

    def advance_venue(self, by_ms: float) -> None:
        """Move the venue by hand, whatever the pace."""
        exchange = self.api.desk.exchange
        exchange.step(exchange.venue.now + by_ms)
        self.pace.venue_ms += int(by_ms)

    def connect(self, kind: str) -> Session:
        self._connections += 1
        session = Session(kind, self.api, self._connections)
        self.sessions.append(session)
        return session

    def disconnect(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    def request(self, request: Request) -> Reply:
        """Serve one REST call at its time."""
        self.advance(request.at_ms)
        return self.api.handle(request)

    def pushes(self) -> list[tuple[Session, list[str]]]:
        """What happened since the last call, as each session hears it."""
        events = self.api.desk.exchange.drain()
        return [(s, heard) for s in list(self.sessions) if (heard := s.push(events))]
