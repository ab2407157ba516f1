"""The whole look-alike without a port: exchange, REST, sessions, pace, faults."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from algotrader.simulator.okx.api import Api
from algotrader.simulator.okx.faults import Fault, FaultKind, Faults, Treatment
from algotrader.simulator.okx.listings import ListingState
from algotrader.simulator.okx.signing import KEY_HEADER
from algotrader.simulator.okx.sockets import Session
from algotrader.simulator.okx.venue import MARKET_TOPICS
from algotrader.simulator.okx.wire import Reply, Request, answer

STEP_MS = 100  # longest the venue stands still while nobody asks, by the server's clock


@dataclass(slots=True, kw_only=True)
class Pace:
    """How the server's clock moves the venue's. Speed 0: only by hand."""

    started_ms: int  # server's clock
    venue_ms: int  # venue's clock at that moment
    speed: float = 1.0

    def venue_time(self, at_ms: int) -> float:
        return self.venue_ms + max(at_ms - self.started_ms, 0) * self.speed


class Outgoing(NamedTuple):
    """A push on its way; ordered by when it goes out, then by when it was made."""

    at_ms: float
    number: int
    session: Session
    text: str


@dataclass(slots=True)
class Simulator:
    """Everything but I/O. The caller says what time it is, in ms of the server's clock."""

    api: Api
    pace: Pace
    faults: Faults = field(default_factory=Faults)
    sessions: list[Session] = field(default_factory=list)
    _connections: int = 0
    _outgoing: list[Outgoing] = field(default_factory=list)
    _pushed: int = 0

    def advance(self, at_ms: int) -> None:
        """Let the venue catch up with the server's clock, and strike the faults that are due."""
        for desk in self.api.desks:
            desk.tick(at_ms)
        self.api.desk.exchange.step(self.pace.venue_time(at_ms))
        for desk in self.api.desks:
            desk.skew_ms = self.faults.skew_ms(at_ms)
            desk.maintenance = self.faults.maintenance(at_ms)
        for fault in self.faults.due(at_ms):
            self._strike(fault)
        self._strike_sockets(at_ms)

    def advance_venue(self, by_ms: float) -> None:
        """Move the venue by hand, whatever the pace."""
        exchange = self.api.desk.exchange
        self.pace.venue_ms += int(by_ms)
        exchange.step(exchange.venue.now + by_ms)

    def _strike(self, fault: Fault) -> None:
        exchange, name = self.api.desk_of(fault.key).exchange, fault.instrument
        share = Decimal(str(fault.share))
        match fault.kind:
            case FaultKind.PARTIAL_FILL:
                exchange.fill_part(name, share)
            case FaultKind.PRECISION:
                exchange.relist(name, **{k: Decimal(v) for k, v in fault.rules.items()})
            case FaultKind.SUSPEND:
                exchange.relist(name, state=ListingState.SUSPEND)
            case FaultKind.RESUME:
                exchange.relist(name, state=ListingState.LIVE)
            case FaultKind.LIQUIDATE:
                exchange.liquidate(name)
            case FaultKind.ADL:
                exchange.deleverage(name, share)

    def _strike_sockets(self, at_ms: int) -> None:
        for session in self.sessions:
            wrong = self.faults.for_socket(session.kind, at_ms, session.key)
            session.is_mute = wrong is FaultKind.HALF_OPEN
            session.is_closed = session.is_closed or wrong is FaultKind.CLOSE_SOCKET

    def may_connect(self, kind: str, at_ms: int) -> bool:
        return self.faults.for_socket(kind, at_ms) is not FaultKind.REFUSE_CONNECT

    def connect(self, kind: str) -> Session:
        self._connections += 1
        session = Session(kind, self.api, self._connections)
        self.sessions.append(session)
        return session

    def disconnect(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    def treat(self, request: Request) -> Treatment:
        """What will happen to a request. Ask once, wait `wait_before_s`, then `serve` it."""
        name, key = f"{request.method} {request.name}", request.header(KEY_HEADER)
        return self.faults.for_request(name, request.at_ms, key)

    def serve(self, request: Request, treatment: Treatment) -> Reply | None:
        """The answer, to go out after `wait_after_s`; None if the connection breaks instead."""
        self.advance(request.at_ms)
        refusal = treatment.refusal
        if refusal is not None:
            return self.api.refuse(request, refusal)
        reply = self.api.handle(request) if treatment.acts else answer([])
        return None if treatment.is_dropped else treatment.spoil(reply)

    def request(self, request: Request) -> Reply | None:
        """Treat and serve at once, for callers whose time is not the world's."""
        return self.serve(request, self.treat(request))

    def receive(self, session: Session, text: str, at_ms: int) -> list[str]:
        """A text from a client and what goes back at once; nothing from a half-open socket."""
        self.advance(at_ms)
        return [] if session.is_mute else session.receive(text, at_ms)

    def pushes(self, at_ms: int) -> list[tuple[Session, str]]:
        """What subscribers hear now: what happened, less what is lost, plus what was held back."""
        happened = {desk.uid: desk.exchange.drain() for desk in self.api.desks}
        public = [one for one in happened[self.api.desk.uid] if one.topic in MARKET_TOPICS]
        for session in self.sessions:
            own = happened[session.desk.uid]
            events = own if session.desk is self.api.desk else [*public, *own]
            for push in session.push(events):
                for wait in self.faults.for_push(push.channel, at_ms, session.key):
                    self._pushed += 1
                    due = Outgoing(at_ms + wait * 1000, self._pushed, session, push.text)
                    heapq.heappush(self._outgoing, due)
        found = []
        while self._outgoing and self._outgoing[0].at_ms <= at_ms:
            due = heapq.heappop(self._outgoing)
            if due.session in self.sessions and not due.session.is_mute:
                found.append((due.session, due.text))
        return found
