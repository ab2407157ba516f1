"""Reads the journal as it grows and leaves what is to be told in the outbox.

The journal is the one place that holds everything that happened, in order and durable, so nothing
is missed when this process or the trader dies, and trading knows nothing of who reads.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Final

import msgspec

from algotrader.core.errors import AlgotraderError
from algotrader.core.events import AccountMarked, CashMoved, SettingsReloaded, decode_event
from algotrader.core.instants import utc_at
from algotrader.core.ports import Notice
from algotrader.live.journal.chain import Row
from algotrader.live.journal.errors import JournalMissingError
from algotrader.live.journal.folder import JournalFolder
from algotrader.ops.notification.outbox import DEPOSITS, WHOLE, DayEquity, Outbox
from algotrader.ops.notification.telling import Memory, Teller

log = logging.getLogger(__name__)
_PAGE: Final = 2_000
_NOTE: Final = "follower"
_LASTS_MS: Final = 60_000  # a journal that cannot be read for so long is told of
_PAID_IN: Final = ("deposit", "transfer")
_TOLD_KINDS: Final = frozenset(
    {
        "BarClosed", "CaughtUp", "HeartbeatMissed", "HoldingLeft", "ImpossibleReply",
        "InstrumentChanged", "LimitChangeRefused", "LimitChanged", "Liquidated", "ModeChanged",
        "OrderFilled", "OrderRejected", "OrderSubmitted", "OrderUnknown", "PositionChanged",
        "ProtectionMissing", "ProtectionRestored", "RearmRefused", "Rearmed", "RiskCleared",
        "RiskTripped", "SettingsRefused", "SettingsReloaded", "SignalRaised", "SliceClosed",
        "ParametersSet", "StrategyAnswered", "StrategyReloadRefused", "StrategyReloaded",
        "StrategyUnloaded",
    }
)  # fmt: skip
"""Of others nothing is told: they are not even decoded."""


class Place(msgspec.Struct, kw_only=True):
    """How far the journal was read, and what is remembered of it."""

    read: int = 0  # the last row
    memory: Memory = msgspec.field(default_factory=Memory)


class _Worth(msgspec.Struct, kw_only=True):
    """Of a decision, what the follower reads: many are written, and most of each is not needed."""

    account: str
    strategy: str
    decision_ts: int
    equity: str


class Follower:
    """`begin` once, then `follow` again and again, never two at a time."""

    def __init__(
        self,
        folder: JournalFolder,
        outbox: Outbox,
        teller: Teller,
        redacted: Callable[[Notice], Notice],
        on_settings: Callable[[SettingsReloaded], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._outbox = outbox
        self._teller = teller
        self._redacted = redacted
        self._on_settings = on_settings
        self._renewed: SettingsReloaded | None = None
        self._place: Place | None = None
        self._unread_ms: int | None = None  # since when the journal cannot be read
        self._is_told = False  # that it cannot

    def begin(self) -> None:
        """Go on where it was left, else at the journal's end: what is past is not told.

        To be called before trading starts. sqlite3.Error if the outbox cannot be read or written.
        """
        kept = self._outbox.note(_NOTE)
        if kept is not None:
            self._place = msgspec.json.decode(kept, type=Place)
            return
        place = Place()
        try:
            with suppress(JournalMissingError):
                while self._page(place, None):
                    pass
        except AlgotraderError as error:
            # Begun once it can be read: from its first row on everything past would be told.
            log.error("the journal cannot be followed: %s", error)
            return
        self._place = place

    def follow(self, now_ms: int) -> None:
        """Leave what is to be told of the rows since the last time. sqlite3.Error: try again."""
        try:
            if self._place is None:
                self._require_readable()
                self.begin()
            with suppress(JournalMissingError):
                while self._place is not None and self._page(self._place, now_ms):
                    pass
        except AlgotraderError as error:
            self._tell_trouble(str(error), now_ms)
        else:
            self._unread_ms, self._is_told = None, False

    def _require_readable(self) -> None:
        with suppress(JournalMissingError):
            self._read(1)

    def _tell_trouble(self, trouble: str, now_ms: int) -> None:
        """Once, when it lasts: it is looked at several times a second."""
        if self._unread_ms is None:
            log.error("the journal cannot be followed: %s", trouble)
            self._unread_ms = now_ms
        if not self._is_told and now_ms - self._unread_ms >= _LASTS_MS:
            self._outbox.hear(self._redacted(self._teller.unread(trouble)), now_ms)
            self._is_told = True

    def _page(self, place: Place, now_ms: int | None) -> bool:
        """Take a page in, tell of it unless there is no time to tell at; whether more may come."""
        page = self._read(place.read + 1)
        if not page:
            return False
        before = msgspec.json.encode(place.memory)
        self._teller.memory = place.memory
        told: list[tuple[Notice, int]] = []
        days: dict[tuple[str, str, str], DayEquity] = {}
        for row in page:
            try:
                days.update((_key(one), one) for one in _worths(row, place.memory))
                notices = self._of_row(row, is_past=now_ms is None)
            except Exception as error:
                # One row that we cannot tell must not silence all that come after it.
                log.critical("row %s cannot be told: %r", row.seq, error, exc_info=error)
                notices = [self._teller.untold(row.seq, row.kind, repr(error))]
            told += [(self._redacted(one), now_ms) for one in notices if now_ms is not None]
        after = Place(read=page[-1].seq, memory=place.memory)
        try:
            self._outbox.follow(told, list(days.values()), _NOTE, msgspec.json.encode(after))
        except sqlite3.Error:
            place.memory = msgspec.json.decode(before, type=Memory)
            raise
        place.read = after.read
        if (renewed := self._renewed) is not None:
            self._renewed = None
            self._on_settings(renewed)
        return len(page) == _PAGE

    def _of_row(self, row: Row, *, is_past: bool) -> list[Notice]:
        if row.kind not in _TOLD_KINDS:
            return []
        event = decode_event(row.body)
        if isinstance(event, SettingsReloaded) and not is_past:
            self._renewed = event
        return self._teller.tell(event)

    def _read(self, first: int) -> list[Row]:
        """AlgotraderError if it cannot be read."""
        with self._folder.reading() as rows:
            return rows.page(first, _PAGE)


def _worths(row: Row, memory: Memory) -> list[DayEquity]:
    """What a row says an account or its parts are worth."""
    if row.kind == "Decided":
        worth = msgspec.json.decode(row.body, type=_Worth)
        day = _day(worth.decision_ts)
        return [DayEquity(account=worth.account, part=worth.strategy, day=day, equity=worth.equity)]
    if row.kind == "AccountMarked":
        marked = decode_event(row.body)
        assert isinstance(marked, AccountMarked)
        day = _day(marked.ts_event)
        return [DayEquity(account=marked.account, part=WHOLE, day=day, equity=str(marked.equity))]
    if row.kind == "CashMoved":
        moved = decode_event(row.body)
        assert isinstance(moved, CashMoved)
        if moved.reason in _PAID_IN:
            paid = memory.deposits.get(moved.account, Decimal(0)) + moved.amount
            memory.deposits[moved.account] = paid
            day = _day(moved.ts_event)
            return [DayEquity(account=moved.account, part=DEPOSITS, day=day, equity=str(paid))]
    return []


def _day(at_ms: int) -> str:
    """The UTC day (R28) that an instant closes: midnight is the end of the day before."""
    return utc_at(at_ms - 1).date().isoformat()


def _key(one: DayEquity) -> tuple[str, str, str]:
    return one.account, one.part, one.day
