"""The REST side: which call a request is, whether it may be made, and its answer."""

from __future__ import annotations

from typing import Any, Final

from algotrader.simulator.okx.account_calls import ACCOUNT
from algotrader.simulator.okx.asks import check_fields
from algotrader.simulator.okx.desk import Desk
from algotrader.simulator.okx.limits import ACCOUNT_ORDERS, RateLimits
from algotrader.simulator.okx.public_calls import PUBLIC
from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.signing import KEY_HEADER, check_request, client_clock
from algotrader.simulator.okx.trade_calls import TRADE, refused_row
from algotrader.simulator.okx.wire import Endpoint, Reply, Request, answer, judged, refused

ENDPOINTS: Final = {(e.method, e.name): e for e in (*PUBLIC, *TRADE, *ACCOUNT)}
_COUNTED: Final = ("trade/order", "trade/batch-orders", "trade/amend-order",
                   "trade/amend-batch-orders")  # fmt: skip


class Api:
    """Answers requests on the desks of accounts. Everything is synchronous and without I/O."""

    def __init__(self, *desks: Desk, limits: RateLimits | None = None) -> None:
        self.desks = desks
        self.limits = limits or RateLimits()

    @property
    def desk(self) -> Desk:
        """The first account's, and of whatever concerns none."""
        return self.desks[0]

    def desk_of(self, key: str) -> Desk:
        """Whose API key it is; the first account's for a key that nobody has."""
        return next((one for one in self.desks if one.credentials.key == key), self.desk)

    def handle(self, request: Request) -> Reply:
        """The answer to a request; the caller has stepped the exchange to its time."""
        endpoint = ENDPOINTS.get((request.method, request.name))
        if endpoint is None:
            return answer([], code="404", msg="Invalid URL", status=404)
        for desk in self.desks:
            desk.at_ms = request.at_ms
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
        desk = self.desk_of(request.header(KEY_HEADER)) if endpoint.private else self.desk
        if endpoint.private:
            check_request(request, desk.credentials, self.clocks(request.at_ms))
            _check_rights(endpoint, desk)
        asked = request.parameters()
        self._count(endpoint, asked, request.at_ms, desk)
        if endpoint.private and request.method == "POST":
            self._check_deadline(request)
        if not endpoint.rowwise:
            check_fields(asked, endpoint.fields, endpoint.needed)
        reply = endpoint.handler(desk, asked)
        if endpoint.private and request.method == "POST":
            desk.venue.mark_trace("call", (endpoint.name, reply.body))
        return reply

    def clocks(self, at_ms: int) -> tuple[int, ...]:
        """What "now" may mean to a client: the server's time, or the replay's."""
        skew_ms = self.desk.skew_ms
        return at_ms + skew_ms, self.desk.exchange.now_ms + skew_ms

    def _check_deadline(self, request: Request) -> None:
        """`expTime` has passed: the request is dropped. By the clock the client lives by."""
        deadline = request.header("expTime")
        if not deadline:
            return
        if not deadline.isdecimal():
            raise Refusal("51000", "expTime")
        if client_clock(request, self.clocks(request.at_ms)) > int(deadline):
            raise Refusal("50004")

    def _count(self, endpoint: Endpoint, asked: Any, at_ms: int, desk: Desk) -> None:
        batch = asked if isinstance(asked, list) else [asked]
        parts: dict[str, int] = {}
        for one in batch:
            part = str(one.get(endpoint.per, "")) if endpoint.per and isinstance(one, dict) else ""
            parts[part] = parts.get(part, 0) + 1
        for part, weight in parts.items():
            kind = f"{desk.uid} {endpoint.method} {endpoint.name} {part}"
            self.limits.take(kind, at_ms, endpoint.calls, endpoint.window_ms, weight=weight)
        if endpoint.method == "POST" and endpoint.name in _COUNTED:
            kind = f"{desk.uid} orders"
            self.limits.take(kind, at_ms, ACCOUNT_ORDERS, weight=len(batch), code="50061")


def _check_rights(endpoint: Endpoint, desk: Desk) -> None:
    if endpoint.trades and "trade" not in desk.credentials.permissions.split(","):
        raise Refusal("50120")
