"""An encrypted file of secrets: a passphrase opens it, and without one even its names are hidden.

scrypt (RFC 7914) makes a key of the passphrase, AES-256-GCM seals names and values together with
the header, so that no part can be altered or exchanged unnoticed.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from algotrader.core.errors import ConfigurationError, VersionError
from algotrader.data.storage import write_all

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT: Final = 1
_COST: Final = 1 << 15  # of scrypt: about 32 MB and a tenth of a second
_LARGEST_COST: Final = 1 << 20
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to be known to open the file; sealed with it."""

    format: int
    cost: int
    salt: str
    nonce: str


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    header: _Header
    sealed: str


def open_vault(file: Path, passphrase: str) -> dict[str, str]:
    """Names and values; none if there is no such file.

    ConfigurationError for another passphrase and for a damaged file, VersionError for a newer one.
    """
    from cryptography.exceptions import InvalidTag

    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError("secrets.unreadable", f"{file}: {reason}") from error
    held = _read(file, data)
    cipher = _cipher(passphrase, held.header)
    nonce, sealed = _bytes(held.header.nonce), _bytes(held.sealed)
    try:
        plain = cipher.decrypt(nonce, sealed, msgspec.json.encode(held.header))
    except (InvalidTag, ValueError) as error:
        raise ConfigurationError(
            "secrets.not_opened",
            f"{file} does not open: the passphrase is another, or the file was altered",
            hint="give the passphrase it was made with; without it set the secrets anew",
        ) from error
    return msgspec.json.decode(plain, type=dict[str, str])


def save_vault(file: Path, passphrase: str, secrets: Mapping[str, str]) -> None:
    """Write all of it anew, whole or not at all, readable by its owner alone. RunError if not."""
    header = _Header(
        format=FORMAT,
        cost=_COST,
        salt=_text(os.urandom(_SALT_BYTES)),
        nonce=_text(os.urandom(_NONCE_BYTES)),
    )
    plain = msgspec.json.encode(dict(sorted(secrets.items())))
    cipher = _cipher(passphrase, header)
    sealed = cipher.encrypt(_bytes(header.nonce), plain, msgspec.json.encode(header))
    document = _Sealed(header=header, sealed=_text(sealed))
    write_all({file: msgspec.json.format(msgspec.json.encode(document)) + b"\n"})
    file.chmod(0o600)


def _read(file: Path, data: bytes) -> _Sealed:
    try:
        held = msgspec.json.decode(data, type=_Sealed)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(
            "secrets.damaged",
            f"{file} is no file of secrets",
            hint="restore it from a backup, or remove it and set the secrets anew",
        ) from error
    if held.header.format != FORMAT:
        raise VersionError(
            "secrets.format",
            f"{file} has format {held.header.format}, this build reads {FORMAT}",
            hint="run the version that wrote it, or upgrade; nothing was changed",
        )
    return held


def _cipher(passphrase: str, header: _Header) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if not 2 <= header.cost <= _LARGEST_COST or header.cost & (header.cost - 1):
        raise ConfigurationError("secrets.damaged", f"a cost of {header.cost} is none of ours")
    derived = Scrypt(salt=_bytes(header.salt), length=32, n=header.cost, r=8, p=1)
    return AESGCM(derived.derive(passphrase.encode()))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """ConfigurationError for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ConfigurationError(
            "secrets.damaged", "the file of secrets is damaged: it holds what is no base64"
        ) from error
