"""A rehearsal: a desk trades on a look-alike exchange of this machine, bar by bar, and is killed.

Exchange and trader are processes of their own that speak HTTP and WebSocket, as they would with the
venue. The exchange's time moves by hand: a bar closes when everything the bar before it led to is
done. So weeks of bars pass in seconds, and the same orders meet the same prices every time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from algotrader.core.errors import RunError
from algotrader.core.events import Event, ModeChanged, TradingMode, decode_event
from algotrader.core.ids import AccountId, RunId
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.data.adapters.okx.names import inst_id
from algotrader.engine.engine import Engine
from algotrader.engine.state import EngineState
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.journal.journal import last_segment
from algotrader.live.journal.records import PREFIX
from algotrader.ops.desk import Desk
from algotrader.ops.trading import journal_folder

_LOOK_S: Final = 0.002  # between looks into the journal
_SLICE_S: Final = 30.0  # longest a bar may take until all is done that it leads to
_START_S: Final = 60.0  # longest until the trader's books agree with the venue
_STOP_S: Final = 10.0
_CASH_TOLERANCE: Final = Decimal("1e-9")  # profits are quotients: venues round them, each its way
_PAGE: Final = 5_000
_OURS: Final = "ALGOTRADER_"  # settings have another underscore, keys a venue's name
_ME: Final = (sys.executable, "-m", "algotrader")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One figure as the journal has it and as the exchange has it."""

    subject: str
    journal: Decimal
    exchange: Decimal
    tolerance: Decimal = Decimal(0)

    @property
    def is_equal(self) -> bool:
        return abs(self.journal - self.exchange) <= self.tolerance

    def __str__(self) -> str:
        return f"{self.subject}: {self.journal} in the journal, {self.exchange} on the exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal showed."""

    slices: int
    seconds: float
    killed_ts: int  # decision time of the bar in which the trader was killed, UTC ms
    killed_in_flight: int  # orders that had no answer at that moment
    orders: int  # that were to go out
    absent: int  # of these, proved never to have arrived: the kill came first
    fills: int
    agreements: tuple[Agreement, ...]

    @property
    def agrees(self) -> bool:
        return all(one.is_equal for one in self.agreements)


class LookAlike:
    """A look-alike exchange in a process of its own, as `exchange` starts it."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.url: str = said["rest"]
        self.key, self.secret, self.passphrase = said["api_key"], said["secret"], said["passphrase"]
        self._control, self._token = said["control"], said["token"]

    def advance(self, by_ms: int) -> int:
        """Move its time. Its time now, UTC ms."""
        return int(self._ask({"action": "advance", "ms": by_ms})["venue_ms"])

    def status(self) -> dict[str, Any]:
        """Time, cash, positions, counts of orders and fills: see `simulator.okx.control`."""
        return self._ask({"action": "status"})

    def _ask(self, what: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  the address is the one it printed
            self._control, json.dumps(what).encode(), {"X-Control-Token": self._token}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            told: dict[str, Any] = json.load(answer)
        return told


def own_environment() -> dict[str, str]:
    """This process's environment without anything that is meant for a trader.

    Settings and keys there win over the files of a folder: a rehearsal would trade somewhere else
    than on its look-alike, or hand it a person's own keys.
    """
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}


@contextmanager
def exchange(lake: Path, symbols: Sequence[Symbol], cash: str, log: Path) -> Iterator[LookAlike]:
    """A look-alike that lists `symbols` at the prices of `lake`; it begins in their middle."""
    command = [*_ME, "sim", "okx", "--json", "--port", "0", "--data", str(lake), "--speed", "0"]
    command += ["--no-limits", "--balance", cash, "--history", str(10**9)]
    for symbol in symbols:
        command += ["--symbol", str(symbol)]
    with log.open("w") as errors:
        process = subprocess.Popen(  # noqa: S603  ourselves, with no word of anybody else's
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=own_environment()
        )
        try:
            yield LookAlike(_said(process, log))
        finally:
            _end(process)


def _said(process: subprocess.Popen[str], log: Path) -> Mapping[str, Any]:
    """The one JSON value that a process prints. RunError if it ends without."""
    text = ""
    for line in process.stdout or ():
        text += line
        try:
            value: Mapping[str, Any] = json.loads(text)
        except ValueError:
            continue
        return value
    raise RunError(
        "rehearsal.exchange", "the look-alike exchange did not start", hint=f"{log} says why"
    )


@contextmanager
def trader(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`algotrader trade` in a workspace, as long as the block lasts."""
    with log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603  ourselves
            [*_ME, "trade"], cwd=folder, stdout=output, stderr=output, env=own_environment(),
        )  # fmt: skip
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class JournalView:
    """Where a trader stands, read from its journal while it writes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._folder: JournalFolder = journal_folder(desk)
        self._engine: Engine | None = None
        self._next = 1
        self.starts = 0  # of a trader whose books agreed with the venue

    def state(self) -> EngineState | None:
        """The fold of all rows so far; None before the journal has begun."""
        if not self._folder.chain.is_dir():
            return None
        with self._folder.reading() as rows:
            if self._engine is None:
                run_id = RunId(last_segment(rows).run_id)
                self._engine = Engine(self._desk.engine_settings(run_id))
            while page := rows.page(self._next, _PAGE):
                self._next = page[-1].seq + 1
                for row in page:
                    if not row.kind.startswith(PREFIX):
                        self._take(self._engine, decode_event(row.body))
        return self._engine.state

    def _take(self, engine: Engine, event: Event) -> None:
        engine.apply(event)
        if isinstance(event, ModeChanged) and event.mode is TradingMode.TRADING:
            self.starts += 1


class Rehearsal:
    """The desk of one workspace and the exchange it trades on."""

    def __init__(self, desk: Desk, venue: LookAlike, log: Path) -> None:
        (account,) = desk.accounts
        self._account: AccountId = account.name
        self._currency = account.currency
        self._symbols = account.market.bars.symbols
        self._timeframe: Timeframe = account.market.bars.timeframe
        self._folder = desk.configuration.path(Path())
        self._venue = venue
        self._log = log
        self._seen = JournalView(desk)
        self._venue_ms = venue.status()["venue_ms"]

    def run(self, slices: int, on_slice: Callable[[int, int], None] | None = None) -> Rehearsed:
        """Trade `slices` bars; after half of them the trader is killed with an order on its way.

        RunError if the trader ends by itself or does not finish a bar.
        """
        began, done = time.monotonic(), 0

        def bar() -> None:
            nonlocal done
            self._venue_ms = self._venue.advance(self._timeframe.ms)
            done += 1
            if on_slice is not None:
                on_slice(done, slices)

        with trader(self._folder, self._log) as process:
            self._until(process, lambda _: self._seen.starts > 0, _START_S)
            while done < slices // 2:
                bar()
                self._until(process, self._is_done, _SLICE_S)
            while done < slices - 1:
                bar()
                if self._sends(process):
                    break
            process.kill()
            process.wait()
            killed = self._state()
            killed_ts = killed.slices[str(self._timeframe)].decision_ts
            in_flight = sum(1 for _ in killed.orders.open())
            starts = self._seen.starts
        with trader(self._folder, self._log) as process:
            self._until(process, lambda _: self._seen.starts > starts, _START_S)
            self._until(process, self._is_done, _SLICE_S)
            while done < slices:
                bar()
                self._until(process, self._is_done, _SLICE_S)
        state = self._state()
        return Rehearsed(
            slices=done, seconds=time.monotonic() - began,
            killed_ts=killed_ts, killed_in_flight=in_flight,
            orders=len(state.orders), absent=_count(state, OrderStatus.ABSENT), fills=self._venue.status()["fills"],
            agreements=self._agreements(state),
        )  # fmt: skip

    def _state(self) -> EngineState:
        state = self._seen.state()
        if state is None:
            raise self._stuck("the trader has written no journal")
        return state

    def _until(
        self,
        process: subprocess.Popen[bytes],
        is_so: Callable[[EngineState], bool],
        longest_s: float,
    ) -> None:
        until = time.monotonic() + longest_s
        while True:
            state = self._seen.state()
            if state is not None and is_so(state):
                return
            if process.poll() is not None:
                raise self._stuck(f"the trader ended with code {process.returncode}")
            if time.monotonic() > until:
                raise self._stuck(
                    f"the trader did not go on within {longest_s:.0f} s{self._difference(state)}"
                )
            time.sleep(_LOOK_S)

    def _difference(self, state: EngineState | None) -> str:
        """What does not agree, in words."""
        found = () if state is None else self._agreements(state)
        return "".join(f"; {one}" for one in found if not one.is_equal)

    def _stuck(self, text: str) -> RunError:
        return RunError("rehearsal.stuck", text, hint=f"{self._log} says why")

    def _is_done(self, state: EngineState) -> bool:
        """The newest bar was decided on and no order is on its way."""
        newest = state.slices.get(str(self._timeframe))
        return (
            newest is not None
            and newest.decision_ts >= self._venue_ms
            and not state.awaited
            and not any(state.orders.open())
            and self._cash_agrees(state)
        )

    def _cash_agrees(self, state: EngineState) -> bool:
        """Fills are told at once; funding is found by the next question (`trading.check_s`)."""
        return self._cash(state, self._venue.status()).is_equal

    def _cash(self, state: EngineState, status: Mapping[str, Any]) -> Agreement:
        return Agreement(
            subject=f"cash, {self._currency}",
            journal=state.books[self._account].whole.cash(),
            exchange=Decimal(status["cash"][str(self._currency)]),
            tolerance=_CASH_TOLERANCE,
        )

    def _sends(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether an order goes out for the newest bar; told while it is on its way."""
        self._until(
            process, lambda state: self._is_done(state) or any(state.orders.open()), _SLICE_S
        )
        return any(self._state().orders.open())

    def _agreements(self, state: EngineState) -> tuple[Agreement, ...]:
        status = self._venue.status()
        book = state.books[self._account].whole
        trades = sum(len(order.trades) for order in state.orders.all())
        return (
            self._cash(state, status),
            *(
                Agreement(
                    subject=f"position, {symbol}", journal=book.position(symbol).quantity,
                    exchange=_held(status, symbol),
                )
                for symbol in self._symbols
            ),
            Agreement(
                subject="orders", exchange=Decimal(status["orders"]),
                journal=Decimal(sum(o.venue_order_id is not None for o in state.orders.all())),
            ),
            Agreement(
                subject="fills", journal=Decimal(trades), exchange=Decimal(status["fills"])
            ),
        )  # fmt: skip


def _count(state: EngineState, status: OrderStatus) -> int:
    return sum(order.status is status for order in state.orders.all())


def _held(status: Mapping[str, Any], symbol: Symbol) -> Decimal:
    """What the exchange says is held: coins of a spot pair, the position of a perpetual."""
    if symbol.kind is InstrumentKind.SPOT:
        return Decimal(status["cash"].get(symbol.base, "0"))
    name = inst_id(symbol)
    found = (held for key, held in status["positions"].items() if key.split()[0] == name)
    return sum(map(Decimal, found), Decimal(0))
