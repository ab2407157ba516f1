"""`algotrader version`."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from algotrader.cli.commands import new_app
from algotrader.cli.output import Output, with_output

if TYPE_CHECKING:
    from rich.console import Console

app = new_app()
LIBRARIES = ("numpy", "polars", "pyarrow", "duckdb", "exchange-calendars")


@app.command()
@with_output
def version(out: Output) -> None:
    """Print the versions that decide a result.

    Reads nothing but this installation. For a report of a problem, send all of it.

    \b
    algotrader version
    algotrader version --json
    """
    found = versions()

    def lines(console: Console) -> None:
        for name, value in found.items():
            console.print(f"{name:<20} {value}")

    out.show(found, lines)


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
