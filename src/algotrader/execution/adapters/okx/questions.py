"""What OKX knows of orders: look-ups by client id, trades, open orders, recent fills.

An order is looked for wherever it may be before it is called absent: by its id among orders and
among algo orders, then in the lists of open and of done ones, then among trades.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.ids import OrderId, run_tag_of
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS, HOUR_MS
from algotrader.data.adapters.okx.names import inst_id, inst_type
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.numbers import Row, integer, needed, text
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.codes import ABSENT
from algotrader.execution.adapters.okx.readings import is_algo_row
from algotrader.execution.adapters.paging import all_pages
from algotrader.execution.broker import BrokerUnavailableError

ALGO_KINDS: Final = ("conditional", "oco", "trigger", "move_order_stop")
_PAGE: Final = 100
_UNFILLED_MS: Final = 2 * HOUR_MS  # a cancelled order that nobody filled is shown for so long
_FILLS_MS: Final = 3 * DAY_MS  # what the quick lists go back
_BILLS_MS: Final = 7 * DAY_MS
_ARCHIVE_MS: Final = 90 * DAY_MS  # what the archives of trades and bills go back
_WINDOW_MS: Final = 7 * DAY_MS  # of an archive that is asked for at once: a list has a longest
_OVERLAP_MS: Final = HOUR_MS  # of archive and list, so that nothing falls between them
_List = tuple[str, Mapping[str, str]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order as the venue shows it. An algo order that triggered has a child."""

    row: Row  # of the order, of an algo order its own
    child: Row | None = None

    @property
    def is_algo(self) -> bool:
        return is_algo_row(self.row)

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The venue's ids under which it trades."""
        if not self.is_algo:
            return (text(self.row, "ordId"),)
        listed = self.row.get("ordIdList")
        if isinstance(listed, list) and listed:
            return tuple(str(one) for one in listed)
        return (str(self.row["ordId"]),) if self.row.get("ordId") else ()

    @property
    def shown(self) -> Row:
        """What holds of it now: of an algo order that triggered, what its child has become."""
        row = {**self.row, "accFillSz": f"{self.filled:f}"}
        if self.child is None:
            return row
        return {**row, **{name: self.child.get(name, "") for name in ("sz", "px", "uTime")}}

    @property
    def filled(self) -> Decimal:
        shown = self.child if self.is_algo else self.row
        return Decimal(0) if shown is None else needed(shown, "accFillSz")


class OkxQuestions:
    """Questions of one account. BrokerUnavailableError where there is no clear answer."""

    def __init__(self, client: OkxClient) -> None:
        self._client = client

    async def find(self, order_id: OrderId, instrument: Symbol) -> Found | None:
        """The order of a client id; None where nothing the venue shows knows it."""
        row = await self._named("trade/order", instrument, {"clOrdId": order_id})
        if row is not None:
            return Found(row=row)
        algo = await self._named("trade/order-algo", instrument, {"algoClOrdId": order_id})
        if algo is not None:
            return await self._with_child(algo, instrument)
        return await self._listed(order_id, instrument)

    async def order(self, venue_id: str, instrument: Symbol) -> Row | None:
        """An order by the venue's own id."""
        return await self._named("trade/order", instrument, {"ordId": venue_id})

    async def algo(self, algo_id: str) -> Row | None:
        """An algo order by the venue's own id."""
        return await self._one("trade/order-algo", {"algoId": algo_id}, "algoId")

    async def trades(self, found: Found, instrument: Symbol) -> list[Row]:
        """All trades of an order, the oldest first."""
        rows: list[Row] = []
        for venue_id in found.order_ids:
            asked = {**_scope(instrument), "ordId": venue_id}
            listed = await self._pages("trade/fills", asked, "billId")
            if sum((needed(row, "fillSz") for row in listed), Decimal(0)) < found.filled:
                # Older than three days.
                listed = await self._pages("trade/fills-history", asked, "billId")
            rows += reversed(listed)
        return rows

    async def now_ms(self) -> int:
        """The venue's clock."""
        rows = await self.rows("public/time", {})
        if not rows:
            raise BrokerUnavailableError("public/time: an empty answer")
        return int(needed(rows[0], "ts"))

    async def open_orders(self) -> list[Row]:
        """Every order and algo order of the account that may still trade."""
        rows = await self._pages("trade/orders-pending", {}, "ordId")
        for kind in ALGO_KINDS:
            rows += await self._pages("trade/orders-algo-pending", {"ordType": kind}, "algoId")
        return rows

    async def fills_since(self, since_ms: int, now_ms: int) -> list[Row]:
        """Trades of the account from a moment on, the oldest first; some may be told twice.

        Both times are the venue's. Three months are kept.
        """
        older = [("trade/fills-history", {"instType": kind}) for kind in ("SPOT", "SWAP")]
        return await self._since(since_ms, now_ms, _FILLS_MS, ("trade/fills", {}), older)

    async def funding_since(self, since_ms: int, now_ms: int) -> list[Row]:
        """Settlements of funding from a moment on, as `fills_since` tells trades."""
        asked = {"type": "8", "instType": "SWAP"}
        older = [("account/bills-archive", asked)]
        return await self._since(since_ms, now_ms, _BILLS_MS, ("account/bills", asked), older)

    async def _since(
        self, since_ms: int, now_ms: int, kept_ms: int, newest: _List, older: Sequence[_List]
    ) -> list[Row]:
        """What is younger than `kept_ms` from its own list, the rest week by week from archives."""
        oldest_ms, near_ms = now_ms - _ARCHIVE_MS, now_ms - kept_ms
        if since_ms < oldest_ms:
            log.warning("%s: only three months are kept, the rest is not known", newest[0])
        found: list[Row] = []
        begin_ms = max(since_ms, oldest_ms)
        while begin_ms < near_ms + _OVERLAP_MS:
            end_ms = min(begin_ms + _WINDOW_MS, near_ms + _OVERLAP_MS)
            span = {"begin": str(begin_ms), "end": str(end_ms)}
            for path, asked in older:
                found += (await self._pages(path, {**asked, **span}, "billId"))[::-1]
            begin_ms = end_ms
        path, asked = newest
        begin = {"begin": str(max(since_ms, near_ms))}
        return found + (await self._pages(path, {**asked, **begin}, "billId"))[::-1]

    async def rows(self, path: str, params: Mapping[str, str]) -> list[Row]:
        return rows_of(await self._client.get(path, params), path)

    async def _pages(self, path: str, params: Mapping[str, str], cursor: str) -> list[Row]:
        """Page after page towards the past, the newest first."""

        async def ask(after: str | None) -> list[Row]:
            more = {} if after is None else {"after": after}
            return await self.rows(path, {**params, **more, "limit": str(_PAGE)})

        def after(page: list[Row]) -> str | None:
            return None if len(page) < _PAGE else text(page[-1], cursor)

        return await all_pages(ask, after, path)

    async def _named(self, path: str, instrument: Symbol, name: Mapping[str, str]) -> Row | None:
        plain = path == "trade/order"
        asked = {"instId": inst_id(instrument), **name} if plain else dict(name)
        return await self._one(path, asked, "ordId" if plain else "algoId")

    async def _one(self, path: str, asked: Mapping[str, str], id_field: str) -> Row | None:
        """The row of one order; None where the venue says by its code that there is none.

        An answer that is fine and names no order proves nothing, least of all that it is absent.
        """
        answer = await self._client.get(path, asked)
        if answer.is_ok and answer.row.get(id_field):
            return answer.row
        if not answer.is_ok and answer.code in ABSENT:
            return None
        raise BrokerUnavailableError(f"{path} {asked}: {answer.code} {answer.message}")

    async def _with_child(self, algo: Row, instrument: Symbol) -> Found:
        child = next(reversed(Found(row=algo).order_ids), "")  # `ordId` itself is to go
        row = await self.order(child, instrument) if child else None
        if child and row is None:
            row = await self._forgotten(algo, child, instrument)
        return Found(row=algo, child=row)

    async def _forgotten(self, algo: Row, child: str, instrument: Symbol) -> Row:
        """A child that OKX shows no more: one that was cancelled, and of which nothing traded.

        Nothing else is forgotten, and that two hours after its end, which is not before its parent
        triggered. BrokerUnavailableError while it may be anything else: not shown yet, still open,
        traded, or older than the trades that OKX keeps.
        """
        began_ms = integer(algo, "triggerTime") or integer(algo, "uTime")
        is_old = _UNFILLED_MS <= await self.now_ms() - began_ms < _ARCHIVE_MS
        if not is_old or await self._is_listed(Found(row=algo).order_ids, instrument):
            raise BrokerUnavailableError(f"algo order {text(algo, 'algoId')}: "
                                         f"its child {child} is not shown")  # fmt: skip
        return {"ordId": child, "state": "canceled", "accFillSz": "0", "sz": algo.get("sz", ""),
                "uTime": algo.get("uTime", "")}  # fmt: skip

    async def _is_listed(self, venue_ids: Sequence[str], instrument: Symbol) -> bool:
        """Whether one of some orders is open, or has traded within three months."""
        scope = _scope(instrument)
        for row in await self._pages("trade/orders-pending", scope, "ordId"):
            if str(row.get("ordId")) in venue_ids:
                return True
        for venue_id in venue_ids:
            for path in ("trade/fills", "trade/fills-history"):
                if await self.rows(path, {**scope, "ordId": venue_id}):
                    return True
        return False

    async def _listed(self, order_id: OrderId, instrument: Symbol) -> Found | None:
        scope = _scope(instrument)
        for path in ("trade/orders-pending", "trade/orders-history"):
            for row in await self.rows(path, scope):
                if row.get("clOrdId") == order_id:
                    return Found(row=row)
        for kind in ALGO_KINDS:
            for row in await self.rows("trade/orders-algo-pending", {**scope, "ordType": kind}):
                if row.get("algoClOrdId") == order_id:
                    return await self._with_child(row, instrument)
        for row in await self.rows("trade/fills", scope):
            if row.get("clOrdId") == order_id:
                raise BrokerUnavailableError(f"order {order_id} has trades and is not shown yet")
        return None


def rows_of(answer: Answer, what: str) -> list[Row]:
    """The rows of an answer. BrokerUnavailableError for a refusal, and for rows that are none."""
    require_ok(answer, what)
    if not all(isinstance(row, Mapping) for row in answer.rows):
        raise BrokerUnavailableError(f"{what}: its rows cannot be read")
    return list(answer.rows)


def require_ok(answer: Answer, what: str) -> None:
    if not answer.is_ok:
        raise BrokerUnavailableError(f"{what}: {answer.code} {answer.message}")


def _scope(instrument: Symbol) -> dict[str, str]:
    return {"instType": inst_type(instrument), "instId": inst_id(instrument)}


def foreign_tags(rows: Iterable[Mapping[str, Any]], ours: str | None) -> set[str]:
    """Run tags in client ids of our form that are not of our run; none if that is not known."""
    ids = (str(row.get("algoClOrdId") or row.get("clOrdId") or "") for row in rows)
    tags = {tag for text in ids if (tag := run_tag_of(text)) is not None}
    return set() if ours is None else tags - {ours}
