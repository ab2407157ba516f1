"""What differs between venues that are reached by ccxt's unified calls: one record each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from algotrader.core.ids import OrderId
from algotrader.core.orders import OrderStatus
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.data.adapters.pacing import Counting
from algotrader.execution.adapters.numbers import Row
from algotrader.execution.adapters.treatments import CodeTable


class CodeError(Exception):
    """The venue answered with a code: what it means is in the venue's table."""

    def __init__(
        self, code: str, message: str, *, is_definite: bool = True, wait_s: float | None = None
    ) -> None:
        self.code = code
        self.message = message
        self.is_definite = is_definite  # False where the venue itself does not know
        self.wait_s = wait_s  # what it asks to be left alone for
        super().__init__(f"{code} {message}".strip())


class NoAnswerError(Exception):
    """No answer of the venue came. Nothing is known of what became of the request."""


class Ask(Protocol):
    """A unified call. CodeError for a refusal, BrokerUnavailableError without an answer."""

    def __call__(self, call: str, instrument: Symbol | None, *arguments: Any) -> Awaitable[Any]: ...


Told = tuple[str, str]  # code and message
Signer = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedVenue:
    """One venue. Functions are pure, but for the questions they ask."""

    name: str  # in our symbols: BINANCE
    client: str  # ccxt's class
    options: Mapping[str, Any]  # of that class
    codes: CodeTable
    counting: Counting  # by unified call, kind of instrument and instrument
    statuses: Mapping[str, OrderStatus]  # of an order as the venue itself writes it
    status_field: str
    error_in: Callable[[Any], Told | None]  # in an answer that is JSON
    within: Callable[[Any, int, dict[str, Any], Signer], dict[str, Any]]
    """Signs a request that the venue refuses if it arrives after so many milliseconds."""
    find: Callable[[Ask, OrderId, Symbol], Awaitable[Row | None]]
    """An order by our id, wherever it may be shown; None where nothing the venue shows knows it."""
    trades: Callable[[Ask, Row, Symbol], Awaitable[list[Row]]]
    """All trades of an order, the oldest first."""
    named_by: str  # the parameter in which a cancel and a change name our id
    coins: Callable[[Ask], Awaitable[Mapping[str, Any]]]  # by currency, a row with its total
    unfit: Callable[[Ask], Awaitable[str | None]]  # why the account cannot be traded, if so
    reduce_only_kinds: frozenset[InstrumentKind] = frozenset({InstrumentKind.PERPETUAL})
    amends: frozenset[InstrumentKind] = field(default_factory=frozenset)
