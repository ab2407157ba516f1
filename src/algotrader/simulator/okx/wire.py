"""Requests and answers as the API sees them, apart from any server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from algotrader.simulator.okx.refusals import Refusal
from algotrader.simulator.okx.rows import Row

PREFIX: Final = "/api/v5/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. `at_ms` is when it arrived, UTC ms by the server's clock."""

    method: str
    path: str  # without the query
    query: str = ""  # without the question mark, as sent: it is signed so
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    at_ms: int = 0

    def header(self, name: str) -> str:
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), "")

    @property
    def name(self) -> str:
        """`trade/order` for `/api/v5/trade/order`."""
        return self.path.removeprefix(PREFIX)

    def parameters(self) -> Any:
        """Query of a GET as a mapping, body of a POST as JSON. Refusal 50002 for no JSON."""
        if self.method == "GET":
            return dict(parse_qsl(self.query, keep_blank_values=True))
        try:
            return json.loads(self.body) if self.body else {}
        except json.JSONDecodeError as error:
            raise Refusal("50002") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. `body` is text as sent."""

    body: str
    status: int = 200
    content_type: str = "application/json"


def answer(data: Sequence[Any], *, code: str = "0", msg: str = "", status: int = 200) -> Reply:
    body = json.dumps({"code": code, "msg": msg, "data": data}, separators=(",", ":"))
    return Reply(body=body, status=status)


def refused(refusal: Refusal) -> Reply:
    return answer([], code=refusal.code, msg=refusal.text, status=refusal.status)


def judged(results: Sequence[Row]) -> Reply:
    """Rows that each carry their own code: 1 if all were refused, 2 if some were."""
    bad = sum(row["sCode"] != "0" for row in results)
    if not bad:
        return answer(results)
    if bad == len(results):
        return answer(results, code="1", msg="All operations failed")
    return answer(results, code="2", msg="Bulk operation partially succeeded.")


Handler = Callable[..., Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path: who may call it, how often, with which fields."""

    method: str
    name: str
    handler: Handler
    calls: int  # allowed in `window_ms`
    window_ms: int = 2000
    per: str = ""  # a parameter that has a limit of its own, like instId
    private: bool = False
    trades: bool = False  # needs the permission to trade
    fields: frozenset[str] = frozenset()
    needed: tuple[str, ...] = ()
    rowwise: bool = False  # the handler checks each row of a list itself
