"""Data moved to now stays on the grids that a venue keeps."""

from __future__ import annotations

import pytest

from algotrader.core.timeframes import MINUTE_MS
from algotrader.simulator.okx.build import SimulatorSettings, build, generated
from algotrader.simulator.okx.feeds import FUNDING_MS


@pytest.mark.parametrize("at_ms", [1_795_281_725_123, 1_795_281_600_000])
def test_generated_funding_is_settled_at_full_eight_hours(at_ms: int) -> None:
    listed = generated(("BTC-USDT-SWAP",), bars=4_000)

    venue = build(listed, SimulatorSettings(history_bars=1_500), at_ms).api.desk.venue
    feed = venue.markets["BTC-USDT-SWAP"].feed

    assert feed.funding_ts.size > 0
    assert not (feed.funding_ts % FUNDING_MS).any()
    assert not (feed.ts % MINUTE_MS).any()
    assert feed.ts[1_500] <= at_ms < feed.end_ms
