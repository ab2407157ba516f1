"""Which driver runs a backtest."""

from __future__ import annotations

from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.risk.settings import RiskSettings

ENGINES = ("fast", "full")


def needs_full(engine: str | None, risk: RiskSettings) -> bool:
    """Whether the full driver runs: asked for, or chosen for limits that only it can hold.

    UsageError for another name, ConfigurationError for the fast one where it cannot hold them.
    """
    if engine is not None and engine not in ENGINES:
        raise UsageError(
            "usage.choice", f"--engine {engine!r} does not exist", hint="use fast or full"
        )
    if engine == "fast":
        require_limits_of_fast_driver(risk)
    return engine == "full" or (engine is None and bool(risk.beyond_fast_driver()))


def require_limits_of_fast_driver(risk: RiskSettings) -> None:
    """ConfigurationError if the workspace sets limits that only the full driver can hold."""
    if beyond := risk.beyond_fast_driver():
        raise ConfigurationError(
            "engine.full_needed",
            f"{', '.join(beyond)} in algotrader.yaml need the full driver, this is the fast one",
            hint="`algotrader backtest --engine full` holds them; a sweep may leave them out and "
            "say so: --without-limits",
        )
