"""Weeks of trading in minutes: memory must not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_promise_27_thirty_days_on_ten_instruments_grow_by_less_than_a_megabyte_a_day() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_live", "soak", "--size", "30"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["slices"] == 30 * 96
    assert found["growth_mb_a_day"] < 1.0
