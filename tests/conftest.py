"""Fixtures every test may use."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test asserts wall-clock time, and the same examples are drawn on every machine.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# Hundreds of processes are started here: without this each would compile all it imports anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


UNMEASURED = ("tests/simulation/", "test_soak.py", "test_promise_restarts.py")
"""Thousands of histories through lines that unit tests visit: measured they take twice as long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(place in item.path.as_posix() for place in UNMEASURED):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to walk it again and again takes a tenth of all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def _state_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Traders of the tests keep apart from those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ALGOTRADER_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        # A console beside each trader of the tests would listen at one port for nobody.
        patched.setenv("ALGOTRADER__API__BESIDE", "false")
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of large real data and published numbers, named by ALGOTRADER_TEST_DATA."""
    named = os.environ.get("ALGOTRADER_TEST_DATA")
    if not named:
        pytest.skip("not run: ALGOTRADER_TEST_DATA names no folder of real data")
    folder = Path(named)
    if not (folder / "data").is_dir():
        pytest.fail(f"ALGOTRADER_TEST_DATA={named} holds no folder `data`")
    return folder


@pytest.fixture
def every_level() -> Iterator[list[str]]:
    """Names of the instruction sets of this machine; the one in use is put back afterwards."""
    from algotrader import _kernel

    before = _kernel.simd_level()
    yield _kernel.simd_levels()
    _kernel.set_simd_level(before)
