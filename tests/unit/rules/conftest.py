"""Every table test of a rule runs on the native kernel and on the reference simulator."""

from __future__ import annotations

import pytest
from tests.builders.small_market import Simulate
from tests.reference.simulator import simulate as reference

from algotrader.execution.simulated import simulate as native


@pytest.fixture(params=[native, reference], ids=["native", "reference"])
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """One of the two implementations of the simulator's contract."""
    implementation: Simulate = request.param
    return implementation
