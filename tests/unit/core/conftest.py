"""A folder for compiled calendars that all tests of a run share, so that each compiles once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def calendar_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calendars")
