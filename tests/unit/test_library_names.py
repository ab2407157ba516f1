"""What `import algotrader` offers, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import algotrader


@pytest.mark.parametrize("name", [name for name in algotrader.__all__ if name != "__version__"])
def test_every_offered_name_is_there(name: str) -> None:
    assert getattr(algotrader, name) is not None


@pytest.mark.parametrize(
    "before", ["", "import algotrader.backtest.settings", "at.backtest; import algotrader.backtest"]
)
def test_backtest_can_be_called_whatever_was_imported_before(before: str) -> None:
    code = f"""
import algotrader as at
{before}
assert callable(at.backtest)
try:
    at.backtest()
except TypeError as error:
    assert "strategy" in str(error), error
import algotrader.backtest.settings as settings
assert at.backtest.settings is settings
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_no_library() -> None:
    code = (
        "import sys, algotrader; heavy = {'numpy', 'polars', 'duckdb', 'pyarrow', 'pydantic'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = algotrader.nonsense
