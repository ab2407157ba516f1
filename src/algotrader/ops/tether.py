"""A command that ends with the process that asked for it, however that one ends.

Who is killed at once (SIGKILL, no memory left) cannot end what it began, and any command may run,
so it is begun by this file, which watches both: `tethered` gives the words. It is run by its path
and imports the standard library alone, so it begins within milliseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_NICE: Final = 10  # trading goes first
_LOOK_S: Final = 1.0
_LAST_S: Final = 5.0  # between asking a command to end and ending it
ENDS_WITHIN_S: Final = _LOOK_S + _LAST_S + 2.0
"""Seconds after which nothing of it is left when who asked for it is gone."""
_NOT_BEGUN: Final = 127  # as a shell has it
_OF_SIGNALS: Final = 128


def tethered(command: Sequence[str]) -> list[str]:
    """The words that run a command tied to this process, at a lower priority.

    Give it a session of its own: the whole of it is ended. Its exit code is that of the command,
    128 and the number of the signal that ended it, or 127 if it could not begin.
    """
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


class _Tether:
    def __init__(self, owner: int) -> None:
        self._owner = owner
        self._is_ending = threading.Event()
        self._command: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str]) -> int:
        try:
            self._command = subprocess.Popen(command)  # noqa: S603  the owner's own words
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {(error.strerror or str(error)).lower()}\n")
            return _NOT_BEGUN
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        code = self._command.wait()
        if self._is_ending.is_set():
            watch.join()  # which ends us with all the others
        return code if code >= 0 else _OF_SIGNALS - code

    def _watch(self) -> None:
        while os.getppid() == self._owner:
            time.sleep(_LOOK_S)
        self._is_ending.set()
        os.killpg(0, signal.SIGTERM)
        time.sleep(_LAST_S)
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """usage: tether.py OWNER_PID COMMAND..."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # Sent to all of the session: the command ends by it, and then this does. A handler, since
        # what is ignored would be ignored by the command too.
        signal.signal(number, lambda *_: None)
    if os.getpgrp() != os.getpid():
        os.setsid()  # what is ended below is ours alone
    os.nice(_NICE)
    sys.exit(_Tether(int(sys.argv[1])).run(sys.argv[2:]))


if __name__ == "__main__":
    main()
