"""Each rule before an order, by its code, with the numbers that the reference page works through."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.builders.books import SPOT, SWAP
from tests.builders.risk import (
    DAY,
    ETH,
    FREE_SWAP,
    HOUR,
    MINUTE,
    NOON,
    NOON_MS,
    SECOND,
    Orders,
    a_bar,
    a_risk,
    allowed,
    an_exposure,
    asked,
    bars,
    here,
    told,
    wants,
    written,
)

from algotrader.core.events import HaltRequested, SliceClosed, TradingMode
from algotrader.core.ids import AccountId, StrategyId
from algotrader.core.orders import Intent, Purpose
from algotrader.execution.order_life import LiveOrder
from algotrader.risk.catalogue import RULES, Phase, codes, keys
from algotrader.risk.exposure import AccountExposure, InstrumentExposure, Quote
from algotrader.risk.settings import RiskSettings

BUY = wants("50")
Case = tuple[str, AccountExposure, Intent, Decimal | list[str]]


def case(
    code: str,
    intent: Intent,
    expected: int | str | list[str],
    *instruments: InstrumentExposure,
    **account: Any,
) -> Case:
    wanted = expected if isinstance(expected, list) else Decimal(expected)
    return code, an_exposure(*instruments, **account), intent, wanted


OTHER = AccountId("other")
ELSEWHERE = replace(an_exposure(here(ETH, position="10", owner=StrategyId("x"))), account=OTHER)
SIZES: list[Case] = [
    case("order.max_quantity", BUY, 7),
    case("order.max_notional", BUY, 10),
    # At its own limit of 125: 1,000 / 125.
    case("order.max_notional", wants("50", limit=Decimal(125)), 8),
    case("order.max_weight", BUY, 25),
    case("max_quantity", BUY, 12, here(position="5", buying="3")),
    case("max_notional", BUY, 12, here(position="5", buying="3")),
    case("max_weight", BUY, 40),
    case("strategy.max_gross", BUY, 15, here(position="5"), here(ETH, position="10")),
    # What another strategy holds is not its.
    case("strategy.max_gross", BUY, 25, here(position="5"),
         here(ETH, position="10", owner=StrategyId("other"))),
    case("strategy.max_weight", BUY, 15, here(position="5"), here(ETH, position="10")),
    case("max_leverage", wants("80"), 50, here(position="150")),
    # Going short from 150 long: what counts is the side asked about, so 150 + 200 may be sold.
    case("max_leverage", wants("-50000", instrument=FREE_SWAP), 35_000,
         here(FREE_SWAP, position="15000")),
    case("max_gross", BUY, 20, here(), here(ETH, position="10")),
    case("max_net", BUY, 40, here(), here(FREE_SWAP, position="-1000")),
    case("max_net", wants("-3000", instrument=FREE_SWAP), 2_000, here(),
         here(FREE_SWAP, position="-1000")),
    # A perpetual contract is 0.01 BTC: 1 in quote at 100.
    case("max_concentration", wants("5000", instrument=FREE_SWAP), 2_000, here(position="10"),
         here(FREE_SWAP), here(ETH, position="90")),
    case("max_concentration", wants("-5000", instrument=FREE_SWAP), 4_000, here(position="10"),
         here(FREE_SWAP)),
    case("min_free", wants("500"), "89.91"),
    case("total.max_leverage", wants("80"), 50, others=(
        replace(an_exposure(here(ETH, position="150")), account=OTHER),)),
    case("total.max_gross", BUY, 20, others=(ELSEWHERE,)),
    case("total.max_net", BUY, 40, others=(
        replace(an_exposure(here(FREE_SWAP, position="-1000")), account=OTHER),)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "account", "intent", "expected"), SIZES)
def test_a_target_is_cut_to_the_largest_size_a_limit_allows(
    code: str, account: AccountExposure, intent: Intent, expected: Decimal
) -> None:
    risk = a_risk(**written(code))

    assert allowed(risk.judge(intent, account)) == expected


@pytest.mark.parametrize(("code", "account", "intent", "expected"), SIZES)
def test_the_same_explicit_order_is_denied_by_name(
    code: str, account: AccountExposure, intent: Intent, expected: Decimal
) -> None:
    risk = a_risk(**written(code))

    verdict = risk.judge(replace(intent, purpose=Purpose.ORDER), account)

    assert allowed(verdict) == [code]


@pytest.mark.parametrize(("code", "account", "intent", "expected"), SIZES)
def test_one_lot_less_than_the_limit_passes_whole(
    code: str, account: AccountExposure, intent: Intent, expected: Decimal
) -> None:
    risk = a_risk(**written(code))
    fits = replace(intent, purpose=Purpose.ORDER, terms=replace(intent.terms, quantity=expected))

    assert allowed(risk.judge(fits, account)) == expected


ONE = wants("1")
REFUSALS: list[Case] = [
    case("instrument", wants("1", instrument=ETH), ["instrument"]),
    case("halt", wants("-5"), ["halt"], here(position="5"), mode=TradingMode.HALTED),
    case("halt", wants("-5", Purpose.STOP_LOSS), 5, here(position="5"), mode=TradingMode.HALTED),
    case("halt", wants("-5", Purpose.OPERATOR), 5, here(position="5"), mode=TradingMode.HALTED),
    case("starting", wants("-5", Purpose.STOP_LOSS), ["starting"], here(position="5"),
         mode=TradingMode.STARTING),
    case("reduce_only", ONE, ["reduce_only"], mode=TradingMode.REDUCE_ONLY),
    case("reduce_only", wants("-5"), 5, here(position="5"), mode=TradingMode.REDUCE_ONLY),
    case("reduce_only", wants("-5", reduce_only=True), ["reduce_only"],
         here(position="5", selling="5")),
    case("unknown_order", ONE, ["unknown_order"], here(has_doubt=True)),
    case("unknown_order", wants("-5"), 5, here(position="5", has_doubt=True)),
    case("no_price", ONE, ["no_price"], here(price=None)),
    case("no_price", ONE, ["no_price"], here(price="NaN")),
    case("no_price", ONE, ["no_price"], here(price="-1")),
    case("equity", ONE, ["equity"], equity=0),
    case("equity", ONE, ["equity"], equity="NaN"),
    case("equity", ONE, ["equity"], equity="Infinity"),
    case("unjudged", ONE, ["unjudged"], here(), here(ETH, position="5", price=None)),
    case("unjudged", ONE, ["unjudged"], here(position="NaN")),
    case("unjudged", ONE, ["unjudged"], here(), here(ETH, buying="NaN")),
    case("unjudged", ONE, ["unjudged"], others=(
        replace(an_exposure(equity="NaN"), account=OTHER),)),
    case("unjudged", wants("-1"), 1, here(position="1"), here(ETH, position="5", price=None)),
    case("listing", ONE, ["listing"], here(replace(SPOT, expires_at=NOON))),
    case("listing", ONE, ["listing"], here(replace(SPOT, delisted_at=NOON))),
    case("listing", ONE, ["listing"], here(replace(SPOT, listed_at=NOON)), now_ms=NOON_MS - 1),
    case("listing", ONE, 1, here(replace(SPOT, listed_at=NOON))),
    # A flip while increases are stopped still closes what is held.
    case("reduce_only", wants("-9", instrument=SWAP), 5, here(SWAP, position="5"),
         mode=TradingMode.REDUCE_ONLY),
    case("reduce_only", wants("-9", Purpose.ORDER, instrument=SWAP), ["reduce_only"],
         here(SWAP, position="5"), mode=TradingMode.REDUCE_ONLY),
]  # fmt: skip


@pytest.mark.parametrize(("code", "account", "intent", "expected"), REFUSALS)
def test_what_always_holds(
    code: str, account: AccountExposure, intent: Intent, expected: Decimal | list[str]
) -> None:
    assert code in codes()
    assert allowed(a_risk().judge(intent, account)) == expected


@pytest.mark.parametrize(
    ("code", "intent", "expected", "instruments", "changes"),
    [
        ("price_band", wants("1", limit=Decimal(104)), ["price_band"], (), {}),
        ("price_band", wants("1", limit=Decimal(103)), Decimal(1), (), {}),
        ("price_band", wants("1", stop=Decimal(96)), ["price_band"], (), {}),
        ("price_band", wants("-1", limit=Decimal(200)), Decimal(1), (here(position="1"),), {}),
        # 2026-03-02 is a Monday; the zone is UTC.
        ("hours", ONE, Decimal(1), (), {"now_ms": NOON_MS + 4 * HOUR - 1}),
        ("hours", ONE, ["hours"], (), {"now_ms": NOON_MS + 4 * HOUR}),
        ("hours", wants("-1"), Decimal(1), (here(position="1"),), {"now_ms": NOON_MS + 9 * HOUR}),
        ("max_open_orders", ONE, ["max_open_orders"], (here(open_orders=2),), {}),
        ("max_open_orders", ONE, Decimal(1), (here(open_orders=1),), {}),
        ("max_open_orders", wants("-1"), Decimal(1), (here(position="1", open_orders=2),), {}),
        ("account.max_open_orders", ONE, ["account.max_open_orders"],
         (here(), here(ETH, open_orders=2)), {}),
        ("strategy.max_open_orders", ONE, ["strategy.max_open_orders"],
         (here(), here(ETH, open_orders=2)), {}),
        ("strategy.max_open_orders", ONE, Decimal(1),
         (here(), here(ETH, open_orders=2, owner=StrategyId("other"))), {}),
        ("account.max_positions", ONE, ["account.max_positions"],
         (here(), here(ETH, position="1")), {}),
        ("account.max_positions", ONE, ["account.max_positions"],
         (here(), here(ETH, buying="1")), {}),
        ("account.max_positions", ONE, Decimal(1),
         (here(position="1"), here(ETH, position="1")), {}),
        # Less than a lot is dust and counts as flat.
        ("account.max_positions", ONE, Decimal(1), (here(), here(ETH, position="0.009")), {}),
        ("strategy.max_positions", ONE, ["strategy.max_positions"],
         (here(), here(ETH, position="1")), {}),
        ("strategy.max_positions", wants("1", instrument=ETH), Decimal(1),
         (here(), here(ETH, position="1")), {}),
    ],
)  # fmt: skip
def test_rules_that_deny_whole(
    code: str,
    intent: Intent,
    expected: Decimal | list[str],
    instruments: tuple[InstrumentExposure, ...],
    changes: dict[str, Any],
) -> None:
    risk = a_risk(**written(code))

    assert allowed(risk.judge(intent, an_exposure(*instruments, **changes))) == expected


@pytest.mark.parametrize(
    ("code", "sent", "pause_ms", "expected"),
    [
        ("max_per_second", 5, SECOND - 1, ["max_per_second"]),
        ("max_per_second", 4, 0, Decimal(1)),
        ("max_per_second", 5, SECOND, Decimal(1)),
        ("max_per_minute", 30, MINUTE - 1, ["max_per_minute"]),
        ("max_per_minute", 30, MINUTE, Decimal(1)),
        ("max_orders_per_day", 3, HOUR, ["max_orders_per_day"]),
        ("max_orders_per_day", 2, HOUR, Decimal(1)),
        ("max_orders_per_day", 3, 12 * HOUR, Decimal(1)),  # midnight
        ("account.max_orders_per_day", 3, 12 * HOUR - 1, ["account.max_orders_per_day"]),
        ("account.max_orders_per_day", 3, 12 * HOUR, Decimal(1)),
    ],
)
def test_rates_count_what_was_sent_and_never_hold_a_reduction(
    code: str, sent: int, pause_ms: int, expected: Decimal | list[str]
) -> None:
    orders = Orders()
    risk = told(a_risk(**written(code)), *(orders.sent("1") for _ in range(sent)))
    account = an_exposure(here(position="1"), now_ms=NOON_MS + pause_ms)

    assert allowed(risk.judge(ONE, account)) == expected
    assert allowed(risk.judge(wants("-1"), account)) == 1


def test_orders_of_a_day_are_counted_per_instrument() -> None:
    orders = Orders()
    risk = told(
        a_risk(**written("max_orders_per_day")), *(orders.sent("1", instrument=ETH) for _ in "abc")
    )

    assert allowed(risk.judge(ONE, an_exposure(here(), here(ETH)))) == 1
    assert allowed(risk.judge(wants("1", instrument=ETH), an_exposure(here(), here(ETH)))) == [
        "max_orders_per_day"
    ]


def test_max_volume_share_is_of_the_mean_volume_and_nothing_without_a_bar() -> None:
    risk = a_risk(**written("order.max_volume_share"))
    assert allowed(risk.judge(BUY, an_exposure())) == ["order.max_volume_share"]

    told(risk, a_bar(NOON_MS - HOUR, 100.0, 100.0), a_bar(NOON_MS, 100.0, 300.0))

    # 5 % of (100 + 300) / 2.
    assert allowed(risk.judge(BUY, an_exposure())) == 10


def test_fat_finger_denies_whole_what_is_far_larger_than_ever_before() -> None:
    orders = Orders()
    risk = told(a_risk(**written("order.fat_finger")), *(orders.sent(q) for q in "1212"))
    assert allowed(risk.judge(wants("900"), an_exposure())) == 900  # four are too few to know

    told(risk, orders.sent("1"))

    assert allowed(risk.judge(wants("20"), an_exposure())) == 20
    assert allowed(risk.judge(wants("21"), an_exposure())) == ["order.fat_finger"]
    assert allowed(risk.judge(wants("-21"), an_exposure(here(position="21")))) == 21


def test_max_turnover_counts_what_was_traded_today_and_what_still_may_be() -> None:
    orders = Orders()
    risk = told(a_risk(**written("max_turnover")), *orders.filled("40", "100"))

    # 4,000 of 5,000; then with an open order of 4 at 100; then on the next day.
    assert allowed(risk.judge(BUY, an_exposure(here(position="40")))) == 10
    assert allowed(risk.judge(BUY, an_exposure(here(position="40", buying="4")))) == 6
    assert allowed(risk.judge(BUY, an_exposure(now_ms=NOON_MS + DAY))) == 50


def test_stale_prices_stop_reductions_too() -> None:
    risk = told(a_risk(**written("stale")), *bars([100.0, 101.0]))
    account = an_exposure(here(position="1"))
    missing = SliceClosed(
        ts_event=NOON_MS, ts_known=NOON_MS, timeframe="1h", decision_ts=NOON_MS,
        instruments=(), missing=(SPOT.symbol,),
    )  # fmt: skip

    told(risk, missing, missing)
    assert allowed(risk.judge(wants("-1"), account)) == 1
    told(risk, missing)
    assert allowed(risk.judge(wants("-1", Purpose.STOP_LOSS), account)) == ["stale"]
    told(risk, a_bar(NOON_MS + 4 * HOUR, 100.0))
    later = replace(account, now_ms=NOON_MS + 4 * HOUR)
    assert allowed(risk.judge(wants("-1"), later)) == 1


def test_a_feed_that_is_silent_makes_a_price_stale_without_any_slice() -> None:
    risk = told(a_risk(**written("stale")), *bars([100.0]))
    fresh, stale = 3 * HOUR + MINUTE, 3 * HOUR + MINUTE + 1

    assert allowed(risk.judge(ONE, an_exposure(now_ms=NOON_MS + fresh))) == 1
    assert allowed(risk.judge(ONE, an_exposure(now_ms=NOON_MS + stale))) == ["stale"]
    assert allowed(a_risk(**written("stale")).judge(ONE, an_exposure())) == ["stale"]


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [(60 * SECOND, Decimal(1)), (60 * SECOND + 1, ["stale"]), (None, ["stale"])],
)
def test_max_quote_age_needs_a_quote(age_ms: int | None, expected: Decimal | list[str]) -> None:
    risk = a_risk(instrument={"max_quote_age": "60s"})
    quote = None
    if age_ms is not None:
        quote = Quote(bid=Decimal(99), ask=Decimal(101), at_ms=NOON_MS - age_ms)

    assert allowed(risk.judge(ONE, an_exposure(here(quote=quote)))) == expected


def test_the_kill_switch_is_a_reason_by_its_name_and_says_who_threw_it() -> None:
    risk = a_risk()
    asked(
        risk,
        HaltRequested(
            ts_event=NOON_MS, ts_known=NOON_MS, account=None, by="owner", channel="cli",
            reason="news",
        ),
    )  # fmt: skip

    verdict = risk.judge(ONE, an_exposure())

    assert allowed(verdict) == ["kill_switch"]
    assert "halted by owner (cli): news" in str(verdict)
    assert allowed(risk.judge(wants("-1", Purpose.STOP_LOSS), an_exposure(here(position="1")))) == 1


@pytest.mark.parametrize(
    ("rest", "limit", "expected"),
    [
        ("5", "99", []),  # as it was
        ("3", "99", []),  # less
        ("7", "99", []),  # up to the limit: itself does not count twice
        ("8", "99", ["max_quantity"]),
        ("5", "96", ["price_band"]),
        ("8", "96", ["price_band"]),
    ],
)
def test_a_change_of_an_order_is_judged_as_a_new_one_in_its_place(
    rest: str, limit: str, expected: list[str]
) -> None:
    risk = a_risk(instrument={"max_quantity": 10, "max_open_orders": 1}, order={"price_band": "3%"})
    live = LiveOrder.submitted(Orders().sent("5", purpose=Purpose.ORDER, limit=Decimal(99)))
    account = an_exposure(here(position="3", buying="5", open_orders=1))

    reasons = risk.refuses_change(live, Decimal(rest), Decimal(limit), None, account)

    assert [reason.rule for reason in reasons] == expected


def test_a_change_to_less_passes_when_nothing_may_be_added() -> None:
    live = LiveOrder.submitted(Orders().sent("5", limit=Decimal(99)))
    stopped = an_exposure(here(buying="5", open_orders=1), mode=TradingMode.REDUCE_ONLY)
    changed = a_risk().refuses_change(live, Decimal(5), Decimal(98), None, stopped)

    assert a_risk().refuses_change(live, Decimal(4), Decimal(99), None, stopped) == ()
    assert [reason.rule for reason in changed] == ["reduce_only"]


def test_every_reason_is_kept() -> None:
    risk = a_risk(order={"max_notional": 1_000, "price_band": "1%"}, instrument={"max_quantity": 7})
    both = an_exposure(here(has_doubt=True), equity=0)

    assert allowed(risk.judge(wants("50", Purpose.ORDER), an_exposure())) == [
        "max_quantity", "order.max_notional",
    ]  # fmt: skip
    assert allowed(risk.judge(wants("50", limit=Decimal(150)), both)) == [
        "unknown_order", "equity", "price_band",
    ]  # fmt: skip


def test_a_denial_says_who_what_and_how_much() -> None:
    risk = a_risk(instrument={"max_weight": "25%"})

    verdict = risk.judge(wants("31", Purpose.ORDER), an_exposure())

    assert "OKX:BTC/USDT would be 31.00% of equity, max_weight allows 25.00% of equity" in str(
        verdict
    )


def test_a_limit_of_ones_own_replaces_that_of_all() -> None:
    risk = a_risk(
        instrument={"max_quantity": 7},
        instruments={"OKX:ETH/USDT": {"max_quantity": 3}},
        strategies={"trend": {"max_positions": 1}},
        accounts={"main": {"max_open_orders": 1}},
    )
    account = an_exposure(here(), here(ETH))

    assert allowed(risk.judge(BUY, account)) == 7
    assert allowed(risk.judge(wants("50", instrument=ETH), account)) == 3
    assert allowed(risk.judge(ONE, an_exposure(here(open_orders=1)))) == ["account.max_open_orders"]
    assert allowed(risk.judge(ONE, an_exposure(here(), here(ETH, position="1")))) == [
        "strategy.max_positions"
    ]


def test_every_setting_is_in_the_catalogue_and_every_example_of_it_can_be_read() -> None:
    documented = {rule.key for rule in RULES}

    assert set(keys()) <= documented
    for rule in RULES:
        if rule.written is not None:
            assert RiskSettings.model_validate(written(rule.code)) != RiskSettings()


def test_every_rule_before_an_order_is_worked_by_hand_in_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    before = [rule.code for rule in RULES if rule.phase not in (Phase.WHILE, Phase.PAUSES)]

    assert [code for code in before if f'"{code}"' not in text] == []
