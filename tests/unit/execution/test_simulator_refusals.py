"""What cannot be simulated is refused with its name, whichever part looks at it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrader import _kernel
from algotrader.execution.batch import Batch
from algotrader.execution.simulated import simulate
from algotrader.execution.simulation import Panel, SimulatedInstrument, SimulationSettings

NAN = float("nan")
NAMES = ("open", "high", "low", "close", "volume")


def a_panel(rows: int = 19, columns: int = 1, **changes: object) -> Panel:
    price = np.full((rows, columns), 100.0)
    volume = np.full((rows, columns), 1e6)
    panel = Panel(
        ts=np.arange(rows) * 60_000,
        timeframe_ms=60_000,
        open=price.copy(),
        high=price + 1.0,
        low=price - 1.0,
        close=price.copy(),
        volume=volume,
    )
    return replace(panel, **changes)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("lot", 0.0, "SPOT: lot must be positive, not 0.0"),
        ("lot", NAN, "SPOT: lot must be finite, not nan"),
        ("multiplier", -1.0, "SPOT: multiplier must be positive, not -1.0"),
        ("leverage", 0, "SPOT: leverage must be positive, not 0"),
        ("size_share", float("inf"), "SPOT: size_share must be finite, not inf"),
        ("tick", -0.5, "SPOT: tick must be 0 or more, not -0.5"),
        ("participation", -0.1, "SPOT: participation must be 0 or more, not -0.1"),
        ("taker_fee", NAN, "SPOT: taker_fee must be finite, not nan"),
        ("delist_haircut", NAN, "SPOT: delist_haircut must be finite, not nan"),
        ("tiers", ((2.0, 0.1), (1.0, 0.2)), "SPOT: tiers must be in the order of their bounds"),
    ],
)
def test_a_number_that_no_instrument_has_is_refused(field: str, value: object, said: str) -> None:
    wrong = replace(SimulatedInstrument(symbol="SPOT"), **{field: value})

    with pytest.raises(ValueError, match=said):
        simulate(a_panel(), [wrong], SimulationSettings())
    with pytest.raises(ValueError, match=said):
        Batch(a_panel(), [wrong], SimulationSettings())


def test_a_rebate_is_no_mistake() -> None:
    rebate = SimulatedInstrument(symbol="SPOT", maker_fee=-1e-4)

    assert simulate(a_panel(), [rebate], SimulationSettings()).equity[-1] == 10_000.0


@pytest.mark.parametrize("row", [0, 7, 8, 18])  # whole registers, and what is left of them
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("open", NAN, "missing in all of its prices or in none .open"),
        ("high", NAN, "missing in all of its prices or in none .high"),
        ("low", NAN, "missing in all of its prices or in none .low"),
        ("close", NAN, "missing in all of its prices or in none .open"),
        ("low", 0.0, "low must be positive"),
        ("high", np.inf, "high must be positive and finite"),
        ("open", 102.0, "high and low must enclose"),
        ("close", 98.5, "high and low must enclose"),
        ("volume", -1.0, "volume must not be negative"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(field: str, value: float, said: str, row: int) -> None:
    panel = a_panel()
    getattr(panel, field)[row, 0] = value

    with pytest.raises(ValueError, match=said):
        simulate(panel, [SimulatedInstrument(symbol="SPOT")], SimulationSettings())


@pytest.mark.parametrize("missing", [NAN, -NAN])
def test_a_missing_bar_and_a_volume_of_nothing_or_unknown_are_sound(missing: float) -> None:
    panel = a_panel()
    for name in NAMES[:4]:
        getattr(panel, name)[5, 0] = missing
    panel.volume[6:9, 0] = 0.0, -0.0, NAN

    simulate(panel, [SimulatedInstrument(symbol="SPOT")], SimulationSettings())


def plainly_sound(bars: dict[str, np.ndarray]) -> bool:
    opened, high, low, close, volume = (bars[name] for name in NAMES)
    prices = np.stack((opened, high, low, close))
    missing = np.isnan(prices)
    whole = ~missing.any(axis=0)
    inside = (low <= opened) & (low <= close) & (opened <= high) & (close <= high)
    proper = (low > 0.0) & np.isfinite(high) & inside
    return bool(np.all(missing.all(axis=0) | (whole & proper)) and not np.any(volume < 0.0))


odd = st.sampled_from([NAN, 0.0, -1.0, np.inf, -np.inf, 99.0, 99.5, 100.0, 101.0, 5e-324])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 18), odd), max_size=3))
def test_one_pass_over_the_bars_finds_what_many_find(
    changes: list[tuple[int, int, float]],
) -> None:
    panel = a_panel()
    bars = {name: getattr(panel, name) for name in NAMES}
    for field, row, value in changes:
        bars[NAMES[field]][row, 0] = value
    before = _kernel.simd_level()
    try:
        for level in _kernel.simd_levels():
            _kernel.set_simd_level(level)
            assert _kernel.bars_are_sound(*bars.values()) == plainly_sound(bars)
    finally:
        _kernel.set_simd_level(before)


@pytest.mark.parametrize("row", [0, 65_535, 65_536, 131_071, 131_072, 140_000])
def test_a_wrong_bar_is_found_wherever_a_long_panel_has_it(row: int) -> None:
    bars = [np.full(140_001, price) for price in (100.0, 101.0, 99.0, 100.0, 5.0)]
    columns = [values[:, None] for values in bars]
    assert _kernel.bars_are_sound(*columns)

    bars[1][row] = 98.0

    assert not _kernel.bars_are_sound(*columns)
