"""Laws of risk: reductions pass, limits hold, what is unknown adds nothing, a replay is the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.books import SPOT
from tests.builders.risk import (
    ETH,
    FREE_SWAP,
    HOUR,
    MAIN,
    NOON_MS,
    Orders,
    a_bar,
    a_risk,
    allowed,
    an_exposure,
    here,
    told,
    wants,
)

from algotrader.core.events import Event, HaltRequested, RearmRequested, SliceClosed
from algotrader.core.orders import Approved, Intent, Purpose, Side
from algotrader.risk.engine import RiskEngine
from algotrader.risk.exposure import AccountExposure
from algotrader.risk.gate import with_order
from algotrader.risk.holds import strictest
from algotrader.risk.rooms import Unit

LIMITS: dict[str, dict[str, Any]] = {
    "account": {
        "max_leverage": 1, "max_gross": 5_000, "max_net": 4_000, "max_concentration": "30%",
        "max_positions": 1, "max_open_orders": 1, "max_orders_per_day": 1, "max_turnover": "0.1",
        "min_free": "20%",
    },
    "strategy": {"max_gross": 4_500, "max_weight": "35%", "max_positions": 1},
    "total": {"max_leverage": 1, "max_gross": 6_000, "max_net": 5_000},
    "instrument": {"max_weight": "20%", "max_notional": 3_000, "max_quantity": 25},
    "order": {
        "max_notional": 500, "max_quantity": 4, "max_weight": "4%", "price_band": "1%",
        "max_volume_share": "1%", "max_per_second": 1, "max_per_minute": 1,
    },
}  # fmt: skip
lots = st.integers(-4_000, 4_000).map(lambda count: Decimal(count) / 100)
sizes = st.integers(0, 2_000).map(lambda count: Decimal(count) / 100)
prices = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)
equities = st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)
keys = st.sampled_from(
    [(section, key) for section, limits in LIMITS.items() for key in limits if section != "order"]
)


@st.composite
def exposures(draw: st.DrawFn) -> AccountExposure:
    def one(instrument: Any) -> Any:
        whole = instrument.lot == 1
        position = draw(lots) * (100 if whole else 1)
        buying, selling = draw(sizes), draw(sizes)
        return here(
            instrument, position=position, price=draw(prices),
            buying=buying * (100 if whole else 1), selling=selling * (100 if whole else 1),
        )  # fmt: skip

    return an_exposure(one(SPOT), one(ETH), one(FREE_SWAP), equity=draw(equities))


@given(exposures(), st.booleans())
def test_what_only_reduces_passes_every_limit_whole(
    account: AccountExposure, reduce_only: bool
) -> None:
    risk = told(a_risk(**LIMITS), Orders().sent("1"), Orders().sent("1"))
    for symbol, held in account.instruments.items():
        side = Side.SELL if held.position > 0 else Side.BUY
        most = held.reducible(side)
        if most == 0:
            continue
        intent = wants(
            str(-side.opposite.sign * most), Purpose.ORDER, instrument=held.instrument,
            reduce_only=reduce_only,
        )  # fmt: skip

        assert allowed(risk.judge(intent, account)) == most, symbol


def worst(account: AccountExposure, side: Side) -> dict[str, Decimal]:
    """Exposures if everything of one side fills: written apart from the code under test."""
    gross = net = Decimal(0)
    asset: dict[str, Decimal] = {}
    for held in account.instruments.values():
        unit = held.instrument.multiplier * (held.price or 0)
        long, short = held.position + held.buying, held.position - held.selling
        gross += max(max(long, Decimal(0)), max(-short, Decimal(0))) * unit
        signed = (long if side is Side.BUY else -short) * unit
        net += signed
        base = held.instrument.base
        asset[base] = asset.get(base, Decimal(0)) + signed
    return {"gross": gross, "net": net, **{f"asset {name}": value for name, value in asset.items()}}


@given(exposures(), sizes, st.sampled_from([SPOT, FREE_SWAP]), st.sampled_from(list(Side)))
def test_no_target_carries_an_exposure_over_its_limit(
    account: AccountExposure, size: Decimal, instrument: Any, side: Side
) -> None:
    limits = {"max_gross": 5_000, "max_net": 4_000, "max_concentration": "30%"}
    risk = a_risk(account=limits, instrument={"max_notional": 3_000})
    quantity = (size + 1) * (100 if instrument is FREE_SWAP else 1)
    verdict = risk.judge(wants(str(side.sign * quantity), instrument=instrument), account)
    if not isinstance(verdict, Approved):
        return

    before, after = worst(account, side), worst(with_order(account, verdict.order), side)
    held = account.instruments[instrument.symbol]
    reduces = held.reducible(side) >= verdict.order.quantity
    for name, limit in (
        ("gross", Decimal(5_000)),
        ("net", Decimal(4_000)),
        (f"asset {instrument.base}", account.equity * Decimal("0.3")),
    ):
        grown = after[name] > before[name]
        assert reduces or not grown or after[name] <= limit, name


@given(exposures(), keys, st.sampled_from([SPOT, FREE_SWAP]))
def test_an_increase_is_denied_where_and_only_where_no_headroom_is_left(
    account: AccountExposure, key: tuple[str, str], instrument: Any
) -> None:
    section, name = key
    risk = a_risk(**{section: {name: LIMITS[section][name]}})
    held = account.instruments[instrument.symbol]
    alone = replace(account, instruments={instrument.symbol: held})
    rows = risk.headroom(alone)
    if not rows:
        return  # of what may be spent nothing is shown: it depends on the order
    (row,) = rows
    unit = {
        Unit.MONEY: held.notional(instrument.lot),
        Unit.FRACTION: held.notional(instrument.lot) / account.equity,
        Unit.QUANTITY: instrument.lot,
        Unit.COUNT: Decimal(1),
    }[row.unit]

    denied = [
        not isinstance(risk.judge(one_lot_more(alone, instrument, side), alone), Approved)
        for side in Side
    ]

    assert any(denied) is (row.left < unit * (1 - Decimal("1e-20")))


def one_lot_more(account: AccountExposure, instrument: Any, side: Side) -> Intent:
    """An order that takes off all it can, and adds one lot."""
    quantity = account.instruments[instrument.symbol].reducible(side) + instrument.lot
    return wants(str(side.sign * quantity), Purpose.ORDER, instrument=instrument)


amounts = st.sampled_from(["position", "buying", "selling", "price"])


@given(exposures(), amounts, st.sampled_from([SPOT, ETH]), st.sampled_from(["NaN", "Infinity"]))
def test_a_number_that_is_none_denies_an_increase_and_never_raises(
    account: AccountExposure, field: str, broken: Any, number: str
) -> None:
    odd = replace(account.instruments[broken.symbol], **{field: Decimal(number)})
    spoilt = replace(account, instruments={**account.instruments, broken.symbol: odd})
    used = any((odd.position, odd.buying, odd.selling))

    verdict = a_risk(**LIMITS).judge(wants("5000"), spoilt)

    assert not isinstance(verdict, Approved) or not used or verdict.order.quantity < 5_000
    if used:
        assert allowed(a_risk().judge(wants("5000", Purpose.ORDER), spoilt)) != 5_000


@given(exposures(), st.sampled_from(["NaN", "Infinity", "-1", "0"]))
def test_without_equity_nothing_is_added(account: AccountExposure, equity: str) -> None:
    poor = replace(account, equity=Decimal(equity))

    assert not isinstance(a_risk().judge(wants("5000", Purpose.ORDER), poor), Approved)


# A journal of anything that can happen, and the state it folds to

ALL = {
    "account": {"max_daily_loss": "3%", "max_drawdown": "10%", "on_breach": "halt"},
    "execution": {"max_slippage": "50bps", "max_reject_rate": "50%"},
    "instrument": {"max_missed_bars": 1},
    "protections": [
        {"kind": "cooldown", "after": "loss", "pause": "4h"},
        {"kind": "stop_guard", "stops": 2, "within": "1d", "pause": "12h"},
        {"kind": "losing_streak", "losses": 3, "pause": "1d"},
    ],
    "rules": [
        {"name": "wild", "when": "volatility(2) > 1%", "then": {"scale": 0.5}},
        {"name": "deep", "when": "drawdown > 5% or losing_streak >= 2", "then": "reduce_only"},
    ],
}
happenings = st.lists(
    st.tuples(
        st.sampled_from(["bar", "miss", "trade", "mark", "halt", "rearm"]),
        st.integers(80, 120),
        st.sampled_from([Purpose.TARGET, Purpose.STOP_LOSS]),
    ),
    max_size=25,
)


def lived(risk: RiskEngine, steps: list[tuple[str, int, Purpose]]) -> list[Event]:
    """Let it all happen, an hour apart; every event, those that risk told included."""
    journal: list[Event] = []
    orders = Orders()

    def tell(event: Event) -> None:
        risk.apply(event)
        journal.append(event)

    for hour, (what, number, purpose) in enumerate(steps):
        now = NOON_MS + hour * HOUR
        if what == "bar":
            tell(a_bar(now, float(number)))
        elif what == "miss":
            tell(SliceClosed(ts_event=now, ts_known=now, timeframe="1h", decision_ts=now,
                             instruments=(), missing=(SPOT.symbol,)))  # fmt: skip
        elif what == "trade":
            for event in orders.filled("1" if number % 2 else "-1", str(number), now, purpose):
                tell(event)
        elif what in ("halt", "rearm"):
            kind = HaltRequested if what == "halt" else RearmRequested
            risk.hear(kind(ts_event=now, ts_known=now, account=MAIN, by="owner", channel="cli",
                           reason="test"), tell)  # fmt: skip
        risk.watch(an_exposure(equity=number * 100, now_ms=now), now, tell)
    return journal


@settings(max_examples=60)
@given(happenings, st.integers(0, 100))
def test_a_replay_from_anywhere_gives_the_same_state_and_the_same_verdicts(
    steps: list[tuple[str, int, Purpose]], cut: int
) -> None:
    live = a_risk(**ALL)
    journal = lived(live, steps)
    again = told(a_risk(**ALL), *journal)
    resumed = told(a_risk(**ALL), *journal[: cut % (len(journal) + 1)])
    told(resumed, *journal[cut % (len(journal) + 1) :])

    assert live.state.snapshot() == again.state.snapshot() == resumed.state.snapshot()
    account = an_exposure(now_ms=NOON_MS + len(steps) * HOUR)
    for intent in (wants("50"), wants("1", Purpose.ORDER)):
        assert again.judge(intent, account) == live.judge(intent, account)


@settings(max_examples=60)
@given(happenings)
def test_no_restart_allows_more_than_the_process_before(
    steps: list[tuple[str, int, Purpose]],
) -> None:
    live = a_risk(**ALL)
    journal = lived(live, steps)
    account = an_exposure(now_ms=NOON_MS + len(steps) * HOUR)

    before = live.status(account)
    after = told(a_risk(**ALL), *journal).status(account)

    assert strictest(before.mode, after.mode) is after.mode
    assert after.allowed == before.allowed
    assert after.record == before.record


@settings(max_examples=60)
@given(happenings)
def test_the_same_happenings_tell_the_same_events(
    steps: list[tuple[str, int, Purpose]],
) -> None:
    assert lived(a_risk(**ALL), steps) == lived(a_risk(**ALL), steps)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(50, 150)), max_size=20))
def test_what_is_earned_by_parts_sums_to_the_profit_of_the_positions(
    trades: list[tuple[int, int]],
) -> None:
    orders, risk = Orders(), a_risk()
    cash = held = Decimal(0)
    for quantity, price in trades:
        if quantity:
            told(risk, *orders.filled(str(quantity), str(price), instrument=FREE_SWAP, fee="0.01"))
            cash -= quantity * Decimal(price) * FREE_SWAP.multiplier + Decimal("0.01")
            held += quantity
    marked = cash + held * 100 * FREE_SWAP.multiplier
    open_profit = sum(
        (trip.position.unrealised(Decimal(100)) for trip in risk.state.trips.open.values()),
        Decimal(0),
    )
    earned = sum((part.net for part in risk.earned(MAIN).values()), Decimal(0))

    assert abs(earned + open_profit - marked) < Decimal("1e-12")
