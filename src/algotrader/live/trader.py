"""The trader: the engine on the clock. It takes events one by one and does what they ask for.

Events come from brokers, feeds, timers and strategies through one queue. Each is one step, durable
before anything is done about it. Questions and orders run as tasks of their own, so that a slow
venue delays no decision; what they learn comes back as events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, Final, Protocol, TypedDict, TypeVar

from algotrader.core.events import (
    Event,
    HeartbeatMissed,
    ModeChanged,
    OrderUnknown,
    StrategyAnswered,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId, OrderId
from algotrader.core.instants import utc_ms
from algotrader.core.orders import Order, OrderStatus
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.engine.commands import (
    Alert,
    Amend,
    AskStrategy,
    Cancel,
    Command,
    FetchTrades,
    LookUp,
    SetTimer,
    Submit,
)
from algotrader.engine.state import EngineState
from algotrader.execution.broker import Broker, BrokerUnavailableError
from algotrader.live.comparing import SILENCE, Comparer, Surroundings
from algotrader.live.halting import Halts
from algotrader.live.journal.errors import JournalUnwrittenError
from algotrader.live.steps import LATEST_ROWS, SNAPSHOT_ROWS, Steps

Done = TypeVar("Done")
log = logging.getLogger(__name__)
_TOGETHER: Final = 64  # events that wait are written in one commit, at most so many
_ASK_AGAIN_S: Final = 1.0
_WRITE_AGAIN_S: Final = 1.0
_IN_DOUBT: Final = (OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.SETTLING)


class _Times(TypedDict):
    ts_event: int
    ts_known: int


class Decider(Protocol):
    """Where strategies run. It always answers: with what was decided, or why it was not."""

    def decide(self, question: AskStrategy) -> Awaitable[StrategyAnswered]: ...


Sleep = Callable[[float], Awaitable[None]]


class Trader:
    """Runs until `stop`. One per journal."""

    def __init__(
        self,
        *,
        steps: Steps,
        brokers: Mapping[AccountId, Broker],
        decider: Decider,
        notifier: Notifier,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        disk_sleep: Sleep | None = None,  # a disk lives in this machine's time; None: as `sleep`
        compare_every_s: float | None = None,
        halts: Halts | None = None,
    ) -> None:
        """`compare_every_s`: books with the venue, after the start; None where none else trades.

        `halts`: what a person stopped; None where nobody can.
        """
        self._steps = steps
        self._brokers = brokers
        self._decider = decider
        self._notifier = notifier
        self._clock = clock
        self._sleep = sleep
        self._disk_sleep = disk_sleep or sleep
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._overheard: Callable[[Event], None] = lambda _: None
        # In the order in which they began: a set's order is that of addresses, never twice the same.
        self._tasks: dict[asyncio.Future[Any], None] = {}
        self._work: dict[asyncio.Future[Any], None] = {}  # of them those that end by themselves
        self._failure: asyncio.Future[None] | None = None
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._unasked: set[OrderId] = set()  # open at the start, and not yet asked for
        self._moved = asyncio.Event()  # a step was taken
        self._ready = {account: asyncio.Event() for account in brokers}
        self._compare_every_s = compare_every_s
        self._halts = halts
        self._comparers = {name: self._comparer(name, one) for name, one in brokers.items()}

    def tell(self, event: Event) -> None:
        """Hand in an event. It is handled after those handed in before it."""
        self._overheard(event)
        if self._halts is not None:
            self._halts.told(event)
        self._events.put_nowait(event)

    def overhear(self, listener: Callable[[Event], None]) -> None:
        """Have a quick function called with each event at the moment it is handed in."""
        self._overheard = listener

    async def run(self) -> None:
        """Take events for ever. Cancel it to stop; what is durable by then is what happened.

        First every order in doubt is settled with its venue and the positions are compared. Until
        that is done for an account, nothing of it is sent.
        """
        self._failure = asyncio.get_running_loop().create_future()
        modes = modes_before(self._steps.engine.state)
        for account in self._brokers:
            self.tell(self._mode(account, TradingMode.STARTING, "the trader was started"))
        self._unasked = {live.order.order_id for live in self._steps.engine.state.orders.open()}
        self._do(await self._durable(lambda: self._steps.resume(self._now_ms())))
        for account, broker in self._brokers.items():
            self._background(self._listen(broker))
            self._background(self._reconcile(account, modes[account]))
        self._background(self._take_events())
        try:
            await self._failure
        finally:
            for task in [*self._tasks, *self._timers.values()]:
                task.cancel()
            await asyncio.gather(*self._tasks, *self._timers.values(), return_exceptions=True)

    async def _reconcile(self, account: AccountId, before: TradingMode) -> None:
        """Settle, and compare with the venue; then again and again."""
        while not self._is_settled(account):
            self._moved.clear()
            await self._moved.wait()
        await self._comparers[account].reconcile(before)
        await self._events.join()
        self._ready[account].set()
        if self._compare_every_s is not None:
            await self._comparers[account].keep(self._compare_every_s)

    def _comparer(self, account: AccountId, broker: Broker) -> Comparer:
        return Comparer(
            account,
            Surroundings(
                state=lambda: self._steps.engine.state,
                positions=lambda symbols: self._asked(
                    lambda: broker.positions(symbols), self._comparers[account].unanswered
                ),
                settled=self._events.join,
                tell=self.tell,
                now_ms=self._now_ms,
                notifier=self._notifier,
                sleep=self._sleep,
            ),
        )

    def _is_settled(self, account: AccountId) -> bool:
        """Every order that was open at the start was asked for, and none is in doubt."""
        state = self._steps.engine.state
        return state.modes[account] is TradingMode.STARTING and not any(
            live.order.order_id in self._unasked or live.status in _IN_DOUBT or live.lacks_trades
            for live in state.orders.open(account)
        )

    async def _take_events(self) -> None:
        while True:
            events = [await self._events.get()]
            while len(events) < _TOGETHER and not self._events.empty():
                events.append(self._events.get_nowait())
            try:
                self._do(await self._durable(partial(self._steps.take, *events, ask=self._ask)))
                # What was asked for is only begun: a snapshot now would hold up an order.
                is_quiet = self._events.empty() and not self._work
                self._steps.rest(SNAPSHOT_ROWS if is_quiet else LATEST_ROWS)
                self._moved.set()
                if self._halts is not None:
                    for event in events:
                        self._halts.taken(event)
                if HeartbeatMissed in map(type, events):
                    for comparer in self._comparers.values():
                        comparer.soon()
            finally:
                for _ in events:
                    self._events.task_done()

    async def idle(self) -> None:
        """Wait until all that was handed in is handled and all that it asked for is done."""
        while self._work or self._events.qsize():
            await self._events.join()
            if self._work:
                await asyncio.wait(set(self._work))
        await self._events.join()

    async def handled(self) -> bool:
        """Wait until all that was handed in is taken; whether the journal has it."""
        await self._events.join()
        return self._steps.is_written

    def waiting(self) -> int:
        """How many events wait to be taken."""
        return self._events.qsize()

    def end(self, error: BaseException) -> None:
        """Make `run` raise an error, once the step that is under way is over."""
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    def is_ready(self) -> bool:
        """Whether every account is reconciled."""
        return all(event.is_set() for event in self._ready.values())

    async def ready(self) -> None:
        """Wait until every account is reconciled. Bars are handed in after that (R24)."""
        for event in self._ready.values():
            await event.wait()

    def _mode(self, account: AccountId, mode: TradingMode, reason: str) -> ModeChanged:
        return ModeChanged(
            **self._times(), account=account, mode=mode, reason=reason, by="recovery"
        )

    async def _durable(self, step: Callable[[], list[Command]]) -> list[Command]:
        """Nothing is done, and nothing else taken, before the step is written."""
        try:
            return step()
        except JournalUnwrittenError as error:
            log.critical("the journal cannot be written: %s", error.message)
            self._start(self._notifier.notify(_unwritten(error)))
        while True:
            await self._disk_sleep(_WRITE_AGAIN_S)
            try:
                return self._steps.retry()
            except JournalUnwrittenError:
                continue

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Submit():
                    self._start(self._submit(command))
                case Cancel():
                    self._start(self._cancel(command))
                case Amend():
                    self._start(self._amend(command))
                case LookUp():
                    self._start(self._look_up(command))
                case FetchTrades():
                    self._start(self._fetch_trades(command))
                case AskStrategy():
                    self._ask(command)
                case SetTimer():
                    self._set_timer(command)
                case Alert():
                    notice = Notice(
                        severity=command.severity,
                        title=command.text,
                        text=command.text,
                        cause=command.cause,
                    )
                    self._start(self._notifier.notify(notice))

    async def _submit(self, command: Submit) -> None:
        order = command.approved.order
        try:
            if self._now_ms() >= command.deadline_ms:
                raise BrokerUnavailableError("its deadline passed before it could be sent")
            self._require_not_halted(order)
            answer: Event = await self._brokers[order.account].submit(
                command.approved, command.deadline_ms
            )
        except BrokerUnavailableError as error:
            answer = OrderUnknown(
                **self._times(),
                account=order.account,
                order_id=order.order_id,
                instrument=order.instrument,
                deadline_ms=command.deadline_ms,
                reason=str(error),
            )
        self.tell(answer)

    def _require_not_halted(self, order: Order) -> None:
        """BrokerUnavailableError if a person stopped it since it was approved (F71)."""
        if self._halts is None:
            return
        try:
            stopped = self._halts.stops(order)
        except OSError as error:
            text = f"whether a person stopped it cannot be read: {error.strerror}"
            raise BrokerUnavailableError(text) from error
        if stopped:
            raise BrokerUnavailableError("a person stopped trading before it was sent")

    async def _cancel(self, command: Cancel) -> None:
        broker = self._brokers[command.account]
        try:
            answer = await broker.cancel(command.order_id, command.instrument)
        except BrokerUnavailableError:
            answer = None
        if answer is not None:
            self.tell(answer)
        await self._look_up(
            LookUp(
                account=command.account, order_id=command.order_id, instrument=command.instrument
            )
        )

    async def _amend(self, command: Amend) -> None:
        broker = self._brokers[command.account]
        try:
            answer = await broker.amend(
                command.order_id,
                command.instrument,
                quantity=command.quantity,
                limit=command.limit,
                stop=command.stop,
            )
        except BrokerUnavailableError:
            answer = None
        if answer is not None:
            self.tell(answer)
            return
        await self._look_up(
            LookUp(
                account=command.account, order_id=command.order_id, instrument=command.instrument
            )
        )

    async def _look_up(self, command: LookUp) -> None:
        broker = self._brokers[command.account]
        answer = await self._asked(lambda: broker.look_up(command.order_id, command.instrument))
        self.tell(answer)
        self._unasked.discard(command.order_id)

    async def _fetch_trades(self, command: FetchTrades) -> None:
        broker = self._brokers[command.account]
        for fill in await self._asked(lambda: broker.trades(command.order_id, command.instrument)):
            self.tell(fill)

    async def _asked(
        self,
        question: Callable[[], Awaitable[Any]],
        unanswered: Callable[[int], Awaitable[None]] | None = None,
    ) -> Any:
        """The answer to a question, asked until there is one; `unanswered` counts the tries."""
        for tries in count(1):
            try:
                return await question()
            except BrokerUnavailableError as error:
                log.warning("the venue did not answer: %s", error)
                if unanswered is not None:
                    await unanswered(tries)
                await self._sleep(_ASK_AGAIN_S)
        raise AssertionError("it is asked for ever")

    def _ask(self, question: AskStrategy) -> None:
        """At once: strategies think while the disk writes."""
        self._start(self._decider.decide(question)).add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[StrategyAnswered]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.tell(answer.result())

    async def _listen(self, broker: Broker) -> None:
        async for event in broker.news():
            self.tell(event)

    def _set_timer(self, command: SetTimer) -> None:
        if (old := self._timers.pop(command.name, None)) is not None:
            old.cancel()
        self._timers[command.name] = asyncio.create_task(self._fire(command))

    async def _fire(self, command: SetTimer) -> None:
        await self._sleep(max(command.at_ms - self._now_ms(), 0) / 1000)
        self._timers.pop(command.name, None)
        self.tell(TimerFired(**self._times(), name=command.name))

    def _start(self, work: Awaitable[Done]) -> asyncio.Future[Done]:
        """Do something that ends by itself; `idle` waits for it."""
        task = self._background(work)
        self._work[task] = None
        task.add_done_callback(lambda done: self._work.pop(done, None))
        return task

    def _background(self, work: Awaitable[Done]) -> asyncio.Future[Done]:
        task = asyncio.ensure_future(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Future[Any]) -> None:
        """What fails unforeseen ends the trader: a restart settles what it left open."""
        self._tasks.pop(task, None)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.critical("a task of the trader failed: %r", error)
        self.end(error)

    def _times(self) -> _Times:
        now_ms = self._now_ms()
        return {"ts_event": now_ms, "ts_known": now_ms}

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())


def modes_before(state: EngineState) -> dict[AccountId, TradingMode]:
    """As the journal ends; what a venue's silence stopped goes on with its answers."""
    return {
        account: state.stopped.get(account, TradingMode.TRADING)
        if mode is TradingMode.STARTING
        else TradingMode.TRADING
        if state.mode_by.get(account) == SILENCE
        else mode
        for account, mode in state.modes.items()
    }


def _unwritten(error: JournalUnwrittenError) -> Notice:
    """Told by a way that needs no journal (F48)."""
    return Notice(
        severity=Severity.CRITICAL,
        title="the journal cannot be written",
        text=f"{error.message}: nothing is decided or sent until it can be written again",
        cause="journal",
    )
