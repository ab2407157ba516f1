"""The peers' environments: one each under `build/bench-env`, made when first asked for.

A peer is never a dependency. One that cannot be installed or run is not measured, and says why.
"""

from __future__ import annotations

import os
import shutil
import sys
import venv
from pathlib import Path

from benchmarks.child import ChildError, Finished, run

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / "build" / "bench-env"
QUIET = {"RAPTORBT_NO_VERSION_CHECK": "1", "MPLBACKEND": "Agg", "TQDM_DISABLE": "1"}


def pins() -> dict[str, list[str]]:
    """Requirements by peer, from `peers.txt`."""
    lines = (HERE / "peers.txt").read_text().splitlines()
    named = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name: requirements.split() for name, _, requirements in named}


class Peers:
    """Runs peers' scripts; remembers why one could not be."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        self._pins = pins()

    def python(self, name: str) -> str | None:
        """The interpreter that has the peer, or None with the reason in `refused`."""
        if name in self.refused:
            return None
        folder = ENVIRONMENTS / name
        try:
            return str(_made(folder, self._pins[name]))
        except (ChildError, OSError) as error:
            self.refused[name] = f"could not be installed: {error}"
            shutil.rmtree(folder, ignore_errors=True)
            return None

    def ask(self, name: str, *arguments: str) -> Finished | None:
        """Run `peers/<name>.py` with its interpreter; None if that cannot be done."""
        python = self.python(name)
        if python is None:
            return None
        try:
            return run([python, str(HERE / "peers" / f"{name}.py"), *arguments], more=QUIET)
        except ChildError as error:
            self.refused[name] = str(error)
            return None


def _made(folder: Path, requirements: list[str]) -> Path:
    """The environment's interpreter; installed anew when the pins have changed."""
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    venv.create(folder, clear=True, with_pip=uv is None)
    installer = [uv, "pip", "install", "-q", "-p", str(python)] if uv else []
    run([*(installer or [str(python), "-m", "pip", "install", "-q"]), *requirements])
    stamp.write_text(wanted)
    return python
