"""Promise 18: our price of liquidation is the venue's, within half a percent, or a person is told.

Each price is worked out by hand. q quantity in coins, e entry, M what is behind it, r maintenance
rate, l fee rate of a liquidation: a linear long goes where M + q (p - e) = q p (r + l).
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.okx_orders import SWAP, a_desk, an_order, approved, soon
from tests.builders.okx_venue import listing

from algotrader.core.instruments import Instrument, MarginSchedule, MarginTier
from algotrader.core.ports import Notice
from algotrader.core.symbols import Symbol
from algotrader.execution.adapters.okx.account import OkxAccount, VenuePosition
from algotrader.execution.adapters.okx.liquidation import (
    LiquidationGap,
    OkxLiquidationWatch,
    liquidation_gaps,
    own_price,
)

INVERSE = Symbol.parse("OKX:BTC/USD:BTC")
ETH = Symbol.parse("OKX:ETH/USDT:USDT")


def rules(symbol: Symbol, rate: str = "0.01", fee: str = "0") -> Instrument:
    name = f"{symbol.base}-{symbol.quote}-SWAP"
    tiers = (MarginTier(upper_notional=Decimal(10**9), maintenance_rate=Decimal(rate)),)
    margin = MarginSchedule(tiers=tiers, liquidation_fee=Decimal(fee))
    return listing(name, margin=margin).instrument


def held(symbol: Symbol = SWAP, **values: Any) -> VenuePosition:
    """100 contracts of BTC: one coin, long from 30,000, isolated behind 3,000."""
    made: dict[str, Any] = {
        "instrument": symbol, "quantity": 100, "entry": 30_000, "mark": 30_000, "unrealised": 0,
        "leverage": 10, "maintenance_margin": 300, "margin": 3_000,
    }  # fmt: skip
    numbers = {name: Decimal(str(value)) for name, value in (made | values).items()
               if name not in ("instrument", "margin_mode", "liquidation_price")}  # fmt: skip
    at = values.get("liquidation_price")
    return VenuePosition(
        instrument=symbol, margin_mode=values.get("margin_mode", "isolated"),
        liquidation_price=None if at is None else Decimal(str(at)), **numbers,
    )  # fmt: skip


CROSS = {"margin_mode": "cross", "margin": 0}
# (name, position, others, cash, rate, fee, price by hand)
CASES: list[tuple[str, VenuePosition, list[VenuePosition], str, str, str, str]] = [
    # 3000 + (p - 30000) = 0.01 p: 0.99 p = 27000
    ("isolated long", held(), [], "0", "0.01", "0", "27272.7272727273"),
    # 3000 + (p - 30000) = 0.0105 p: 0.9895 p = 27000
    ("isolated long, fee", held(), [], "0", "0.01", "0.0005", "27286.5083375442"),
    # 3000 - (p - 30000) = 0.01 p: 1.01 p = 33000
    ("isolated short", held(quantity=-100), [], "0", "0.01", "0", "32673.2673267327"),
    # 10000 + (p - 30000) = 0.01 p: 0.99 p = 20000
    ("cross long", held(**CROSS), [], "10000", "0.01", "0", "20202.0202020202"),
    # two coins short behind 12000: 12000 - 2 (p - 30000) = 0.02 p: 2.02 p = 72000
    ("cross short", held(quantity=-200, **CROSS), [], "12000", "0.01", "0", "35643.5643564356"),
    # another cross position earned 500 and keeps 100: 10400 + (p - 30000) = 0.01 p
    ("cross beside a winner", held(**CROSS),
     [held(ETH, quantity=10, unrealised=500, maintenance_margin=100, **CROSS)],
     "10000", "0.01", "0", "19797.9797979798"),
    # an isolated margin of 2000 is not there for others: 8000 + (p - 30000) = 0.01 p
    ("cross beside an isolated one", held(**CROSS), [held(ETH, quantity=10, margin=2_000)],
     "10000", "0.01", "0", "22222.2222222222"),
    # 300 contracts of 100 USD from 30000: one coin; 0.1 + 30000 (1/30000 - 1/p) = 300 / p:
    # 30300 / p = 1.1
    ("inverse isolated long", held(INVERSE, quantity=300, margin="0.1"), [], "0", "0.01", "0",
     "27545.4545454545"),
    # 0.5 - 30000 (1/30000 - 1/p) = 300 / p: 29700 / p = 0.5
    ("inverse cross short", held(INVERSE, quantity=-300, **CROSS), [], "0.5", "0.01", "0", "59400"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("position", "others", "cash", "rate", "fee", "price"),
    [case[1:] for case in CASES], ids=[case[0] for case in CASES],
)  # fmt: skip
def test_promise_18_our_price_of_liquidation_is_the_one_by_hand(
    position: VenuePosition, others: list[VenuePosition], cash: str, rate: str, fee: str, price: str
) -> None:
    instrument = rules(position.instrument, rate, fee)
    ours = own_price(position, [position, *others], {instrument.settle: Decimal(cash)}, instrument)

    assert ours is not None
    assert ours == pytest.approx(Decimal(price), rel=Decimal("1e-12"))


def test_a_position_that_nothing_liquidates_has_no_price() -> None:
    rich = held(**CROSS)

    assert own_price(rich, [rich], {"USDT": Decimal(40_000)}, rules(SWAP)) is None


BY_HAND = Decimal("27272.7272727273")


@pytest.mark.parametrize(
    ("off", "is_told"),
    [("0.0049", False), ("-0.0049", False), ("0.0052", True), ("-0.0052", True), ("0.3", True)],
)
def test_promise_18_more_than_half_a_percent_from_the_venues_is_a_gap(
    off: str, is_told: bool
) -> None:
    venues = BY_HAND / (1 + Decimal(off))
    gaps = liquidation_gaps([held(liquidation_price=venues)], {}, {SWAP: rules(SWAP)})

    assert bool(gaps) is is_told
    if gaps:
        assert gaps[0].apart == pytest.approx(abs(Decimal(off)), rel=Decimal("1e-6"))


def test_promise_18_a_liquidation_that_we_do_not_see_at_all_is_a_gap() -> None:
    position = held(**CROSS, liquidation_price=20_000)
    gaps = liquidation_gaps([position], {"USDT": Decimal(40_000)}, {SWAP: rules(SWAP)})

    assert gaps == (LiquidationGap(instrument=SWAP, ours=None, venues=Decimal(20_000)),)


def test_a_venue_that_states_no_price_and_what_is_not_traded_here_say_nothing() -> None:
    assert liquidation_gaps([held()], {}, {SWAP: rules(SWAP)}) == ()
    assert liquidation_gaps([held(ETH, liquidation_price=1)], {}, {SWAP: rules(SWAP)}) == ()


class Told:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def notify(self, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_promise_18_on_the_simulated_venue_both_agree_and_wrong_tiers_are_told_once(
    mode: str,
) -> None:
    pytest.importorskip("ccxt", reason="not run: ccxt is not installed")
    from tests.builders.okx_orders import settings

    right = listing("BTC-USDT-SWAP").instrument
    wrong = rules(SWAP, rate="0.05")

    async def run() -> None:
        balances = {"USDT": Decimal(20_000)}
        async with a_desk(settings(margin_mode=mode), listens=False, balances=balances) as desk:
            account, told = OkxAccount(desk.broker._client), Told()
            await OkxLiquidationWatch(account, {SWAP: right}, told).look()  # nothing is held
            order = an_order("150", symbol=SWAP)  # one and a half coins of 30,000
            await desk.broker.submit(approved(order), soon())
            (position,) = await account.positions()
            assert position.liquidation_price is not None
            await OkxLiquidationWatch(account, {SWAP: right}, told).look()
            assert told.notices == []
            mistaken = OkxLiquidationWatch(account, {SWAP: wrong}, told)
            await mistaken.look()
            await mistaken.look()
            (notice,) = told.notices
            assert notice.cause == f"liquidation:{SWAP}"
            assert f"{position.liquidation_price:f}" in notice.text

    asyncio.run(run())
