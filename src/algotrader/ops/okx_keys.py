"""The API key that an account's requests to OKX are signed with."""

from __future__ import annotations

from typing import Final

from algotrader.data.adapters.okx.rest import OkxKeys
from algotrader.ops.secrets import Secrets

PARTS: Final = ("KEY", "SECRET", "PASSPHRASE")


def key_names(prefix: str) -> tuple[str, str, str]:
    """`ALGOTRADER_OKX_KEY` and its two companions."""
    key, secret, passphrase = (f"{prefix}_{part}" for part in PARTS)
    return key, secret, passphrase


def okx_keys(secrets: Secrets, prefix: str) -> OkxKeys:
    """ConfigurationError names what is missing, never a value (F68)."""
    key, secret, passphrase = secrets.require(
        key_names(prefix),
        hint="put the three of an API key that may trade and not withdraw in .env",
    )
    return OkxKeys(key=key, secret=secret, passphrase=passphrase)
