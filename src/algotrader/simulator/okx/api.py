"""The REST side: which call a request is, whether it may be made, and its answer."""

from __future__ import annotations

from typing import Any, Final

from algotrader.simulator.okx.account_calls import ACCOUNT
from algotrader.simulator.okx.asks import check_fields
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.limits import ACCOUNT_ORDERS, RateLimits
from algotrader.simulator.okx.public_calls import PUBLIC
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.signing import check_request, client_clock
from algotrader.simulator.okx.trade_calls import TRADE, refused_row
from algotrader.simulator.okx.wire import Endpoint, Reply, Request, answer, judged, refused

ENDPOINTS: Final = {(e.method, e.name): e for e in (*PUBLIC, *TRADE, *ACCOUNT)}
_COUNTED: Final = ("trade/order", "trade/batch-orders", "trade/amend-order",
                   "trade/amend-batch-orders")  # fmt: skip


class Api:
    """Answers requests on a desk. Everything is synchronous and without I/O."""

    def __init__(self, desk: Desk, limits: RateLimits | None = None) -> None:
        self.desk = desk
        self.limits = limits or RateLimits()

    def handle(self, request: Request) -> Reply:
        """The answer to a request; the caller has stepped the exchange to its time."""
        endpoint = ENDPOINTS.get((request.method, request.name))
        if endpoint is None:
            return answer([], code="404", msg="Invalid URL", status=404)
        self.desk.at_ms = request.at_ms
        try:
            return self._answer(endpoint, request)
        except Refusal as refusal:
            return refused(refusal)

    def refuse(self, request: Request, refusal: Refusal) -> Reply:
        """The answer to a request that is refused by a fault, in the shape of its path."""
        endpoint = ENDPOINTS.get((request.method, request.name))
        if endpoint is None or not endpoint.rowwise:
            return refused(refusal)
        asked = request.parameters()
        wanted = asked if isinstance(asked, list) else [asked]
        said = {"sCode": refusal.code, "sMsg": refusal.text}
        return judged([refused_row(endpoint.name, one) | said for one in wanted])

    def _answer(self, endpoint: Endpoint, request: Request) -> Reply:
        if endpoint.private:
            check_request(request, self.desk.credentials, self.clocks(request.at_ms))
            self._check_rights(endpoint)
        asked = request.parameters()
        self._count(endpoint, asked, request.at_ms)
        if endpoint.private and request.method == "POST":
            self._check_deadline(request)
        if not endpoint.rowwise:
            check_fields(asked, endpoint.fields, endpoint.needed)
        reply = endpoint.handler(self.desk, asked)
        if endpoint.private and request.method == "POST":
            self.desk.venue.mark_trace("call", (endpoint.name, reply.body))
        return reply

    def clocks(self, at_ms: int) -> tuple[int, ...]:
        """What "now" may mean to a client: the server's time, or the replay's."""
        skew_ms = self.desk.skew_ms
        return at_ms + skew_ms, self.desk.exchange.now_ms + skew_ms

    def _check_rights(self, endpoint: Endpoint) -> None:
        if endpoint.trades and "trade" not in self.desk.credentials.permissions.split(","):
            raise Refusal("50120")

    def _check_deadline(self, request: Request) -> None:
        """`expTime` has passed: the request is dropped. By the clock the client lives by."""
        deadline = request.header("expTime")
        if not deadline:
            return
        if not deadline.isdecimal():
            raise Refusal("51000", "expTime")
        if client_clock(request, self.clocks(request.at_ms)) > int(deadline):
            raise Refusal("50004")

    def _count(self, endpoint: Endpoint, asked: Any, at_ms: int) -> None:
        batch = asked if isinstance(asked, list) else [asked]
        parts: dict[str, int] = {}
        for one in batch:
            part = str(one.get(endpoint.per, "")) if endpoint.per and isinstance(one, dict) else ""
            parts[part] = parts.get(part, 0) + 1
        for part, weight in parts.items():
            kind = f"{endpoint.method} {endpoint.name} {part}"
            self.limits.take(kind, at_ms, endpoint.calls, endpoint.window_ms, weight=weight)
        if endpoint.method == "POST" and endpoint.name in _COUNTED:
            self.limits.take("orders", at_ms, ACCOUNT_ORDERS, weight=len(batch), code="50061")
