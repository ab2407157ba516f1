"""Targets in lots, with numbers worked out by hand (R8, R9, R10, R11, R12, R28)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.builders.books import INVERSE, SPOT, SWAP

from algotrader.core.errors import DataError
from algotrader.core.instruments import Instrument
from algotrader.core.orders import Side
from algotrader.portfolio.sizing import (
    Outcome,
    SizedTarget,
    SizingBasis,
    SizingRules,
    limit_price,
    size_targets,
    stop_price,
    whole_lots,
)


def size(
    instrument: Instrument,
    weight: float,
    *,
    price: float = 30.0,
    held: str = "0",
    equity: str = "1000",
    share: float = 1.0,
    **rules: Any,
) -> SizedTarget:
    basis = SizingBasis(
        equity=Decimal(equity),
        prices={instrument.symbol: price},
        positions={instrument.symbol: Decimal(held)},
        instruments={instrument.symbol: instrument},
        shares={instrument.symbol: share},
    )
    (sized,) = size_targets({instrument.symbol: weight}, basis, SizingRules(**rules))
    return sized


@pytest.mark.parametrize(
    ("weight", "rest", "wanted", "change"),
    [
        (0.5, {}, "16.66", "16.66"),  # 500 / 30 = 16.666, lots of 0.01
        (0.5, {"held": "10"}, "16.66", "6.66"),
        (0.5, {"held": "10.005"}, "16.66", "6.65"),  # a fraction of a lot is never bought
        (0.0, {"held": "10.005"}, "0", "-10"),  # nor sold: 0.005 is dust
        (0.0, {"held": "0.005"}, "0", "0"),
        (0.5, {"equity": "-3"}, "0", "0"),  # R8
        (0.5, {"cash_buffer": 0.1}, "15", "15"),  # 450 / 30
        (0.5, {"share": 0.5}, "8.33", "8.33"),  # R2: 250 / 30
        (1.2, {}, "33.33", "33.33"),  # R11: spot weights sum to 1 at most
        (-0.5, {"held": "1"}, "0", "-1"),  # R12
        (0.9, {"max_weight": 0.3}, "10", "10"),  # R28: 300 / 30
        (0.9, {"max_notional": 60.0}, "2", "2"),
    ],
)
def test_a_spot_weight_becomes_lots(
    weight: float, rest: dict[str, Any], wanted: str, change: str
) -> None:
    sized = size(SPOT, weight, **rest)

    assert (sized.wanted, sized.change) == (Decimal(wanted), Decimal(change))


def test_derivatives_count_contracts_and_truncate_toward_zero_for_shorts() -> None:
    # -0.5 x 1000 / (30 x 0.01) = -1666.67 contracts; 10 coins x 3,000 / 100 = 300 inverse ones.
    assert size(SWAP, -0.5).wanted == -1666
    assert size(INVERSE, 1.0, price=3_000.0, equity="10").wanted == 300
    assert size(SWAP, -3.0, max_leverage=2.0).wanted == -6666  # R12: scaled to 2
    assert size(SWAP, -3.0, max_leverage=2.0).weight == -2


def test_sums_are_of_all_weights_in_force_and_not_of_those_acted_on_alone() -> None:
    other = replace(SPOT, symbol=SWAP.symbol.__class__.parse("OKX:ETH/USDT"))
    basis = SizingBasis(
        equity=Decimal(1000),
        prices={SPOT.symbol: 10.0},
        positions={},
        instruments={SPOT.symbol: SPOT, other.symbol: other},
    )

    (sized,) = size_targets(
        {SPOT.symbol: 1.0}, basis, SizingRules(), in_force={SPOT.symbol: 0.2, other.symbol: 1.0}
    )

    assert sized.wanted == 50  # half of the equity


@pytest.mark.parametrize(
    ("held", "weight", "outcome"),
    [
        ("15", 0.5, Outcome.TRADE),  # 16.66 wanted: 1.66 away, the band is 1.666 x 0.0999
        ("16", 0.5, Outcome.IN_BAND),
        ("0", 0.01, Outcome.TRADE),  # entering always trades
        ("16", 0.0, Outcome.TRADE),  # so does leaving
        ("16.66", 0.5, Outcome.IN_BAND),
    ],
)
def test_a_band_skips_small_changes_but_no_entry_and_no_exit(
    held: str, weight: float, outcome: Outcome
) -> None:
    assert size(SPOT, weight, held=held, band=0.0996).outcome is outcome


def test_less_than_the_venues_minimum_is_said_and_not_traded() -> None:
    assert size(SPOT, 0.004).outcome is Outcome.BELOW_MINIMUM  # 0.13 x 30 = 3.9 < 5
    assert size(SPOT, 0.0002).outcome is Outcome.BELOW_MINIMUM  # not even a lot
    assert size(SPOT, 0.004).change == 0
    assert size(SPOT, 0.0).outcome is Outcome.REACHED


def test_more_lots_than_float64_can_count_are_refused() -> None:
    sized = size(SPOT, 1.0, equity="1e18", price=0.001, held="3")

    assert (sized.outcome, sized.wanted, sized.change) == (Outcome.REFUSED, 3, 0)


def test_a_flip_knows_which_part_closes() -> None:
    sized = size(SWAP, -0.3, held="200")

    assert (sized.change, sized.closing, sized.opening) == (-1200, -200, -1000)


def test_every_rule_that_changed_a_target_is_told_in_lots() -> None:
    sized = size(SWAP, 3.0, max_weight=2.5, max_leverage=2.0, max_notional=1500.0)

    told = [(effect.rule, int(effect.before), int(effect.after)) for effect in sized.rules]
    assert told == [
        ("max_weight", 10000, 8333),
        ("max_leverage", 8333, 6666),
        ("max_notional", 6666, 5000),
    ]
    assert size(SPOT, -1.0).rules[0].rule == "spot_no_short"


def test_a_target_without_a_price_is_refused() -> None:
    with pytest.raises(DataError, match="no last close"):
        size(SPOT, 0.5, price=float("nan"))


def test_prices_are_rounded_to_the_exact_decimal_of_their_tick() -> None:
    # R9: limits passively (buy down, sell up), stops away from the market (sell down, buy up).
    assert limit_price(100.37, SPOT, Side.BUY) == Decimal("100.3")
    assert limit_price(100.37, SPOT, Side.SELL) == Decimal("100.4")
    assert stop_price(100.37, SPOT, Side.SELL) == Decimal("100.3")
    assert limit_price(100.37, replace(SPOT, tick=Decimal(0)), Side.BUY) == Decimal("100.37")
    assert str(limit_price(0.1 + 0.2, SPOT, Side.BUY)) == "0.3"


def test_whole_lots_of_a_decimal_have_the_slack_of_a_billionth() -> None:
    assert whole_lots(Decimal("0.29"), Decimal("0.01")) == 29
    assert whole_lots(Decimal("-0.295"), Decimal("0.01")) == -29
