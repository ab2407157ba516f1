"""The strategies that can be named: the library's, installed ones, and files of the workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from algotrader.api.errors import ApiError
from algotrader.ops.config import Configuration
from algotrader.ops.console_process import without_secrets
from algotrader.ops.describing import describe
from algotrader.strategy.loader import registered


class StrategyFiles:
    """What is declared is read once for each state of a file."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.folder = configuration.path(configuration.settings.workspace.strategies)
        self._known: dict[tuple[str, int, int], dict[str, Any]] = {}

    def named(self) -> dict[str, str]:
        """Every name that may be used, and where it is from."""
        found = {
            name: "library" if "algotrader.strategy.library" in where else "installed"
            for name, where in sorted(registered().items())
        }
        files = sorted(self.folder.glob("*.py")) if self.folder.is_dir() else []
        found |= {self.use(file): "workspace" for file in files if not file.is_symlink()}
        configured = self._configuration.settings.strategies.values()
        return found | {one.use: "workspace" for one in configured if one.use not in found}

    def require(self, use: str) -> str:
        """The name itself. ApiError 404 for one that is not among them (F77)."""
        if use not in self.named():
            raise ApiError(
                404, "strategy.unknown", f"there is no strategy {use!r} here",
                hint="GET /api/v1/strategy-kinds lists those that can be named",
            )  # fmt: skip
        return use

    async def kinds(self, uses: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """What each declares."""
        wanted = self.named() if uses is None else uses
        missing = [use for use in wanted if self._key(use) not in self._known]
        if missing:
            rows = await describe(missing, self._configuration.folder, without_secrets(os.environ))
            for use, row in zip(missing, rows, strict=True):
                self._known[self._key(use)] = row
        return [self._known[self._key(use)] | {"origin": origin} for use, origin in wanted.items()]

    def use(self, file: Path) -> str:
        """The name that a file of the workspace is used by."""
        folder = self._configuration.folder
        return str(file.relative_to(folder) if file.is_relative_to(folder) else file)

    def _key(self, use: str) -> tuple[str, int, int]:
        file = self._configuration.folder / use.partition(":")[0]
        try:
            kept = file.stat()
        except OSError:
            return use, 0, 0
        return use, kept.st_mtime_ns, kept.st_size
