"""The modules of a person's own that strategies import: each read once for as long as a trader runs.

A worker is replaced now and then. What a strategy imports is part of what was accepted with it, so a
new worker is given the texts that the first one read, and does not look at the files again (F63).
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Final

from algotrader.strategy.loader import SourceLoader

_OURS: Final = "algotrader"
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))


class OwnModules(MetaPathFinder):
    """Finds modules that are neither Python's nor installed, with the text that they had first."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}  # by path
        self._unsaid: dict[str, str] = {}

    def keep(self, texts: Mapping[str, str]) -> None:
        """Texts that a worker before this one read."""
        self._texts.update(texts)

    def newly_read(self) -> dict[str, str]:
        """What was read since this was asked last, by path."""
        unsaid, self._unsaid = self._unsaid, {}
        return unsaid

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] == _OURS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        if not _is_own(Path(spec.origin)):
            return None
        spec.loader = SourceLoader(fullname, spec.origin, self._text(spec.origin))
        return spec

    def _text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = self._unsaid[path] = Path(path).read_bytes().decode()
        return self._texts[path]


def _is_own(path: Path) -> bool:
    if _INSTALLED.intersection(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in _STANDARD)
