"""Where a desk stands, in rows of plain values: what the command line and the API both show.

Amounts are text, exact; times are UTC milliseconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from algotrader.core.instants import utc_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from algotrader.core.fills import Fill
    from algotrader.core.ids import AccountId
    from algotrader.core.symbols import Symbol
    from algotrader.engine.state import EngineState
    from algotrader.execution.order_life import LiveOrder
    from algotrader.portfolio.ledger import Ledger
    from algotrader.risk.holds import Hold


def account_rows(state: EngineState) -> list[dict[str, Any]]:
    """Each account as the journal has it. Amounts are text, exact.

    `equity` is None while something is held without a price; `no_equity` says what.
    """
    marks = state.marks()
    rows = []
    for account in state.settings.accounts:
        name = account.account_id
        book = state.books[name].whole
        equity, no_equity = _equity(book, marks)
        risk, now_ms = state.risk.state, _newest(state)
        mode = risk.mode(state.modes[name], name, None, None, now_ms)
        rows.append(
            {
                "account": name,
                "mode": mode.value,
                "limits": limit_rows(state, name),
                "holds": [hold_row(one) for one in risk.holds_of(name, now_ms)],
                "currency": str(account.currency),
                "equity": equity,
                "no_equity": no_equity,
                "cash": str(book.cash()),
                "deposits": _deposits(book),
                "positions": sum(book.position(symbol).quantity != 0 for symbol in book.contracts),
                "open_orders": len(list(state.orders.open(name))),
                "last_decision": _newest(state) or None,
                "left_alone": {
                    str(symbol): str(held) for symbol, held in state.left_alone.of(name).items()
                },
            }
        )
    return rows


def _equity(book: Ledger, marks: Mapping[Symbol, Decimal]) -> tuple[str | None, str | None]:
    """What an account is worth, or why nobody can say."""
    from algotrader.core.errors import DataError

    try:
        return str(book.equity(marks)), None
    except DataError as error:
        return None, error.message


def _deposits(book: Ledger) -> str:
    """Paid in less paid out; it needs no price."""
    from algotrader.portfolio.positions import exact
    from algotrader.portfolio.postings import Book

    with exact():
        return str(-book.balance(Book.DEPOSITS, book.currency))


def limit_rows(state: EngineState, account: AccountId) -> list[dict[str, Any]]:
    """How much of each limit is used, the fullest first; empty while a price is missing."""
    from algotrader.core.errors import DataError
    from algotrader.engine.exposures import account_exposure

    try:
        exposure = account_exposure(state, account, _newest(state))
    except DataError:
        return []
    return [
        {
            "rule": one.rule,
            "subject": one.subject,
            "used": _short(one.used),
            "limit": _short(one.limit),
            "left": _short(one.left),
            "unit": one.unit.value,
            "action": one.action,
        }
        for one in state.risk.headroom(exposure)
    ]


def _short(value: Decimal) -> str:
    """Eight digits, never as a power of ten: `0.3`, `25000`."""
    return f"{Decimal(f'{value:.8g}').normalize() + 0:f}"


def hold_row(hold: Hold) -> dict[str, Any]:
    """What a rule or a person has stopped."""
    return {
        "rule": hold.rule,
        "action": hold.action.value,
        "strategy": hold.strategy,
        "instrument": None if hold.instrument is None else str(hold.instrument),
        "by": hold.by,
        "why": hold.text,
        "since": hold.since_ms,
        "until": hold.until_ms,
    }


def _newest(state: EngineState) -> int:
    """When was decided last, UTC ms; 0 before the first."""
    return max((one.decision_ts for one in state.slices.values()), default=0)


def position_rows(state: EngineState) -> list[dict[str, Any]]:
    """Every position that is not flat, by strategy."""
    rows = []
    for account in state.settings.accounts:
        parts = state.books[account.account_id].parts
        for strategy in account.strategies:
            book = parts[strategy]
            for symbol in sorted(book.contracts):
                position = book.position(symbol)
                if position.quantity == 0:
                    continue
                mark = state.marks().get(symbol)
                rows.append(
                    {
                        "account": account.account_id,
                        "strategy": strategy,
                        "instrument": str(symbol),
                        "quantity": str(position.quantity),
                        "entry": None if position.entry is None else str(position.entry),
                        "mark": None if mark is None else str(mark),
                        "unrealised": None if mark is None else str(position.unrealised(mark)),
                    }
                )
    return rows


def order_row(live: LiveOrder) -> dict[str, Any]:
    order = live.order
    terms = order.terms
    return {
        "order": order.order_id,
        "account": order.account,
        "strategy": order.strategy,
        "instrument": str(order.instrument),
        "side": terms.side.value,
        "kind": terms.kind.value,
        "quantity": str(live.quantity),  # as it was changed last
        "filled": str(live.filled),
        "limit": None if live.limit is None else str(live.limit),
        "status": live.status.value,
        "decided": utc_ms(order.intent.decided_at),
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    return {
        "time": utc_ms(fill.filled_at),
        "account": fill.account,
        "instrument": str(fill.instrument),
        "side": fill.side.value,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "fee": str(fill.fee),
        "fee_currency": str(fill.fee_currency),
        "order": fill.order_id,
        "trade": fill.trade_id,
    }
