"""Strategies as a person wrote them: whatever their code does, a StrategyError says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from algotrader.core.errors import AlgotraderError, StrategyError
from algotrader.strategy.base import Strategy
from algotrader.strategy.loader import LoadedStrategy, load


def read_strategy(use: str) -> LoadedStrategy:
    """A strategy by file or name. StrategyError also for a file that is no UTF-8 or is closed."""
    try:
        return load(use)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StrategyError(
            "strategy.not_utf8", f"{use}:{line}: is not UTF-8 text",
            hint="save it as UTF-8; editors in China often choose GBK",
        ) from error  # fmt: skip
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StrategyError("strategy.unreadable", f"{use}: {why}") from error


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
