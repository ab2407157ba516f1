"""Every table test of a rule runs on the native kernel and on the reference simulator."""

from __future__ import annotations

import os

import pytest
from tests.builders.small_market import Simulate

IMPLEMENTATIONS = ["reference"]
if os.environ.get("RULES_ON_NATIVE"):
    IMPLEMENTATIONS.append("native")


@pytest.fixture(params=IMPLEMENTATIONS)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """One of the two implementations of the simulator's contract."""
    if request.param == "native":
        from algotrader.execution.simulated import simulate as native

        return native
    from tests.reference.simulator import simulate as reference

    return reference
