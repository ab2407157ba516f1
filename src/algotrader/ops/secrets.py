"""Secrets by name: settings say which are wanted, never what they are.

An earlier place wins: the environment, `.env` beside algotrader.yaml, the encrypted file. No
message, log or error ever holds a value (F68, F69).
"""

from __future__ import annotations

import getpass
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from algotrader.core.errors import ConfigurationError
from algotrader.ops.config import Configuration
from algotrader.ops.dotenv import FILE_NAME, Variable, read_dotenv
from algotrader.ops.vault import open_vault

PASSPHRASE: Final = "ALGOTRADER_SECRETS_PASSPHRASE"  # noqa: S105  a name
_SHARED: Final = stat.S_IRWXG | stat.S_IRWXO

_FOUND: Final[set[str]] = set()
"""Values that this process was given: whatever it says after that is looked through for them."""
_MAY_ASK: Final[ContextVar[bool]] = ContextVar("may_ask", default=True)


@contextmanager
def without_asking() -> Iterator[None]:
    """Nobody is asked for a passphrase in here: a running trader waits for no terminal."""
    token = _MAY_ASK.set(False)
    try:
        yield
    finally:
        _MAY_ASK.reset(token)


def found_so_far() -> frozenset[str]:
    """What no message of this process may hold, of whatever place it is (F69)."""
    return frozenset(_FOUND)


class Secrets:
    """Where the secrets of a workspace are looked for. It has no text of its own."""

    def __init__(
        self,
        environment: Mapping[str, str],
        dotenv: Mapping[str, Variable],
        vault: Path,
        passphrase: Callable[[], str],
    ) -> None:
        self._environment = environment
        self._dotenv = dotenv
        self._vault = vault
        self._passphrase = passphrase
        self._opened: dict[str, str] | None = None

    def find(self, name: str) -> str | None:
        """The value of the first place that has one; an empty value is none.

        The encrypted file is opened only if the others have none: ConfigurationError if it cannot.
        """
        value = self._found(name)[0]
        if value is not None:
            _FOUND.add(value)
        return value

    def place(self, name: str) -> str | None:
        """Where `find` finds it, in words; None if nowhere."""
        return self._found(name)[1]

    def require(self, names: Sequence[str], *, hint: str) -> tuple[str, ...]:
        """The values of all; ConfigurationError names those that are nowhere."""
        values = {name: self.find(name) for name in names}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            raise ConfigurationError(
                "secrets.missing",
                f"the environment, {FILE_NAME} and {self._vault.name} have no {', '.join(missing)}",
                hint=hint,
            )
        return tuple(value for value in values.values() if value is not None)

    def names(self) -> list[str]:
        """Of what the encrypted file holds."""
        return sorted(self._sealed())

    def _found(self, name: str) -> tuple[str | None, str | None]:
        if value := self._environment.get(name):
            return value, "the environment"
        held = self._dotenv.get(name)
        if held is not None and held.value:
            return held.value, f"{FILE_NAME}:{held.line}"
        if value := self._sealed().get(name):
            return value, self._vault.name
        return None, None

    def _sealed(self) -> Mapping[str, str]:
        if self._opened is None:
            self._opened = (
                open_vault(self._vault, self._passphrase()) if self._vault.exists() else {}
            )
        return self._opened


def secrets_of(configuration: Configuration, environment: Mapping[str, str]) -> Secrets:
    """The secrets of a workspace. ConfigurationError if `.env` cannot be read."""
    return Secrets(
        environment,
        read_dotenv(configuration.folder),
        vault_of(configuration),
        lambda: passphrase_of(configuration, environment),
    )


def vault_of(configuration: Configuration) -> Path:
    """The encrypted file of a workspace, there or not."""
    return configuration.path(configuration.settings.secrets.file)


def passphrase_of(
    configuration: Configuration, environment: Mapping[str, str], *, is_new: bool = False
) -> str:
    """From the key file, else the environment, else asked for at a terminal; a new one twice.

    ConfigurationError if there is none, and for a key file that others may read.
    """
    key_file = configuration.settings.secrets.key_file
    if key_file is not None:
        return _read_key(configuration.path(key_file.expanduser()))
    if given := environment.get(PASSPHRASE):
        return given
    if _MAY_ASK.get() and sys.stdin.isatty():
        name = vault_of(configuration).name
        typed = getpass.getpass(f"{'new ' if is_new else ''}passphrase of {name}: ")
        if typed and is_new and getpass.getpass("the same again: ") != typed:
            raise ConfigurationError("secrets.passphrase", "the two are not the same")
        if typed:
            return typed
    raise ConfigurationError(
        "secrets.passphrase",
        f"{vault_of(configuration).name} cannot be opened without its passphrase",
        hint=f"export {PASSPHRASE}, or name a file that holds it: secrets.key_file",
    )


def _read_key(file: Path) -> str:
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "secrets.key_file",
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}",
            hint="secrets.key_file names a file with one line of text, the passphrase",
        ) from error
    if mode & _SHARED:
        raise ConfigurationError(
            "secrets.key_file",
            f"{file} may be read by others (mode {stat.S_IMODE(mode):o})",
            hint=f"chmod 600 {file}",
        )
    if not text:
        raise ConfigurationError("secrets.key_file", f"{file} is empty")
    return text
