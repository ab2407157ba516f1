"""Whatever goes wrong while trading, alone or together, no difference is left without its cause."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.traded_desk import (
    BY_BAR,
    TARGETS,
    InTime,
    a_desk,
    a_market,
    changed,
    compared,
    slices,
    traded,
    without,
)

from algotrader.backtest.settings import BacktestSettings
from algotrader.core.events import OrderRejected
from algotrader.live.journal.folder import JournalFolder

RULES = ("every_bar()", "on_change()", "band(0.2)", 'schedule("daily")')


class Rejecting(InTime):
    """A venue that refuses every seventh order."""

    count = 0

    async def submit(self, approved: Any, deadline_ms: int) -> Any:
        self.count += 1
        if self.count % 7:
            return await super().submit(approved, deadline_ms)
        order, now_ms = approved.order, self._now_ms()
        return OrderRejected(
            ts_event=now_ms, ts_known=now_ms, account=order.account, order_id=order.order_id,
            instrument=order.instrument, code="51008", reason="insufficient balance",
        )  # fmt: skip


def code_of(rule: str, *, panel: bool, guarded: bool) -> str:
    code = TARGETS.replace("every_bar()", rule).replace(
        "import every_bar", "import band, every_bar, on_change, schedule"
    )
    if guarded:
        code = code.replace("    bars: int", "    stop_loss = 0.03\n    bars: int")
    if panel:
        code = code.replace("    bars: int", "    panel = True\n    bars: int")
        code = code.replace("self.weight, 0.2)", "self.weight / 2, 0.0)")
    return code


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10**4),
    code=st.one_of(
        st.just(BY_BAR),
        st.builds(code_of, st.sampled_from(RULES), panel=st.booleans(), guarded=st.booleans()),
    ),
    revised=st.integers(0, 2),
    missed=st.booleans(),
    rejects=st.booleans(),
    thin=st.booleans(),
    restart=st.one_of(st.none(), st.integers(20, 60)),
)
def test_promise_1_no_difference_is_left_without_its_cause(
    seed: int,
    code: str,
    revised: int,
    missed: bool,
    rejects: bool,
    thin: bool,
    restart: int | None,
) -> None:
    market = then = a_market(90, seed)
    for row in range(30, 30 + 20 * revised, 20):
        close = float(then.bars.close[row, 0])
        high = float(then.bars.high[row, 0])
        then = changed(then, row, 0, close=close * 1.005, high=high * 1.01)
    with tempfile.TemporaryDirectory() as place:
        folder = JournalFolder(Path(place) / "journal")
        desk = a_desk(Path(place), then, code=code)
        told = slices(desk)
        if missed:
            told[35], _ = without(told[35], 1)
        venue_costs = BacktestSettings(participation=3e-6) if thin else None
        for part in (told[:restart], told[restart:]) if restart else (told,):
            traded(
                desk, folder, part, broker=Rejecting if rejects else InTime,
                venue_costs=venue_costs,
            )  # fmt: skip

        found = compared(a_desk(Path(place), market, code=code), folder)

    assert found.replay.is_equal
    assert found.is_clean, [one.text for one in found.decisions if one.cause == "unknown"][:3]
    if not (revised or missed or rejects or thin):
        assert set(found.counts) == {"equal"}
