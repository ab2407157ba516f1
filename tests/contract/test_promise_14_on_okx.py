"""Promise 14 on the venue: what our sizing lets through, OKX's own rules take as it is."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.builders.okx_venue import exchange, feed

from algotrader.core.instruments import Instrument
from algotrader.core.orders import Side
from algotrader.core.symbols import InstrumentKind
from algotrader.portfolio.sizing import (
    Outcome,
    SizedTarget,
    SizingBasis,
    SizingRules,
    limit_price,
    size_quantity,
    size_targets,
)
from algotrader.simulator.okx.exchange import Exchange
from algotrader.simulator.okx.listings import Listing, symbol_of
from algotrader.simulator.okx.orders import NewOrder, State
from algotrader.simulator.okx.refusals import Refusal

ORDERS_EACH = 6
RICH = "100000000000"


def listing_of(row: dict[str, Any], number: int) -> Listing:
    """A row of `public/instruments` as the venue wrote it."""
    symbol = symbol_of(row["instId"])
    assert symbol.base
    assert symbol.quote
    assert symbol.settle
    is_spot = symbol.kind is InstrumentKind.SPOT
    instrument = Instrument(
        symbol=symbol, kind=symbol.kind, base=symbol.base, quote=symbol.quote,
        settle=symbol.settle, tick=Decimal(row["tickSz"]), lot=Decimal(row["lotSz"]),
        min_quantity=Decimal(row["minSz"]),
        multiplier=Decimal(1) if is_spot else Decimal(row["ctVal"]) * Decimal(row["ctMult"]),
    )  # fmt: skip
    return Listing(
        instrument=instrument, number=number, max_limit=Decimal(row["maxLmtSz"]),
        max_market=Decimal(row["maxMktSz"]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def listed(shared_data: Path) -> list[Listing]:
    """The 679 spot pairs and perpetuals of the recorded dump."""
    folder = shared_data / "data" / "okx_fixtures"
    rows = [
        row
        for kind in ("SPOT", "SWAP")
        for row in json.loads(
            (folder / f"real_public_instruments_{kind}_2022-05.json").read_text()
        )["response"]["data"]
    ]
    return [listing_of(row, number) for number, row in enumerate(rows)]


def prices_of(listed: list[Listing], rng: np.random.Generator) -> dict[str, float]:
    """A price on each tick, from a hundred to a million ticks."""
    ticks = np.exp(rng.uniform(np.log(1e2), np.log(1e6), len(listed))).astype(int)
    return {
        one.inst_id: float(one.instrument.tick * int(count))
        for one, count in zip(listed, ticks, strict=True)
    }


def a_venue(listed: list[Listing], prices: dict[str, float]) -> Exchange:
    coins = {coin for one in listed for coin in (one.instrument.base, one.instrument.quote,
                                                 one.instrument.settle)}  # fmt: skip
    level = {name: (price,) * 4 for name, price in prices.items()}
    return exchange(
        *((one, feed([level[one.inst_id]], volume=1e15)) for one in listed),
        balances=dict.fromkeys(coins, RICH),
    )


def wish(one: Instrument, price: float, rng: np.random.Generator) -> SizedTarget:
    """A target as a strategy might state it, by weight or by quantity, around the minimum."""
    unit = float(one.multiplier) * (1.0 if one.is_inverse else price)
    least = float(max(one.min_quantity, one.lot)) * unit  # in quote currency
    worth = least * float(rng.lognormal(1.0, 2.0))
    equity = worth / price if one.is_inverse else worth
    basis = SizingBasis(
        equity=Decimal(repr(equity)), prices={one.symbol: price}, positions={},
        instruments={one.symbol: one},
    )  # fmt: skip
    sign = 1.0 if one.is_spot_like else float(rng.choice([-1.0, 1.0]))
    rules = SizingRules(max_leverage=3.0)
    if rng.random() < 0.5:
        return size_targets({one.symbol: sign * float(rng.uniform(0.1, 1.0))}, basis, rules)[0]
    return size_quantity(one.symbol, sign * worth / unit, basis, rules)


def order_of(one: Listing, target: SizedTarget, price: float, rng: np.random.Generator) -> NewOrder:
    side = Side.BUY if target.change > 0 else Side.SELL
    limit = limit_price(price * float(rng.uniform(0.95, 1.05)), one.instrument, side)
    is_limit = bool(rng.random() < 0.7) and limit > 0
    return NewOrder(
        inst_id=one.inst_id, side=side, kind="limit" if is_limit else "market",
        size=abs(target.change), mode="cash" if one.is_spot else "cross",
        price=limit if is_limit else None,
    )  # fmt: skip


def test_promise_14_no_order_that_was_sized_is_refused_by_the_venues_real_rules(
    listed: list[Listing],
) -> None:
    rng = np.random.default_rng(14)
    prices = prices_of(listed, rng)
    venue = a_venue(listed, prices)
    sent, left, refused = 0, 0, []
    for one in listed:
        for _ in range(ORDERS_EACH):
            target = wish(one.instrument, prices[one.inst_id], rng)
            if target.outcome is not Outcome.TRADE or abs(target.change) > one.max_market:
                left += 1  # of the venue's maximum sizing knows nothing: `max_quantity` is a limit
                continue
            asked = order_of(one, target, prices[one.inst_id], rng)
            try:
                order = venue.place(asked)
            except Refusal as error:
                refused.append((asked, str(error)))
                continue
            sent += 1
            if order.state in (State.LIVE, State.PARTIALLY_FILLED):
                venue.cancel(one.inst_id, order_id=order.order_id)

    assert refused == []
    assert len(listed) == 679
    assert sent > 2_000
    assert left > 200  # below the minimum: left out before they are sent


def test_promise_14_the_venue_would_have_refused_what_sizing_leaves_out(
    listed: list[Listing],
) -> None:
    """The check above can fail: one lot less, half a lot more, half a tick more are refused."""
    rng = np.random.default_rng(15)
    prices = prices_of(listed, rng)
    venue = a_venue(listed, prices)
    for one in listed:
        made = one.instrument
        base = {
            "inst_id": one.inst_id,
            "side": Side.BUY,
            "mode": "cash" if one.is_spot else "cross",
        }
        price = Decimal(repr(prices[one.inst_id])) // made.tick * made.tick
        for size, limit, code in (
            (made.min_quantity - made.lot, price, "51020"),
            (made.min_quantity + made.lot / 2, price, "51121"),
            (made.min_quantity, price + made.tick / 2, "51000"),
        ):
            if size <= 0:
                continue
            with pytest.raises(Refusal, match=code):
                venue.place(NewOrder(kind="limit", size=size, price=limit, **base))
