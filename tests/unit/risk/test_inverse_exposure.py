"""Inverse contracts in the limits: equity and margin are coins, notional is the quote currency."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.builders.books import ACCOUNT, INVERSE

from algotrader.core.events import TradingMode
from algotrader.core.instruments import MarginSchedule, MarginTier
from algotrader.risk.exposure import AccountExposure, InstrumentExposure
from algotrader.risk.margin import free_of, margin_of

TIERS = (
    MarginTier(upper_notional=Decimal(20), maintenance_rate=Decimal("0.01")),
    MarginTier(upper_notional=Decimal(200), maintenance_rate=Decimal("0.05")),
)
CONTRACT = replace(
    INVERSE, multiplier=Decimal(100), margin=MarginSchedule(leverage=Decimal(4), tiers=TIERS)
)


def account(position: str, price: str = "30000", buying: str = "0") -> AccountExposure:
    """Two coins, and contracts of 100 USD."""
    here = InstrumentExposure(
        instrument=CONTRACT, position=Decimal(position), buying=Decimal(buying),
        price=Decimal(price),
    )  # fmt: skip
    return AccountExposure(
        account=ACCOUNT, mode=TradingMode.TRADING, now_ms=0, equity=Decimal(2), cash=Decimal(2),
        instruments={CONTRACT.symbol: here},
    )  # fmt: skip


def test_contracts_have_a_face_value_in_dollars_and_a_worth_in_coins() -> None:
    here = account("-600").instruments[CONTRACT.symbol]

    assert here.notional(here.position) == 60_000
    assert here.worth(here.position) == 2
    assert here.worth(Decimal(300), Decimal(15_000)) == 2


def test_gross_and_margin_are_in_coins() -> None:
    exposure = account("300", buying="300")  # 600 contracts at worst: two coins, at a quarter

    assert exposure.gross() == 2
    margin = margin_of(exposure)
    assert (margin.notional, margin.initial) == (1, Decimal("0.5"))
    assert margin.maintenance == pytest.approx(Decimal("0.01"))
    assert free_of(exposure) == Decimal("1.5")


def test_the_tier_is_chosen_by_coins() -> None:
    assert margin_of(account("9000")).maintenance == pytest.approx(Decimal("1.5"))  # 30 coins, 5 %
