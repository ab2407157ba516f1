"""What watches a running trader: the bus with all that listens to it, the pulse, the figures."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from algotrader.core.events import Event, SliceClosed
from algotrader.core.instants import utc_ms
from algotrader.core.ports import Clock, Notice, Notifier, Severity, SystemClock
from algotrader.engine.state import EngineState
from algotrader.live.bus import Bus
from algotrader.live.restarting import RestartWantedError
from algotrader.live.trader import Trader
from algotrader.live.workers import WorkerDecider
from algotrader.ops.config import Configuration
from algotrader.ops.observing import event_lines, meters
from algotrader.ops.observing.endpoint import Endpoint
from algotrader.ops.observing.figures import PrometheusMetrics
from algotrader.ops.observing.logs import event_log, lost_lines
from algotrader.ops.observing.looking import AccountFigures, MemoryCheck, reasons_not_ready
from algotrader.ops.observing.process import cpu_seconds, memory_bytes
from algotrader.ops.observing.pulse import Pulse
from algotrader.ops.observing.summary import Latency, Queue, Summary, write_summary

log = logging.getLogger(__name__)

_DEAD_S: Final = 5.0
"""Without a beat for so long the trader is told not to live."""
_IDLE_S: Final = 30.0
_TURN_S: Final = 0.0005
_MB: Final = 1_000_000
_LOOKS_BETWEEN: Final = {"trader": 60, "worker": 20}
"""Looks from one start of a process to the next for want of memory: a limit below what it needs
makes no circle of starts (F08)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at. `offsets` are the clocks of venues less ours, in ms, by venue."""

    trader: Trader
    state: EngineState
    decider: WorkerDecider
    notifier: Notifier
    clock: Clock  # the trader's
    offsets: Mapping[str, Callable[[], float]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(slots=True)
class _Last:
    """What the look before saw, for rates."""

    at_s: float
    cpu_s: float
    events: int = 0
    told: set[str] = field(default_factory=set)  # of memory: what was told
    looks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LOOKS_BETWEEN, 0))


class Observation:
    """Made before the first step, closed after the last one, inside the trader's event loop."""

    def __init__(self, configuration: Configuration, run: str) -> None:
        """ConfigurationError if nothing can listen at `metrics.port`."""
        settings = configuration.settings
        self._settings = settings.metrics
        self._limit_bytes = settings.trading.memory_mb * _MB
        self._folder: Path = configuration.path(settings.workspace.logs)
        self._mode, self._run = settings.trading.mode, run
        self._clock = SystemClock()
        self._started_ms = utc_ms(self._clock.now())
        self.metrics = PrometheusMetrics()
        self._meters = meters.Meters(self.metrics)
        self._accounts = AccountFigures(self.metrics)
        self._last = _Last(self._clock.monotonic_s(), cpu_seconds())
        self._reasons: tuple[str, ...] = ("recovery: the trader is starting",)
        self._watched: Watched | None = None
        self._pulse: Pulse | None = None
        self._task: asyncio.Task[None] | None = None
        self._endpoint = self._served()
        self.bus = Bus()
        self.bus.subscribe(
            "log", event_lines.EventLines(event_log().bind(run=run)).hear, topics=event_lines.TOPICS
        )
        self.bus.subscribe("metrics", self._meters.hear, topics=meters.TOPICS, quick=True)

    async def __aenter__(self) -> Observation:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def watch(self, watched: Watched) -> None:
        """Look at a trader from now on."""
        self._watched = watched
        # What writes logs in a thread of its own gives the interpreter back to the money soon, and
        # what was made for the start is not gone through for garbage again and again.
        sys.setswitchinterval(_TURN_S)
        gc.collect()
        gc.freeze()
        watched.trader.overhear(self._overheard)
        self._pulse = Pulse(blocked=self._blocked, moving=self._moving)
        self._task = asyncio.create_task(self._look_for_ever(), name="observation")

    async def close(self) -> None:
        """Tell the listeners what waits for them, write the last figures, and end."""
        gc.unfreeze()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.bus.close()
        if self._watched is not None:
            self._write(self._watched, ended=True)
        if self._pulse is not None:
            await self._pulse.close()
        if self._endpoint is not None:
            self._endpoint.close()

    def _overheard(self, event: Event) -> None:
        if isinstance(event, SliceClosed):
            self._meters.handed_in(event.decision_ts, self._clock.monotonic_s())

    def _served(self) -> Endpoint | None:
        if not self._settings.port:
            return None
        return Endpoint(
            self._settings, figures=self.metrics.text, health=self._health, ready=self._ready
        )

    def _health(self) -> tuple[bool, Mapping[str, Any]]:
        silent_s = 0.0 if self._pulse is None else self._pulse.silent_s
        is_alive = silent_s < _DEAD_S
        return is_alive, {"alive": is_alive, "silent_s": round(silent_s, 3), "pid": os.getpid()}

    def _ready(self) -> tuple[bool, Mapping[str, Any]]:
        is_alive, _ = self._health()
        reasons = self._reasons if is_alive else ("the event loop stands still", *self._reasons)
        return not reasons, {"ready": not reasons, "mode": self._mode, "reasons": list(reasons)}

    async def _look_for_ever(self) -> None:
        assert self._watched is not None
        while True:
            try:
                self._look(self._watched)
                await self._mind_memory(self._watched)
            except Exception:  # a figure that cannot be had is no reason to stop trading
                log.exception("the trader could not be looked at")
            await asyncio.sleep(self._settings.every_s)

    def _look(self, watched: Watched) -> None:
        state, now_ms = watched.state, utc_ms(watched.clock.now())
        self._accounts.look(state, now_ms)
        self._reasons = reasons_not_ready(
            state, now_ms, is_reconciled=watched.trader.is_ready(),
            silent=sorted(self._meters.silent),
        )  # fmt: skip
        self.metrics.gauge("ready", float(not self._reasons))
        for venue, offset_ms in watched.offsets.items():
            self.metrics.gauge("clock_offset_seconds", offset_ms() / 1000, venue=venue)
        self._write(watched, ended=False)

    def _write(self, watched: Watched, *, ended: bool) -> None:
        summary = self._summary(watched, ended=ended)
        for name, queue in summary.queues.items():
            self.metrics.gauge("queue_depth", queue.depth, queue=name)
            if name != "trader":
                self.metrics.gauge("bus_dropped", queue.dropped, listener=name)
        self.metrics.gauge("cpu", summary.cpu)
        self.metrics.gauge("loop_lag_seconds", summary.loop_lag_ms / 1000)
        self.metrics.gauge("log_lines_lost", summary.log_lines_lost)
        self.metrics.gauge("memory_bytes", summary.memory_mb * _MB, process="trader")
        if summary.worker_memory_mb is not None:
            self.metrics.gauge("memory_bytes", summary.worker_memory_mb * _MB, process="worker")
        if summary.last_decision_ms is not None:
            self.metrics.gauge("last_decision_timestamp_seconds", summary.last_decision_ms / 1000)
        try:
            write_summary(self._folder, summary)
        except OSError as error:
            log.warning("the figures of the trader cannot be kept: %s", error.strerror)

    def _summary(self, watched: Watched, *, ended: bool) -> Summary:
        last, now_s, cpu_s = self._last, self._clock.monotonic_s(), cpu_seconds()
        passed_s = max(now_s - last.at_s, 1e-9)
        rate, cpu = (self._meters.events - last.events) / passed_s, (cpu_s - last.cpu_s) / passed_s
        last.at_s, last.cpu_s, last.events = now_s, cpu_s, self._meters.events
        worker = watched.decider.worker_pid
        workers = None if worker is None else memory_bytes(worker)
        decided = [closed.decision_ts for closed in watched.state.slices.values()]
        return Summary(
            pid=os.getpid(), mode=self._mode, run=self._run, started_ms=self._started_ms,
            written_ms=utc_ms(self._clock.now()), every_s=self._settings.every_s, ended=ended,
            reasons=self._reasons, events=self._meters.events, events_per_s=round(rate, 3),
            decide=_latency(self._meters.decide), accept=_latency(self._meters.accept),
            memory_mb=round((memory_bytes() or 0) / _MB, 1),
            worker_memory_mb=None if workers is None else round(workers / _MB, 1),
            cpu=round(cpu, 3),
            loop_lag_ms=0.0 if self._pulse is None else round(1000 * self._pulse.worst_s(), 1),
            queues=self._queues(watched.trader), last_decision_ms=max(decided, default=None),
            offsets_ms={venue: offset_ms() for venue, offset_ms in watched.offsets.items()},
            log_lines_lost=lost_lines(),
        )  # fmt: skip

    def _queues(self, trader: Trader) -> dict[str, Queue]:
        queues = {"trader": Queue(depth=trader.waiting())}
        for told in self.bus.statistics():
            queues[told.listener] = Queue(
                depth=told.depth, dropped=told.dropped, lag_ms=round(1000 * told.lag_s, 1)
            )
        return queues

    async def _mind_memory(self, watched: Watched) -> None:
        """F11: the worker starts anew between two decisions, the trader between two steps."""
        worker = watched.decider.worker_pid
        used = {"trader": memory_bytes(), "worker": worker and memory_bytes(worker)}
        for process, used_bytes in used.items():
            check = MemoryCheck(used_bytes=used_bytes or 0, limit_bytes=self._limit_bytes)
            if check.is_soft:
                await self._tell_memory(watched, process, check)
            else:
                self._last.told.discard(process)
            self._last.looks[process] += 1
            if check.is_hard and self._last.looks[process] >= _LOOKS_BETWEEN[process]:
                self._last.looks[process] = 0
                await self._renew(watched, process)

    async def _tell_memory(self, watched: Watched, process: str, check: MemoryCheck) -> None:
        if process in self._last.told:
            return
        self._last.told.add(process)
        used, limit = check.used_bytes / _MB, check.limit_bytes / _MB
        text = f"the {process} uses {used:.0f} MB of the {limit:.0f} it may (trading.memory_mb)"
        log.warning("%s", text)
        await watched.notifier.notify(
            Notice(
                severity=Severity.IMPORTANT, title=f"memory of the {process}", text=text,
                cause=f"memory:{process}",
            )
        )  # fmt: skip

    async def _renew(self, watched: Watched, process: str) -> None:
        log.error("the %s starts anew: its memory is nearly used up", process)
        if process == "worker":
            await watched.decider.renew()
            return
        try:
            await asyncio.wait_for(watched.trader.idle(), _IDLE_S)
        except TimeoutError:
            log.warning("the trader is never idle: it starts anew as after a crash")
        watched.trader.end(RestartWantedError("memory"))

    def _blocked(self) -> None:
        self.metrics.count("loop_blocked")

    def _moving(self, stood_s: float) -> None:
        """The person is told when messages can be sent again; the log had it while it stood."""
        if self._watched is None:
            return
        notice = Notice(
            severity=Severity.CRITICAL, title="the trader stood still",
            text=f"the event loop stood still for {stood_s:.1f} s; orders too old by then are not sent",
            cause="loop:blocked",
        )  # fmt: skip
        self._told = asyncio.ensure_future(self._watched.notifier.notify(notice))


def _latency(kept: meters.Latencies) -> Latency:
    p50, p99 = kept.quantile(0.5), kept.quantile(0.99)
    return Latency(
        p50_ms=None if p50 is None else round(1000 * p50, 2),
        p99_ms=None if p99 is None else round(1000 * p99, 2),
        count=len(kept.newest),
    )
