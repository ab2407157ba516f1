"""The trader: the engine on the clock. It takes events one by one and does what they ask for.

Events come from brokers, feeds, timers and strategies through one queue. Each is one step, durable
before anything is done about it. Questions and orders run as tasks of their own, so that a slow
venue delays no decision; what they learn comes back as events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Protocol, TypedDict

from algotrader.core.events import (
    Event,
    ModeChanged,
    OrderUnknown,
    StrategyAnswered,
    TimerFired,
    TradingMode,
)
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.engine.commands import (
    Alert,
    AskStrategy,
    Cancel,
    Command,
    FetchTrades,
    LookUp,
    SetTimer,
    Submit,
)
from algotrader.execution.broker import Broker, BrokerUnavailableError
from algotrader.live.journal.errors import JournalUnwrittenError
from algotrader.live.steps import Steps

log = logging.getLogger(__name__)
_ASK_AGAIN_S: Final = 1.0
_WRITE_AGAIN_S: Final = 1.0
_SETTLE_S: Final = 0.05


class _Times(TypedDict):
    ts_event: int
    ts_known: int


class Decider(Protocol):
    """Where strategies run. It always answers: with what was decided, or why it was not."""

    async def decide(self, question: AskStrategy) -> StrategyAnswered: ...


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
    ) -> None:
        self._steps = steps
        self._brokers = brokers
        self._decider = decider
        self._notifier = notifier
        self._clock = clock
        self._sleep = sleep
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._ready = {account: asyncio.Event() for account in brokers}

    def tell(self, event: Event) -> None:
        """Hand in an event. It is handled after those handed in before it."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Take events for ever. Cancel it to stop; what is durable by then is what happened.

        First every order in doubt is settled with its venue and the positions are compared. Until
        that is done for an account, nothing of it is sent.
        """
        modes = dict(self._steps.engine.state.modes)
        for account in self._brokers:
            self.tell(self._mode(account, TradingMode.STARTING, "the trader was started"))
        self._do(self._steps.resume(self._now_ms()))
        for account, broker in self._brokers.items():
            self._start(self._listen(broker))
            self._start(self._reconcile(account, broker, modes[account]))
        try:
            while True:
                self._do(await self._step(await self._events.get()))
        finally:
            for task in [*self._tasks, *self._timers.values()]:
                task.cancel()
            await asyncio.gather(*self._tasks, *self._timers.values(), return_exceptions=True)

    async def _reconcile(self, account: AccountId, broker: Broker, before: TradingMode) -> None:
        """Settle, compare, and go on in the mode that the journal ends in; a halt stays."""
        state = self._steps.engine.state
        while state.modes[account] is not TradingMode.STARTING or any(state.orders.open(account)):
            await self._sleep(_SETTLE_S)
        ours = {
            symbol: state.books[account].whole.position(symbol).quantity
            for symbol in state.books[account].whole.contracts
        }
        theirs = await self._asked(lambda: broker.positions(tuple(ours)))
        wrong = {symbol: held for symbol, held in theirs.items() if held != ours[symbol]}
        if wrong:
            text = ", ".join(
                f"{symbol} {ours[symbol]} here, {wrong[symbol]} there" for symbol in wrong
            )
            self.tell(self._mode(account, TradingMode.REDUCE_ONLY, text))
            notice = Notice(
                severity=Severity.CRITICAL,
                title=f"{account}: positions differ",
                text=text,
                cause=f"reconcile:{account}",
            )
            await self._notifier.notify(notice)
        else:
            kept = before in (TradingMode.HALTED, TradingMode.REDUCE_ONLY)
            self.tell(self._mode(account, before if kept else TradingMode.TRADING, "equal"))
        await self._until_told()
        self._ready[account].set()

    async def ready(self) -> None:
        """Wait until every account is reconciled. Bars are handed in after that (R24)."""
        for event in self._ready.values():
            await event.wait()

    async def _until_told(self) -> None:
        while not self._events.empty():
            await self._sleep(0)

    def _mode(self, account: AccountId, mode: TradingMode, reason: str) -> ModeChanged:
        return ModeChanged(
            **self._times(), account=account, mode=mode, reason=reason, by="recovery"
        )

    async def _step(self, event: Event) -> list[Command]:
        """Nothing is done, and nothing else taken, before the step is written."""
        try:
            return self._steps.take(event)
        except JournalUnwrittenError as error:
            log.critical("the journal cannot be written: %s", error.message)
        while True:
            await self._sleep(_WRITE_AGAIN_S)
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
                case LookUp():
                    self._start(self._look_up(command))
                case FetchTrades():
                    self._start(self._fetch_trades(command))
                case AskStrategy():
                    self._start(self._ask(command))
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

    async def _look_up(self, command: LookUp) -> None:
        broker = self._brokers[command.account]
        answer = await self._asked(lambda: broker.look_up(command.order_id, command.instrument))
        self.tell(answer)

    async def _fetch_trades(self, command: FetchTrades) -> None:
        broker = self._brokers[command.account]
        for fill in await self._asked(lambda: broker.trades(command.order_id, command.instrument)):
            self.tell(fill)

    async def _asked(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to a question, asked until there is one."""
        while True:
            try:
                return await question()
            except BrokerUnavailableError as error:
                log.warning("the venue did not answer: %s", error)
                await self._sleep(_ASK_AGAIN_S)

    async def _ask(self, command: AskStrategy) -> None:
        self.tell(await self._decider.decide(command))

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

    def _start(self, work: Coroutine[Any, Any, None] | Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a task of the trader failed: %r", error)

    def _times(self) -> _Times:
        now_ms = self._now_ms()
        return {"ts_event": now_ms, "ts_known": now_ms}

    def _now_ms(self) -> int:
        return utc_ms(self._clock.now())
