"""What a venue does to an instrument while it is traded: new rules, suspension, expiry (F31, F32).

Ticks, lots and minimums that changed are taken over. A contract of another size is not: every
quantity we know means something else then, so the instrument is frozen, as it is while the venue
does not trade it. One that is to end is told a day before and left an hour before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from algotrader.core.events import InstrumentChanged, TimerFired
from algotrader.core.ids import AccountId
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.orders import Intent, OrderTerms, Purpose, Side
from algotrader.core.ports import Severity
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import HOUR_MS
from algotrader.engine.commands import SetTimer
from algotrader.engine.planning import next_attempt
from algotrader.engine.protected import Place
from algotrader.engine.sending import Sender
from algotrader.engine.state import LEAVE
from algotrader.engine.step import Step
from algotrader.portfolio.positions import exact
from algotrader.portfolio.sizing import whole_lots

_TELL: Final = "ends:"
_TOLD_BEFORE_MS: Final = 24 * HOUR_MS
_AGAIN_MS: Final = 60_000


class Listing:
    """Tells a person, and leaves in time."""

    def __init__(self, step: Step, sender: Sender) -> None:
        self._step = step
        self._sender = sender

    def changed(self, event: InstrumentChanged) -> None:
        """After the state has taken it over."""
        symbol = event.instrument
        frozen = self._step.state.frozen.get(symbol)
        if frozen is not None:
            text = f"{symbol} is frozen, nothing of it is sent: {frozen}"
            self._step.alert(Severity.CRITICAL, f"frozen:{symbol}", text)
        elif event.changes:
            text = f"{symbol}: the venue changed {', '.join(event.changes)}"
            self._step.alert(Severity.INFO, f"rules:{symbol}", text)
        self._plan([symbol], event.ts_known)

    def start(self, account: AccountId, now_ms: int) -> None:
        """Timers do not outlive a process."""
        if self._step.settings.guard_within_ms is None:
            return  # a replay ends where its data do
        self._plan(sorted(self._step.state.books[account].whole.contracts), now_ms)

    def woken(self, event: TimerFired) -> None:
        kind, _, name = event.name.partition(":")
        if f"{kind}:" not in (_TELL, LEAVE):
            return
        symbol = Symbol.parse(name)
        ends_ms = self._ends_ms(symbol)
        if ends_ms is None:
            return
        if f"{kind}:" == _TELL:
            text = (
                f"{symbol} ends at {utc_at(ends_ms):%Y-%m-%d %H:%M} UTC; it is left an hour before"
            )
            self._step.alert(Severity.IMPORTANT, f"ends:{symbol}", text)
        else:
            self._leave(symbol, event.ts_known)

    def _plan(self, symbols: Iterable[Symbol], now_ms: int) -> None:
        for symbol in symbols:
            ends_ms = self._ends_ms(symbol)
            if ends_ms is not None and now_ms < ends_ms:
                for kind, before_ms in ((_TELL, _TOLD_BEFORE_MS), (LEAVE, HOUR_MS)):
                    at_ms = max(now_ms, ends_ms - before_ms)
                    self._step.do(SetTimer(name=f"{kind}{symbol}", at_ms=at_ms))

    def _leave(self, symbol: Symbol, now_ms: int) -> None:
        """Sell or buy back all of it, again each minute until it is gone."""
        held = False
        for instance in self._step.settings.strategies:
            if symbol in instance.instruments:
                intent = self._exit((instance.strategy, symbol), instance.account, now_ms)
                if intent is not None:
                    held = True
                    self._sender.judge(instance.account, (intent,), now_ms)
        if held:
            self._step.do(SetTimer(name=f"{LEAVE}{symbol}", at_ms=now_ms + _AGAIN_MS))

    def _exit(self, place: Place, account: AccountId, now_ms: int) -> Intent | None:
        strategy, symbol = place
        quantity = self._step.state.books[account].parts[strategy].position(symbol).quantity
        lot = self._step.settings.instruments[symbol].lot
        with exact():
            size = abs(whole_lots(quantity, lot)) * lot
        if not size:
            return None
        side = Side.SELL if quantity > 0 else Side.BUY
        terms = OrderTerms(instrument=symbol, side=side, quantity=size, reduce_only=True)
        intent = Intent(
            account=account, strategy=strategy, decided_at=utc_at(now_ms), terms=terms,
            purpose=Purpose.RISK, tag="expiry",
        )  # fmt: skip
        # A target of the same moment has the same decision time.
        return replace(intent, attempt=next_attempt(self._step.state, intent))

    def _ends_ms(self, symbol: Symbol) -> int | None:
        ends_at = self._step.settings.instruments[symbol].expires_at
        return None if ends_at is None else utc_ms(ends_at)
