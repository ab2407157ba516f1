"""Which driver runs a backtest."""

from __future__ import annotations

from algotrader.core.errors import ConfigurationError, UsageError
from algotrader.risk.settings import RiskSettings


def require_fast(engine: str) -> None:
    """UsageError unless the fast driver is asked for: the full one comes with paper trading."""
    if engine == "full":
        raise ConfigurationError(
            "engine.full_missing",
            "the full driver is not there yet: it is the live engine on a virtual clock",
            hint="use --engine fast, which follows the same rule book",
        )
    if engine != "fast":
        raise UsageError("usage.choice", f"--engine {engine!r} does not exist", hint="use fast")


def require_limits_of_fast_driver(risk: RiskSettings) -> None:
    """ConfigurationError if the workspace sets limits that only the full driver can hold."""
    if beyond := risk.beyond_fast_driver():
        raise ConfigurationError(
            "engine.full_needed",
            f"{', '.join(beyond)} in algotrader.yaml need the full driver, which is not there yet",
            hint="take them out for research: a run that ignored a limit would promise too much",
        )
