"""Accounts: whose money is where, in which currency, and what may be traded with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.money import Currency
from algotrader.core.symbols import Symbol


class MarginMode(StrEnum):
    CASH = "cash"  # nothing is borrowed
    CROSS = "cross"  # all positions share one margin (R23)
    ISOLATED = "isolated"  # each position has a margin of its own


class PositionMode(StrEnum):
    NET = "net"  # one position an instrument: a sale reduces a long
    HEDGE = "hedge"  # long and short of one instrument side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account at one venue. It has one currency (R26)."""

    account_id: AccountId
    venue: str
    currency: Currency
    margin_mode: MarginMode
    position_mode: PositionMode = PositionMode.NET
    adopts: bool = True  # what a person trades by hand becomes its strategy's; else left alone
    instruments: tuple[Symbol, ...] = ()  # in the order of their text (R1)
    strategies: tuple[StrategyId, ...] = ()

    def __post_init__(self) -> None:
        foreign = [str(symbol) for symbol in self.instruments if symbol.venue != self.venue]
        if foreign:
            raise ValueError(f"account {self.account_id} is at {self.venue}, not {foreign[0]}")
        if len(set(self.strategies)) != len(self.strategies):
            raise ValueError(f"account {self.account_id} names a strategy twice")
        if len(set(self.instruments)) != len(self.instruments):
            raise ValueError(f"account {self.account_id} names an instrument twice")
        object.__setattr__(self, "instruments", tuple(sorted(self.instruments)))
