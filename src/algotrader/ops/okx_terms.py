"""On which terms an account trades each instrument: fees, margin mode, leverage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.units import format_percent
from algotrader.execution.adapters.okx.account import OkxAccount
from algotrader.execution.adapters.okx.client import OkxClient
from algotrader.execution.adapters.okx.examination import AccountCheck
from algotrader.execution.broker import BrokerUnavailableError
from algotrader.risk.settings import RiskSettings


@dataclass(frozen=True, slots=True)
class Terms:
    """Asks, and compares with what the settings count on."""

    client: OkxClient
    margin: str  # of the account's settings: cash, cross, isolated
    risk: RiskSettings

    async def checks(self, symbols: Iterable[Symbol]) -> list[AccountCheck]:
        """What cannot be read is a check that failed."""
        found: list[AccountCheck] = []
        for symbol in symbols:
            try:
                found.append(await self._fees(symbol))
                if symbol.kind is InstrumentKind.PERPETUAL:
                    found.append(await self._leverage(symbol))
            except BrokerUnavailableError as error:
                found.append(
                    AccountCheck(
                        subject=str(symbol),
                        is_fine=False,
                        says=str(error),
                        mend="check that OKX lists it, and that the key may read",
                    )
                )
        return found

    async def _fees(self, symbol: Symbol) -> AccountCheck:
        fees = await OkxAccount(self.client).fees(symbol)
        maker, taker = format_percent(fees.maker), format_percent(fees.taker)
        return AccountCheck(
            subject=f"fees {symbol}", is_fine=True, says=f"maker {maker}, taker {taker}"
        )

    async def _leverage(self, symbol: Symbol) -> AccountCheck:
        """Less leverage at the venue than the limits allow: orders would be refused for margin."""
        if self.margin == "cash":
            return AccountCheck(
                subject=f"margin {symbol}",
                is_fine=False,
                says="its account is set up with margin: cash",
                mend="write margin: cross or margin: isolated under accounts",
            )
        leverage = await OkxAccount(self.client).leverage(symbol, self.margin)
        wanted = self.risk.account.max_leverage
        is_enough = wanted is None or leverage >= wanted
        return AccountCheck(
            subject=f"margin {symbol}",
            is_fine=is_enough,
            says=f"{self.margin}, {leverage:f}x",
            mend="" if is_enough
            else f"risk.account.max_leverage is {wanted}: raise the leverage on OKX, or lower that",
        )  # fmt: skip
