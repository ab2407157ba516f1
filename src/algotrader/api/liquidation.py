"""At which price the margin behind a position is used up, by the rules that backtests liquidate by."""

from __future__ import annotations

import math
from decimal import Decimal

from algotrader._kernel import sizing as kernel
from algotrader.core.accounts import MarginMode
from algotrader.core.ids import AccountId
from algotrader.core.symbols import Symbol
from algotrader.engine.state import EngineState
from algotrader.portfolio.positions import exact


def liquidation_price(state: EngineState, account: AccountId, symbol: Symbol) -> float | None:
    """While all other prices stand where they are (R23, cross).

    None for spot, where nothing is borrowed, where each position has a margin of its own, which
    the venue alone knows, without a price of another position, and where no price does it.
    """
    mode = next(one.margin_mode for one in state.settings.accounts if one.account_id == account)
    position = state.books[account].whole.position(symbol)
    if mode is not MarginMode.CROSS or position.contract.is_spot or position.entry is None:
        return None
    behind = _behind(state, account, symbol)
    if behind is None:
        return None
    price = kernel.liquidation_price(
        state.terms[symbol], float(position.quantity), float(position.entry), float(behind)
    )
    return price if math.isfinite(price) and price > 0 else None


def _behind(state: EngineState, account: AccountId, symbol: Symbol) -> Decimal | None:
    """Cash, and what the other positions in its currency have earned and have to keep."""
    book = state.books[account].whole
    settle = book.position(symbol).contract.settle
    total = book.cash(settle)
    for other in book.contracts:
        position = book.position(other)
        contract = position.contract
        if other == symbol or not position.quantity or contract.is_spot:
            continue
        if contract.settle != settle:
            continue
        mark = state.mark(other)
        if mark is None:
            return None
        with exact():
            worth = abs(contract.worth(position.quantity, mark))
            total += position.unrealised(mark) - worth * _to_keep(state, other, worth)
    return total


def _to_keep(state: EngineState, symbol: Symbol, worth: Decimal) -> Decimal:
    """The fraction of a notional that must be left behind it, the fee of a liquidation included."""
    terms = state.terms[symbol]
    return Decimal(repr(kernel.maintenance_rate(terms, float(worth)) + terms.liquidation_fee))
