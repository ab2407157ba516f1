"""Which driver runs a backtest."""

from __future__ import annotations

from algotrader.core.errors import ConfigurationError, UsageError


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
