"""The books beside what the venue holds: at the start, now and then, and after a lost connection.

An order that rests may trade between the two looks, so a difference is looked at again before it is
believed; a report that lacks a position is no flat position either (F38). A difference that stays
lets nothing but reductions through. A person who resumes with it in sight leaves it alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from algotrader.core.events import Event, HoldingLeft, ModeChanged, TradingMode
from algotrader.core.ids import AccountId
from algotrader.core.ports import Notice, Notifier, Severity
from algotrader.core.symbols import Symbol
from algotrader.engine.state import EngineState
from algotrader.risk.holds import strictest

BY: Final = "recovery"
SILENCE: Final = "silence"
"""Who stopped an account whose venue does not answer: it goes on by itself once that does."""
_SILENT_TRIES: Final = 5  # questions in a row
_LOOKS: Final = 5
_LOOK_AGAIN_S: Final = 0.5

Differences = Mapping[Symbol, tuple[Decimal, Decimal]]
"""By instrument: what is held here, left alone included, and there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a comparison needs of the trader."""

    state: Callable[[], EngineState]
    positions: Callable[[tuple[Symbol, ...]], Awaitable[Mapping[Symbol, Decimal]]]
    settled: Callable[[], Awaitable[None]]  # all that was told is handled
    tell: Callable[[Event], None]
    now_ms: Callable[[], int]
    notifier: Notifier
    sleep: Callable[[float], Awaitable[None]]


class Comparer:
    """One per account."""

    def __init__(self, account: AccountId, around: Surroundings) -> None:
        self._account = account
        self._around = around
        self._known: Differences = {}  # what a person was told of
        self._soon = asyncio.Event()

    async def differences(self) -> Differences:
        """What the venue holds other than the books; empty if they agree."""
        around, wrong = self._around, dict[Symbol, tuple[Decimal, Decimal]]()
        symbols = tuple(around.state().books[self._account].whole.contracts)
        for _ in range(_LOOKS):
            await around.settled()
            theirs = await around.positions(symbols)
            await around.settled()
            state = around.state()
            book, left = state.books[self._account].whole, state.left_alone
            ours = {s: book.position(s).quantity + left.quantity(self._account, s) for s in symbols}
            wrong = {s: (ours[s], theirs[s]) for s in symbols if ours[s] != theirs[s]}
            if not wrong:
                break
            await around.sleep(_LOOK_AGAIN_S)
        return wrong

    async def unanswered(self, tries: int) -> None:
        """The venue left so many questions in a row open: nothing new is bought on this account.

        Other accounts go on.
        """
        if tries != _SILENT_TRIES or self._mode is not TradingMode.TRADING:
            return
        text = f"{self._account}: the venue does not answer; only reductions go out until it does"
        self._tell_mode(TradingMode.REDUCE_ONLY, "the venue does not answer", SILENCE)
        await self._around.notifier.notify(
            Notice(
                severity=Severity.CRITICAL, title=f"{self._account}: the venue does not answer",
                text=text, cause=f"silence:{self._account}",
            )
        )  # fmt: skip

    @property
    def _mode(self) -> TradingMode:
        return self._around.state().modes[self._account]

    def _was_silent(self) -> bool:
        return self._around.state().mode_by.get(self._account) == SILENCE

    async def reconcile(self, before: TradingMode) -> None:
        """Compare at the start, and go on in the mode that the journal ends in; a halt stays."""
        wrong = await self.differences()
        # The venue may have stopped it meanwhile.
        state = self._around.state()
        before = strictest(before, state.stopped.get(self._account, TradingMode.TRADING))
        if wrong:
            await self._stop_for(wrong, is_halted=before is TradingMode.HALTED)
            return
        kept = before in (TradingMode.HALTED, TradingMode.REDUCE_ONLY)
        self._tell_mode(before if kept else TradingMode.TRADING, "equal")

    def soon(self) -> None:
        """Do not wait for the time of the next comparison: a connection was lost."""
        self._soon.set()

    async def keep(self, every_s: float) -> None:
        """Compare again and again, for ever."""
        while True:
            await self._wait(every_s)
            wrong = await self.differences()
            mode = self._mode
            if not wrong:
                was_stopped = self._around.state().mode_by.get(self._account) in (BY, SILENCE)
                was_stopped = was_stopped and (bool(self._known) or self._was_silent())
                if was_stopped and mode is TradingMode.REDUCE_ONLY:
                    self._tell_mode(TradingMode.TRADING, "equal again")
                self._known = {}
            elif wrong != self._known:
                await self._stop_for(wrong, is_halted=mode is TradingMode.HALTED)
            elif mode is TradingMode.TRADING:
                self._leave_alone(wrong)

    async def _stop_for(self, wrong: Differences, *, is_halted: bool) -> None:
        self._known = wrong
        text = ", ".join(f"{s} {ours} here, {theirs} there" for s, (ours, theirs) in wrong.items())
        self._tell_mode(TradingMode.HALTED if is_halted else TradingMode.REDUCE_ONLY, text)
        await self._around.notifier.notify(
            Notice(
                severity=Severity.CRITICAL,
                title=f"{self._account}: positions differ",
                text=f"{text}; algotrader resume leaves the difference alone",
                cause=f"reconcile:{self._account}",
            )
        )

    def _leave_alone(self, wrong: Differences) -> None:
        """A person has seen it and let trading go on: it is not ours."""
        left, now_ms = self._around.state().left_alone, self._around.now_ms()
        for symbol, (ours, theirs) in wrong.items():
            quantity = left.quantity(self._account, symbol) + theirs - ours
            self._around.tell(
                HoldingLeft(
                    ts_event=now_ms, ts_known=now_ms, account=self._account, instrument=symbol,
                    quantity=quantity,
                )
            )  # fmt: skip
        self._known = {}

    def _tell_mode(self, mode: TradingMode, reason: str, by: str = BY) -> None:
        now_ms = self._around.now_ms()
        self._around.tell(
            ModeChanged(
                ts_event=now_ms, ts_known=now_ms, account=self._account, mode=mode, reason=reason,
                by=by,
            )
        )  # fmt: skip

    async def _wait(self, every_s: float) -> None:
        self._soon.clear()
        waits = [
            asyncio.ensure_future(self._around.sleep(every_s)),
            asyncio.ensure_future(self._soon.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
