"""The peers' environments: one each under `build/bench-env`, made when first asked for.

A peer is never a dependency. One that cannot be installed or run is not measured, and says why.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tools import environment

from benchmarks.child import ChildError, Finished, run

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / "build" / "bench-env"
QUIET = {"RAPTORBT_NO_VERSION_CHECK": "1", "MPLBACKEND": "Agg", "TQDM_DISABLE": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a peer's environment holds."""

    python: str | None  # such as 3.12, where it does not run on ours
    requirements: tuple[str, ...]


def pins() -> dict[str, Pin]:
    """By peer, from `peers.txt`."""
    found = {}
    for line in (HERE / "peers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            head, _, requirements = line.partition(":")
            name, _, python = head.partition(" on python")
            found[name] = Pin(python=python or None, requirements=tuple(requirements.split()))
    return found


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
            script = str(HERE / "peers" / f"{name}.py")
            home = {"HOME": str(ENVIRONMENTS / name)}  # some leave a folder of settings there
            return run([python, script, *arguments], more=QUIET | home)
        except ChildError as error:
            self.refused[name] = str(error)
            return None


def _made(folder: Path, pin: Pin) -> Path:
    """The environment's interpreter; installed anew when the pins have changed."""
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join((pin.python or "", *pin.requirements))
    if python.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return python
    uv = [sys.executable, "-m", "uv"] if find_spec("uv") else ["uv"]
    base = _interpreter(pin.python) if pin.python else sys.executable
    run([*uv, "venv", "-q", "--clear", "-p", base, str(folder)])
    install = [*uv, "pip", "install", "-q", "-p", str(python), *pin.requirements]
    run([*install, "--index-strategy", "unsafe-best-match"], more=environment.index())
    stamp.write_text(wanted)
    return python


def _interpreter(version: str) -> str:
    """A Python of this version: one on the PATH, else the version itself, for uv to find or fetch."""
    asked = [f"python{version}", "-c", "import sys; print(sys.executable)"]
    try:
        return run(asked, more={"PYENV_VERSION": version}).output.strip()
    except (ChildError, OSError):
        return version
