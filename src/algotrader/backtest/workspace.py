"""Where market data, runs and the trial ledger of a person live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Folders of a workspace; made when something is first written into them."""

    lake: Path
    runs: Path

    @property
    def sweeps(self) -> Path:
        return self.runs / "sweeps"

    @property
    def trials(self) -> Path:
        return self.runs / "trials.sqlite"
