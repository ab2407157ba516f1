"""What OKX knows of orders: look-ups by client id, trades, open orders, recent fills.

An order is looked for wherever it may be before it is called absent: by its id among orders and
among algo orders, then in the lists of open and of done ones, then among trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from algotrader.core.ids import OrderId, run_tag_of
from algotrader.core.symbols import Symbol
from algotrader.data.adapters.okx.names import inst_id, inst_type
from algotrader.data.adapters.okx.rest import Answer
from algotrader.execution.adapters.numbers import Row, decimal, integer
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.codes import ABSENT
from algotrader.execution.adapters.paging import all_pages
from algotrader.execution.broker import BrokerUnavailableError

ALGO_KINDS: Final = ("conditional", "oco", "trigger", "move_order_stop")
_PAGE: Final = 100
_FORGOTTEN_MS: Final = 7_200_000  # a cancelled order that nobody filled is shown for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order as the venue shows it. An algo order that triggered has a child."""

    row: Row  # of the order, of an algo order its own
    child: Row | None = None

    @property
    def is_algo(self) -> bool:
        return bool(self.row.get("algoId")) and not self.row.get("accFillSz")

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The venue's ids under which it trades."""
        if not self.is_algo:
            return (str(self.row["ordId"]),)
        listed = self.row.get("ordIdList")
        single = [self.row["ordId"]] if self.row.get("ordId") else []
        return tuple(str(one) for one in (listed or single))

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
        return Decimal(0) if shown is None else decimal(shown, "accFillSz")


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
        answer = await self._client.get("trade/order-algo", {"algoId": algo_id})
        if answer.is_ok and answer.row.get("algoId"):
            return answer.row
        if answer.is_ok or answer.code in ABSENT:
            return None
        raise BrokerUnavailableError(f"algo order {algo_id}: {answer.code} {answer.message}")

    async def trades(self, found: Found, instrument: Symbol) -> list[Row]:
        """All trades of an order, the oldest first."""
        rows: list[Row] = []
        for venue_id in found.order_ids:
            asked = {**_scope(instrument), "ordId": venue_id}
            listed = await self.rows("trade/fills", asked)
            if sum((decimal(row, "fillSz") for row in listed), Decimal(0)) < found.filled:
                listed = await self.rows("trade/fills-history", asked)  # older than three days
            rows += reversed(listed)
        return rows

    async def now_ms(self) -> int:
        """The venue's clock."""
        return integer((await self.rows("public/time", {}))[0], "ts")

    async def open_orders(self) -> list[Row]:
        """Every order and algo order of the account that may still trade."""
        rows = await self._pages("trade/orders-pending", {}, "ordId")
        for kind in ALGO_KINDS:
            rows += await self._pages("trade/orders-algo-pending", {"ordType": kind}, "algoId")
        return rows

    async def fills_since(self, since_ms: int) -> list[Row]:
        """Trades of the account from a moment of the venue's time on, the oldest first."""
        rows = await self._pages("trade/fills", {"begin": str(since_ms)}, "billId")
        return rows[::-1]

    async def funding_since(self, since_ms: int) -> list[Row]:
        """Settlements of funding from a moment of the venue's time on, the oldest first."""
        asked = {"type": "8", "instType": "SWAP", "begin": str(since_ms)}
        rows = await self._pages("account/bills", asked, "billId")
        return rows[::-1]

    async def rows(self, path: str, params: Mapping[str, str]) -> list[Row]:
        answer = await self._client.get(path, params)
        require_ok(answer, path)
        return list(answer.rows)

    async def _pages(self, path: str, params: Mapping[str, str], cursor: str) -> list[Row]:
        """Page after page towards the past, the newest first."""

        async def ask(after: str | None) -> list[Row]:
            more = {} if after is None else {"after": after}
            return await self.rows(path, {**params, **more, "limit": str(_PAGE)})

        def after(page: list[Row]) -> str | None:
            return None if len(page) < _PAGE else str(page[-1][cursor])

        return await all_pages(ask, after, path)

    async def _named(self, path: str, instrument: Symbol, name: Mapping[str, str]) -> Row | None:
        plain = path == "trade/order"
        asked = {"instId": inst_id(instrument), **name} if plain else dict(name)
        answer = await self._client.get(path, asked)
        field = "ordId" if plain else "algoId"
        if answer.is_ok and answer.row.get(field):
            return answer.row
        if answer.is_ok or answer.code in ABSENT:
            return None
        raise BrokerUnavailableError(f"{path} {name}: {answer.code} {answer.message}")

    async def _with_child(self, algo: Row, instrument: Symbol) -> Found:
        child = str(algo.get("ordId") or "")
        row = await self.order(child, instrument) if child else None
        if child and row is None:
            row = await self._forgotten(algo, child, instrument)
        return Found(row=algo, child=row)

    async def _forgotten(self, algo: Row, child: str, instrument: Symbol) -> Row:
        """A child that was cancelled unfilled, and that the venue no longer shows."""
        age_ms = await self.now_ms() - (integer(algo, "triggerTime") or integer(algo, "uTime"))
        listed = age_ms < _FORGOTTEN_MS or await self.rows(
            "trade/fills-history", {**_scope(instrument), "ordId": child}
        )
        if listed:
            raise BrokerUnavailableError(f"algo order {algo['algoId']}: its child is not shown yet")
        return {"ordId": child, "state": "canceled", "accFillSz": "0", "sz": algo.get("sz", ""),
                "uTime": algo.get("uTime", "")}  # fmt: skip

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
