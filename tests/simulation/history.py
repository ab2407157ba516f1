"""One simulated history: a trader, a venue, a wire between them, and everything that goes wrong.

The engine, the order life, the gate, the journal and the trader are the shipped ones; only the
ports around them are models: clock, venue, disk, strategy, messenger. One seed fixes all of it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import partial
from hashlib import blake2b
from typing import Final

from msgspec import structs
from tests.simulation.faults import Faults
from tests.simulation.fold import Fold
from tests.simulation.model_venue import Crash, ModelBroker, ModelVenue
from tests.simulation.virtual_loop import LoopClock, VirtualLoop, run_virtually
from tests.simulation.wire import USUAL, USUAL_S, RandomWire, ScriptedWire, Trip, Wire
from tests.simulation.witness import Witness

from algotrader.core.accounts import Account, MarginMode
from algotrader.core.events import (
    BarClosed,
    CashMoved,
    DecisionOutcome,
    Event,
    HaltRequested,
    HandAmendRequested,
    HandCancelRequested,
    HandOrderRequested,
    RearmRequested,
    SliceClosed,
    StrategyAnswered,
    TargetWanted,
    encode_event,
)
from algotrader.core.ids import AccountId, OrderId, RunId, StrategyId
from algotrader.core.money import Currency
from algotrader.core.orders import Order, Purpose, Side
from algotrader.core.ports import Clock, Notice, SteadyClock
from algotrader.core.symbols import Symbol
from algotrader.engine.commands import AskStrategy
from algotrader.engine.engine import Engine
from algotrader.engine.settings import EngineSettings, StrategyInstance
from algotrader.execution.order_life import LiveOrder
from algotrader.live.journal import journal as journals
from algotrader.live.journal.errors import JournalFailedError, JournalFullError
from algotrader.live.journal.memory import MemoryStorage, Point
from algotrader.live.steps import Steps
from algotrader.live.trader import Trader
from algotrader.risk.settings import RiskSettings
from algotrader.simulator.okx.listings import usual_instrument

MAIN, USDT = AccountId("main"), Currency("USDT")
RANDOM, OTHER = StrategyId("random"), StrategyId("other")
SYMBOLS: Final = (Symbol.parse("OKX:BTC/USDT"), Symbol.parse("OKX:ETH/USDT"))
FRAME: Final = "1m"
BAR_S: Final = 60.0
ARITHMETIC: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""The venue's own: that of the thread may be another, ccxt changes its rounding in a test before."""
CASH: Final = Decimal(100_000)
ENTROPY: Final = bytes(range(16))
LIFE_S: Final = 40.0  # longer than every deadline and pause of one order
WARM_UP, FAULTY, HEALED, SETTLING = 3, 12, 3, 3  # slices of each phase


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPlan:
    """What one history is: nothing else decides."""

    seed: int
    faults: Faults
    slices: int = FAULTY

    @classmethod
    def of(cls, seed: int) -> HistoryPlan:
        return cls(seed=seed, faults=Faults.drawn(random.Random(f"faults {seed}")))


NO_LIMITS: Final = RiskSettings()
Weights = tuple[float | None, float | None]
_Hand = HandOrderRequested | HandAmendRequested | HandCancelRequested
BUYS: Final[Weights] = (0.45, None)
RAISES: Final = -777.0  # in place of a weight: its strategy raises


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One order's life, or a few, written down: what messages do, and when the process dies."""

    weights: tuple[Weights, ...] = (BUYS,)  # what is decided at each slice
    trips: tuple[Trip, ...] = ()
    later: Trip = USUAL  # every further question
    push_s: float | None = USUAL_S  # None: every push is lost
    pushes: tuple[tuple[float, ...], ...] = ()  # the first ones: when their copies arrive
    pace_s: float = 0.2  # from the order's arrival to its trade
    share: Decimal | None = None  # that trades, the rest staying open
    crash_at: int | None = None  # which point of the disk, counted from the slice on
    kill_s: float | None = None  # seconds after the first slice
    kill_on: tuple[str, int] | None = None  # when the venue did that for the n-th time
    pause_s: float = 0.1  # from a crash to the next start
    replay_s: float = 0.0  # how long a start reads its journal, connected already
    full_s: tuple[float, float] | None = None  # from and to: the disk takes nothing
    risk: RiskSettings = NO_LIMITS
    apart: bool = False  # a strategy for each instrument
    step_s: tuple[float, float] | None = None  # when, and by how much, the wall clock is set


@dataclass(slots=True, kw_only=True)
class Seen:
    """How far the checks of the process that is up have come: what was right stays so."""

    steps: Steps | None = None
    orders: int = 0  # of those the venue holds
    fills: int = 0  # of its trades, which are known here
    events: int = 0  # of the journal, when memory was compared with it
    slices: int = 0  # the same
    compared: dict[OrderId, tuple[LiveOrder, LiveOrder]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class History:
    """What happened, for the properties to be checked on."""

    plan: HistoryPlan
    storage: MemoryStorage
    venue: ModelVenue
    fold: Fold
    witness: Witness
    is_doubled_by_wire: bool = False  # a request may arrive twice though it was sent once
    steps: Steps | None = None  # of the process that is up
    starts: int = 0
    notices: list[Notice] = field(default_factory=list)
    ready_ms: int | None = None  # since when the process that is up is reconciled
    slices: int = 0  # that were closed
    seen: Seen = field(default_factory=lambda: Seen())

    @property
    def struck(self) -> Counter[str]:
        """How often each kind of fault happened."""
        return self.venue.struck

    def folded(self) -> Engine:
        """What a restart would know now."""
        return self.fold.engine()

    def seen_of(self, steps: Steps) -> Seen:
        """What the checks need not look at again; nothing yet of a process that is new."""
        if self.seen.steps is not steps:
            self.seen = Seen(steps=steps)
        return self.seen

    def look(self) -> None:
        """Show the witness every event that became durable since it looked last."""
        events = self.fold.follow()
        if len(events) > self.witness.count:
            self.witness.step(events[self.witness.count :])

    def received(self, order: Order) -> None:
        """The venue has a request: its row was there before."""
        self.look()
        self.witness.placed(order)
        if (times := self.venue.received[order.order_id]) > 1 and not self.is_doubled_by_wire:
            self.witness.broken.append(
                f"P1: order {order.order_id} reached the venue {times} times"
            )

    def rows(self) -> list[Event]:
        """Every event of the journal."""
        self.look()
        return self.fold.events

    def trace(self) -> str:
        """A hash of all that was written: the same for the same seed (P10)."""
        digest = blake2b(digest_size=16)
        for event in self.rows():
            digest.update(encode_event(event))
        return digest.hexdigest()


INSTRUMENTS: Final = {symbol: usual_instrument(symbol) for symbol in SYMBOLS}


def settings(run_id: RunId, script: Script | None = None) -> EngineSettings:
    """One strategy of both instruments; or one for each, where a script says `apart`."""
    apart = script is not None and script.apart
    risk = NO_LIMITS if script is None else script.risk
    parts = {RANDOM: SYMBOLS[:1], OTHER: SYMBOLS[1:]} if apart else {RANDOM: SYMBOLS}
    account = Account(
        account_id=MAIN, venue="OKX", currency=USDT, margin_mode=MarginMode.CASH,
        instruments=SYMBOLS, strategies=tuple(parts),
    )  # fmt: skip
    instances = tuple(
        StrategyInstance(
            strategy=name, account=MAIN, instruments=symbols, timeframe=FRAME,
            panel=len(symbols) > 1, cash_share=1 / len(parts),
        )
        for name, symbols in parts.items()
    )  # fmt: skip
    return EngineSettings(
        run_id=run_id, configuration_hash="simulated", accounts=(account,),
        instruments=dict(INSTRUMENTS),
        strategies=instances, cash_wait_ms=10_000, risk=risk,
    )  # fmt: skip


class Targets:
    """Weights drawn for each decision: a restart that asks again gets the same ones."""

    def __init__(self, seed: int, clock: LoopClock, venue: ModelVenue) -> None:
        self._seed = seed
        self._clock = clock
        self._venue = venue
        self.owners = dict.fromkeys(SYMBOLS, RANDOM)
        self.planned: dict[int, Weights] | None = None  # by decision time; None: drawn
        self.is_quiet = False  # no opinion any more: what is open is only ended

    async def decide(self, question: AskStrategy) -> StrategyAnswered:
        chance = random.Random(f"{self._seed} {question.decision_ts}")
        await asyncio.sleep(chance.random() * 0.2)
        now_ms = self._venue.now_ms()
        weights = dict(zip(SYMBOLS, self._weights(question, chance), strict=True))
        own = [symbol for symbol in SYMBOLS if self.owners[symbol] == question.strategy]
        raises = any(weights[symbol] == RAISES for symbol in own)
        outcome = DecisionOutcome.RAISED if raises else DecisionOutcome.DECIDED
        wanted = tuple(
            TargetWanted(instrument=symbol, target=weights[symbol], features={}) for symbol in own
        )
        return StrategyAnswered(
            ts_event=now_ms, ts_known=now_ms, account=MAIN, strategy=question.strategy,
            decision_ts=question.decision_ts, outcome=outcome,
            wanted=() if raises else wanted, error="ValueError: seven" if raises else None,
        )  # fmt: skip

    def _weights(self, question: AskStrategy, chance: random.Random) -> Weights:
        if self.planned is not None:
            return self.planned.get(question.decision_ts, (None, None))
        first, second = (chance.choice((None, 0.0, 0.1, 0.25, 0.45)) for _ in SYMBOLS)
        return (None, None) if self.is_quiet else (first, second)


class _Notices:
    def __init__(self, kept: list[Notice]) -> None:
        self._kept = kept

    async def notify(self, notice: Notice) -> None:
        self._kept.append(notice)


class World:
    """The history being made."""

    def __init__(
        self,
        plan: HistoryPlan,
        loop: VirtualLoop,
        watch: Callable[[History], None] = lambda _: None,
        script: Script | None = None,
    ) -> None:
        self._plan = plan
        self._clock = LoopClock(loop)  # the true time, and the venue's
        self._wall = LoopClock(loop)  # of the trader's machine
        self._steady = partial(SteadyClock, self._wall.now, loop.time)
        self._chance = random.Random(f"world {plan.seed}")
        self._market = random.Random(f"market {plan.seed}")  # the same whatever else happens
        self._faulty = False
        self._points = 0  # of the disk that were passed
        self._storage = MemoryStorage(self._disk)
        struck: Counter[str] = Counter()
        wire = RandomWire(lambda: venue.faults, random.Random(f"wire {plan.seed}"), struck)
        venue = self._opened(random.Random(f"venue {plan.seed}"), wire)
        venue.struck = struck
        journals.begin(self._storage, entropy=ENTROPY, now_ms=venue.now_ms())
        run_id = RunId(journals.last_segment(self._storage).run_id)
        self._settings = settings(run_id, script)
        fold = Fold(self._settings, self._storage)
        self.history = History(
            plan=plan, storage=self._storage, venue=venue, fold=fold,
            witness=Witness(dict(fold.settings.instruments)),
        )  # fmt: skip
        venue.received_one = self.history.received
        trips = script.trips if script is not None else ()
        self.history.is_doubled_by_wire = any(trip.twice for trip in trips)
        self._venue = venue
        self._snapshot_rows = self._chance.choice((None, 60))  # starts with and without one
        self._targets = Targets(plan.seed, self._clock, venue)
        if script is not None and script.apart:
            self._targets.owners[SYMBOLS[1]] = OTHER
        self._watch = watch
        self._trader: Trader | None = None
        self._slice: tuple[Event, ...] = ()
        self._script = script
        self._running: asyncio.Future[None] | None = None
        self._killed = False
        self._is_full = False  # the disk
        self._silence: dict[Symbol, int] = {}  # slices that an instrument will still be silent
        self._halted_for = 0  # slices until a person re-arms
        self._by_hand = 0  # requests about orders so far
        self._asked: tuple[
            _Hand, ...
        ] = ()  # the newest of them: asked again, as one who is not sure
        self._did: Counter[str] = Counter()  # what the venue did
        self._next: Weights = BUYS

    def _opened(self, chance: random.Random, wire: Wire) -> ModelVenue:
        return ModelVenue(MAIN, self._clock, chance, wire)

    def _connected(self, clock: Clock) -> ModelBroker:
        return ModelBroker(self._venue, clock)

    async def run(self) -> History:
        """All phases, then the checks are the caller's."""
        self._venue.happened = self._happened
        living = asyncio.ensure_future(self._live())
        try:
            await self._slices(WARM_UP)
            self._faulty, self._venue.faults = True, self._plan.faults
            await self._slices(self._plan.slices)
            self._faulty, self._venue.faults = False, Faults()
            await self._slices(HEALED)
            self._targets.is_quiet = True
            await self._slices(SETTLING)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        return self.history

    async def run_script(self, script: Script) -> History:
        """A slice for each decision, and time enough for all that can follow."""
        living = asyncio.ensure_future(self._live())
        try:
            await asyncio.sleep(1.0)
            self._venue.wire = ScriptedWire(
                script.trips, script.push_s, script.pushes, script.later
            )
            self._venue.pace_s, self._venue.share = script.pace_s, script.share
            self._venue.happened = self._venue_did
            self._targets.planned, self._faulty = {}, True
            for number, weights in enumerate(script.weights):
                self._next = weights
                await self._slices(1)
                if number == 0:
                    self._first_slice(script)
            await asyncio.sleep(LIFE_S)
            self._faulty, self._venue.wire = False, ScriptedWire((), USUAL_S)
            await asyncio.sleep(LIFE_S)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        return self.history

    def _first_slice(self, script: Script) -> None:
        loop = asyncio.get_running_loop()
        if script.kill_s is not None:
            loop.call_later(script.kill_s, self._kill)
        if script.step_s is not None:
            at_s, by_s = script.step_s
            loop.call_later(at_s, setattr, self._wall, "stepped_s", by_s)
        for at_s, full in zip(script.full_s or (), (True, False), strict=False):
            loop.call_later(at_s, setattr, self, "_is_full", full)

    def _happened(self, what: str) -> None:
        """The venue did something, in a history that nobody wrote down."""
        self._watch(self.history)

    def _venue_did(self, what: str) -> None:
        self._did[what] += 1
        if self._script is not None and self._script.kill_on == (what, self._did[what]):
            self._kill()

    async def _slices(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(BAR_S)
            self._close_slice()
            self.history.slices += 1
            if self.history.steps is not None and self._snapshot_rows is not None:
                self.history.steps.rest(self._snapshot_rows)
            if self._trader is not None and self._trader.is_ready():
                self._hand_over(self._trader)
            self._perhaps_halt()
            self._perhaps_by_hand()
            self._perhaps_fill_the_disk()
            self._watch(self.history)

    def _close_slice(self) -> None:
        now_ms = self._venue.now_ms()
        bars = []
        for symbol, start in zip(SYMBOLS, ("30000", "1900"), strict=True):
            drawn = Decimal(self._market.randrange(-100, 101)) / 10_000
            last = self._venue.prices.get(symbol, Decimal(start))
            price = (last * (1 + drawn)).quantize(Decimal("0.1"))
            self._venue.prices[symbol] = price
            if not self._is_silent(symbol):
                bars.append(_bar(symbol, float(price), now_ms))
        closed = SliceClosed(
            ts_event=now_ms, ts_known=now_ms, timeframe=FRAME, decision_ts=now_ms,
            instruments=tuple(bar.instrument for bar in bars),
        )  # fmt: skip
        self._slice = (*bars, closed)
        if self._targets.planned is not None:
            self._targets.planned[now_ms] = self._next

    def _is_silent(self, symbol: Symbol) -> bool:
        """Whether the feed has no bar of it: for some slices in a row (F20)."""
        if self._silence.get(symbol, 0) > 0:
            self._silence[symbol] -= 1
            return True
        if symbol != SYMBOLS[0] and self._strikes(self._plan.faults.silent):
            self._silence[symbol] = self._chance.randrange(1, 5)
            self.history.struck["silent"] += 1
            return True
        return False

    def _perhaps_halt(self) -> None:
        """A person throws the kill switch, and lets trading go on some slices later."""
        now_ms = self._venue.now_ms()
        at = {"ts_event": now_ms, "ts_known": now_ms}
        if self._trader is None or not self._trader.is_ready():
            return
        if self._halted_for == 1:
            self._trader.tell(
                RearmRequested(**at, by="owner", channel="cli", reason="go on", account=None)
            )
        self._halted_for = max(self._halted_for - 1, 0)
        if not self._halted_for and self._strikes(self._plan.faults.halt):
            self._halted_for = self._chance.randrange(2, 5)
            self.history.struck["halt"] += 1
            self._trader.tell(
                HaltRequested(**at, by="owner", channel="cli", reason="a test", account=None)
            )

    def _perhaps_by_hand(self) -> None:
        """A person sends, changes or withdraws an order, and asks for the last one once more."""
        if not self._strikes(self._plan.faults.by_hand):
            return
        loop = asyncio.get_running_loop()
        self._by_hand += 1
        self._asked = (*self._asked[-1:], self._drawn_by_hand())
        self.history.struck["by_hand"] += 1
        for asked in self._asked:
            loop.call_later(self._chance.random() * 50.0, self._ask_by_hand, asked)

    def _ask_by_hand(self, asked: _Hand) -> None:
        if self._trader is not None and self._trader.is_ready():
            now_ms = self._venue.now_ms()
            self._trader.tell(structs.replace(asked, ts_event=now_ms, ts_known=now_ms))

    def _drawn_by_hand(self) -> _Hand:
        """Little is bought, so that all that is held stays below `LARGEST_SHARE`."""
        chance, alive = self._chance, sorted(self._venue.alive)
        who = {
            "ts_event": 0, "ts_known": 0, "by": "owner", "channel": "cli", "reason": "a test",
            "request": f"hand-{self._by_hand}", "account": MAIN,
        }  # fmt: skip
        theirs = [one for one in alive if self._is_by_hand(one)]
        deed = chance.choice(("buy", "sell", "leave", "amend", "cancel", "cancel"))
        if theirs and chance.random() < 0.5:
            deed = "amend"
        if deed == "cancel" and alive:
            return HandCancelRequested(**who, order=chance.choice(alive))
        if deed == "amend" and alive:
            held = self._venue.alive[chance.choice(theirs or alive)]
            changed = held.order.quantity * chance.choice((Decimal("0.5"), Decimal("1.5")))
            return HandAmendRequested(**who, order=held.order.order_id, quantity=changed)
        symbol = chance.choice(SYMBOLS)
        price = self._venue.prices[symbol]
        limit = chance.choice((None, price))
        if deed == "buy":
            return HandOrderRequested(
                **who, instrument=symbol, side=Side.BUY, value=Decimal(30), limit=limit
            )
        quantity = Decimal(chance.randrange(1, 20_000)) / price
        return HandOrderRequested(
            **who, instrument=symbol, side=Side.SELL, quantity=quantity, limit=limit,
            reduce_only=deed == "leave",
        )  # fmt: skip

    def _is_by_hand(self, order_id: OrderId) -> bool:
        return self._venue.orders[order_id].order.intent.purpose is Purpose.OPERATOR

    def _perhaps_fill_the_disk(self) -> None:
        if self._strikes(self._plan.faults.full):
            self._is_full = True
            self.history.struck["full"] += 1
            loop, lasts_s = asyncio.get_running_loop(), self._chance.random() * 40.0
            loop.call_later(lasts_s, setattr, self, "_is_full", False)

    def _strikes(self, rate: float) -> bool:
        return self._faulty and rate > 0 and self._chance.random() < rate

    def _hand_over(self, trader: Trader) -> None:
        for event in self._slice:
            trader.tell(event)

    async def _live(self) -> None:
        """Start the trader, and start it again whenever it dies."""
        while True:
            try:
                await self._one_life()
            except (Crash, JournalFailedError, JournalFullError):  # the last: its first deposit
                self._lose()
                self.history.struck["crash"] += 1
            except Exception as error:
                self.history.witness.broken.append(f"the trader ended by itself: {error!r}")
                raise
            await asyncio.sleep(self._pause_s())

    def _pause_s(self) -> float:
        drawn_s = self._chance.random() * 20.0
        return drawn_s if self._script is None else self._script.pause_s

    async def _one_life(self) -> None:
        clock = self._steady()
        broker = self._connected(clock)  # connected: the venue may speak from here on
        await asyncio.sleep(self._replay_s())
        journal = journals.resume(self._storage)
        steps = Steps(
            Engine(self._settings),
            journal,
            committed=lambda _: self.history.look(),
        )
        if not steps.replay():
            self._deposit(steps)
        self.history.starts += 1
        self.history.steps = steps
        trader = Trader(
            steps=steps,
            brokers={MAIN: broker},
            decider=self._targets, notifier=_Notices(self.history.notices), clock=clock,
        )  # fmt: skip
        self._trader = trader
        feeding = asyncio.ensure_future(self._catch_up(trader, steps))
        self._running = asyncio.ensure_future(trader.run())
        try:
            await self._running
        except asyncio.CancelledError:
            if self._killed:
                raise Crash from None
            self._running.cancel()
            raise
        finally:
            self._killed = False
            self._trader = self.history.steps = self.history.ready_ms = None
            self._venue.listeners.clear()
            feeding.cancel()

    def _replay_s(self) -> float:
        if self._script is not None:
            return self._script.replay_s
        replay_s = self._chance.random() * self._plan.faults.replay_s if self._faulty else 0.0
        self.history.struck["replay_s"] += replay_s > 0
        return replay_s

    async def _catch_up(self, trader: Trader, steps: Steps) -> None:
        """The newest slice, if this life began after it closed (R24)."""
        await trader.ready()
        self.history.ready_ms = self._venue.now_ms()
        known = steps.engine.state.slices.get(FRAME)
        newest = self._slice[-1] if self._slice else None
        if newest is None or (known is not None and known.decision_ts >= newest.ts_known):
            return
        if self._venue.now_ms() - newest.ts_known < BAR_S * 1000:
            self._hand_over(trader)

    def _deposit(self, steps: Steps) -> None:
        now_ms = self._venue.now_ms()
        steps.take(
            CashMoved(ts_event=now_ms, ts_known=now_ms, account=MAIN, movement_id="start",
                      reason="deposit", amount=CASH, currency=USDT)
        )  # fmt: skip

    def _kill(self) -> None:
        if self._running is not None:
            self._killed = True
            self._running.cancel()

    def _disk(self, point: Point) -> None:
        if not self._faulty:
            return
        if self._is_full and point is Point.WRITE:
            raise JournalFullError("journal.full", "the disk is full", hint="make room")
        self._points += 1
        if self._script is not None and self._points == self._script.crash_at:
            raise Crash
        if self._chance.random() < self._plan.faults.crash:
            raise Crash

    def _lose(self) -> None:
        steps = self._storage.unsynced_steps
        lost = self._chance.random() < self._plan.faults.lose_unsynced
        kept = 0 if lost else self._chance.randrange(steps + 1)
        self.history.struck["lose_unsynced"] += kept < steps
        self._storage.crash(kept_steps=kept)


def _bar(symbol: Symbol, price: float, now_ms: int) -> BarClosed:
    return BarClosed(
        ts_event=now_ms, ts_known=now_ms, instrument=symbol, timeframe=FRAME,
        ts=now_ms - round(BAR_S * 1000), open=price, high=price, low=price, close=price,
        volume=1e6, source="simulated",
    )  # fmt: skip


def simulate(plan: HistoryPlan, watch: Callable[[History], None] = lambda _: None) -> History:
    """The history of a plan; `watch` looks at it after each slice."""
    loop = VirtualLoop()
    with localcontext(ARITHMETIC):
        return run_virtually(loop, World(plan, loop, watch).run())


def live_once(script: Script) -> History:
    """The history of one written life."""
    loop = VirtualLoop()
    with localcontext(ARITHMETIC):
        world = World(HistoryPlan(seed=0, faults=Faults()), loop, script=script)
        return run_virtually(loop, world.run_script(script))
