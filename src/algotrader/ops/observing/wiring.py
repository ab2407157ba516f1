"""Builds what `logging:` and `metrics:` describe around a running trader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from algotrader.ops.config import Configuration
from algotrader.ops.dotenv import read_dotenv
from algotrader.ops.observing.redaction import Redactor, is_secret


def redactor_of(configuration: Configuration, environment: Mapping[str, str]) -> Redactor:
    """One that knows the secrets of the environment and of `.env`; others are learnt when found."""
    redactor = Redactor.of_environment(environment)
    learn_dotenv(redactor, configuration)
    return redactor


def learn_dotenv(redactor: Redactor, configuration: Configuration) -> None:
    """Hide what `.env` holds now. ConfigurationError if it cannot be read."""
    held = {name: one.value for name, one in read_dotenv(configuration.folder).items()}
    redactor.learn(value for name, value in held.items() if is_secret(name))


@contextmanager
def logged(
    configuration: Configuration,
    environment: Mapping[str, str],
    *,
    verbose: int = 0,
    role: str | None = None,
) -> Iterator[Redactor]:
    """Log as `logging:` says as long as the block lasts; what the redactor learns counts at once.

    A process beside the trader names its `role` and gets a file of that name: two that write one
    file would lose lines when it is put aside.
    """
    from algotrader.ops.observing.logs import logging_to

    settings = configuration.settings
    chosen = settings.logging
    if role is not None:
        chosen = chosen.model_copy(update={"file": chosen.file.with_stem(role)})
    redactor = redactor_of(configuration, environment)
    folder = configuration.path(settings.workspace.logs)
    with logging_to(chosen, folder, redactor, verbose=verbose):
        yield redactor
