"""Where runs and the trial ledger of a person live: the workspace folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONFIGURATION_FILE = "algotrader.yaml"
STATE_FOLDER = ".algotrader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with `algotrader.yaml`, or the current folder where there is none above it.

    Everything the program writes by itself lies under `.algotrader/`; lakes lie under `lake/`.
    """

    root: Path

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The nearest folder upward from `start` that holds `algotrader.yaml`, else `start`."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIGURATION_FILE).is_file():
                return cls(root=folder)
        return cls(root=start)

    @property
    def state(self) -> Path:
        return self.root / STATE_FOLDER

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    @property
    def sweeps(self) -> Path:
        return self.state / "sweeps"

    @property
    def trials(self) -> Path:
        return self.state / "trials.sqlite"

    @property
    def lake(self) -> Path:
        return self.root / "lake"
