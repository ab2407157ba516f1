"""What the Tab key offers for values; where nothing fits, the shell offers file names."""

from __future__ import annotations

from collections.abc import Callable


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Those of a few words that begin as typed."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def strategies(incomplete: str) -> list[str]:
    """Registered strategies that begin as typed."""
    from algotrader.strategy.loader import registered

    return [name for name in sorted(registered()) if incomplete and name.startswith(incomplete)]
