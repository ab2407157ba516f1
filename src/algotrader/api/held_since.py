"""Since when each position is held, folded from the fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from algotrader.core.events import Liquidated, OrderFilled
from algotrader.core.fills import Fill
from algotrader.core.ids import AccountId, TradeId
from algotrader.core.instants import utc_ms
from algotrader.core.symbols import Symbol
from algotrader.engine.forgetting import KEPT_BOOKINGS, newest
from algotrader.portfolio.positions import ZERO, Contract, exact
from algotrader.portfolio.sizing import whole_lots

Contracts = Mapping[AccountId, Mapping[Symbol, Contract]]
_Key = tuple[AccountId, Symbol]


class HeldSince:
    """The first fill of each present position. Less than a lot is none (R9)."""

    def __init__(self, contracts: Contracts, is_left_alone: Callable[[Fill], bool]) -> None:
        self._contracts = contracts
        self._is_left_alone = is_left_alone
        self._booked: dict[tuple[AccountId, str, TradeId], None] = {}
        self._held: dict[_Key, Decimal] = {}
        self._since: dict[_Key, int] = {}

    def hear(self, event: OrderFilled | Liquidated) -> None:
        if self._is_known(event):
            return
        if isinstance(event, Liquidated):
            self._moved((event.account, event.instrument), event.quantity, event.ts_event)
            return
        fill = event.fill
        if self._is_left_alone(fill):
            return
        contract = self._contracts.get(fill.account, {}).get(fill.instrument)
        in_coin = contract is not None and contract.is_spot and fill.fee_currency == contract.base
        with exact():
            change = fill.signed_quantity - (fill.fee if in_coin else ZERO)
        self._moved((fill.account, fill.instrument), change, utc_ms(fill.filled_at))

    def of(self, account: AccountId, symbol: Symbol, held: Decimal) -> int | None:
        """UTC ms. None where the fills do not come to what is held: it came another way."""
        key = (account, symbol)
        contract = self._contracts.get(account, {}).get(symbol)
        with exact():
            apart = abs(self._held.get(key, ZERO) - held)
        return self._since.get(key) if contract is not None and apart < contract.lot else None

    def _is_known(self, event: OrderFilled | Liquidated) -> bool:
        """Whether a trade was told before: it is booked once."""
        if isinstance(event, OrderFilled):
            key = event.fill.key
        else:
            key = (event.account, str(event.instrument), event.trade_id)
        was_known = key in self._booked
        self._booked[key] = None
        self._booked = newest(self._booked, KEPT_BOOKINGS)
        return was_known

    def _moved(self, key: _Key, change: Decimal, at_ms: int) -> None:
        contract = self._contracts.get(key[0], {}).get(key[1])
        if contract is None:
            return
        before = self._held.get(key, ZERO)
        with exact():
            after = self._held[key] = before + change
        if not whole_lots(after, contract.lot):
            self._since.pop(key, None)
        elif not whole_lots(before, contract.lot) or (before > 0) != (after > 0):
            self._since[key] = at_ms
