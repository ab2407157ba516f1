"""What the API adds to the rows that the command line shows: days, averages, strategies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from algotrader.api.equity import WHOLE
from algotrader.api.guards import nearest_of
from algotrader.api.liquidation import liquidation_price
from algotrader.api.obeyed import obeyed
from algotrader.api.view import DeskView
from algotrader.core.errors import DataError
from algotrader.core.events import TradingMode
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import DAY_MS
from algotrader.engine.exposures import account_exposure
from algotrader.engine.state import EngineState
from algotrader.execution.order_life import LiveOrder
from algotrader.live.settings import StrategySettings
from algotrader.ops.desk_rows import account_rows, fill_row, hold_row, order_row, position_rows
from algotrader.risk.exposure import AccountExposure

_MONTH_MS: Final = 30 * DAY_MS
_SPARK: Final = 48  # points of a line as wide as a word


def accounts(view: DeskView, state: EngineState) -> list[dict[str, Any]]:
    return view.once(
        "accounts",
        lambda: [_with_day(view, row) | work_columns(state, row) for row in account_rows(state)],
    )


def work_columns(state: EngineState, row: dict[str, Any]) -> dict[str, Any]:
    """What its holds have still to do; both None where that is not known."""
    left = obeyed(state, AccountId(row["account"]))
    return {
        "to_cancel": None if left is None else left.to_cancel,
        "to_close": None if left is None else left.to_close,
    }


def positions(view: DeskView, state: EngineState) -> list[dict[str, Any]]:
    return view.once(
        "positions", lambda: [_position(view, state, row) for row in position_rows(state)]
    )


def _position(view: DeskView, state: EngineState, row: dict[str, Any]) -> dict[str, Any]:
    account, symbol = AccountId(row["account"]), Symbol.parse(row["instrument"])
    since = view.held_since(account, symbol, Decimal(row["quantity"]))
    return _with_worth(state, row) | guard_columns(state, row) | {"since": since}


def guard_columns(state: EngineState, row: dict[str, Any]) -> dict[str, Any]:
    """Where a position is left: by its own orders, or by the venue. Distances are fractions."""
    account, symbol = AccountId(row["account"]), Symbol.parse(row["instrument"])
    nearest = nearest_of(state, account, (StrategyId(row["strategy"]), symbol))
    price = liquidation_price(state, account, symbol)
    liquidation = None if price is None else Decimal(f"{price:.10g}")
    return {
        "stop": _text(nearest.stop),
        "stop_distance": _distance(row, nearest.stop),
        "trail": None if nearest.trail is None else float(nearest.trail),
        "take_profit": _text(nearest.target),
        "liquidation": _text(liquidation),
        "liquidation_distance": _distance(row, liquidation),
    }


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price.normalize() + 0:f}"


def _distance(row: dict[str, Any], price: Decimal | None) -> float | None:
    """How far the last price has to go against the position; negative once it is past."""
    if price is None or row["mark"] is None:
        return None
    mark, sign = Decimal(row["mark"]), -1 if row["quantity"].startswith("-") else 1
    return round(float((mark - price) / mark * sign), 8) if mark else None


def _with_worth(state: EngineState, row: dict[str, Any]) -> dict[str, Any]:
    """With what it stands for, multiplier and kind of contract counted, and the currency of that."""
    book = state.books[AccountId(row["account"])].whole
    contract = book.contracts[Symbol.parse(row["instrument"])]
    notional = None
    if row["mark"] is not None:
        quantity = Decimal(row["quantity"])
        worth = contract.worth(quantity, Decimal(row["mark"]))
        notional = (
            f"{worth.copy_sign(quantity).normalize() + 0:f}"  # of inverse ones worth is turned
        )
    return row | {"notional": notional, "currency": str(contract.settle)}


def _with_day(view: DeskView, row: dict[str, Any]) -> dict[str, Any]:
    """The profit since 00:00 UTC of the day of the last decision (R28)."""
    if row["equity"] is None:
        return row | {"day_profit": None}
    earned = Decimal(row["equity"]) - Decimal(row["deposits"])
    profit = _day_profit(view, row["account"], WHOLE, row["last_decision"], earned)
    return row | {"day_profit": profit}


def _day_profit(
    view: DeskView, account: str, part: str, last: int | None, earned: Decimal
) -> str | None:
    """What was earned since the day began, or since the first equity of that day (R28)."""
    if last is None:
        return None
    begin = (last - 1) // DAY_MS * DAY_MS
    before = view.equity.at(account, part, begin) or view.equity.first(account, part)
    if before is None:
        return None
    equity, deposits = before
    return f"{round(earned - Decimal(repr(equity)) + Decimal(repr(deposits)), 8) + 0:f}"


def order(view: DeskView, live: LiveOrder) -> dict[str, Any]:
    average = view.average(live.order.order_id)
    return order_row(live) | {
        "average": None if average is None else f"{average:.12g}",
        "limit": None if live.limit is None else str(live.limit),
        "quantity": str(live.quantity),
        "stop": None if live.stop is None else str(live.stop),
        "purpose": live.order.intent.purpose.value,
        "submitted": live.submitted_ms,
        "ended": live.over_ms,
        "venue_order": live.venue_order_id,
    }


def fill(view: DeskView, seq: int, one: Fill) -> dict[str, Any]:
    return fill_row(one) | {
        "seq": seq,
        "strategy": view.owner(one.order_id),
        "liquidity": None if one.liquidity is None else one.liquidity.value,
    }


def strategy(
    view: DeskView,
    state: EngineState | None,
    name: str,
    settings: StrategySettings,
    is_running: bool,
) -> dict[str, Any]:
    """A configured strategy; what the journal knows of it where it does."""
    row: dict[str, Any] = {
        "strategy": name,
        "account": settings.account,
        "use": settings.use,
        "symbols": list(settings.symbols),
        "timeframe": settings.timeframe,
        "share": settings.share,
        "parameters": dict(settings.parameters),
        "status": "not running",
        "holds": [],
        "positions": 0,
        "open_orders": 0,
    }
    figures = (
        "equity", "profit", "realised", "unrealised", "fees", "day_profit", "month_profit",
        "exposure", "last_decision",
    )  # fmt: skip
    row |= {**dict.fromkeys(figures), "spark": []}
    account, own = AccountId(settings.account), StrategyId(name)
    if state is None or account not in state.books or own not in state.books[account].parts:
        return row
    return row | _standing(view, state, account, own, is_running)


def _standing(
    view: DeskView, state: EngineState, account: AccountId, name: StrategyId, is_running: bool
) -> dict[str, Any]:
    book, risk = state.books[account].parts[name], state.risk.state
    now_ms = max((one.decision_ts for one in state.slices.values()), default=0)
    mode = risk.mode(state.modes[account], account, name, None, now_ms)
    holds = [one for one in risk.holds_of(account, now_ms) if one.strategy in (None, name)]
    is_stopped = any(one.strategy == name and one.mode is TradingMode.HALTED for one in holds)
    frame = str(state.settings.instance(name).timeframe)
    closed = state.slices.get(frame)
    is_away = name in state.inforce.unloaded
    status = "unloaded" if is_away else "stopped" if is_stopped else mode.value
    row: dict[str, Any] = {
        "status": status if is_running or is_stopped or is_away else "not running",
        "holds": [hold_row(one) for one in holds],
        "positions": sum(book.position(symbol).quantity != 0 for symbol in book.contracts),
        "open_orders": sum(one.order.strategy == name for one in state.orders.open(account)),
        "last_decision": None if closed is None else closed.decision_ts,
    }
    try:
        statement = book.statement(state.marks())
    except DataError:
        return row  # a price is missing: what it is worth is not known
    earned = statement.equity - statement.deposits
    begin = (row["last_decision"] or 0) - _MONTH_MS
    return row | {
        "exposure": _exposure(view, state, account, name),
        "month_profit": _month_profit(view, account, name, begin, earned),
        "spark": view.equity.recent(account, name, begin, _SPARK),
        "day_profit": _day_profit(view, account, name, row["last_decision"], earned),
        "equity": str(statement.equity),
        "profit": str(earned),
        "realised": str(statement.realised),
        "unrealised": str(statement.unrealised),
        "fees": str(statement.fees),
    }


def _exposure(
    view: DeskView, state: EngineState, account: AccountId, name: StrategyId
) -> float | None:
    """What it holds, signed, as a fraction of the account's equity; None where that is not known."""
    seen = view.once(f"exposure {account}", lambda: _account_exposure(state, account))
    if seen is None or seen.equity <= 0:
        return None
    own = [one for one in seen.instruments.values() if one.owner == name and one.price is not None]
    worth = [one.worth(abs(one.position)) * (-1 if one.position < 0 else 1) for one in own]
    return round(float(sum(worth, Decimal(0)) / seen.equity), 6)


def _account_exposure(state: EngineState, account: AccountId) -> AccountExposure | None:
    now_ms = max((one.decision_ts for one in state.slices.values()), default=0)
    try:
        return account_exposure(state, account, now_ms)
    except DataError:
        return None  # a price is missing


def _month_profit(
    view: DeskView, account: AccountId, name: StrategyId, begin: int, earned: Decimal
) -> str | None:
    """Over the last 30 days, or since the first of fewer."""
    before = view.equity.at(account, name, begin) or view.equity.first(account, name)
    if before is None:
        return None
    equity, deposits = before
    return f"{round(earned - Decimal(repr(equity)) + Decimal(repr(deposits)), 8) + 0:f}"


def decided_at(live: LiveOrder) -> int:
    return utc_ms(live.order.intent.decided_at)
