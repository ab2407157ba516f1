"""One thing a reader must know of a run, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One line in both languages. `code` is stable, for programs."""

    code: str
    en: str
    zh: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.en, "zh": self.zh}
