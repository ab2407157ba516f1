"""Strategies as a person wrote them: whatever their code does, a StrategyError says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from algotrader.core.errors import AlgotraderError, StrategyError
from algotrader.strategy.base import Strategy


def made(kind: type[Strategy], parameters: Mapping[str, Any]) -> Strategy:
    """A strategy with its parameters. StrategyError for what it does not take."""
    with told_as_its_own(kind.__name__):
        return kind(**parameters)


@contextmanager
def told_as_its_own(name: str) -> Iterator[None]:
    """What a strategy's own code raises in the block is its error and no bug of ours."""
    try:
        yield
    except AlgotraderError:
        raise
    except Exception as error:
        raise StrategyError(
            "strategy.broken", f"{name} cannot be made: {type(error).__name__}: {error}",
            hint="mend its class, or what it calls when it is made",
        ) from error  # fmt: skip
