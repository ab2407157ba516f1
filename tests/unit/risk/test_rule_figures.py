"""Each name of the rule language, with its number worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed
from tests.builders.books import SPOT, SWAP
from tests.builders.risk import (
    ETH,
    HOUR,
    MAIN,
    NOON_MS,
    Orders,
    a_bar,
    a_mark,
    a_risk,
    an_exposure,
    bars,
    here,
    told,
)

from algotrader.core.events import OrderAccepted, OrderRejected, Rearmed, SliceClosed
from algotrader.core.ids import VenueOrderId
from algotrader.core.instruments import MarginSchedule, MarginTier
from algotrader.risk.engine import RiskEngine
from algotrader.risk.exposure import AccountExposure, InstrumentExposure, Quote
from algotrader.risk.figures import RiskFigures
from algotrader.risk.language.vocabulary import VOCABULARY

LEVERED = replace(
    SWAP,
    margin=MarginSchedule(
        tiers=(MarginTier(upper_notional=Decimal(10**6), maintenance_rate=Decimal("0.05")),)
    ),
)
# Five bars are kept because a rule looks that far back.
DEEP = {"rules": [{"name": "deep", "when": "volatility(4) > 1", "then": "warn"}]}


def figure(
    risk: RiskEngine,
    name: str,
    argument: float | None = None,
    account: AccountExposure | None = None,
    instrument: InstrumentExposure | None = None,
) -> float | None:
    exposure = account or an_exposure()
    one = instrument or next(iter(exposure.instruments.values()))
    return RiskFigures(state=risk.state, exposure=exposure, here=one).figure(name, argument)


LIVED: RiskEngine = told(
    a_risk(**DEEP),
    a_mark("10000", NOON_MS - 13 * HOUR),
    a_mark("12000", NOON_MS - 12 * HOUR),  # midnight: the last of the day before
    a_mark("10800", NOON_MS),
)
HELD = (here(position="30"), here(ETH, position="10", buying="5", open_orders=1))
SHORT = here(SWAP, position="-1000")  # 10 BTC


@pytest.mark.parametrize(
    ("name", "account", "expected"),
    [
        ("equity", an_exposure(equity="10800"), 10_800),
        ("cash", an_exposure(cash="7000"), 7_000),
        ("gross", an_exposure(*HELD), 4_500),  # 3,000 + 15 x 100
        ("net", an_exposure(*HELD, SHORT), 3_000),  # 3,000 + 1,000 - 1,000
        ("leverage", an_exposure(*HELD, equity="9000"), 0.5),
        ("drawdown", an_exposure(), 0.1),  # 10,800 of 12,000
        ("run_drawdown", an_exposure(), 0.1),
        ("daily_loss", an_exposure(), 0.1),  # the day began at 12,000
        ("daily_pnl", an_exposure(), -1_200),
        ("positions", an_exposure(*HELD, here(SWAP)), 2),
        ("open_orders", an_exposure(*HELD), 1),
        # 1,000 contracts are 1,000 of notional; 5 % of it is 50.
        ("margin_ratio", an_exposure(here(LEVERED, position="1000"), equity="150"), 3),
        ("liquidation_distance", an_exposure(here(LEVERED, position="1000"), equity="150"), 0.1),
        ("margin_ratio", an_exposure(), None),
        ("losing_streak", an_exposure(), 0),
        ("orders_today", an_exposure(), 0),
        ("turnover", an_exposure(), 0),
        ("reject_rate", an_exposure(), None),
        ("slippage", an_exposure(), None),
        ("leverage", an_exposure(equity="0"), None),
        ("net", an_exposure(here(position="1", price=None)), None),
    ],
)
def test_figures_of_an_account(name: str, account: AccountExposure, expected: float | None) -> None:
    found = figure(LIVED, name, account=account)

    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_drawdown_begins_anew_at_re_arming_and_that_of_the_run_does_not() -> None:
    risk = told(a_risk(), a_mark("12000"), a_mark("10800"))
    told(risk, Rearmed(ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, by="owner", reason="ok"))

    assert figure(risk, "drawdown") == 0
    assert figure(risk, "run_drawdown") == pytest.approx(0.1)
    assert figure(a_risk(), "drawdown") is None


def test_what_was_sent_and_what_came_of_it() -> None:
    risk, orders = told(a_risk(), *bars([100.0])), Orders()
    told(risk, *orders.filled("10", "101"), *orders.filled("-10", "99"))
    assert figure(risk, "orders_today") == 2
    assert figure(risk, "turnover") == pytest.approx(0.2)  # 1,010 + 990 of 10,000
    assert figure(risk, "losing_streak") == 1
    for _ in range(4):
        told(risk, *orders.filled("10", "101"), *orders.filled("-10", "99"))

    # Five purchases 1 % above, five sales 1 % below the last price of 100.
    assert figure(risk, "slippage") == pytest.approx(0.01)
    assert figure(risk, "reject_rate") == 0
    sent = [orders.sent("1") for _ in range(10)]
    names: list[dict[str, Any]] = [
        {"ts_event": NOON_MS, "ts_known": NOON_MS, "account": MAIN,
         "order_id": one.order.order_id, "instrument": SPOT.symbol}
        for one in sent
    ]  # fmt: skip
    told(risk, *sent, *(OrderRejected(**name, code="1", reason="no") for name in names[:5]))
    told(risk, *(OrderAccepted(**name, venue_order_id=VenueOrderId("v")) for name in names[5:]))

    assert figure(risk, "reject_rate") == pytest.approx(0.25)  # 5 of the last 20


# Closes 100, 110, 99, 108.9, 98.01: log returns of ln 1.1 and ln 0.9 in turns.
WAVES = [100.0, 110.0, 99.0, 108.9, 98.01]
UP, DOWN = math.log(1.1), math.log(0.9)


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("close", None, 98.01),
        ("change", 2, 98.01 / 99.0 - 1),
        ("change", 4, -0.0199),
        ("average", 2, (108.9 + 98.01) / 2),
        ("highest", 3, 108.9),
        ("lowest", 4, 98.01),
        # Two returns a and b differ from their mean by (a - b) / 2 each: |a - b| / sqrt 2.
        ("volatility", 2, (UP - DOWN) / math.sqrt(2)),
        # Of four the mean is the same, and the sum of squares twice that, over 3.
        ("volatility", 4, (UP - DOWN) / math.sqrt(3)),
        ("volatility", 5, None),
        ("average", 6, None),
        ("volume", None, 1),
        ("average_volume", 5, 1),
        ("average_volume", 6, None),
        ("position", None, -3),
        ("weight", None, -0.03),
        ("missed_bars", None, 0),
        ("spread", None, 0.02),  # 99 to 101
        ("quote_age", None, 60),
    ],
)
def test_figures_of_an_instrument(
    name: str, argument: float | None, expected: float | None
) -> None:
    risk = told(a_risk(**DEEP), *bars(WAVES))
    quote = Quote(bid=Decimal(99), ask=Decimal(101), at_ms=NOON_MS - 60_000)
    one = here(position="-3", quote=quote)

    found = figure(risk, name, argument, an_exposure(one), one)

    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_what_is_not_there_is_not_known() -> None:
    names = ("close", "volume", "missed_bars", "spread", "quote_age")

    assert [figure(a_risk(), name) for name in names] == [None] * 5
    assert figure(a_risk(), "weight", account=an_exposure(here(price=None))) is None


def test_missed_bars_are_counted_until_one_comes() -> None:
    risk = told(a_risk(), *bars([100.0]))
    missed = SliceClosed(
        ts_event=NOON_MS, ts_known=NOON_MS, timeframe="1h", decision_ts=NOON_MS,
        instruments=(), missing=(SPOT.symbol,),
    )  # fmt: skip

    assert figure(told(risk, missed, missed), "missed_bars") == 2
    assert figure(told(risk, a_bar(NOON_MS + HOUR, 100.0)), "missed_bars") == 0


# Tails: 101 closes, so 100 returns


def tailed(closes: dict[Any, list[float]]) -> RiskEngine:
    deep = {"name": "deep", "when": "expected_shortfall(0.95) > 1", "then": "warn"}
    risk = a_risk(rules=[deep])
    for instrument, prices in closes.items():
        told(risk, *bars(prices, instrument=instrument))
    return risk


def falls(*losses: float) -> list[float]:
    """A hundred returns: these losses somewhere, flat else."""
    prices = [100.0]
    moves = {10 * place + 3: loss for place, loss in enumerate(losses)}
    for row in range(100):
        prices.append(prices[-1] * (1 - moves.get(row, 0.0)))
    return prices


def test_value_at_risk_and_expected_shortfall_are_of_the_worst_bars() -> None:
    risk = tailed({SPOT: falls(0.10, 0.05, 0.04, 0.03, 0.02, 0.01)})
    held = an_exposure(here(position="20"))  # 2,000

    # Five of a hundred: 10, 5, 4, 3, 2 % of 2,000.
    assert figure(risk, "value_at_risk", 0.95, held) == pytest.approx(40)
    assert figure(risk, "expected_shortfall", 0.95, held) == pytest.approx(2_000 * 0.24 / 5)
    assert figure(risk, "expected_shortfall", 0.99, held) == pytest.approx(200)
    # A short position loses where the long one won: nowhere.
    short = an_exposure(here(position="-20"))
    assert figure(risk, "expected_shortfall", 0.95, short) == pytest.approx(0)


def test_a_hedge_has_no_tail() -> None:
    risk = tailed({SPOT: falls(0.10), ETH: falls(0.10)})
    hedged = an_exposure(here(position="20"), here(ETH, position="-20"))

    assert figure(risk, "expected_shortfall", 0.99, hedged) == pytest.approx(0)


def test_a_tail_needs_a_hundred_returns_of_everything_held() -> None:
    risk = tailed({SPOT: falls(0.10), ETH: falls(0.10)[:100]})

    assert figure(risk, "expected_shortfall", 0.99, an_exposure(here(position="1"))) is not None
    both = an_exposure(here(position="1"), here(ETH, position="1"))
    assert figure(risk, "expected_shortfall", 0.99, both) is None
    assert figure(risk, "expected_shortfall", 0.99, an_exposure()) == 0


# Which bars count


def test_a_revised_newest_bar_counts_and_an_old_one_does_not() -> None:
    risk = told(a_risk(**DEEP), *bars([100.0, 110.0]))
    told(risk, a_bar(NOON_MS, 111.0), a_bar(NOON_MS - HOUR, 50.0))

    assert figure(risk, "close") == 111
    assert figure(risk, "lowest", 2) == 100


def test_the_shortest_time_frame_of_an_instrument_is_the_one_looked_at() -> None:
    slow = changed(a_bar(NOON_MS, 200.0), timeframe="4h")
    fast = a_bar(NOON_MS, 100.0)

    assert figure(told(a_risk(), slow, fast), "close") == 100
    assert figure(told(a_risk(), fast, slow), "close") == 100


def test_every_name_of_the_language_is_worked_by_hand_in_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in VOCABULARY if f'"{name}"' not in text] == []
