"""What OKX may change under a running trader, asked for now and then: rules (F31, F32), clock (F30).

Rules are read daily, and at once after a refusal that speaks of a size, a price or of the instrument
itself; while something is frozen, every ten minutes. What differs from what is traded by is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol

from algotrader.core.events import Event, InstrumentChanged, ModeChanged, OrderRejected, TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_ms
from algotrader.core.instruments import Instrument
from algotrader.core.ports import Clock, Notice, Notifier, Severity
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.okx.clock import HALTED_MS, ClockReading
from algotrader.data.adapters.okx.rest import NoAnswerError
from algotrader.execution.adapters.okx.account import InstrumentRules
from algotrader.execution.adapters.okx.codes import STALE_RULES, Treatment, treatment
from algotrader.execution.broker import BrokerUnavailableError

log = logging.getLogger(__name__)

DAILY_S: Final = 86_400.0
FROZEN_S: Final = 600.0
_AGAIN_S: Final = 60.0  # after no answer
_CLOCK_S: Final = 60.0
_SETTLED_MS: Final = 500  # an offset that is off by more is set anew
SHOWN_MS: Final = 2_000
"""A clock that is off by more is told to a person (F30)."""


class RulesSource(Protocol):
    async def rules(self, kind: InstrumentKind) -> tuple[InstrumentRules, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What an instrument is traded by."""

    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    multiplier: Decimal
    expires_ms: int | None
    frozen: str | None = None


class OkxRulesWatch:
    """Tells `InstrumentChanged` of what differs."""

    def __init__(
        self,
        source: RulesSource,
        instruments: Iterable[Instrument],
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self._source = source
        self._known = {one.symbol: _of_instrument(one) for one in instruments}
        self._clock = clock
        self._tell = tell
        self._refused: dict[Symbol, str] = {}  # by a code that freezes, since the last look
        self._due = asyncio.Event()

    def hear(self, event: object) -> None:
        """A refusal may say that the rules are old, or that the instrument takes no orders."""
        if not isinstance(event, OrderRejected) or event.instrument not in self._known:
            return
        if treatment(event.code) is Treatment.FREEZE:
            self._refused[event.instrument] = event.code
            self._due.set()
        elif event.code in STALE_RULES:
            self._due.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._due.clear()
            try:
                await self.look()
                frozen = any(one.frozen for one in self._known.values())
                wait_s = FROZEN_S if frozen else DAILY_S
            except BrokerUnavailableError as error:
                log.warning("the rules of instruments could not be read: %s", error)
                wait_s = _AGAIN_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Read the rules once. BrokerUnavailableError without an answer, and for one that leaves
        out what a traded instrument is traded by: nothing is known then."""
        kinds = {symbol.kind for symbol in self._known}
        listed = {
            one.instrument: one for kind in sorted(kinds) for one in await self._source.rules(kind)
        }
        for symbol in self._known:
            if (one := listed.get(symbol)) is not None and one.is_tradable and not one.is_whole:
                raise BrokerUnavailableError(f"public/instruments: sizes of {symbol} are not told")
        refused, self._refused = self._refused, {}
        for symbol, known in sorted(self._known.items()):
            now = _now(known, listed.get(symbol), refused.get(symbol))
            changes = _changes(known, now)
            if changes:
                self._known[symbol] = now
                self._tell(_event(symbol, now, changes, utc_ms(self._clock.now())))


def _of_instrument(one: Instrument) -> _Rules:
    return _Rules(
        tick=one.tick, lot=one.lot, min_quantity=one.min_quantity, multiplier=one.multiplier,
        expires_ms=None if one.expires_at is None else utc_ms(one.expires_at),
    )  # fmt: skip


def _now(known: _Rules, listed: InstrumentRules | None, code: str | None) -> _Rules:
    if listed is None:
        return replace(known, frozen="the venue no longer lists it")
    frozen = None if listed.is_tradable else f"the venue has it in state {listed.state}"
    if code is not None and frozen is None:
        frozen = f"the venue refuses its orders with {code}"
    if not listed.is_whole:
        return replace(known, frozen=frozen)
    return _Rules(
        tick=listed.tick, lot=listed.lot, min_quantity=listed.min_quantity,
        multiplier=listed.contract_value, expires_ms=listed.expires_ms, frozen=frozen,
    )  # fmt: skip


def _changes(before: _Rules, now: _Rules) -> tuple[str, ...]:
    names = ("tick", "lot", "min_quantity", "multiplier", "expires_ms", "frozen")
    return tuple(name for name in names if getattr(before, name) != getattr(now, name))


def _event(symbol: Symbol, now: _Rules, changes: tuple[str, ...], at_ms: int) -> InstrumentChanged:
    return InstrumentChanged(
        ts_event=at_ms, ts_known=at_ms, instrument=symbol, tick=now.tick, lot=now.lot,
        min_quantity=now.min_quantity, multiplier=now.multiplier, expires_ms=now.expires_ms,
        frozen=now.frozen, changes=changes,
    )  # fmt: skip


class Stamps(Protocol):
    """What requests are stamped with."""

    @property
    def offset_ms(self) -> int: ...

    def set_offset(self, offset_ms: int) -> None: ...


class OkxClockWatch:
    """Sets what requests are stamped with; halts what stays wrong after that (F30)."""

    def __init__(
        self,
        account: AccountId,
        measure: Callable[[], Awaitable[ClockReading]],
        stamps: Stamps,
        clock: Clock,
        tell: Callable[[Event], None],
        notifier: Notifier,
    ) -> None:
        self._account = account
        self._measure = measure
        self._stamps = stamps
        self._clock = clock
        self._tell = tell
        self._notifier = notifier

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except NoAnswerError as error:
                log.warning("the venue does not tell the time: %s", error)
            await asyncio.sleep(_CLOCK_S)

    async def look(self) -> None:
        """Measure once, set anew once if it is off, and measure what is left."""
        reading = await self._measure()
        if abs(reading.offset_ms - self._stamps.offset_ms) > _SETTLED_MS:
            self._stamps.set_offset(reading.offset_ms)
            again = await self._measure()
            left_ms = again.offset_ms - reading.offset_ms
            if abs(left_ms) > HALTED_MS:
                self._halt(left_ms)
        if abs(reading.offset_ms) > SHOWN_MS:
            await self._notifier.notify(_skewed(reading.offset_ms))

    def _halt(self, left_ms: int) -> None:
        now_ms = utc_ms(self._clock.now())
        self._tell(
            ModeChanged(
                ts_event=now_ms, ts_known=now_ms, account=self._account, mode=TradingMode.HALTED,
                reason=f"the venue's clock is {left_ms / 1000:.0f} s off after it was set",
                by="venue",
            )
        )  # fmt: skip


def _skewed(offset_ms: int) -> Notice:
    ahead = "behind" if offset_ms > 0 else "ahead of"
    text = f"this machine's clock is {abs(offset_ms) / 1000:.1f} s {ahead} the venue's: set it"
    return Notice(severity=Severity.IMPORTANT, title=text, text=text, cause="clock")
