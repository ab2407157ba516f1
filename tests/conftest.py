"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
