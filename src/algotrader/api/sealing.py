"""Seals the few secrets that have to be read again: the seeds of second factors (ADR 0135).

AES-256-GCM under a key that stands aside from the file of people, beside algotrader.yaml, readable
by its owner alone. Who gets a copy of that file or of the journal's folder gets no seed with it.
"""

from __future__ import annotations

import base64
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from algotrader.core.errors import RunError

KEY_FILE: Final = ".console.key"
_MARK: Final = "sealed1:"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SHARED: Final = stat.S_IRWXG | stat.S_IRWXO


def is_sealed(text: str) -> bool:
    return text.startswith(_MARK)


class Seal:
    """Seals with the key of one file, which is made with the first secret."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def close(self, name: str, secret: str) -> str:
        """`secret` sealed for `name` alone. RunError if the key cannot be made or read."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._make()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._key()).encrypt(nonce, secret.encode(), name.encode())
        return _MARK + base64.b64encode(nonce + sealed).decode()

    def open(self, name: str, sealed: str) -> str:
        """What was sealed for `name`. RunError if the key is missing, another, or open to others."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(sealed.removeprefix(_MARK), validate=True)
            nonce, rest = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            return AESGCM(self._key()).decrypt(nonce, rest, name.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise self._unusable(
                "is not the key that the second factors were sealed with"
            ) from error

    def _make(self) -> None:
        """A new key, unless there is one: whole from the first moment, and never written over."""
        with suppress(FileExistsError):
            aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            try:
                held = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    os.write(held, os.urandom(_KEY_BYTES))
                    os.fsync(held)
                finally:
                    os.close(held)
                os.link(aside, self._file)
            except FileExistsError:
                raise
            except OSError as error:
                raise self._unusable(f"cannot be made: {error.strerror}") from error
            finally:
                aside.unlink(missing_ok=True)

    def _key(self) -> bytes:
        try:
            mode, key = self._file.stat().st_mode, self._file.read_bytes()
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from error
        if mode & _SHARED:
            raise self._unusable(f"may be read by others (mode {stat.S_IMODE(mode):o})")
        if len(key) != _KEY_BYTES:
            raise self._unusable("is no key")
        return key

    def _unusable(self, why: str) -> RunError:
        return RunError(
            "access.key", f"{self._file} {why}",
            hint="put the file back with mode 600; if it is lost, algotrader run api --new-link lets"
            " the owner in, who sets the second factor anew",
        )  # fmt: skip
