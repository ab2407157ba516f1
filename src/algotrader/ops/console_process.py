"""The console as a process beside a trader: started with it, ended with it, never waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from algotrader.ops.config import PREFIX, Configuration
from algotrader.ops.observing.redaction import is_secret

_NICE: Final = 5
_END_S: Final = 5.0


@contextmanager
def console_beside(
    configuration: Configuration, environment: Mapping[str, str], *, quiet: bool = False
) -> Iterator[None]:
    """As long as the block lasts, where the settings ask for it. It says itself why it cannot be."""
    if not configuration.settings.api.beside:
        yield
        return
    process = subprocess.Popen(  # noqa: S603  ourselves
        command(configuration, quiet=quiet), cwd=configuration.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, env=_environment(configuration, environment),
        start_new_session=True,
    )  # fmt: skip
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def command(configuration: Configuration, *, quiet: bool) -> list[str]:
    words = [sys.executable, "-m", "algotrader", "run", "api", "--beside"]
    if configuration.file is not None:
        words += ["--config", str(configuration.file.resolve())]
    return [*words, "--quiet"] if quiet else words


def _environment(configuration: Configuration, environment: Mapping[str, str]) -> dict[str, str]:
    """Without secrets, but for the one by which another service knows it."""
    own = configuration.settings.api.oidc.client_secret
    kept = {own: environment[own]} if own in environment else {}
    return without_secrets(environment) | kept


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """It sends no order and needs no key."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) or not is_secret(name)
    }
