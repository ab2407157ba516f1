"""Laws of the vocabulary: what is written is read back, and names are never shared."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from string import ascii_uppercase, digits

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algotrader.core.events import IntentRaised, OrderFilled, decode_event, encode_event
from algotrader.core.fills import Fill, Liquidity
from algotrader.core.hashing import array_hash, canonical_json
from algotrader.core.ids import AccountId, OrderId, RunId, StrategyId, TradeId, client_order_id
from algotrader.core.instants import utc_at, utc_ms
from algotrader.core.money import Currency
from algotrader.core.orders import (
    LEGAL_TRANSITIONS,
    Intent,
    Order,
    OrderStatus,
    OrderTerms,
    Purpose,
    Side,
    TimeInForce,
)
from algotrader.core.symbols import Symbol
from algotrader.core.timeframes import Timeframe
from algotrader.core.units import MINUS, format_number, format_percent, parse_fraction, parse_number
from algotrader.core.universes import Membership, Universe

coins = st.text(ascii_uppercase + digits, min_size=1, max_size=8)
expiries = st.dates(min_value=datetime(2000, 1, 1).date(), max_value=datetime(2099, 12, 31).date())  # noqa: DTZ001
symbol_texts = st.one_of(
    st.builds("OKX:{}/{}".format, coins, coins),
    st.builds("OKX:{}/{}:{}".format, coins, coins, coins),
    st.builds(
        lambda a, b, c, day: f"OKX:{a}/{b}:{c}-{day:%y%m%d}", coins, coins, coins, expiries
    ),
    st.builds(
        lambda root, day, right, strike: f"US:{root} {day} {right} {strike}",
        coins, expiries, st.sampled_from("CP"), st.integers(1, 10_000),
    ),
    st.builds("SSE:{}".format, st.text(digits, min_size=6, max_size=6)),
    st.builds("SHFE:{}".format, st.from_regex(r"[a-z]{1,2}[0-9]{4}", fullmatch=True)),
    st.builds("FILE:{}".format, st.from_regex(r"[a-zA-Z0-9_.\-]{1,20}", fullmatch=True)),
)  # fmt: skip
symbols = symbol_texts.map(Symbol.parse)
amounts = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False)
signed = st.decimals("-1e9", "1e9", allow_nan=False, allow_infinity=False)
times = st.datetimes(
    datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
names = st.text(max_size=8)


@st.composite
def order_terms(draw: st.DrawFn) -> OrderTerms:
    limit = draw(st.none() | amounts)
    trail = None if limit else draw(st.none() | amounts)
    tif = draw(st.sampled_from(TimeInForce))
    stop = None if trail else draw(st.none() | amounts)
    resting = limit is not None and stop is None and tif not in (TimeInForce.IOC, TimeInForce.FOK)
    return OrderTerms(
        instrument=draw(symbols), side=draw(st.sampled_from(Side)), quantity=draw(amounts),
        limit=limit, stop=stop, trail=trail, tif=tif,
        expires_at=draw(times) if tif is TimeInForce.GTD else None,
        post_only=resting and draw(st.booleans()), reduce_only=draw(st.booleans()),
    )  # fmt: skip


intents = st.builds(
    Intent,
    account=names.map(AccountId), strategy=names.map(StrategyId), decided_at=times,
    terms=order_terms(), purpose=st.sampled_from(Purpose), leg=st.integers(0, 9),
    attempt=st.integers(0, 9), cause_sequence=st.none() | st.integers(0, 2**53),
    group=st.none() | names, tag=st.none() | names,
)  # fmt: skip
fills = st.builds(
    Fill,
    trade_id=names.map(TradeId), order_id=st.none() | names.map(OrderId),
    account=names.map(AccountId), instrument=symbols, side=st.sampled_from(Side),
    quantity=amounts, price=amounts, fee=signed, fee_currency=coins.map(Currency),
    filled_at=times, liquidity=st.none() | st.sampled_from(Liquidity),
)  # fmt: skip


@given(symbol_texts)
def test_every_symbol_is_printed_as_it_was_read(text: str) -> None:
    symbol = Symbol.parse(text)

    assert str(symbol) == text
    assert f"{symbol.venue}:{symbol.code}" == text


@given(st.integers(1, 9999))
def test_every_time_frame_is_printed_so_that_it_can_be_read(minutes: int) -> None:
    frame = Timeframe(minutes * 60_000)

    assert Timeframe.parse(str(frame)) == frame


@given(st.integers(-(10**13), 10**13))
def test_milliseconds_and_times_are_the_same_instants(ms: int) -> None:
    assert utc_ms(utc_at(ms)) == ms


@given(intents)
def test_every_intent_survives_the_journal(intent: Intent) -> None:
    event = IntentRaised(ts_event=1, ts_known=2, intent=intent)
    again = decode_event(encode_event(event))

    assert isinstance(again, IntentRaised)
    assert again == event
    assert str(again.intent.terms.quantity) == str(intent.terms.quantity)  # digit for digit
    assert again.intent.order_id(RunId("r")) == intent.order_id(RunId("r"))


@given(fills)
def test_every_fill_survives_the_journal(fill: Fill) -> None:
    event = OrderFilled(ts_event=1, ts_known=2, fill=fill)

    assert decode_event(encode_event(event)) == event
    assert fill.signed_quantity == fill.side.sign * fill.quantity


@given(intents, st.fractions(0, 1).filter(lambda cut: cut > 0))
def test_an_order_is_never_larger_than_its_intent(intent: Intent, cut: object) -> None:
    part = intent.terms.quantity * Decimal(str(float(cut)))  # type: ignore[arg-type]
    order = Order.from_intent(intent, RunId("r"), min(part, intent.terms.quantity) or None)

    assert 0 < order.quantity <= intent.terms.quantity
    assert order.order_id == intent.order_id(RunId("r"))


parts = st.tuples(
    names, names, names, st.integers(0, 2**53), names, st.integers(0, 99), st.integers(0, 99)
)


@given(st.sets(parts, min_size=2, max_size=30))
def test_no_two_decisions_share_a_client_order_id(
    decisions: set[tuple[str, str, str, int, str, int, int]],
) -> None:
    ids = {
        client_order_id(
            run_id=RunId(run), account=AccountId(account), strategy=StrategyId(strategy),
            decided_ms=decided, instrument=instrument, leg=leg, attempt=attempt,
        )
        for run, account, strategy, decided, instrument, leg, attempt in decisions
    }  # fmt: skip

    assert len(ids) == len(decisions)


@given(st.lists(st.integers(0, 12), max_size=40))
def test_whatever_happens_to_an_order_it_can_still_end(choices: list[int]) -> None:
    status = OrderStatus.PENDING
    for choice in choices:
        followers = sorted(LEGAL_TRANSITIONS[status])
        if not followers:
            break
        status = followers[choice % len(followers)]
    ends = {status, *LEGAL_TRANSITIONS[status]}

    assert any(end.is_final for end in ends)
    assert OrderStatus.PENDING not in LEGAL_TRANSITIONS[status]  # never unsent again


@given(signed, st.integers(0, 8))
def test_a_printed_number_is_the_nearest_with_its_decimals(value: Decimal, decimals: int) -> None:
    text = format_number(value, decimals)
    back = Decimal(text.replace(",", "").replace(MINUS, "-"))

    assert abs(back - value) <= Decimal(1).scaleb(-decimals) / 2
    assert text.startswith(MINUS) == (back < 0)


@given(st.decimals("-1000", "1000", places=4))
def test_a_fraction_is_read_back_from_its_percent(fraction: Decimal) -> None:
    shown = format_percent(fraction, 2, language="zh").replace(",", "").replace(MINUS, "-")

    assert parse_fraction(shown) == fraction


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_by_its_shortest_text(value: float) -> None:
    assert float(parse_number(value)) == value


members = st.lists(
    st.tuples(st.sampled_from(["US:A", "US:B", "US:C"]), st.integers(0, 20), st.integers(1, 20)),
    max_size=6,
)


@given(members, st.lists(st.integers(-2, 42), unique=True).map(sorted))
def test_the_mask_of_a_universe_says_what_its_members_say(
    rows: list[tuple[str, int, int]], ts: list[int]
) -> None:
    ends: dict[str, int] = {}
    spans = []
    for text, gap, length in rows:  # one after the other, so that none overlap
        start = ends.get(text, 0) + gap
        ends[text] = start + length
        spans.append(Membership(symbol=Symbol.parse(text), start_ms=start, end_ms=start + length))
    universe = Universe.from_spans(reversed(spans))
    mask = universe.mask(np.array(ts, dtype=np.int64))

    for row, at in enumerate(ts):
        held = tuple(s for s, is_in in zip(universe.symbols, mask[row], strict=True) if is_in)
        assert held == universe.members(at)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab", max_size=3), inner),
    max_leaves=8,
)


@given(plain, plain)
def test_only_equal_values_share_a_canonical_text(one: object, other: object) -> None:
    assert canonical_json(one) == canonical_json(one)
    if canonical_json(one) == canonical_json(other):
        assert repr(one) == repr(other) or one == other


@given(st.lists(st.floats(), max_size=5), st.lists(st.floats(), max_size=5))
def test_only_equal_arrays_share_a_hash(one: list[float], other: list[float]) -> None:
    same = np.array_equal(np.array(one), np.array(other), equal_nan=True) and [
        np.signbit(x) for x in one if x == 0
    ] == [np.signbit(x) for x in other if x == 0]

    assert (array_hash(np.array(one)) == array_hash(np.array(other))) == same
