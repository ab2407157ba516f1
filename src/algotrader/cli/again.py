"""A command that starts itself anew when its process has to be replaced."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


def starts_anew(command: Callable[P, None]) -> Callable[P, None]:
    """Run the same command line in a new process of the same id, once everything is closed."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from algotrader.live.restarting import RestartWantedError

        try:
            command(*args, **kwargs)
        except RestartWantedError as why:
            sys.stderr.write(f"starting anew: {why}\n")
            sys.stderr.flush()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606

    return run
