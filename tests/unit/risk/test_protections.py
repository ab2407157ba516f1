"""Pauses after bad trades, and the round trips they look back at (R32)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders.books import SPOT, SWAP
from tests.builders.risk import (
    DAY,
    ETH,
    HOUR,
    MAIN,
    NOON_MS,
    TREND,
    Orders,
    a_risk,
    allowed,
    an_exposure,
    here,
    told,
    wants,
    watched,
    written,
)

from algotrader.core.events import Event, FundingPaid, Liquidated, OrderFilled, RiskTripped
from algotrader.core.fills import Fill
from algotrader.core.ids import TradeId
from algotrader.core.instants import utc_at
from algotrader.core.money import Currency
from algotrader.core.orders import Purpose, Side
from algotrader.risk.engine import RiskEngine
from algotrader.risk.round_trips import Earned

ONE = wants("1")
BOTH = (here(), here(ETH))


class Trades(Orders):
    """Round trips of 10 at 100."""

    def trip(
        self,
        profit: str,
        at_ms: int = NOON_MS,
        purpose: Purpose = Purpose.TARGET,
        instrument: object = SPOT,
    ) -> list[Event]:
        exit_price = str(100 + Decimal(profit) / 10)
        return [
            *self.filled("10", "100", at_ms - 60_000, instrument=instrument),
            *self.filled("-10", exit_price, at_ms, purpose, instrument=instrument),
        ]


def judged(risk: RiskEngine, at_ms: int, symbol: object = SPOT) -> Decimal | list[str]:
    account = an_exposure(*BOTH, now_ms=at_ms)
    watched(risk, account)
    return allowed(risk.judge(wants("1", instrument=symbol), account))


def test_cooldown_pauses_the_instrument_after_a_stop_and_nothing_else() -> None:
    code, trades = "protection.cooldown.1", Trades()
    risk = told(a_risk(**written(code)), *trades.trip("-5", NOON_MS - DAY))
    assert judged(risk, NOON_MS - DAY) == 1  # a loss, and no stop

    told(risk, *trades.trip("-5", purpose=Purpose.STOP_LOSS))

    assert judged(risk, NOON_MS) == [code]
    assert judged(risk, NOON_MS + 4 * HOUR - 1) == [code]
    assert judged(risk, NOON_MS, ETH) == 1
    assert judged(risk, NOON_MS + 4 * HOUR) == 1


@pytest.mark.parametrize(
    ("after", "profit", "purpose", "expected"),
    [
        ("stop", "5", Purpose.TRAILING, True),
        ("stop", "-5", Purpose.TARGET, False),
        ("loss", "-5", Purpose.TARGET, True),
        ("loss", "5", Purpose.STOP_LOSS, False),
        ("exit", "5", Purpose.TAKE_PROFIT, True),
    ],
)
def test_a_cooldown_follows_stops_losses_or_every_exit(
    after: str, profit: str, purpose: Purpose, expected: bool
) -> None:
    settings = [{"kind": "cooldown", "after": after, "pause": "4h"}]
    risk = told(a_risk(protections=settings), *Trades().trip(profit, purpose=purpose))

    assert (judged(risk, NOON_MS) != 1) is expected


def test_a_liquidation_counts_as_a_stop() -> None:
    trades = Trades()
    risk = told(
        a_risk(**written("protection.cooldown.1")),
        *trades.filled("1000", "100", instrument=SWAP),
        Liquidated(
            ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, instrument=SWAP.symbol,
            trade_id=TradeId("x"), quantity=Decimal(-1000), price=Decimal(50), fee=Decimal(0),
            fee_currency=Currency("USDT"),
        ),
    )  # fmt: skip
    account = an_exposure(here(), here(SWAP))
    watched(risk, account)

    assert allowed(risk.judge(wants("1", instrument=SWAP), account)) == ["protection.cooldown.1"]
    assert risk.state.trips.closed[MAIN][0].profit == -500  # 10 BTC from 100 to 50


def test_stop_guard_counts_stops_of_the_account_within_its_time() -> None:
    code, trades = "protection.stop_guard.1", Trades()
    risk = told(a_risk(**written(code)), *trades.trip("-5", NOON_MS - 2 * HOUR, Purpose.STOP_LOSS))
    assert judged(risk, NOON_MS - HOUR) == 1

    told(risk, *trades.trip("-5", NOON_MS, Purpose.STOP_LOSS, ETH))

    assert judged(risk, NOON_MS) == [code]
    assert judged(risk, NOON_MS + 12 * HOUR - 1, ETH) == [code]
    assert judged(risk, NOON_MS + 12 * HOUR) == 1


def test_stops_that_are_long_past_do_not_count() -> None:
    trades = Trades()
    risk = told(
        a_risk(**written("protection.stop_guard.1")),
        *trades.trip("-5", NOON_MS - DAY, Purpose.STOP_LOSS),
        *trades.trip("-5", NOON_MS, Purpose.STOP_LOSS),
    )

    assert judged(risk, NOON_MS) == 1


def test_low_profit_pauses_an_instrument_that_earned_too_little() -> None:
    code, trades = "protection.low_profit.1", Trades()
    # 10 at 100 is 1,000: -30 is -3 %, +10 is +1 %.
    risk = told(a_risk(**written(code)), *trades.trip("-30", NOON_MS - HOUR))
    assert judged(risk, NOON_MS - HOUR) == 1  # one trade is too few

    told(risk, *trades.trip("10", NOON_MS))

    assert judged(risk, NOON_MS) == [code]
    assert judged(risk, NOON_MS, ETH) == 1
    assert judged(risk, NOON_MS + 6 * HOUR) == 1
    assert judged(told(risk, *trades.trip("30", NOON_MS + 7 * HOUR)), NOON_MS + 7 * HOUR) == 1


def test_losing_streak_counts_losses_in_a_row_over_all_instruments() -> None:
    code, trades = "protection.losing_streak.1", Trades()
    risk = told(
        a_risk(**written(code)),
        *trades.trip("-1", NOON_MS - 4 * HOUR),
        *trades.trip("1", NOON_MS - 3 * HOUR),
        *trades.trip("-1", NOON_MS - 2 * HOUR),
        *trades.trip("-1", NOON_MS - HOUR, instrument=ETH),
    )
    assert judged(risk, NOON_MS - HOUR) == 1
    assert risk.state.trips.losing_streak(MAIN) == 2

    told(risk, *trades.trip("-1", NOON_MS))

    assert judged(risk, NOON_MS) == [code]
    assert judged(risk, NOON_MS + DAY) == 1


def test_max_drawdown_is_of_the_profit_of_recent_trades() -> None:
    code, trades = "protection.max_drawdown.1", Trades()
    risk = told(a_risk(**written(code)), *trades.trip("1000", NOON_MS - HOUR))
    account = an_exposure(*BOTH, equity=11_000)
    assert watched(risk, account) == []

    told(risk, *trades.trip("-600", NOON_MS))
    events = watched(risk, an_exposure(*BOTH, equity=10_400))

    (event,) = [event for event in events if isinstance(event, RiskTripped)]
    assert (event.rule, event.value) == (code, Decimal("0.05454545"))
    assert event.until_ms == NOON_MS + DAY


def test_a_pause_that_is_over_does_not_begin_again_for_the_same_trades() -> None:
    trades = Trades()
    risk = told(
        a_risk(**written("protection.cooldown.1")), *trades.trip("-5", purpose=Purpose.STOP_LOSS)
    )
    judged(risk, NOON_MS)
    judged(risk, NOON_MS + 4 * HOUR)

    assert judged(risk, NOON_MS + 5 * HOUR) == 1
    assert risk.state.holds == {}


def test_two_protections_of_one_kind_are_told_apart() -> None:
    settings = [
        {"kind": "cooldown", "pause": "1h"},
        {"kind": "cooldown", "after": "loss", "pause": "2h", "per": "strategy"},
    ]
    risk = told(a_risk(protections=settings), *Trades().trip("-5", purpose=Purpose.STOP_LOSS))

    assert judged(risk, NOON_MS) == ["protection.cooldown.1", "protection.cooldown.2"]
    assert judged(risk, NOON_MS + HOUR) == ["protection.cooldown.2"]
    assert judged(risk, NOON_MS + HOUR, ETH) == ["protection.cooldown.2"]


# Round trips


def test_a_trip_is_net_of_fees_and_funding_and_ends_when_it_is_flat() -> None:
    trades = Trades()
    risk = told(
        a_risk(),
        *trades.filled("1000", "100", fee="0.5", instrument=SWAP),
        FundingPaid(
            ts_event=NOON_MS, ts_known=NOON_MS, account=MAIN, instrument=SWAP.symbol,
            settlement_id="f", amount=Decimal("-0.25"), currency=Currency("USDT"),
            rate=Decimal("0.0001"), quantity=Decimal(1000), mark=Decimal(100),
        ),
        *trades.filled("-400", "110", fee="0.2", instrument=SWAP),
    )  # fmt: skip
    assert MAIN not in risk.state.trips.closed

    told(risk, *trades.filled("-600", "90", fee="0.3", instrument=SWAP))

    # A contract is 0.01 BTC: 4 x 10 - 6 x 10 = -20, fees 1, funding 0.25.
    (trip,) = risk.state.trips.closed[MAIN]
    assert (trip.profit, trip.entered) == (Decimal("-21.25"), Decimal(1_000))
    assert trip.fraction == Decimal("-0.02125")


def test_a_flip_ends_one_trip_and_begins_the_next() -> None:
    trades = Trades()
    risk = told(
        a_risk(),
        *trades.filled("100", "100", instrument=SWAP),
        *trades.filled("-300", "110", fee="0.3", instrument=SWAP),
        *trades.filled("200", "100", instrument=SWAP),
    )

    long, short = risk.state.trips.closed[MAIN]

    # 1 BTC from 100 to 110 with a third of the fee; 2 BTC from 110 to 100 with the rest.
    assert (long.profit, short.profit) == (Decimal("9.9"), Decimal("19.8"))
    assert (long.entered, short.entered) == (100, 220)


def test_what_is_less_than_a_lot_ends_a_trip() -> None:
    trades = Trades()
    bought, fill = trades.filled("1", "100")
    assert isinstance(fill, OrderFilled)
    in_coin = Fill(
        trade_id=TradeId("c"), order_id=fill.fill.order_id, account=MAIN, instrument=SPOT.symbol,
        side=Side.BUY, quantity=Decimal(1), price=Decimal(100), fee=Decimal("0.001"),
        fee_currency=Currency("BTC"), filled_at=utc_at(NOON_MS),
    )  # fmt: skip
    risk = told(
        a_risk(), bought, OrderFilled(ts_event=NOON_MS, ts_known=NOON_MS, fill=in_coin),
        *trades.filled("-0.99", "110"),
    )  # fmt: skip

    (trip,) = risk.state.trips.closed[MAIN]
    key = (MAIN, TREND, SPOT.symbol)
    assert trip.profit == Decimal("9.8")  # 0.99 x 10 - 0.1 of fee
    assert risk.state.trips.open[key].position.quantity == Decimal("0.009")


def test_a_trade_by_hand_belongs_to_the_only_strategy_that_holds() -> None:
    trades = Trades()
    by_hand = Fill(
        trade_id=TradeId("h"), order_id=None, account=MAIN, instrument=SPOT.symbol,
        side=Side.SELL, quantity=Decimal(10), price=Decimal(90), fee=Decimal(0),
        fee_currency=Currency("USDT"), filled_at=utc_at(NOON_MS),
    )  # fmt: skip
    risk = told(
        a_risk(), *trades.filled("10", "100"),
        OrderFilled(ts_event=NOON_MS, ts_known=NOON_MS, fill=by_hand),
    )  # fmt: skip

    (trip,) = risk.state.trips.closed[MAIN]
    assert (trip.strategy, trip.profit, trip.by_stop) == (TREND, -100, False)


def test_what_was_earned_is_told_by_strategy_instrument_and_side() -> None:
    trades = Trades()
    risk = told(
        a_risk(),
        *trades.filled("100", "100", instrument=SWAP),
        *trades.filled("-300", "110", fee="0.3", instrument=SWAP),
        *trades.filled("200", "100", instrument=SWAP),
        *trades.trip("7", instrument=ETH),
    )

    assert risk.earned(MAIN) == {
        (MAIN, TREND, SWAP.symbol, Side.BUY): Earned(realised=Decimal(10), fees=Decimal("0.1")),
        (MAIN, TREND, SWAP.symbol, Side.SELL): Earned(realised=Decimal(20), fees=Decimal("0.2")),
        (MAIN, TREND, ETH.symbol, Side.BUY): Earned(realised=Decimal(7)),
    }
    assert sum(part.net for part in risk.earned(MAIN).values()) == Decimal("36.7")
