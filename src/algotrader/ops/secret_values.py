"""Secrets that were written where they must not be: in the settings file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from algotrader.core.errors import ConfigurationError
from algotrader.ops.yaml_lines import Document, Key

_NAMES: Final = frozenset(
    {
        "secret", "passphrase", "password", "token", "key", "api_key", "apikey", "api_secret",
        "secret_key", "access_key", "bot_token", "private_key", "client_secret",
    }
)  # fmt: skip
_SHAPES: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # an API key of OKX
    r"|[0-9A-F]{32}"  # a secret of OKX
    r"|\d{6,}:[\w-]{30,}"  # a token of Telegram
    r"|-----BEGIN .*"
)


def require_no_secrets(document: Document, name: str, known: frozenset[str]) -> None:
    """ConfigurationError for what is called or looks like a secret; it names the line alone.

    `known` are the last parts of settings that exist, which may be called what they want.
    """
    for key, value in _scalars(document.values, ()):
        called = str(key[-1]).lower().replace("-", "_")
        if (called in _NAMES and called not in known and value) or looks_secret(value):
            line = document.lines.get(key, 1)
            raise ConfigurationError(
                "config.secret",
                f"{name}:{line}: {'.'.join(map(str, key))} looks like a secret: none may stand in "
                "the settings",
                hint="remove it and keep it by `algotrader secrets set NAME`, or in .env; "
                "make a new one at the venue if anybody else may have read the file",
            )


def looks_secret(value: Any) -> bool:
    """Whether it has the shape of a key or token that is known."""
    return isinstance(value, str) and _SHAPES.fullmatch(value.strip()) is not None


def _scalars(value: Any, at: Key) -> Iterator[tuple[Key, Any]]:
    """Every value that is no list and no section, with its key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(inner, (*at, str(name)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scalars(inner, (*at, index))
    elif at:
        yield at, value
