"""Take secrets out of everything that is written for people: logs, traces, messages.

Two nets: the values that are known to be secret, in every spelling a library may give them, and
texts that look like a secret by what stands before them. Neither alone would do: an unknown token
has no value to look for, and a known one may stand anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"
_SHORTEST: Final = 6
"""Characters of a value that is looked for: a shorter one would hide half of what is said."""
LONGEST: Final = 16_000
"""Characters of one text that are kept."""
LONGEST_SECRET: Final = 1_000
"""Characters of a secret that a cut may have left a part of."""
_SECRET_NAME: Final = re.compile(
    r"(api[_-]?key|secret|pass(phrase|word|wd)|token|signature|authorization|cookie"
    r"|(^|[_-])(sign|key)s?)$",
    re.IGNORECASE,
)
_SETTING: Final = re.compile(r"[a-z_]+(\.[\w:/ -]+)+")
_OF_A_CHANGE: Final = ("before", "after", "value")
_NAMED: Final = re.compile(
    r"""((?:api[_-]?key|secret(?:[_-]?key)?|passphrase|password|passwd|token|signature
          |authorization|access[_-](?:sign|key)|\bsign)
         (?:\\?["'])?\s*[:=]\s*(?:\\?["'])?(?:(?:bearer|basic)\s+)?)
        [^\s"'\\&,;}\])]+""",
    re.IGNORECASE | re.VERBOSE,
)
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[\w.+/=~-]{6,}", re.IGNORECASE)
_TELEGRAM: Final = re.compile(r"(?<![A-Za-z0-9])(bot)?\d{6,}(?::|%3A)[\w-]{20,}", re.IGNORECASE)
_USER_OF_URL: Final = re.compile(r"(://)[^/\s@\"']+@")
_OPEN_SCHEMES: Final = r"https?|wss?|file|sqlite|postgresql|redis|nats|s3|memory|lib"
_SERVICE_URL: Final = re.compile(
    rf"\b(?!(?:{_OPEN_SCHEMES})://)([a-z][a-z0-9+.-]{{0,20}}://)[^\s\"']+"
)
"""Addresses of messengers (`tgram://token/chat`) are made of their secrets."""


class Redactor:
    """`text` and `value` give back what may be shown."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._ways: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Redactor:
        """One that knows every variable whose name says that it is a secret."""
        return cls(value for name, value in environment.items() if is_secret(name))

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        for secret in secrets:
            for part in {secret, *secret.splitlines()}:  # a key in several may be told line by line
                if len(part) >= _SHORTEST:
                    self._ways |= _ways(part)
        longest_first = sorted(self._ways, key=lambda way: (-len(way), way))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if self._ways else None

    def text(self, text: str) -> str:
        """What may be shown of a text. A very long one is cut, so that no text takes long."""
        if len(text) <= LONGEST:
            return self.whole(text)
        # The end goes with what a cut may have left of a secret.
        return f"{self.whole(text[:LONGEST])[:-LONGEST_SECRET]}… ({len(text)} characters)"

    def whole(self, text: str) -> str:
        """The same, and nothing is cut: for who has bounded the text, and does not wait for it."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _TELEGRAM.sub(HIDDEN, text)
        text = _NAMED.sub(rf"\1{HIDDEN}", text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _SERVICE_URL.sub(rf"\1{HIDDEN}", text)
        return _USER_OF_URL.sub(rf"\1{HIDDEN}@", text)

    def value(self, value: Any) -> Any:
        """The same of a value made of texts, numbers, lists and mappings; others become text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            if is_change(value):
                return self._change(value)
            return {
                str(key): HIDDEN if is_secret(str(key)) else self.value(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        return self.text(str(value))

    def _change(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        """The name of a setting is no secret; what a secret one was and is, is."""
        hides = is_secret(value["key"])
        return {
            str(key): HIDDEN
            if hides and key in _OF_A_CHANGE
            else self.text(inner)
            if key == "key"
            else self.value(inner)
            for key, inner in value.items()
        }


def is_change(value: Mapping[Any, Any]) -> bool:
    """Whether a mapping tells of a setting by its dotted name: `risk.account.max_leverage`."""
    key = value.get("key")
    return (
        isinstance(key, str)
        and _SETTING.fullmatch(key) is not None
        and any(name in value for name in _OF_A_CHANGE)
    )


def is_secret(name: str) -> bool:
    """Whether the name of a variable or a field says that its value is a secret."""
    return _SECRET_NAME.search(name) is not None


def _ways(secret: str) -> set[str]:
    """How a secret may be spelled in JSON, in an address, in Python."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        repr(secret)[1:-1],
    }
