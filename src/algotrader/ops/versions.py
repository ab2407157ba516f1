"""The versions that decide a result."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Final

LIBRARIES: Final = ("numpy", "polars", "pyarrow", "duckdb", "exchange-calendars")


def versions() -> dict[str, str]:
    """Name and version of the program, its kernel, and the libraries that touch numbers."""
    from algotrader import __version__, _kernel

    found = {"algotrader": __version__, "kernel": _kernel.__version__}
    level = getattr(_kernel, "simd_level", None)
    if level is not None:
        found["kernel instructions"] = str(level())
    found["python"] = platform.python_version()
    found["platform"] = platform.platform()
    return found | {name: metadata.version(name) for name in LIBRARIES}
