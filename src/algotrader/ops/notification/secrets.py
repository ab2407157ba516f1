"""Secrets that must be in no message, log or error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from algotrader.core.ports import Notice

HIDDEN: Final = "***"
_SHORTEST: Final = 4  # what is shorter would blot out words


@dataclass(frozen=True, slots=True)
class Blotter:
    """Blots secrets out of texts."""

    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, secrets: Iterable[str | None]) -> Blotter:
        kept = {each for each in secrets if each is not None and len(each) >= _SHORTEST}
        return cls(tuple(sorted(kept, key=len, reverse=True)))

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def notice(self, notice: Notice) -> Notice:
        """The same notice without secrets."""
        return Notice(
            severity=notice.severity, title=self(notice.title), text=self(notice.text),
            cause=self(notice.cause), fields=notice.fields,
        )  # fmt: skip
