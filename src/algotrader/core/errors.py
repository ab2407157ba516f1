"""The tree of errors a user can cause, and what each says may be done next.

    AlgotraderError
    ├── UsageError          wrong use of a command, option or argument         exit 2
    ├── ConfigurationError  a setting is unknown, of the wrong type, or unsafe  exit 2
    ├── DataError           data missing, damaged, or not what the run needs    exit 2
    ├── StrategyError       a strategy cannot be loaded or is refused           exit 2
    ├── StrategyRaisedError a strategy raised while it ran                      exit 3
    ├── RunError            work that had begun cannot go on                    exit 3
    └── VersionError        written by a newer version; refuses to trade        exit 3

A bug is not in this tree: it crashes with a trace. Each error carries a stable `code`, a message
that says what and where, and a hint that says what helps.
"""

from __future__ import annotations


class AlgotraderError(Exception):
    """Something a person can mend. `exit_code` is the command's: 2 before work began, else 3."""

    exit_code: int = 3

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Errors come back from worker processes, and `args` holds the message alone.
        return _restore, (type(self), self.code, self.message, self.hint)

    def as_dict(self) -> dict[str, str | None]:
        """What `--json` prints."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


def _restore(
    kind: type[AlgotraderError], code: str, message: str, hint: str | None
) -> AlgotraderError:
    return kind(code, message, hint=hint)


class UsageError(AlgotraderError):
    """Wrong use of a command or a function: mend the call."""

    exit_code = 2


class ConfigurationError(AlgotraderError):
    """A setting is unknown, of the wrong type, or refused: mend the file at the line named."""

    exit_code = 2


class DataError(AlgotraderError):
    """Data is missing, damaged, or not what the run needs: import, download or repair it."""

    exit_code = 2


class StrategyError(AlgotraderError):
    """A strategy cannot be loaded, or declares what cannot be run: mend its file."""

    exit_code = 2


class StrategyRaisedError(AlgotraderError):
    """A strategy raised while it ran: the message names file, line and bar."""


class RunError(AlgotraderError):
    """Work that had begun cannot go on: disk full, file vanished. What is finished is kept."""


class VersionError(AlgotraderError):
    """Something was written by a newer version, or is of an unknown kind: upgrade, do not guess."""


class AlgotraderWarning(UserWarning):
    """A condition worth a line in a report that does not stop the work."""
