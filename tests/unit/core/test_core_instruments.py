"""Time frames, instruments and the tree of errors."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from algotrader.core import errors
from algotrader.core.errors import AlgotraderError, UsageError
from algotrader.core.instruments import (
    FeeSchedule,
    Instrument,
    MarginSchedule,
    MarginTier,
)
from algotrader.core.symbols import InstrumentKind, Symbol
from algotrader.core.timeframes import Timeframe


@pytest.mark.parametrize(
    ("text", "minutes", "printed"),
    [
        ("1m", 1, "1m"),
        ("15m", 15, "15m"),
        ("90m", 90, "90m"),
        ("60m", 60, "1h"),
        (" 4h ", 240, "4h"),
        ("24h", 1440, "1d"),
        ("1d", 1440, "1d"),
        ("7d", 10080, "1w"),
        ("1w", 10080, "1w"),
        ("2w", 20160, "2w"),
    ],
)
def test_a_time_frame_is_a_length_with_one_printed_form(
    text: str, minutes: int, printed: str
) -> None:
    frame = Timeframe.parse(text)

    assert frame.ms == minutes * 60_000
    assert str(frame) == printed
    assert Timeframe.parse(str(frame)) == frame


@pytest.mark.parametrize(
    "text", ["", "m", "0m", "1s", "1mo", "1M", "1.5h", "-1h", "1h1m", "99999m"]
)
def test_a_time_frame_that_does_not_exist_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="does not exist") as caught:
        Timeframe.parse(text)

    assert "1m 5m 15m" in str(caught.value.hint)


@pytest.mark.parametrize("ms", [0, -60_000, 1, 90_500])
def test_a_time_frame_is_whole_minutes(ms: int) -> None:
    with pytest.raises(ValueError, match="whole number of minutes"):
        Timeframe(ms)


def test_time_frames_are_ordered_and_divide() -> None:
    quarter, hour, day = (Timeframe.parse(text) for text in ("15m", "1h", "1d"))

    assert quarter < hour < day
    assert quarter.divides(hour)
    assert not hour.divides(quarter)
    assert not Timeframe.parse("7m").divides(hour)
    assert [frame.is_intraday for frame in (quarter, hour, day)] == [True, True, False]


def an_instrument(**changes: Any) -> Instrument:
    given: dict[str, Any] = {
        "symbol": Symbol.parse("OKX:BTC/USDT"),
        "kind": InstrumentKind.SPOT,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
    }
    return Instrument(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lot": Decimal(0)}, "lot and multiplier"),
        ({"multiplier": Decimal(-1)}, "lot and multiplier"),
        ({"tick": Decimal(-1)}, "tick and minimums"),
        ({"min_quantity": Decimal(-1)}, "tick and minimums"),
        ({"min_notional": Decimal(-1)}, "tick and minimums"),
        ({"listed_at": datetime(2024, 1, 1)}, "listed_at must be an aware"),  # noqa: DTZ001
        ({"expires_at": datetime(2024, 1, 1)}, "expires_at must be an aware"),  # noqa: DTZ001
        ({"delisted_at": datetime(2024, 1, 1)}, "delisted_at must be an aware"),  # noqa: DTZ001
    ],
)
def test_an_instrument_that_cannot_trade_cannot_be_written(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        an_instrument(**changes)


def test_an_instrument_says_how_it_is_booked() -> None:
    spot = an_instrument(listed_at=datetime(2024, 1, 1, tzinfo=UTC))
    inverse = an_instrument(kind=InstrumentKind.PERPETUAL, quote="USD", settle="BTC")
    linear = an_instrument(kind=InstrumentKind.PERPETUAL)
    share = an_instrument(kind=InstrumentKind.EQUITY)

    assert [i.is_spot_like for i in (spot, share, linear, inverse)] == [True, True, False, False]
    assert [i.is_inverse for i in (spot, share, linear, inverse)] == [False, False, False, True]
    with pytest.raises(FrozenInstanceError):
        spot.tick = Decimal(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"maker": Decimal(1)}, "maker fee 1 is not a fraction"),
        ({"taker": Decimal("-1.5")}, "taker fee"),
        ({"minimum": Decimal(-1)}, "negative"),
    ],
)
def test_fees_are_fractions(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FeeSchedule(**changes)


def test_a_rebate_is_a_negative_maker_fee() -> None:
    assert FeeSchedule(maker=Decimal("-0.0001")).maker < 0


def tiers(*bounds: int) -> tuple[MarginTier, ...]:
    rate = Decimal("0.01")
    return tuple(MarginTier(upper_notional=Decimal(b), maintenance_rate=rate) for b in bounds)


def test_margin_tiers_ascend() -> None:
    assert len(MarginSchedule(leverage=Decimal(5), tiers=tiers(1, 2)).tiers) == 2
    for wrong in (tiers(2, 1), tiers(1, 1)):
        with pytest.raises(ValueError, match="ascending"):
            MarginSchedule(tiers=wrong)
    with pytest.raises(ValueError, match="leverage 0"):
        MarginSchedule(leverage=Decimal(0))


EXIT_CODES = {
    "AlgotraderError": 3, "UsageError": 2, "ConfigurationError": 2, "DataError": 2,
    "StrategyError": 2, "StrategyRaisedError": 3, "RunError": 3, "VersionError": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", EXIT_CODES)
def test_an_error_carries_its_code_its_sentence_and_what_helps(name: str) -> None:
    kind: type[AlgotraderError] = getattr(errors, name)
    error = kind("data.gap", "a gap", hint="refill it")

    assert error.exit_code == EXIT_CODES[name]
    assert str(error) == "a gap"
    assert error.as_dict() == {"code": "data.gap", "message": "a gap", "hint": "refill it"}


@pytest.mark.parametrize("name", EXIT_CODES)
def test_an_error_comes_back_whole_from_a_worker_process(name: str) -> None:
    kind: type[AlgotraderError] = getattr(errors, name)
    error = pickle.loads(pickle.dumps(kind("data.gap", "a gap", hint="refill it")))

    assert type(error) is kind
    assert error.as_dict() == {"code": "data.gap", "message": "a gap", "hint": "refill it"}


def test_every_error_is_in_the_tree_with_its_exit_code() -> None:
    found = {
        name: thing.exit_code
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, AlgotraderError)
    }

    assert found == EXIT_CODES
