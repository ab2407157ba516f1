"""What works in this installation and workspace, what is missing, and how to mend it."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata, resources, util
from pathlib import Path
from typing import Literal

from algotrader.core.errors import AlgotraderError
from algotrader.ops.config import Configuration, load, short
from algotrader.ops.dotenv import FILE_NAME as DOTENV

State = Literal["ok", "missing", "broken"]
LOW_DISK_BYTES = 1_000_000_000
EXTRAS = {
    "okx": ("ccxt", "download bars from exchanges"),
    "portfolio": ("skfolio", "optimisers"),
    "notify": ("apprise", "messages by Telegram and others"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. `mend` is a command or a sentence, empty where nothing is to do."""

    subject: str
    state: State
    says: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(config: Path | None) -> list[Check]:
    """Every check, in the order in which a person would mend them; none raises."""
    checks = [_python(), _kernel(), *_sample(), _console(), _locale(), *_extras()]
    try:
        configuration = load(config, environment=os.environ)
    except AlgotraderError as error:
        return [*checks, _broken("settings", error.message, error.hint or "")]
    return [*checks, _settings(configuration), *_private(configuration), *_folders(configuration)]


def _python() -> Check:
    return _ok("python", sys.version.split()[0])


def _kernel() -> Check:
    def add() -> str:
        import numpy as np

        from algotrader import _kernel as kernel

        total = kernel.fixed_sum(np.array([0.5, 0.25]))
        if total != 0.75:
            raise ArithmeticError(f"0.5 + 0.25 gave {total}")
        return f"version {kernel.__version__} loads and adds up"

    return _tried("kernel", add, "install again: pip install --force-reinstall algotrader")


def _sample() -> Iterator[Check]:
    folder = resources.files("algotrader") / "sample_data"
    count = sum(1 for file in folder.iterdir() if file.name.endswith(".parquet"))
    if count:
        yield _ok("sample data", f"{count} files")
    else:
        yield _broken("sample data", "the bundled files are gone", "install the package again")


def _console() -> Check:
    if (resources.files("algotrader") / "api" / "static" / "index.html").is_file():
        return _ok("console", "its pages are there: algotrader run api")
    return _missing("console", "its pages are not built", "make console, in the checkout")


def _locale() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return _ok("locale", f"text is {encoding}")
    return _missing("locale", f"text is {encoding}, not UTF-8", "export LANG=C.UTF-8")


def _extras() -> Iterator[Check]:
    for extra, (module, purpose) in EXTRAS.items():
        if util.find_spec(module):
            yield _ok(f"extra {extra}", f"{module} {metadata.version(module)} ({purpose})")
        else:
            command = f'pip install "algotrader[{extra}]"'
            yield _missing(f"extra {extra}", f"{module} is not installed ({purpose})", command)


def _settings(configuration: Configuration) -> Check:
    if configuration.file:
        return _ok("settings", short(configuration.file))
    return _missing("settings", "no algotrader.yaml here: defaults hold", "algotrader init DIR")


def _private(configuration: Configuration) -> Iterator[Check]:
    """Files that hold secrets are for their owner alone."""
    key_file = configuration.settings.secrets.key_file
    named = [configuration.folder / DOTENV]
    named += [] if key_file is None else [configuration.path(key_file.expanduser())]
    for file in named:
        if file.is_file() and file.stat().st_mode & 0o077:
            says = f"{short(file)} can be read by others"
            yield _missing("secrets", says, f"chmod 600 {short(file)}")


def _folders(configuration: Configuration) -> Iterator[Check]:
    workspace = configuration.settings.workspace
    for name in ("lake", "runs"):
        folder = configuration.path(getattr(workspace, name))
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        yield _tried(f"{name} folder", _writer(existing, folder), f"choose workspace.{name} anew")
    free = shutil.disk_usage(configuration.folder).free
    says = f"{free / 1e9:.1f} GB free"
    if free >= LOW_DISK_BYTES:
        yield _ok("disk", says)
    else:
        yield _missing("disk", f"{says}, less than 1 GB", "remove old runs, or move the lake")


def _writer(existing: Path, folder: Path) -> Callable[[], str]:
    def write() -> str:
        with tempfile.NamedTemporaryFile(dir=existing):
            return f"{folder} can be written"

    return write


def _tried(subject: str, attempt: Callable[[], str], mend: str) -> Check:
    try:
        return _ok(subject, attempt())
    except (ImportError, OSError, ArithmeticError) as error:
        return _broken(subject, str(error), mend)


def _ok(subject: str, says: str) -> Check:
    return Check(subject=subject, state="ok", says=says)


def _missing(subject: str, says: str, mend: str) -> Check:
    return Check(subject=subject, state="missing", says=says, mend=mend)


def _broken(subject: str, says: str, mend: str) -> Check:
    return Check(subject=subject, state="broken", says=says, mend=mend)
