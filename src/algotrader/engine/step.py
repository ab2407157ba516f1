"""What one event leads to, while it is being worked out: the state moves with each event told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypedDict

from algotrader.core.events import Event
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import Alert, Command, SetTimer
from algotrader.engine.settings import EngineSettings
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import LiveOrder

LOOK_UP: Final = "lookup:"
AGAIN: Final = "again:"


@dataclass(slots=True)
class Outcome:
    """What an event led to: events in the order they happened, commands in the order to do them."""

    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


class Step:
    """The outcome being built. Its parts share one: what one tells, the next one sees."""

    def __init__(self, settings: EngineSettings) -> None:
        self.state = EngineState(settings)
        self.settings = self.state.settings
        self.outcome = Outcome()

    def begin(self) -> Outcome:
        """The outcome of a new event, empty."""
        self.outcome = Outcome()
        return self.outcome

    def tell(self, event: Event) -> None:
        """It happened. IllegalTransitionError for what cannot follow; nothing is changed then."""
        self.state.apply(event)
        self.outcome.events.append(event)

    def do(self, command: Command) -> None:
        self.outcome.commands.append(command)

    def alert(self, severity: Severity, cause: str, text: str) -> None:
        self.do(Alert(severity=severity, cause=cause, text=text))

    def wake(self, live: LiveOrder, at_ms: int) -> None:
        """Ask what became of an order, unless it is known by then."""
        self.do(SetTimer(name=f"{LOOK_UP}{live.order.order_id}", at_ms=at_ms))


class Now(TypedDict):
    ts_event: int
    ts_known: int


class Names(TypedDict):
    account: AccountId
    order_id: OrderId
    instrument: Symbol


def now(now_ms: int) -> Now:
    """The times of an event of our own making."""
    return {"ts_event": now_ms, "ts_known": now_ms}


def names(live: LiveOrder) -> Names:
    """What every event and question about an order names."""
    order = live.order
    return {
        "account": order.account,
        "order_id": order.order_id,
        "instrument": order.instrument,
    }
